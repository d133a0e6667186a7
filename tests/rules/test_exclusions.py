"""Exclusions on a real Prometheus: every ratio at every boundary, against counts minute by minute.

All minutes of an exclusion are as bad as can be; of the others one event in a hundred is bad. So one minute
of it that counts, on either side, in any lookback, shows.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final, NamedTuple

import pytest
from msgspec.structs import replace

from sloctl import naming
from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import (
    CalendarPeriod,
    CalendarWindow,
    Exclusion,
    ExclusionEffect,
    FixedTime,
    PolicyRow,
    PromQL,
    RecurringTime,
    RollingWindow,
    Severity,
    Slo,
)
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from sloctl.slo.calendar import period_at
from sloctl.slo.exclusions import exclusion_spans
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, Resolution
from tests.real import Prometheus, backfill, running_prometheus
from tests.rules.specimens import ALERTING, shop

# A Monday; the clocks of Berlin change on the day before.
MONDAY: Final = int(datetime(2026, 10, 26, tzinfo=UTC).timestamp())
BEGIN: Final = MONDAY - 2 * DAY
END: Final = MONDAY + 4 * DAY
WINDOW: Final = 2 * DAY
# Lookbacks of five minutes to six hours by the minute, two hours and the window by the five minutes.
POLICY: Final = (
    PolicyRow(Severity.PAGE, Fraction(1, 10), HOUR, 5 * MINUTE),
    PolicyRow(Severity.PAGE, Fraction(1, 5), 6 * HOUR, 30 * MINUTE),
    PolicyRow(Severity.TICKET, Fraction(1, 2), DAY, 2 * HOUR),
)
# Turns of the fine and of the coarse rollups, seconds after a whole minute and after whole five of them.
FINE_PHASE: Final = 37
COARSE_PHASE: Final = 137
NOON: Final = MONDAY + 12 * HOUR


class Case(NamedTuple):
    slo: Slo
    bad: Sequence[tuple[int, int]]


def fixed(start: int | None, end: int, effect: ExclusionEffect = ExclusionEffect.IGNORE) -> Exclusion:
    return Exclusion("An incident.", FixedTime(start, end), effect)


def recurring(days: tuple[tuple[int, int | None], ...], hour: int, hours: int, zone: str) -> Exclusion:
    return Exclusion("Maintenance.", RecurringTime(days, hour * HOUR, hours * HOUR, zone))


def case(number: int, *exclusions: Exclusion, window: RollingWindow | CalendarWindow | None = None) -> Case:
    counted = shop(
        name=f"excluded-{number}",
        window=window or RollingWindow(WINDOW),
        exclusions=exclusions,
        alerting=replace(ALERTING, policy=POLICY, min_errors=0),
    )
    spans = [span for each in exclusions for span in exclusion_spans(each, BEGIN - DAY, END)]
    return Case(counted, [(span.start, span.end) for span in spans])


CASES: Final = {
    "an hour": case(0, fixed(NOON, NOON + HOUR)),
    "of odd seconds": case(1, fixed(NOON + 17, NOON + 23 * MINUTE + 41)),
    "two that overlap": case(2, fixed(NOON, NOON + HOUR), fixed(NOON + 30 * MINUTE, NOON + 2 * HOUR)),
    "good": case(3, fixed(NOON, NOON + HOUR, ExclusionEffect.GOOD)),
    "a day and more": case(4, fixed(NOON, NOON + 26 * HOUR)),
    "a reset": case(5, fixed(None, NOON)),
    "every night": case(6, recurring((), 22, 4, "UTC")),
    "weekdays of Berlin": case(7, recurring(((0, None), (6, None)), 1, 3, "Europe/Berlin")),
    "a night and an incident": case(8, recurring((), 2, 1, "UTC"), fixed(NOON, NOON + HOUR)),
    "last sunday": case(9, recurring(((6, -1),), 6, 2, "Europe/Berlin")),
    "a whole weekday": case(10, recurring(((1, 4),), 0, 24, "Europe/Berlin")),
    "of a week": case(11, fixed(NOON, NOON + HOUR), window=CalendarWindow(CalendarPeriod.WEEK)),
    "many": case(13, *(fixed(at, at + 3 * MINUTE) for at in range(NOON, NOON + HOUR, 6 * MINUTE))),
    "a night of a week": case(12, recurring((), 22, 4, "UTC"), window=CalendarWindow(CalendarPeriod.WEEK)),
}


def is_bad(at: int, bad: Sequence[tuple[int, int]], scrape_interval: int) -> bool:
    """Whether any of a minute that was counted at *at* may lie in *bad*, with the scrape before it."""
    return any(start < at < end + FINE_STEP + scrape_interval for start, end in bad)


def fine_counts(each: Case, at: int) -> tuple[float, float]:
    """Errors and events of the minute counted at *at*."""
    events = 100.0 * (1 + at // MINUTE % 7)
    return (events if is_bad(at, each.bad, each.slo.scrape_interval) else events / 100), events


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("exclusions")
    backfill(directory, [sample for each in CASES.values() for sample in history(each)])
    with running_prometheus(directory) as server:
        yield server


def history(each: Case) -> Iterator[tuple[str, float, float]]:
    identity = f'{{slo_id="{each.slo.id}"}}'
    names = [
        [metric(step) + identity for metric in (naming.error_count_metric, naming.event_count_metric)]
        for step in (FINE_STEP, COARSE_STEP)
    ]
    since: list[tuple[int, tuple[float, float]]] = []
    for at in range(BEGIN + FINE_PHASE, END, FINE_STEP):
        counts = fine_counts(each, at)
        for name, value in zip(names[0], counts, strict=True):
            yield name, value, at
        since.append((at, counts))
        turn = at // COARSE_STEP * COARSE_STEP + COARSE_PHASE
        if at <= turn < at + FINE_STEP:
            yield naming.ROLLUPS_PHASE + identity, FINE_PHASE, at
            for side, name in enumerate(names[1]):
                yield name, sum(both[side] for its, both in since if turn - COARSE_STEP < its <= turn), turn
            if isinstance(each.slo.window, CalendarWindow):
                yield naming.ROLLUPS_PERIOD_START + identity, period_at(each.slo.window, turn).start, turn
            since = since[-COARSE_STEP // FINE_STEP :]


def ratio_rules(slo: Slo) -> dict[int, PromQL]:
    """The expression of the error ratio over each lookback."""
    scope = Scope.from_slo(slo, NATIVE_STYLE)
    rules = {
        rule.record: rule.expr
        for group in rule_groups(slo, NATIVE_STYLE)
        for rule in group.rules
        if isinstance(rule, RecordingRule)
    }
    return {it.lookback: rules[scope.ratio_metric(it.lookback)] for it in scope.resolutions.entries}


def resolutions(slo: Slo) -> dict[int, Resolution]:
    return {it.lookback: it for it in Scope.from_slo(slo, NATIVE_STYLE).resolutions.entries}


def moments(each: Case, lookback: int, step: int) -> list[int]:
    """Turns of the lookback's group around each edge of each bad time, and around those as they leave it."""
    phase = FINE_PHASE if step == FINE_STEP else COARSE_PHASE
    edges = {edge for span in each.bad for edge in span if edge}
    edges |= {edge + lookback for edge in edges}
    around = {(edge + turn * step) // step * step + phase for edge in edges for turn in range(-2, 5)}
    first = BEGIN + max(lookback, DAY)
    return sorted(at for at in around if first < at < END - HOUR)


@pytest.mark.parametrize("name", CASES)
def test_nothing_of_an_excluded_time_counts_in_any_lookback(prometheus: Prometheus, name: str) -> None:
    each = CASES[name]
    good_share = [effect is ExclusionEffect.GOOD for effect in (it.effect for it in each.slo.exclusions)]

    found = {
        (lookback, at): [sample.value for sample in prometheus.instant(expression, at=at)]
        for lookback, expression in ratio_rules(each.slo).items()
        for at in moments(each, lookback, resolutions(each.slo)[lookback].step)
    }

    assert found
    for (lookback, at), answer in found.items():
        # Where all of a lookback is excluded there is no answer.
        for ratio in answer:
            if any(good_share):
                assert ratio <= 0.01 + 1e-9, (lookback, at)
            else:
                assert ratio == pytest.approx(0.01, rel=1e-9), (lookback, at)


@pytest.mark.parametrize("name", ["an hour", "of odd seconds", "two that overlap", "good"])
def test_a_fixed_time_is_subtracted_to_the_minute(prometheus: Prometheus, name: str) -> None:
    each = CASES[name]
    window = WINDOW
    expression = ratio_rules(replace(each.slo, exclusions=tuple(good(it) for it in each.slo.exclusions)))

    for at in moments(each, window, COARSE_STEP):
        counted = [it for it in range(BEGIN + FINE_PHASE, at + 1, FINE_STEP) if it > at - window]
        expected = sum(
            fine_counts(each, it)[0]
            for it in counted
            if not is_masked(it, each.bad, each.slo.scrape_interval)
        ) / sum(fine_counts(each, it)[1] for it in counted)
        assert [sample.value for sample in prometheus.instant(expression[window], at=at)] == [
            pytest.approx(expected, rel=1e-9)
        ]


def good(exclusion: Exclusion) -> Exclusion:
    """The events of an exclusion, counted; so that a ratio tells how much is excluded."""
    return replace(exclusion, effect=ExclusionEffect.GOOD)


def is_masked(at: int, bad: Sequence[tuple[int, int]], scrape_interval: int) -> bool:
    """Whether the whole minute in which a rollup was counted touches *bad*, as a mask tells it."""
    instant = -(-at // MINUTE) * MINUTE
    return any(start < instant < end + 2 * FINE_STEP + scrape_interval for start, end in bad)
