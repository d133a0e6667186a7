"""Serve /metrics in Prometheus's text format and in OpenMetrics.

In come the newest snapshot and the self-metrics of all components; out goes text. `exposition` renders the
metrics of SLOs, which sidecar/slo_metrics.py lists, once per snapshot and in batches; `endpoint` adds the
self-metrics and those of the process, in the format that the request accepts.
"""
