"""Calendar windows on a real Prometheus: when periods begin and end, what is summed since then, what is left.

The zones' clocks go forward and back, and one of them is half an hour off. Prometheus has no other clock than
the moment that it is asked for.
"""

import re
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from sloctl import naming
from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import CalendarPeriod, CalendarWindow, PromQL, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule, RuleGroup
from sloctl.slo.calendar import TABLE_END_YEAR, period_at, period_on
from sloctl.slo.resolutions import COARSE_STEP
from tests.differential.engine import Recorded, Recording, Story, record
from tests.differential.kinds import RATIO
from tests.differential.streams import Child, Target
from tests.real import Prometheus, backfill, running_prometheus
from tests.rules.specimens import shop

MONTH: Final = CalendarWindow(CalendarPeriod.MONTH)
BERLIN: Final = CalendarWindow(CalendarPeriod.MONTH, "Europe/Berlin")
WINDOWS: Final = [
    *(CalendarWindow(period, zone) for zone in ("UTC", "Europe/Berlin") for period in CalendarPeriod),
    CalendarWindow(CalendarPeriod.MONTH, "Asia/Kolkata"),
    CalendarWindow(CalendarPeriod.WEEK, "America/Santiago"),
]
# The rollups' turn, some seconds after a whole five minutes.
PHASE: Final = 137
# Months of 31, 28, 29 and 30 days, and those in which the clocks of Berlin change.
SUMMED: Final = [
    (MONTH, 2026, 1),
    (MONTH, 2027, 2),
    (MONTH, 2028, 2),
    (MONTH, 2028, 4),
    (BERLIN, 2026, 3),
    (BERLIN, 2026, 10),
]


def slo_over(window: CalendarWindow, number: int = 0) -> Slo:
    return shop(name=f"calendar-{number}", window=window)


SLOS: Final = [slo_over(window, number) for number, (window, _, _) in enumerate(SUMMED)]


def rule_expression(slo: Slo, record: str) -> PromQL:
    rules = [rule for group in rule_groups(slo, NATIVE_STYLE) for rule in group.rules]
    return next(rule.expr for rule in rules if isinstance(rule, RecordingRule) and rule.record == record)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("calendar")
    backfill(directory, [sample for number in range(len(SUMMED)) for sample in history(number)])
    with running_prometheus(directory) as server:
        yield server


def history(number: int) -> Iterator[tuple[str, float, float]]:
    """Rollups around both edges of a month, and the start of the period as the slow group records it."""
    slo, span = SLOS[number], period_on(*SUMMED[number], 15)
    for edge in (span.start, span.end):
        for at in range(edge - 6 * HOUR + PHASE, edge + 6 * HOUR, COARSE_STEP):
            identity = f'{{slo_id="{slo.id}"}}'
            start = period_at(slo.window, at).start if isinstance(slo.window, CalendarWindow) else 0
            yield f"{naming.event_count_metric(COARSE_STEP)}{identity}", events_at(at), at
            yield f"{naming.error_count_metric(COARSE_STEP)}{identity}", errors_at(at), at
            yield f"{naming.ROLLUPS_PERIOD_START}{identity}", start, at


def events_at(at: int) -> int:
    return 1000 + at // COARSE_STEP % 7


def errors_at(at: int) -> int:
    return at // COARSE_STEP % 5


@pytest.mark.parametrize("window", WINDOWS, ids=lambda it: f"{it.period.value} {it.time_zone}")
def test_rules_know_when_each_period_begins_and_ends(prometheus: Prometheus, window: CalendarWindow) -> None:
    slo = slo_over(window)
    start = rule_expression(slo, naming.PERIOD_START)
    own = f'{naming.PERIOD_START}{{slo_id="{slo.id}"}}'
    end = rule_expression(slo, naming.PERIOD_END).replace(own, f"({start})")
    # So that all hours of the day come up.
    begin, last = period_on(window, 2026, 1, 1).end, period_on(window, TABLE_END_YEAR, 12, 1).start
    apart = 31 * HOUR + 11 * MINUTE + 1
    expected = {at: period_at(window, at) for at in range(begin, last, apart)}

    starts, ends = (
        {
            int(at): int(value)
            for row in prometheus.range(query, start=begin, end=last - 1, step=apart)
            for at, value in row.points
        }
        for query in (start, end)
    )

    assert starts == {at: span.start for at, span in expected.items()}
    assert ends == {at: span.end for at, span in expected.items()}


@pytest.mark.parametrize("window", WINDOWS, ids=lambda it: f"{it.period.value} {it.time_zone}")
def test_a_period_ends_and_the_next_begins_in_one_second(
    prometheus: Prometheus, window: CalendarWindow
) -> None:
    start = rule_expression(slo_over(window), naming.PERIOD_START)
    boundary = period_on(window, 2028, 3, 10).end

    before, after = (
        [int(sample.value) for sample in prometheus.instant(start, at=at)] for at in (boundary - 1, boundary)
    )

    assert (before, after) == ([period_on(window, 2028, 3, 10).start], [boundary])


