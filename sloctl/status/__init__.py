"""The status of SLOs now, from a sidecar or a Prometheus, for `sloctl status`; needs neither's libraries.

In comes a way to ask: the GET of a sidecar, or the instant query of a Prometheus. Out comes a StatusReport,
the worst SLO first, which is rendered as text or JSON, and on which a gate decides whether a deployment may
go on. What is unknown is never shown as fine.

- `slo_status.py` holds the report, and the gate (`evaluate_gate`).
- `from_sidecar.py` reads the pages of `/api/v1/slos`.
- `from_prometheus.py` reads what the compiled rules record, by ten instant queries, however many SLOs.
- `text_report.py` and `json_report.py` render it; the demo draws its terminal by the former too.
"""
