"""Every dashboard is one that Grafana's own types allow, and a broken one is not."""

import json
from collections.abc import Callable
from copy import deepcopy
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from sloctl.dashboards.overview import build_overview_dashboard
from sloctl.dashboards.service import build_service_dashboard
from sloctl.duration import DAY
from sloctl.model import CompositeIndicator, CompositeRule, JourneyPart, RollingWindow, Slo, SloName
from sloctl.naming import NATIVE_STYLE, SLOTH_STYLE, LabelStyle
from sloctl.slo.policy import workbook_policy
from sloctl.targets.grafana import render_dashboard
from tests.dashboards.grafana import Json, complaints, panel
from tests.dashboards.specimens import ALERTING, AVAILABILITY, FRESHNESS, LATENCY, without_alerts

LABELS = st.sampled_from(["uri", "method", "tenant", "region"])
ANYTHING = st.text(max_size=40)


@st.composite
def slos(draw: st.DrawFn) -> Slo:
    window = draw(st.integers(7, 90)) * DAY
    one = replace(
        draw(st.sampled_from([AVAILABILITY, LATENCY, FRESHNESS])),
        name=draw(st.text("abcdefgh-.", min_size=1, max_size=63)),
        description=draw(ANYTHING),
        objective=Fraction(draw(st.integers(1, 999_999)), 1_000_000),
        window=RollingWindow(window),
        group_by=tuple(draw(st.lists(LABELS, unique=True))),
        annotations={"runbook_url": draw(ANYTHING), f"{draw(ANYTHING)}_url": draw(ANYTHING)},
        alerting=replace(ALERTING, policy=workbook_policy(window)),
    )
    return draw(st.sampled_from([one, without_alerts(one)]))


SERVICES = st.lists(slos(), max_size=6, unique_by=lambda slo: slo.name)


@settings(max_examples=60, deadline=None)
@given(ANYTHING, SERVICES, st.sampled_from([NATIVE_STYLE, SLOTH_STYLE]))
def test_grafanas_types_allow_every_service_dashboard(
    name: str, several: list[Slo], style: LabelStyle
) -> None:
    dashboard = json.loads(render_dashboard(build_service_dashboard(name, several, style)))

    assert complaints(dashboard) == []


@pytest.mark.parametrize("clusters", [(), ("cluster",)])
def test_grafanas_types_allow_a_journey_in_one_cluster_and_in_several(clusters: tuple[str, ...]) -> None:
    parts = tuple(
        JourneyPart(slo.name, SloName(slo.service, slo.name), slo.indicator)
        for slo in (AVAILABILITY, LATENCY)
    )
    journey = replace(AVAILABILITY, name="journey", indicator=CompositeIndicator(CompositeRule.WORST, parts))
    slos = [slo.split_by(clusters) for slo in (journey, AVAILABILITY)]

    assert complaints(json.loads(render_dashboard(build_service_dashboard("shop", slos, NATIVE_STYLE)))) == []


@pytest.mark.parametrize("clusters", [(), ("cluster", "region")])
@pytest.mark.parametrize("style", [NATIVE_STYLE, SLOTH_STYLE])
def test_grafanas_types_allow_the_overview(style: LabelStyle, clusters: tuple[str, ...]) -> None:
    dashboard = json.loads(render_dashboard(build_overview_dashboard(style, clusters)))

    assert complaints(dashboard) == []


def _first_option(dashboard: Json) -> Json:
    option: Json = panel(dashboard, "SLOs, worst first")["fieldConfig"]["overrides"][0]["properties"][0]
    return option


def _unknown_key(dashboard: Json) -> None:
    dashboard["iteration"] = 1


def _text_for_a_number(dashboard: Json) -> None:
    dashboard["schemaVersion"] = "39"


def _unknown_unit_key(dashboard: Json) -> None:
    panel(dashboard, "Budget left")["fieldConfig"]["defaults"]["units"] = "s"


def _unknown_option(dashboard: Json) -> None:
    panel(dashboard, "Budget left")["options"]["colorMode"] = "colourful"


def _missing_option(dashboard: Json) -> None:
    del panel(dashboard, "Alerts")["options"]["rowHeight"]


def _unknown_custom_field(dashboard: Json) -> None:
    panel(dashboard, "Error ratio per lookback")["fieldConfig"]["defaults"]["custom"]["lineWidht"] = 2


def _unknown_override(dashboard: Json) -> None:
    _first_option(dashboard)["id"] = "custom.units"


def _overridden_with_nonsense(dashboard: Json) -> None:
    _first_option(dashboard)["value"] = 7


def _two_panels_with_one_id(dashboard: Json) -> None:
    panel(dashboard, "Alerts")["id"] = panel(dashboard, "Budget left")["id"]


def _overlap(dashboard: Json) -> None:
    panel(dashboard, "Alerts")["gridPos"]["x"] = 11


def _stale_number(dashboard: Json) -> None:
    panel(dashboard, "Budget left")["targets"][0]["instant"] = False


def _baked_in_data_source(dashboard: Json) -> None:
    panel(dashboard, "Alerts")["datasource"]["uid"] = "prometheus"


@pytest.mark.parametrize(
    "spoil",
    [
        _unknown_key,
        _text_for_a_number,
        _unknown_unit_key,
        _unknown_option,
        _missing_option,
        _unknown_custom_field,
        _unknown_override,
        _overridden_with_nonsense,
        _two_panels_with_one_id,
        _overlap,
        _stale_number,
        _baked_in_data_source,
    ],
)
def test_a_spoilt_dashboard_is_complained_about(spoil: Callable[[Json], None]) -> None:
    dashboard = json.loads(render_dashboard(build_service_dashboard("shop", [AVAILABILITY], NATIVE_STYLE)))
    spoilt = deepcopy(dashboard)
    spoil(spoilt)

    assert complaints(dashboard) == []
    assert complaints(spoilt) != []
