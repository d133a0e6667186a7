"""Ids stay what they are, so that a diff shows what changed and a link keeps its target."""

import json
import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.dashboards.overview import build_overview_dashboard
from sloctl.dashboards.service import build_service_dashboard, first_panel_ids
from sloctl.links import OVERVIEW_UID, SHORTENED_SERVICE, dashboard_uid
from sloctl.naming import NATIVE_STYLE
from sloctl.targets.grafana import render_dashboard
from tests.dashboards.specimens import AVAILABILITY, FRESHNESS, LATENCY

SERVICES = st.text(max_size=70) | st.text("abcdefghijklmnopqrstuvwxyz0123456789-.", min_size=1, max_size=63)


@pytest.mark.parametrize(
    ("name", "uid"),
    [
        ("shop", "sloctl-shop"),
        ("a-service-with-thirty-three-chars", "sloctl-a-service-with-thirty-three-chars"),
        ("a-service-with-thirty-four-chars-x", "sloctl-a-service-with-thirt_f6c9cf6cd2ce"),
        ("shop.eu", "sloctl-shop-eu_969d2014c7a4"),
        ("overview", "sloctl-overview_bd445c462b7e"),
    ],
)
def test_a_uid_names_its_service(name: str, uid: str) -> None:
    assert dashboard_uid(name) == uid


@given(SERVICES)
def test_grafana_takes_every_uid(name: str) -> None:
    assert re.fullmatch("[a-zA-Z0-9_-]{1,40}", dashboard_uid(name))


@given(SERVICES, SERVICES)
def test_no_two_services_share_a_dashboard(one: str, other: str) -> None:
    assert (dashboard_uid(one) == dashboard_uid(other)) == (one == other)
    assert dashboard_uid(one) != OVERVIEW_UID


@given(SERVICES)
def test_the_overview_searches_exactly_for_the_services_whose_uid_is_shortened(name: str) -> None:
    shortened = re.fullmatch(SHORTENED_SERVICE, name, re.DOTALL)

    assert (dashboard_uid(name) != f"sloctl-{name}") == bool(shortened or not name)


def test_another_slo_leaves_the_panel_ids_of_its_neighbours() -> None:
    before = json.loads(
        render_dashboard(build_service_dashboard("shop", [AVAILABILITY, LATENCY], NATIVE_STYLE))
    )
    after = json.loads(
        render_dashboard(build_service_dashboard("shop", [AVAILABILITY, FRESHNESS, LATENCY], NATIVE_STYLE))
    )

    assert {panel["id"] for panel in before["panels"]} < {panel["id"] for panel in after["panels"]}


@given(st.lists(st.text(max_size=30), unique=True, max_size=60))
def test_no_two_slos_share_a_panel_id(names: list[str]) -> None:
    firsts = sorted(first_panel_ids(names).values())

    assert len(firsts) == len(names)
    assert all(later - earlier >= 16 for earlier, later in pairwise(firsts))
    assert all(16 <= first < 2**31 - 16 for first in firsts)


def test_the_same_specs_give_the_same_text() -> None:
    one = render_dashboard(build_service_dashboard("shop", [AVAILABILITY, LATENCY], NATIVE_STYLE))
    other = render_dashboard(build_service_dashboard("shop", [AVAILABILITY, LATENCY], NATIVE_STYLE))

    assert one == other


def test_nothing_changes_by_itself() -> None:
    dashboard = json.loads(render_dashboard(build_overview_dashboard(NATIVE_STYLE)))

    assert not {"id", "version", "iteration", "revision"} & dashboard.keys()


def test_a_dashboard_ends_with_a_newline_and_is_indented_by_two() -> None:
    text = render_dashboard(build_overview_dashboard(NATIVE_STYLE))

    assert text.startswith('{\n  "uid": "sloctl-overview",\n')
    assert text.endswith("\n}\n")
