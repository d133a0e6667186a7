"""What the compiled rules record is what the compiled dashboards ask for: tried on the rule engine itself."""

import json
from pathlib import Path

import pytest

from sloctl import compiler
from sloctl.dashboards.overview import build_overview_dashboard
from sloctl.dashboards.service import build_service_dashboard
from sloctl.model import Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.spec import read_specs
from sloctl.targets.grafana import render_dashboard
from tests.dashboards.grafana import filled, panels
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.shipped import WORLDS
from tests.rules.stories import StoryPart

SHIPPED = read_specs((str(path), path.read_bytes()) for path in sorted(Path("slos").glob("*.yaml"))).slos
# Of the overview, and of what fires alone.
OF_ALERTS = {"Alerts over time", "Firing now, by group"}
OUTAGE = [StoryPart(10), StoryPart(50, failing=1.0)]


@pytest.mark.parametrize("slo", SHIPPED, ids=lambda slo: slo.id)
def test_in_an_outage_every_panel_has_something_to_show(slo: Slo, tmp_path: Path) -> None:
    dashboards = (
        build_overview_dashboard(NATIVE_STYLE),
        build_service_dashboard(slo.service, [slo], NATIVE_STYLE),
    )
    asked = [
        filled(query["expr"])
        for dashboard in dashboards
        for one in panels(json.loads(render_dashboard(dashboard)))
        for query in one.get("targets", [])
        # Of groups only those are drawn that fired, and a ticket over three days is not due within an hour.
        if not (one["title"] == "Alerts" and slo.group_by)
        and not (
            one["title"] in {"Alerts over time", "Firing now, by group"}
            and slo.id == "edge/name-resolution-contract"
        )
    ]

    outcome = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [
            Trial(
                "outage",
                WORLDS[slo.id].series_of(OUTAGE),
                [Expectation(58, f"count({expression}) > bool 0", 1) for expression in asked],
            )
        ],
    )

    assert outcome == "SUCCESS"
