"""Service hours in the sidecar, against counts minute by minute by the clock of Berlin.

The clocks of Berlin change on 25 October 2026. Outside the hours all events are bad.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import AlertKind, CalendarPeriod, CalendarWindow, RecurringTime, RollingWindow, Slo
from sloctl.sidecar.engine.candidates import alert_candidates
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.api.answers import convert_slo
from sloctl.sidecar.messages import describe_service_hours
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.health import AlertState, Health
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

BERLIN: Final = ZoneInfo("Europe/Berlin")
WEEKDAYS: Final = tuple((day, None) for day in range(5))
OFFICE: Final = (RecurringTime(WEEKDAYS, 8 * HOUR, 10 * HOUR, "Europe/Berlin"),)
SECONDS_BEFORE: Final = MINUTE + 15


def berlin(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp())


def in_office_hours(at: int) -> bool:
    local = datetime.fromtimestamp(at, BERLIN)
    return local.weekday() < 5 and 8 <= local.hour < 18


def counts_at(at: int) -> EventCounts:
    """A hundred events a minute: one in a thousand bad in the hours, else all."""
    return EventCounts(0.1 if in_office_hours(at - 1) else 100.0, 100.0)


def served(**changes: object) -> Slo:
    return structs.replace(slo(), active_hours=OFFICE, **({"window": RollingWindow(7 * DAY)} | changes))


def run(engine: Engine, begin: int, end: int, counts: Callable[[int], EventCounts] = counts_at) -> Snapshot:
    """Count every minute after *begin*, a reading each, and give the snapshot at *end*."""
    [counted] = engine.slos
    snapshots = [
        engine.record_tick(at, [IntervalCounts(at, {counted.id: SloCounts({(): counts(at)})})])
        for at in range(begin + MINUTE, end + 1, MINUTE)
    ]
    return snapshots[-1]


def counted_minutes(begin: int, end: int) -> int:
    """How many minutes from *begin* to *end* lie in the hours, with the scrape before them."""
    return sum(
        all(in_office_hours(it) for it in (at - SECONDS_BEFORE, at - 1))
        for at in range(begin + MINUTE, end + 1, MINUTE)
    )


@pytest.mark.parametrize(
    "end",
    ["2026-10-20T08:02", "2026-10-23T18:00", "2026-10-23T18:01", "2026-10-26T08:00", "2026-10-26T18:05"],
)
def test_nothing_counts_outside_the_hours(end: str) -> None:
    begin, now = berlin("2026-10-20T07:00"), berlin(end)
    engine = Engine([served()], interval=60)

    [state] = run(engine, begin, now).states

    counts = state.burn_over(7 * DAY).counts
    assert counts is not None
    assert counts.total == pytest.approx(100 * counted_minutes(begin, now), rel=1e-6)
    assert counts.error == pytest.approx(0.1 * counted_minutes(begin, now), rel=1e-4)


def test_the_budget_is_that_of_the_events_in_the_hours() -> None:
    begin, now = berlin("2026-10-20T08:00"), berlin("2026-10-20T13:00")
    engine = Engine([served()], interval=60)

    [state] = run(engine, begin, now, lambda _: EventCounts(0.1, 100.0)).states

    # A week has fifty hours, of which nearly five are over; one in a thousand may be bad, and is.
    assert state.budget.left == pytest.approx(1 - 5 / 50, abs=0.001)
    assert state.budget.events_left == pytest.approx(0.9 * 50 * 60 * 0.1, rel=0.01)


def test_of_a_calendar_month_the_hours_so_far_are_spent() -> None:
    begin, now = berlin("2026-10-01T08:00"), berlin("2026-10-02T13:00")
    month = CalendarWindow(CalendarPeriod.MONTH, "Europe/Berlin")
    engine = Engine([served(window=month)], interval=60)

    [state] = run(engine, begin, now, lambda _: EventCounts(0.1, 100.0)).states

    # October 2026 has 22 weekdays; one and a half of them are over.
    assert state.budget.left == pytest.approx(1 - 15 / 220, abs=0.001)


def test_a_page_waits_for_the_hours_and_comes_at_their_start() -> None:
    engine = Engine([served()], interval=60)

    def paging(until: str) -> list[AlertKind]:
        begin = berlin("2026-10-26T05:00") if (last := engine.data_span(served())) is None else int(last[1])
        snapshot = run(engine, begin, berlin(until), lambda _: EventCounts(50.0, 100.0))
        return [
            each.kind
            for each in alert_candidates(snapshot, berlin(until), {})
            if each.kind is AlertKind.PAGE and each.state is AlertState.FIRING
        ]

    assert paging("2026-10-26T08:00") == []
    assert paging("2026-10-26T08:04") == [AlertKind.PAGE]
    assert paging("2026-10-26T17:59") == [AlertKind.PAGE]
    assert paging("2026-10-26T18:01") == []


def test_a_page_that_could_not_be_read_again_ends_with_the_hours() -> None:
    engine = Engine([served()], interval=60)
    end = berlin("2026-10-26T17:58")
    snapshot = run(engine, berlin("2026-10-26T12:00"), end, lambda _: EventCounts(50.0, 100.0)).marked_stale()

    kinds = [{each.kind for each in alert_candidates(snapshot, end + later, {})} for later in (60, 300)]

    assert [AlertKind.PAGE in each for each in kinds] == [True, False]


def test_silence_counts_from_the_start_of_the_hours() -> None:
    engine = Engine([served()], interval=60)
    snapshot = run(engine, berlin("2026-10-26T12:00"), berlin("2026-10-26T17:30"))

    silent = [
        any(each.kind is AlertKind.NO_DATA for each in alert_candidates(snapshot, berlin(now), {}))
        for now in ("2026-10-26T17:50", "2026-10-26T18:30", "2026-10-27T08:05", "2026-10-27T08:11")
    ]

    assert silent == [True, False, False, True]


def test_a_state_says_when_the_hours_begin_next() -> None:
    engine = Engine([served()], interval=60)

    [friday] = run(engine, berlin("2026-10-23T17:00"), berlin("2026-10-23T18:30")).states
    [monday] = run(engine, berlin("2026-10-23T18:30"), berlin("2026-10-26T08:01")).states

    assert friday.outside_until == berlin("2026-10-26T08:00")
    assert monday.outside_until is None
    assert datetime.fromtimestamp(friday.outside_until, UTC).hour == 7


def test_every_view_says_that_it_is_outside_the_hours() -> None:
    engine = Engine([served()], interval=60)

    [state] = run(engine, berlin("2026-10-23T17:00"), berlin("2026-10-23T18:30")).states

    assert describe_service_hours(state) == "outside service hours until Mon 07:00 UTC"
    assert convert_slo(state).outside_service_hours_until == "2026-10-26T07:00:00.000Z"
    assert state.burns[0].burn_rate is None
    assert state.health is Health.FINE
