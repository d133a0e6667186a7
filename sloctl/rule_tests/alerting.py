"""Recorded ratios → alerts that fire and that do not, budgets, and no data."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.duration import DAY, MINUTE, format_duration
from sloctl.model import AlertKind, CalendarWindow, ConditionIndicator, PolicyRow, Severity, WhenAbsent
from sloctl.rule_tests.promtool import RuleTest
from sloctl.rule_tests.tested_slo import TestedSlo
from sloctl.rules.scope import STALENESS
from sloctl.slo.policy import (
    alert_threshold,
    enabled_severities,
    exhaustion_row,
    rows_by_pending,
    rows_of_severity,
    settles_after,
)
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, build_resolutions

_ABOVE: Final = 1.01
_BELOW: Final = 0.99
# More than any floor or confidence asks for.
_MANY: Final = 10_000_000
_KINDS: Final = {Severity.PAGE: AlertKind.PAGE, Severity.TICKET: AlertKind.TICKET}
# Turns of the rules before anything is looked at: one reads what another records.
_SETTLED: Final = 5 * MINUTE


def alerting_tests(tested: TestedSlo) -> list[RuleTest]:
    """Build the tests of everything that reads recorded ratios."""
    indicator = tested.slo.indicator
    if isinstance(indicator, ConditionIndicator) and indicator.when_absent is not WhenAbsent.IGNORE:
        # It counts minutes without any input, and they would mix with those that a test feeds.
        return []
    tests = [*_burn_tests(tested), *_no_data_tests(tested)]
    if not isinstance(tested.slo.window, CalendarWindow):
        # Of a period of a calendar it matters when the tests run: all of promtool's begin in 1970.
        tests += _budget_tests(tested)
    return tests


def _burn_tests(tested: TestedSlo) -> Iterator[RuleTest]:
    slo = tested.slo
    for severity in enabled_severities(slo.alerting):
        rows = rows_of_severity(slo.alerting.policy, severity)
        for pending, waiting in rows_by_pending(rows).items():
            for row in waiting:
                threshold = float(alert_threshold(row, slo.window.seconds, slo.budget))
                if threshold * _ABOVE < 1:
                    yield _row_test(tested, row, pending, threshold)


class _Story(Struct, frozen=True):
    """One stretch of constant input: ratios by threshold, errors, the share covered, and whether it fires."""

    long: float
    short: float
    errors: float
    covered: float
    fires: bool


def _row_test(tested: TestedSlo, row: PolicyRow, pending: int | None, threshold: float) -> RuleTest:
    """Fire above the threshold on both lookbacks, and on no less: too few errors, too short a record.

    The stories follow each other; a record of counting that begins later comes first, since an earlier
    beginning is remembered. One that must not fire may be short: it comes after one that does, and would go
    on with it, or before, and would have it fire too early.
    """
    slo, kind, floor = tested.slo, _KINDS[row.severity], tested.slo.alerting.min_errors
    short, long = (waits // MINUTE + 1 for waits in (_SETTLED, _SETTLED + row.pending))
    settled = settles_after(row) / slo.window.seconds
    # There must be enough data from the beginning of a story: the alert is pending for most of it.
    enough = settled * 1.0001 + MINUTE * long / slo.window.seconds
    stories = [
        _Story(_ABOVE, _ABOVE, _MANY, settled * 0.98, fires=False),
        _Story(_ABOVE, _ABOVE, _MANY, enough, fires=True),
        _Story(_BELOW, _ABOVE, _MANY, 1, fires=False),
        _Story(_ABOVE, _ABOVE, _MANY, 1, fires=True),
        _Story(_ABOVE, _BELOW, _MANY, 1, fires=False),
    ]
    if slo.alerting.confidence is None and floor:
        stories += [
            _Story(_ABOVE, _ABOVE, floor, 1, fires=True),
            _Story(_ABOVE, _ABOVE, floor - 1, 1, fires=False),
        ]
    lasting = [long if story.fires else short for story in stories]
    ends = [MINUTE * (until - 1) for until in accumulate(lasting)]
    since = [end - slo.window.seconds * story.covered for end, story in zip(ends, stories, strict=True)]
    values = {
        tested.fed(naming.error_ratio_metric(row.long)): [story.long * threshold for story in stories],
        tested.fed(naming.error_ratio_metric(row.short)): [story.short * threshold for story in stories],
        tested.fed(naming.error_count_metric(row.long)): [story.errors for story in stories],
        tested.fed(naming.ROLLUPS_SINCE, **{tested.style.part: "before"}): since,
    }
    expectations = []
    for end, story in zip(ends, stories, strict=True):
        firing = 1 if story.fires else None
        expectations.append(tested.fires(kind, end, pending=pending, firing=firing))
        if story.fires and row.pending:
            began = end - MINUTE * (long - 1)
            expectations.append(
                tested.fires(kind, began + row.pending - MINUTE, pending=pending, firing=None)
            )
    return RuleTest(
        slo.id,
        f"{row.severity.value} on {format_duration(row.long)} and {format_duration(row.short)}",
        MINUTE,
        _stretches(values, lasting),
        tuple(sorted(expectations, key=lambda each: each.at)),
    )


def _budget_tests(tested: TestedSlo) -> Iterator[RuleTest]:
    """Record what is left, and tell of a budget that is gone."""
    slo, alerting = tested.slo, tested.slo.alerting
    budget, window = float(slo.budget), slo.window.seconds
    for story, burned, recorded in (
        ("not gone", 0.99, 1.0),
        ("gone", 1.01, 1.25),
        ("half a window", 1.01, 0.5),
    ):
        ratios = {COARSE_STEP: 0.5 * budget, window: burned * budget}
        lines = {**_ratios(tested, ratios, 20), **tested.covered_window(20, _SETTLED, covered=recorded)}
        covered = min(recorded, 1)
        left = 1 - burned * covered
        expectations = [
            tested.recorded(naming.OBJECTIVE, _SETTLED, float(slo.objective)),
            tested.recorded(naming.ERROR_BUDGET, _SETTLED, budget),
            tested.recorded(naming.TIME_PERIOD, _SETTLED, window / DAY),
            tested.recorded(tested.style.info_metric, _SETTLED, 1),
            tested.recorded(naming.CURRENT_BURN_RATE, _SETTLED, 0.5),
            tested.recorded(naming.PERIOD_BURN_RATE, _SETTLED, burned),
            tested.recorded(naming.PERIOD_COVERED, _SETTLED, covered),
            tested.recorded(naming.BUDGET_REMAINING, _SETTLED, left),
        ]
        if tested.group:
            # Constants have no group.
            expectations = expectations[4:]
        if alerting.exhausted is not None:
            expectations.append(tested.fires(AlertKind.EXHAUSTED, _SETTLED, firing=1 if left <= 0 else None))
        expectations += [
            tested.fires(
                AlertKind.SPENT,
                _SETTLED,
                firing=1 if left <= float(step.share_left) else None,
                step=step,
            )
            for step in alerting.spent_steps
            # So near its own edge nobody tells what a sum of floats is.
            if abs(left - float(step.share_left)) > 1e-9
        ]
        yield RuleTest(slo.id, f"budget {story}", MINUTE, lines, tuple(expectations))
    yield _stale_window_test(tested)
    yield _first_count_test(tested)
    row = exhaustion_row(alerting.policy)
    if alerting.exhausting is not None and row is not None:
        yield _exhausting_test(tested, row)


def _stale_window_test(tested: TestedSlo) -> RuleTest:
    """Hold what the slow group recorded for ten minutes, and no longer."""
    window, budget = tested.slo.window.seconds, float(tested.slo.budget)
    held, forgotten = _SETTLED + STALENESS - MINUTE, _SETTLED + STALENESS + MINUTE
    turns = _SETTLED // MINUTE
    return RuleTest(
        tested.slo.id,
        "a window that is no longer recorded",
        MINUTE,
        {**_ratios(tested, {window: 0.5 * budget}, turns), **tested.covered_window(turns, held, covered=0.5)},
        (
            tested.recorded(naming.PERIOD_BURN_RATE, held, 0.5),
            tested.recorded(naming.PERIOD_COVERED, held, 0.5),
            tested.recorded(naming.BUDGET_REMAINING, held, 0.75),
            tested.recorded(naming.PERIOD_BURN_RATE, forgotten, None),
            tested.recorded(naming.BUDGET_REMAINING, forgotten, None),
        ),
    )


def _first_count_test(tested: TestedSlo) -> RuleTest:
    """Begin the record of counting with the step before the first count, and remember it."""
    events = tested.fed(naming.event_count_metric(COARSE_STEP))
    began = MINUTE - COARSE_STEP
    return RuleTest(
        tested.slo.id,
        "the first count",
        MINUTE,
        {events: f"_ {_MANY}x20"},
        tuple(tested.recorded(naming.ROLLUPS_SINCE, at, began) for at in (MINUTE, 20 * MINUTE)),
    )


class _Exhausting(Struct, frozen=True):
    """Ratios in budgets, the share of it burned, the share of the window covered, and whether it fires."""

    long: float
    short: float
    burned: float
    covered: float
    fires: bool


def _exhausting_test(tested: TestedSlo, row: PolicyRow) -> RuleTest:
    """Tell that the budget will be gone soon at the burn of both lookbacks, and only then.

    As in a test of a burn, a record of counting that begins later comes first.
    """
    slo = tested.slo
    budget, window, within = float(slo.budget), slo.window.seconds, slo.alerting.exhausting_within
    minutes = _SETTLED // MINUTE + 1
    # The second story has data for longer than the first, and still for less than is enough.
    stretch = MINUTE * minutes
    settled = (0.98 * settles_after(row) - stretch) / window
    # Burn rates at which a whole budget, half of one and a tenth of that are gone within the time.
    whole, half = window / within, max(window / within / 2, 1.1)
    little = 1 - 0.75 * within / window
    stories = [
        _Exhausting(_ABOVE * whole, 3 * whole, 0, settled, fires=False),
        _Exhausting(3 * whole, _ABOVE * whole, 0, settled + stretch / window, fires=False),
        _Exhausting(3 * whole, 3 * whole, 0, settled, fires=True),
        _Exhausting(_ABOVE * half, _ABOVE * half, 0.5, 1, fires=True),
        _Exhausting(_BELOW * half, _ABOVE * half, 0.5, 1, fires=half * within < 0.5 * window),
        _Exhausting(_ABOVE * half, _BELOW * half, 0.5, 1, fires=half * within < 0.5 * window),
        _Exhausting(1.5, 1.5, little, 1, fires=True),
        _Exhausting(0.9, 1.5, little, 1, fires=False),
        _Exhausting(1.5, 0.9, little, 1, fires=False),
        _Exhausting(3 * whole, 3 * whole, 1.01, 1, fires=False),
    ]
    ends = [stretch * number - MINUTE for number in range(1, len(stories) + 1)]
    values = {
        tested.fed(naming.error_ratio_metric(row.long)): [story.long * budget for story in stories],
        tested.fed(naming.error_ratio_metric(row.short)): [story.short * budget for story in stories],
        tested.fed(naming.error_ratio_metric(window)): [story.burned * budget for story in stories],
        tested.fed(naming.ROLLUPS_SINCE, **{tested.style.part: "before"}): [
            end - window * story.covered for end, story in zip(ends, stories, strict=True)
        ],
    }
    return RuleTest(
        slo.id,
        "budget soon gone",
        MINUTE,
        _stretches(values, [minutes] * len(stories)),
        tuple(
            tested.fires(AlertKind.EXHAUSTING, end, firing=1 if story.fires else None)
            for end, story in zip(ends, stories, strict=True)
        ),
    )


def _no_data_tests(tested: TestedSlo) -> Iterator[RuleTest]:
    """Tell of an SLO without data after its time, and of none that has some."""
    slo = tested.slo
    if slo.alerting.no_data is None:
        return
    after = slo.alerting.no_data_after
    minutes = after // MINUTE + 6
    early, late = max(after - MINUTE, 0), after + 2 * MINUTE
    ungrouped = TestedSlo(slo, tested.style, {})
    yield RuleTest(
        slo.id,
        "no data",
        MINUTE,
        {},
        (
            ungrouped.fires(AlertKind.NO_DATA, early, firing=None),
            ungrouped.fires(AlertKind.NO_DATA, late),
        ),
    )
    fed = {
        naming.event_count_metric(FINE_STEP): 10.0,
        naming.error_ratio_metric(COARSE_STEP): 0.0,
    }
    yield RuleTest(
        slo.id,
        "data",
        MINUTE,
        _constant(tested, fed, minutes),
        (ungrouped.fires(AlertKind.NO_DATA, late, firing=None),),
    )
    if tested.group:
        yield _lost_group_test(tested, after)
    elif not isinstance(slo.window, CalendarWindow):
        yield _empty_counter_test(tested, after)


def _empty_counter_test(tested: TestedSlo, after: int) -> RuleTest:
    """Tell of counts that never are of anything, ten minutes after the window's ratio was last recorded."""
    lost = _SETTLED + STALENESS
    lines = {
        **_constant(tested, {naming.event_count_metric(FINE_STEP): 0.0}, (lost + after) // MINUTE + 4),
        **_ratios(tested, {tested.slo.window.seconds: 0.0}, _SETTLED // MINUTE),
    }
    expectations = (
        tested.fires(AlertKind.NO_DATA, lost + after - MINUTE, firing=None),
        tested.fires(AlertKind.NO_DATA, lost + after + 2 * MINUTE),
    )
    return RuleTest(tested.slo.id, "counts of nothing", MINUTE, lines, expectations)


def _lost_group_test(tested: TestedSlo, after: int) -> RuleTest:
    """Tell of a group that had events within the day and has none, until its day's ratio is forgotten."""
    lookbacks = build_resolutions(tested.slo.alerting.policy, tested.slo.window.seconds).entries
    day = min((each.lookback for each in lookbacks), key=lambda it: abs(it - DAY))
    known = after + _SETTLED
    expectations = (
        tested.fires(AlertKind.NO_DATA, max(after - MINUTE, 0), firing=None),
        tested.fires(AlertKind.NO_DATA, known + STALENESS - MINUTE),
        tested.fires(AlertKind.NO_DATA, known + STALENESS + MINUTE, firing=None),
    )
    lines = _ratios(tested, {day: 0.0}, known // MINUTE)
    return RuleTest(tested.slo.id, "a group without data", MINUTE, lines, expectations)


def _ratios(tested: TestedSlo, ratios: Mapping[int, float], minutes: int) -> dict[str, str]:
    """Feed error ratios by their lookback for so many minutes."""
    return _constant(
        tested, {naming.error_ratio_metric(lookback): ratio for lookback, ratio in ratios.items()}, minutes
    )


def _stretches(values: Mapping[str, Sequence[float]], lasting: Sequence[int]) -> dict[str, str]:
    """Hold each value of a series for as many minutes as *lasting* says."""
    return {
        series: " ".join(f"{value:.12g}x{minutes - 1}" for value, minutes in zip(held, lasting, strict=True))
        for series, held in values.items()
    }


def _constant(tested: TestedSlo, values: Mapping[str, float], minutes: int) -> dict[str, str]:
    return {tested.fed(metric): f"{value:.12g}x{minutes}" for metric, value in values.items()}
