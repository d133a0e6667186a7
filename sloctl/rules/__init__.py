"""SLOs as Prometheus rules.

In come `Slo` values, out go `RuleGroup` values (`rule`), which `targets.prometheus` writes as YAML. `groups`
puts together, for each SLO, a group a minute, one every five minutes and one an hour:

- `counts` counts the events and the errors of the last minute from the raw series: the fine rollups.
- `recording` sums rollups into error ratios over every lookback, and records objective and budget.
- `alerts` has the conditions of all alerts, `alert_text` their sentences, `alert_templates` the numbers in
  them. The sidecar says the same sentences with numbers of its own.
- `repair` finds with `raw_increase` what was missed while Prometheus was down.
- `backfill_queries` asks the raw series for a time before the rules ran.

`scope` holds what every expression about one SLO needs. No rule but `counts` and `repair` reads raw series.
"""
