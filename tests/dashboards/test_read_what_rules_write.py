"""What the compiled rules record is what the compiled dashboards ask for: tried on the rule engine itself."""

import json
from pathlib import Path

import pytest

from sloctl import compiler
from sloctl.dashboards.overview import overview
from sloctl.dashboards.service import service
from sloctl.model import Slo
from sloctl.naming import NATIVE
from sloctl.spec import read
from sloctl.targets.grafana import render
from tests.dashboards.grafana import filled, panels
from tests.rules.promtool import Expectation, Trial, verdict
from tests.rules.shipped import WORLDS
from tests.rules.stories import Stretch

SHIPPED = read((str(path), path.read_bytes()) for path in sorted(Path("slos").glob("*.yaml"))).slos
OUTAGE = [Stretch(10), Stretch(50, failing=1.0)]


@pytest.mark.parametrize("slo", SHIPPED, ids=lambda slo: slo.id)
def test_in_an_outage_every_panel_has_something_to_show(slo: Slo, tmp_path: Path) -> None:
    dashboards = (overview(NATIVE), service(slo.service, [slo], NATIVE))
    asked = [
        filled(query["expr"])
        for dashboard in dashboards
        for one in panels(json.loads(render(dashboard)))
        for query in one.get("targets", [])
        # Of groups only those are drawn that fired.
        if not (one["title"] == "Alerts" and slo.group_by)
    ]

    told = verdict(
        tmp_path,
        compiler.rules([slo], NATIVE),
        [
            Trial(
                "outage",
                WORLDS[slo.id].told(OUTAGE),
                [Expectation(58, f"count({expression}) > bool 0", 1) for expression in asked],
            )
        ],
    )

    assert told == "SUCCESS"
