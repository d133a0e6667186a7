"""Calendar windows in the sidecar, against the truth of a month counted minute by minute."""

from collections.abc import Iterator
from typing import Final

import pytest
from msgspec import structs

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import CalendarPeriod, CalendarWindow, RollingWindow, Slo
from sloctl.sidecar import messages
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.http.api.answers import convert_slo
from sloctl.sidecar.slo_metrics import SLO_METRICS
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.calendar import PeriodSpan, period_at, period_on
from sloctl.slo.resolutions import COARSE_STEP, EventCounts
from tests.sidecar.specimens import slo

MONTH: Final = CalendarWindow(CalendarPeriod.MONTH)
BERLIN: Final = CalendarWindow(CalendarPeriod.MONTH, "Europe/Berlin")
KOLKATA: Final = CalendarWindow(CalendarPeriod.MONTH, "Asia/Kolkata")


def over(window: CalendarWindow) -> Slo:
    return structs.replace(slo(), window=window)


def counts_at(at: int) -> EventCounts:
    """The counts of the minute that ends then: uneven by day and hour, with an outage now and then."""
    total = 60.0 + at // HOUR % 24 + at // DAY % 5
    return EventCounts(error=float(at // (7 * HOUR) % 3 == 0 and at // MINUTE % 2), total=total)


def watched(window: CalendarWindow, since: int, until: list[int]) -> Iterator[tuple[int, SloState]]:
    """Count every minute from *since* on, and give the state at each of *until*."""
    counted, wanted = over(window), set(until)
    engine = Engine([counted], interval=60)
    for at in range(since + MINUTE, max(until) + 1, MINUTE):
        if at not in wanted:
            engine.backfill_counts(counted, (), at, counts_at(at), seconds=MINUTE)
            continue
        reading = IntervalCounts(at, {counted.id: SloCounts({(): counts_at(at)})})
        (state,) = engine.record_tick(at, [reading]).states
        yield at, state


def true_counts(begin: int, end: int) -> EventCounts:
    seen = [counts_at(at) for at in range(begin + MINUTE, end + 1, MINUTE)]
    return EventCounts(sum(each.error for each in seen), sum(each.total for each in seen))


def moments(span: PeriodSpan) -> list[int]:
    """From the last minute before a period to its own last minute."""
    inside = [0, MINUTE, 7 * MINUTE, 20 * MINUTE, 5 * HOUR, DAY + 13 * MINUTE, 9 * DAY]
    return [
        span.start - MINUTE,
        *(span.start + after for after in inside),
        span.start + 20 * DAY + 30 * MINUTE,
        span.end - MINUTE,
    ]


@pytest.mark.parametrize(("year", "month"), [(2028, 2), (2026, 12)])
def test_a_month_is_counted_from_its_first_minute_to_its_last(year: int, month: int) -> None:
    span = period_on(MONTH, year, month, 1)

    for at, state in watched(MONTH, span.start - DAY, moments(span)):
        begin = period_at(MONTH, at).start
        truth = true_counts(max(begin, span.start - DAY), at)
        counts = state.burn_over(MONTH.longest).counts
        if truth.total == 0:
            assert (counts, state.budget.left) == (None, None)
            continue
        assert counts is not None
        assert counts.total == pytest.approx(truth.total, rel=1e-6)
        assert counts.error == pytest.approx(truth.error, rel=1e-6)


@pytest.mark.parametrize(
    ("window", "month", "off"),
    # Of what is older than three days two hours stand together: up to one of them is with the wrong month.
    [(BERLIN, (2026, 10), HOUR), (KOLKATA, (2026, 11), HOUR)],
)
def test_a_month_of_another_zone_is_an_hour_off_at_most(
    window: CalendarWindow, month: tuple[int, int], off: int
) -> None:
    span = period_on(window, *month, 1)

    for at, state in watched(window, span.start - DAY, moments(span)[1:]):
        counts = state.burn_over(window.longest).counts
        exact = at - span.start <= 3 * DAY
        allowed = 0.0 if exact else off / MINUTE * 90
        truth = true_counts(span.start, at)
        assert (0.0 if counts is None else counts.total) == pytest.approx(truth.total, rel=1e-6, abs=allowed)


def test_a_month_that_begins_at_an_odd_hour_is_exact_for_three_days() -> None:
    span = period_on(BERLIN, 2026, 6, 1)
    assert span.start % (2 * HOUR) == 0
    odd = period_on(BERLIN, 2026, 12, 1)
    assert odd.start % (2 * HOUR) == HOUR

    states = list(watched(BERLIN, odd.start - DAY, [odd.start + after for after in (MINUTE, HOUR, 3 * DAY)]))

    for at, state in states:
        counts = state.burn_over(BERLIN.longest).counts
        assert counts is not None
        assert counts.total == pytest.approx(true_counts(odd.start, at).total, rel=1e-6)


def state_after(window: CalendarWindow | RollingWindow, since: int, until: int, errors: float) -> SloState:
    """Steady traffic, a hundred events a minute, and *errors* of them bad in the last hour."""
    counted = structs.replace(slo(), window=window)
    engine = Engine([counted], interval=60)
    for at in range(since + COARSE_STEP, until, COARSE_STEP):
        bad = 5 * errors if at > until - HOUR else 0.0
        engine.backfill_counts(counted, (), at, EventCounts(bad, 500.0), seconds=COARSE_STEP)
    reading = IntervalCounts(until, {counted.id: SloCounts({(): EventCounts(5 * errors, 500.0)})})
    (state,) = engine.record_tick(until, [reading]).states
    return state


def test_what_is_spent_is_measured_against_the_whole_month() -> None:
    span = period_on(MONTH, 2028, 2, 1)

    state = state_after(MONTH, span.start, span.start + 7 * DAY, errors=8.0)

    # 480 of the 4,176,000 events that February 2028 will have; 4,176 may be bad.
    assert state.budget.left == pytest.approx(1 - 480 / (29 * DAY / MINUTE * 100 * 0.001), rel=1e-3)
    assert state.burn_over(MONTH.longest).error_ratio == pytest.approx(480 / (7 * DAY / MINUTE * 100))


def test_what_was_not_watched_of_a_month_spends_nothing() -> None:
    span = period_on(MONTH, 2028, 2, 1)

    state = state_after(MONTH, span.start + 6 * DAY, span.start + 7 * DAY, errors=8.0)

    assert state.budget.covered_seconds == DAY
    assert state.budget.left == pytest.approx(1 - 480 / (29 * DAY / MINUTE * 100 * 0.001), rel=1e-3)


def test_a_budget_that_lasts_until_the_month_ends_does_not_run_out() -> None:
    span = period_on(MONTH, 2028, 2, 1)

    early = state_after(MONTH, span.start, span.start + 2 * DAY, errors=0.4)
    late = state_after(MONTH, span.start, span.end - 2 * DAY, errors=0.4)

    # Four times as fast as sustainable: a month's budget lasts a week, and February ends before.
    assert early.budget.time_to_exhaustion == pytest.approx(29 * DAY / 4, rel=0.01)
    assert late.budget.time_to_exhaustion == float("inf")


def test_the_page_says_how_much_of_the_month_is_left() -> None:
    span = period_on(BERLIN, 2026, 11, 1)

    state = state_after(BERLIN, span.start, span.start + 12 * DAY, errors=0.0)

    assert messages.describe_period_progress(state) == "18d of the month (Europe/Berlin) left, 60.0 % of it"
    assert messages.describe_objective(state.slo) == "99.9 % over each calendar month (Europe/Berlin)"
    assert messages.describe_coverage(state) == ""


def test_the_api_says_when_the_month_began_and_when_it_ends() -> None:
    span = period_on(BERLIN, 2026, 11, 1)

    shape = convert_slo(state_after(BERLIN, span.start, span.start + 12 * DAY, errors=0.0))

    assert (shape.window, shape.lookbacks[-1].lookback) == ("month", "month")
    assert shape.budget.period is not None
    assert (shape.budget.period.start, shape.budget.period.end, shape.budget.period.time_zone) == (
        "2026-10-31T23:00:00.000Z",
        "2026-11-30T23:00:00.000Z",
        "Europe/Berlin",
    )
    assert shape.budget.period.even_budget_left == pytest.approx(0.6)


def test_a_rolling_window_has_no_period() -> None:
    state = state_after(RollingWindow(30 * DAY), 1_800_000_000, 1_800_000_000 + DAY, errors=0.0)

    named = {metric.name: list(metric.known_values(state, state.last or 0.0)) for metric in SLO_METRICS}

    assert convert_slo(state).budget.period is None
    assert named["slo_period_end_timestamp_seconds"] == []
