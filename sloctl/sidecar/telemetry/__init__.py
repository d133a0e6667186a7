"""Logs, metrics and traces of the sidecar.

`logs.py` writes logs to stderr, as text or JSON, always. Metrics and traces are exported over OTLP only where
the standard `OTEL_*` variables ask for them: `otel_env.py` reads which signals they enable, and `export.py`
starts OpenTelemetry's SDK, which is imported then only, and shuts it down in time. The metrics are those of
/metrics, from the one list in `sidecar/slo_metrics.py`.
"""
