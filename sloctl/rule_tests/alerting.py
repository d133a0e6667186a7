"""Recorded ratios → alerts that fire and that do not, budgets, and no data."""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from sloctl import naming
from sloctl.duration import DAY, MINUTE, format_duration
from sloctl.model import AlertKind, ConditionIndicator, PolicyRow, Severity, WhenAbsent
from sloctl.rule_tests.promtool import RuleTest
from sloctl.rule_tests.tested_slo import TestedSlo
from sloctl.slo.policy import (
    alert_threshold,
    enabled_severities,
    exhaustion_row,
    rows_by_pending,
    rows_of_severity,
    settles_after,
)
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

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
    return [*_burn_tests(tested), *_budget_tests(tested), *_no_data_tests(tested)]


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
    beginning is remembered.
    """
    slo, kind, floor = tested.slo, _KINDS[row.severity], tested.slo.alerting.min_errors
    settled = settles_after(row) / slo.window.seconds
    stories = [
        _Story(_ABOVE, _ABOVE, _MANY, settled * 0.98, fires=False),
        _Story(_ABOVE, _ABOVE, _MANY, settled * 1.0001, fires=True),
        _Story(_BELOW, _ABOVE, _MANY, 1, fires=False),
        _Story(_ABOVE, _ABOVE, _MANY, 1, fires=True),
        _Story(_ABOVE, _BELOW, _MANY, 1, fires=False),
    ]
    if slo.alerting.confidence is None and floor:
        stories += [
            _Story(_ABOVE, _ABOVE, floor, 1, fires=True),
            _Story(_ABOVE, _ABOVE, floor - 1, 1, fires=False),
        ]
    minutes = (_SETTLED + row.pending) // MINUTE + 1
    ends = [MINUTE * (minutes * number - 1) for number in range(1, len(stories) + 1)]
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
            began = end - MINUTE * (minutes - 1)
            expectations.append(
                tested.fires(kind, began + row.pending - MINUTE, pending=pending, firing=None)
            )
    return RuleTest(
        f"{slo.id}: {row.severity.value} on {format_duration(row.long)} and {format_duration(row.short)}",
        MINUTE,
        {
            series: " ".join(f"{value:.12g}x{minutes - 1}" for value in of_story)
            for series, of_story in values.items()
        },
        tuple(sorted(expectations, key=lambda each: each.at)),
    )


def _budget_tests(tested: TestedSlo) -> Iterator[RuleTest]:
    """Record what is left, and tell of a budget that is gone or soon will be."""
    slo, alerting = tested.slo, tested.slo.alerting
    budget, window = float(slo.budget), slo.window.seconds
    for story, burned, covered in (
        ("not gone", 0.99, 1.0),
        ("gone", 1.01, 1.0),
        ("half a window", 1.01, 0.5),
    ):
        lines = {
            **_constant(tested, {naming.error_ratio_metric(window): burned * budget}, 20),
            **tested.covered_window(20, _SETTLED, covered=covered),
        }
        left = 1 - burned * covered
        expectations = [
            tested.recorded(naming.OBJECTIVE, _SETTLED, float(slo.objective)),
            tested.recorded(naming.ERROR_BUDGET, _SETTLED, budget),
            tested.recorded(naming.TIME_PERIOD, _SETTLED, window / DAY),
            tested.recorded(naming.PERIOD_BURN_RATE, _SETTLED, burned),
            tested.recorded(naming.PERIOD_COVERED, _SETTLED, covered),
            tested.recorded(naming.BUDGET_REMAINING, _SETTLED, left),
        ]
        if tested.group:
            # Constants have no group.
            expectations = expectations[3:]
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
        yield RuleTest(f"{slo.id}: budget {story}", MINUTE, lines, tuple(expectations))
    row = exhaustion_row(alerting.policy)
    if alerting.exhausting is None or row is None:
        return
    # With half of the budget left: gone within the time at this error ratio.
    limit = 0.5 * window * budget / alerting.exhausting_within
    if not budget <= limit * _BELOW or limit * _ABOVE >= 1:
        return
    for story, long, short, firing in (
        ("soon gone", _ABOVE, _ABOVE, 1),
        ("long slower", _BELOW, _ABOVE, None),
        ("short slower", _ABOVE, _BELOW, None),
    ):
        ratios = {row.long: long * limit, row.short: short * limit, window: 0.5 * budget}
        lines = {
            **_constant(
                tested, {naming.error_ratio_metric(lookback): ratio for lookback, ratio in ratios.items()}, 20
            ),
            **tested.covered_window(20, _SETTLED),
        }
        yield RuleTest(
            f"{slo.id}: budget {story}",
            MINUTE,
            lines,
            (tested.fires(AlertKind.EXHAUSTING, _SETTLED, firing=firing),),
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
        f"{slo.id}: no data",
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
        f"{slo.id}: data",
        MINUTE,
        _constant(tested, fed, minutes),
        (ungrouped.fires(AlertKind.NO_DATA, late, firing=None),),
    )


def _constant(tested: TestedSlo, values: Mapping[str, float], minutes: int) -> dict[str, str]:
    return {tested.fed(metric): f"{value:.12g}x{minutes}" for metric, value in values.items()}
