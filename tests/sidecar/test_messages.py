"""Numbers as people read them, and the snapshot in a terminal."""

from collections.abc import Mapping

import pytest

from sloctl import formatting
from sloctl.demo.snapshot_report import report_slo, report_snapshot
from sloctl.duration import DAY, HOUR, MINUTE, humanize_duration
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.sources import Group, IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts
from sloctl.status.text_report import render_line, render_table
from tests.sidecar.specimens import slo

GROUPED = slo(group_by=("route",))


def snapshots() -> list[Snapshot]:
    """One good route, one bad; then the bad one is gone."""
    engine = Engine([GROUPED], interval=5)
    for group in (("/good",), ("/bad",)):
        engine.backfill_counts(GROUPED, group, 500, EventCounts(0, 0), seconds=30 * DAY)
    return [
        engine.record_tick(
            1000, [read(1000, {("/good",): EventCounts(0, 50), ("/bad",): EventCounts(5, 50)})]
        ),
        engine.record_tick(
            1065, [read(1065, {("/good",): EventCounts(0, 50), ("/bad",): EventCounts(5, 50)})]
        ),
        engine.record_tick(1070, [read(1070, {("/good",): EventCounts(0, 50)})]),
    ]


def read(at: float, groups: Mapping[Group, EventCounts]) -> IntervalCounts:
    return IntervalCounts(at, {GROUPED.id: SloCounts(groups)})


def test_a_terminal_shows_the_snapshot_in_columns() -> None:
    *_, before, after = snapshots()

    assert render_table(report_snapshot(before), 80).splitlines() == [
        "SLO                           state   page           left    5m  gone",
        "…/availability {route=/good}  fine    no          100.0 %    0×  not burning",
        "…p/availability {route=/bad}  paging  for 1m 5s  -9,900 %  100×  gone",
    ]
    assert "paging, stale" in render_table(report_snapshot(after), 200)


def test_a_narrow_terminal_loses_the_least_important_columns() -> None:
    assert render_table(report_snapshot(snapshots()[0]), 60).splitlines()[0].split() == [
        "SLO",
        "state",
        "page",
        "left",
        "5m",
    ]


def test_a_line_holds_an_slo() -> None:
    snapshot = snapshots()[1]

    assert render_line(report_slo(snapshot.states[1]), snapshot.at) == (
        "shop/availability {route=/bad}: budget left -9,900 %; burn 5m 100× 30m 100× 1h 100× 6h 100×; "
        "page firing for 1m 5s, ticket firing for 1m 5s"
    )


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (None, "–"),
        (0, "0×"),
        (0.004, "<0.01×"),
        (0.25, "0.25×"),
        (6, "6×"),
        (14.44, "14.4×"),
        (1234.5, "1,234×"),
    ],
)
def test_burn_rates_have_three_digits(rate: float | None, text: str) -> None:
    assert formatting.format_burn_rate(rate) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (59, "59s"),
        (60, "1m"),
        (75, "1m 15s"),
        (3 * HOUR + MINUTE, "3h 1m"),
        (2 * DAY + 5 * HOUR, "2d 5h"),
    ],
)
def test_spans_have_two_units_at_most(seconds: float, text: str) -> None:
    assert humanize_duration(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"), [(None, "–"), (0.7134, "71.3 %"), (-0.5, "-50.0 %"), (-99, "-9,900 %")]
)
def test_an_unknown_share_is_no_number(share: float | None, text: str) -> None:
    assert formatting.format_percent(share) == text
