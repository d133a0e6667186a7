"""SLOs as Grafana dashboards.

In come `Slo` values, out go `Dashboard` values: exactly those that `targets.grafana` writes as JSON.
`overview` draws all SLOs, found by query, and `service` one service: `slo` its panels, `alerts` what fired,
`lookbacks` error ratios and burn rates against the thresholds of the policy, `objective_text` the objective
in words. Tables are in `slo_table`.

- `slo_queries` has the PromQL that they share, `sidecar_metrics` the names for where no rules run.
- `panels` has each kind of panel, `dashboard` the frame around them, `theme` colours, units and words.
- `grafana_schema` mirrors Grafana's own types.
- `escape` shows text of a spec and never runs it: not as PromQL, not as a Grafana variable, not as markup.
"""
