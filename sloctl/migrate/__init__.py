"""Specs of other tools, rewritten as specs of ours, with a report of what changed.

- `migration`: texts → one file a service, and what became of each SLO: clean, changed or refused.
- `shared_defaults`: what all SLOs of a document have alike is written once.
- `yaml_text`: nodes → YAML that reads back as the same nodes, with the comments of the source.
- `report`: the outcome as text, Markdown and JSON.

The files hold the very nodes that `compile` reads from the foreign files, so that both ways give the same
rules.
"""
