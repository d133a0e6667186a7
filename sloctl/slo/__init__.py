"""The maths of an SLO, once for the rules, the dashboards, the sidecar and the explanations.

In come values of `model`; out go numbers and plans. Nothing here knows a clock, a series name or PromQL's
functions, so that the rules and the sidecar can be held against the same figures.

- `lowering`: an indicator becomes a pair of event counts, (error, total).
- `resolutions`: the step at which those are counted for each lookback, and `EventCounts` itself.
- `burn`: burn rate, budget left, time to exhaustion, whether an alert fires, Wilson's bound.
- `policy`: one row of an alerting policy, its factor, threshold and detection time; the workbook's table.
- `health`: the state of an SLO and of an alert.
"""
