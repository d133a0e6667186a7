"""SLOs as Grafana dashboards: plain typed values, exactly those that are written.

Law: text from a spec is shown, never run: not as PromQL, not as a Grafana variable, not as markup.
"""
