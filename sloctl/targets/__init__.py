"""Rule groups and dashboards as files: the text of each format that sloctl compiles to.

`prometheus` writes rule files, which Thanos Ruler, Mimir and vmalert read too; `grafana` writes dashboards as
JSON; `operator` wraps both in Kubernetes objects; `alertmanager` writes inhibition rules. Each turns values
into text, the same bytes for the same values, and knows neither paths nor files.
"""
