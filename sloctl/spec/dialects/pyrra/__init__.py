"""Pyrra's ServiceLevelObjective → an SLO of ours.

- `fields`: what such a document may have, as types.
- `reader`: one document → one SLO, its labels and annotations; the entry.
- `indicators`: `ratio`, `latency`, `latencyNative` and `bool_gauge` → an indicator.
- `policy`: Pyrra's fixed table of burn rates, scaled to the window, and its alerts → `alerting`.

Pyrra knows an SLO by its name alone. Here the namespace is the service, unless the label
`pyrra.dev/service` says another, so that equal names in two namespaces stay apart.
"""
