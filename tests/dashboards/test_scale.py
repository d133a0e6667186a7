"""A thousand SLOs are drawn within half a second on a quiet machine; here, with room for a slow one."""

import time

from msgspec.structs import replace

from sloctl.dashboards.service import build_service_dashboard
from sloctl.naming import NATIVE_STYLE
from sloctl.targets.grafana import render_dashboard
from tests.conftest import Figure
from tests.dashboards.specimens import AVAILABILITY, LATENCY


def test_a_thousand_slos_are_drawn_in_seconds(figure: Figure) -> None:
    fleet = [
        [
            replace(
                LATENCY if place % 5 == 0 else AVAILABILITY, service=f"service-{number}", name=f"slo-{place}"
            )
            for place in range(10)
        ]
        for number in range(100)
    ]

    began = time.process_time()
    size = sum(
        len(render_dashboard(build_service_dashboard(slos[0].service, slos, NATIVE_STYLE))) for slos in fleet
    )
    took = time.process_time() - began

    figure(f"1,000 SLOs, 100 dashboards, {size / 1e6:.0f} MB: {took:.2f} s of processor time")
    assert took < 15