def test_rules_know_no_period_beyond_the_table_of_their_zone(prometheus: Prometheus) -> None:
    start = rule_expression(slo_over(BERLIN), naming.PERIOD_START)

    known = prometheus.instant(start, at=period_on(BERLIN, TABLE_END_YEAR + 1, 6, 1).start)

    assert known == []


@pytest.mark.parametrize("number", range(len(SUMMED)))
def test_the_ratio_of_a_period_is_that_of_its_own_rollups(prometheus: Prometheus, number: int) -> None:
    slo, span = SLOS[number], period_on(*SUMMED[number], 15)
    ratio = rule_expression(slo, naming.window_ratio_metric(slo.window))
    rollups = [
        at
        for edge in (span.start, span.end)
        for at in range(edge - 6 * HOUR + PHASE, edge + 6 * HOUR, COARSE_STEP)
    ]
    # The first turn in the period, the second, an hour later, and the last one.
    moments = [span.start + PHASE + later for later in (0, COARSE_STEP, HOUR)]
    moments.append(max(at for at in rollups if at < span.end))

    for at in moments:
        summed = [each for each in rollups if span.start < each <= at]
        expected = Fraction(sum(map(errors_at, summed)), sum(map(events_at, summed)))
        answer = [sample.value for sample in prometheus.instant(ratio, at=at)]
        assert answer == [pytest.approx(float(expected), rel=1e-12)]


def shifted(group: RuleGroup, seconds: int) -> RuleGroup:
    """The rules of a group as they are so many seconds after 1970, where promtool begins."""

    def later(text: PromQL) -> PromQL:
        text = re.sub(r"\btime\(\)", f"(time() + {seconds})", text)
        # promtool holds no more than 10,000 samples.
        text = re.sub(r"\[31d(?:1h)?:5m\]", "[12h:5m]", text)
        return re.sub(r"\b(day_of_\w+|month)\(\)", rf"\1(vector(time() + {seconds}))", text)

    return replace(group, rules=tuple(replace(rule, expr=later(rule.expr)) for rule in group.rules))


def around_a_boundary(directory: Path, slo: Slo, boundary: int) -> Recording:
    """An hour before and one after, with an outage from minute 10 to ten minutes after the boundary."""
    bad = (0,) * 40 + (8,) * 240 + (0,) * 240
    series = RATIO.world([Target("a", (Child("/", ok=(20,), bad=bad, head=(10, 10)),))], 2 * HOUR)
    groups = [shifted(group, boundary - HOUR) for group in rule_groups(slo, NATIVE_STYLE)]
    [recording] = record(directory, groups, [Story(series, 2 * HOUR, range(0, 2 * HOUR, MINUTE))])
    return recording


def values(recording: Recording, metric: str) -> dict[int, float]:
    return {
        at: sample.value
        for at, samples in recording.items()
        for sample in samples
        if sample.labels["__name__"] == metric
    }


@pytest.mark.parametrize(("window", "month"), [(MONTH, (2028, 2)), (BERLIN, (2026, 10))])
def test_a_budget_is_whole_again_while_a_page_goes_on(
    tmp_path: Path, window: CalendarWindow, month: tuple[int, int]
) -> None:
    span = period_on(window, *month, 15)
    following = period_at(window, span.end)

    recording = around_a_boundary(tmp_path, RATIO.slo(window=window, objective=Fraction(99, 100)), span.end)

    left = values(recording, naming.BUDGET_REMAINING)
    errors, events = (values(recording, f"slo:sli_{side}:increase1m") for side in ("error", "total"))
    assert 1 - left[HOUR - MINUTE] == pytest.approx(49 * MINUTE * 8 / 28 / 0.01 / span.seconds, rel=0.05)
    # Nothing of before counts any more. Ten minutes on, it is what the slow group last had summed.
    for minute in (1, 2, 5, 9, 10, 11, 20, 45):
        now = HOUR + minute * MINUTE
        seen = now if minute <= 10 else (now - 1) // COARSE_STEP * COARSE_STEP
        since = [at for at in events if HOUR < at <= seen]
        ratio = sum(errors[at] for at in since) / sum(events[at] for at in since)
        spent = ratio / 0.01 * minute * MINUTE / following.seconds
        assert left[now] == pytest.approx(1 - spent, abs=1e-9)
    paging = {at for at, samples in recording.items() if any(map(is_page, samples))}
    assert set(range(HOUR - 10 * MINUTE, HOUR + 10 * MINUTE, MINUTE)) <= paging
    assert values(recording, naming.TIME_PERIOD)[2 * HOUR - MINUTE] == following.seconds / DAY


def is_page(sample: Recorded) -> bool:
    return sample.labels.get("slo_alert") == "burn" and sample.labels["slo_severity"] == "page"
