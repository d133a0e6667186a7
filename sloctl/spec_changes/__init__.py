"""What changes between two versions of specs, in meaning: objectives, budgets, alerts, what is counted.

What comes in is the SLOs of both; what goes out is changes with their consequence, in order of id.

- `compare`: two sets of SLOs → the changes of each.
- `reports`: changes → text, Markdown, JSON.

A change is *breaking* where somebody loses what they had: an SLO, a history, an alert, or a promise.
"""
