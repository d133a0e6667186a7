"""Dashboards as the JSON that Grafana imports and provisions."""

import msgspec

from sloctl.dashboards.grafana_schema import Dashboard


def render_dashboard(dashboard: Dashboard) -> str:
    """Write a dashboard indented, in a fixed order, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(dashboard), indent=2).decode() + "\n"
