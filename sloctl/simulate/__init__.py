"""Simulated outages of an SLO: when each alert fires, what is spent by then, and when it is quiet again.

In come an SLO, the shapes of outages and, where it is known, how many events a second there are; out comes a
document as text, JSON, Markdown or one HTML page. Nothing is asked; all follows from the spec.

- `shapes.py` reads and describes shapes: a constant share of bad events, a ramp, flapping.
- `outage.py` computes. A constant share is `explain`'s own closed form; any other shape is searched second by
  second under the same conditions, and both look through the rules' eyes by `explain`'s delays.
- `reports.py` renders the result.
"""
