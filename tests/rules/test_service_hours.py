"""Service hours on a real Prometheus, minute by minute, against the clocks of their zone.

Around the nights on which clocks change, and around New Year. Prometheus has no other clock than the moment
that it is asked for.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from sloctl import naming
from sloctl.duration import DAY, HOUR, MINUTE, WEEK
from sloctl.model import PromQL, RecurringTime, Slo, TimeSlice, WhenAbsent
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.rules.repair import REPAIR_SPAN
from sloctl.rules.rule import RuleGroup
from sloctl.rules.scope import Scope
from sloctl.rules.service_hours import active_seconds_between, mask_outside_hours, only_within_hours
from sloctl.slo.calendar import TABLE_END_YEAR
from tests.differential.engine import Recording, Story, record
from tests.differential.kinds import RATIO
from tests.differential.streams import Child, Target
from tests.real import Prometheus, running_prometheus
from tests.rules.specimens import shop

WEEKDAYS: Final = tuple((day, None) for day in range(5))
OFFICE: Final = (RecurringTime(WEEKDAYS, 8 * HOUR, 10 * HOUR),)
HOURS: Final = {
    "office": OFFICE,
    "office of Berlin": (RecurringTime(WEEKDAYS, 8 * HOUR, 10 * HOUR, "Europe/Berlin"),),
    "every day of Kolkata": (RecurringTime((), 9 * HOUR + 30 * MINUTE, 8 * HOUR, "Asia/Kolkata"),),
    "a break": (
        RecurringTime(WEEKDAYS, 8 * HOUR, 4 * HOUR, "Europe/Berlin"),
        RecurringTime(WEEKDAYS, 13 * HOUR, 5 * HOUR, "Europe/Berlin"),
        RecurringTime(((5, None),), 22 * HOUR, 4 * HOUR, "Europe/Berlin"),
    ),
    "over the weekend": (RecurringTime(((6, None),), 20 * HOUR, 12 * HOUR, "Europe/Berlin"),),
    "whole days": (RecurringTime(WEEKDAYS, 0, DAY, "Europe/Berlin"),),
    "nights of Sundays": (RecurringTime(((6, None),), 2 * HOUR + 30 * MINUTE, 2 * HOUR, "Europe/Berlin"),),
}
# Days on which the clocks of Berlin change, and one without anything odd but its date.
AROUND: Final = ("2026-03-29", "2026-10-25", "2027-01-01")
# What a rollup looks back to, at a scrape every fifteen seconds.
REACH: Final = MINUTE + 15


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def is_open(hours: tuple[RecurringTime, ...], at: int) -> bool:
    """Whether the second after *at* lies in the hours, by what the clock on the wall says."""
    local = datetime.fromtimestamp(at, ZoneInfo(hours[0].time_zone))
    second = local.hour * HOUR + local.minute * MINUTE + local.second
    for time in hours:
        days = {day for day, _ in time.days} or set(range(7))
        for back in (0, 1):
            since = second + back * DAY - time.start_second
            if (local.weekday() - back) % 7 in days and 0 <= since < time.seconds:
                return True
    return False


def open_minutes(hours: tuple[RecurringTime, ...], begin: int, end: int) -> dict[int, bool]:
    return {at: is_open(hours, at) for at in range(begin, end, MINUTE)}


def slo_of(name: str) -> Slo:
    return shop(active_hours=HOURS[name])


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with running_prometheus(tmp_path_factory.mktemp("hours")) as server:
        yield server


def values_of(
    server: Prometheus, query: PromQL, begin: int, end: int, *, step: int = MINUTE
) -> dict[int, float]:
    found: dict[int, float] = {}
    # Six hours at once take half a second; on a machine that is twenty times slower, ten.
    for start in range(begin, end, 6 * HOUR):
        for row in server.range(query, start=start, end=min(start + 6 * HOUR, end) - 1, step=step):
            found |= {int(at): value for at, value in row.points}
    return found


@pytest.mark.parametrize("day", AROUND)
@pytest.mark.parametrize("name", HOURS)
@pytest.mark.parametrize("phase", [0, 15])
def test_a_minute_counts_where_all_of_it_lies_in_the_hours(
    prometheus: Prometheus, name: str, day: str, phase: int
) -> None:
    begin, end = moment(day) - 2 * DAY, moment(day) + 3 * DAY
    clock = open_minutes(HOURS[name], begin - HOUR, end)
    query = mask_outside_hours(slo_of(name), "vector(7)")

    found = values_of(prometheus, query, begin + phase, end)

    wrong = []
    for at, value in found.items():
        touched = {each // MINUTE * MINUTE for each in range(at - REACH, at)}
        is_changed = any(clock_change(HOURS[name], each) for each in (*touched, at // MINUTE * MINUTE))
        if value != 7 * all(clock[each] for each in touched) and not is_changed:
            wrong.append(at)
    assert len(found) == 5 * DAY // MINUTE
    assert wrong == []


def clock_change(hours: tuple[RecurringTime, ...], at: int) -> bool:
    """Whether clocks change in the minute at *at*: of two minutes on end one may count or not."""
    zone = ZoneInfo(hours[0].time_zone)
    ahead = [datetime.fromtimestamp(each, zone).utcoffset() for each in (at - MINUTE, at)]
    return ahead[0] != ahead[1]


@pytest.mark.parametrize("day", AROUND)
@pytest.mark.parametrize("name", HOURS)
def test_rules_know_when_the_hours_begin_next(prometheus: Prometheus, name: str, day: str) -> None:
    begin, end = moment(day) - 4 * DAY, moment(day) + 4 * DAY
    clock = open_minutes(HOURS[name], begin, end + 2 * WEEK)
    [until] = [
        rule.expr
        for group in rule_groups(slo_of(name), NATIVE_STYLE)
        for rule in group.rules
        if getattr(rule, "record", "") == naming.OUTSIDE_HOURS_UNTIL
    ]

    found = values_of(prometheus, until, begin + 30, end, step=5 * MINUTE)

    expected, start = {}, 0
    for at in reversed(clock):
        start = at if clock[at] else start
        if at < end and (at - begin) % (5 * MINUTE) == 0 and not clock[at]:
            expected[at + 30] = start
    assert found == expected


@pytest.mark.parametrize("name", HOURS)
def test_rules_know_how_much_of_a_month_lies_in_the_hours(prometheus: Prometheus, name: str) -> None:
    begin, end = moment("2026-11-03T00:17:00"), moment("2026-12-03T15:41:00")
    query = active_seconds_between(slo_of(name), f"vector({begin})", f"vector({end})")

    [found] = prometheus.instant(query, at=end)

    assert found.value == MINUTE * sum(open_minutes(HOURS[name], begin, end).values())


def test_nothing_counts_beyond_the_table_of_a_zone(prometheus: Prometheus) -> None:
    noon = moment(f"{TABLE_END_YEAR + 1}-06-03T12:00:00")
    masks = [mask_outside_hours(slo_of(name), "vector(7)") for name in ("office", "office of Berlin")]

    assert [prometheus.instant(mask, at=noon)[0].value for mask in masks] == [7, 0]


# Monday from eight to ten; what promtool tells begins an hour before.
MORNING: Final = (RecurringTime(((0, None),), 8 * HOUR, 2 * HOUR, "Europe/Berlin"),)
SEVEN: Final = moment("2026-11-02T06:00:00")


def shifted(group: RuleGroup) -> RuleGroup:
    """The rules of a group as they are on that Monday, and not in 1970, where promtool begins."""
    return replace(
        group,
        rules=tuple(
            replace(rule, expr=re.sub(r"\btime\(\)", f"(time() + {SEVEN})", rule.expr))
            for rule in group.rules
        ),
    )


@pytest.fixture(scope="module")
def morning(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Bad from half past seven to twenty past eight and from ten to ten; gone from eleven on."""
    bad = (0,) * 120 + (8,) * 200 + (0,) * 360 + (8,) * 600
    child = Child("/", ok=(20,), bad=bad, head=(10, 10), died=4 * HOUR // 15)
    series = RATIO.world([Target("a", (child,))], 5 * HOUR)
    slo = shop(indicator=RATIO.indicator, active_hours=MORNING)
    groups = [shifted(group) for group in rule_groups(slo, NATIVE_STYLE)]
    directory = tmp_path_factory.mktemp("morning")
    [recording] = record(directory, groups, [Story(series, 5 * HOUR, range(0, 5 * HOUR, MINUTE))])
    return recording


def minutes_with(recording: Recording, metric: str, **labels: str) -> list[int]:
    """The minutes after seven at which there was such a series."""
    wanted = {"__name__": metric, **labels}.items()
    return [
        at // MINUTE
        for at, samples in recording.items()
        if any(wanted <= dict(sample.labels).items() for sample in samples)
    ]


def test_a_page_comes_at_the_start_of_the_hours_and_none_after_their_end(morning: Recording) -> None:
    pages = minutes_with(morning, "ALERTS", slo_severity="page", alertstate="firing")

    # Bad until minute 80, the hours are from 60 to 180, bad again from 170 on.
    assert pages[0] in {62, 63}
    assert pages[-1] == 180
    # Half an hour later the shorter lookbacks are without it.
    assert not set(pages) & set(range(112, 170))


def test_silence_outside_the_hours_is_no_alert(morning: Recording) -> None:
    assert minutes_with(morning, "ALERTS", slo_alert="no_data", alertstate="firing") == []


def test_only_the_hours_are_in_the_window(morning: Recording) -> None:
    events, errors = (
        sum(
            sample.value
            for samples in morning.values()
            for sample in samples
            if sample.labels["__name__"] == f"slo:sli_{side}:increase1m"
        )
        for side in ("total", "error")
    )

    # Two hours but for their first minute; of them twenty minutes bad, and ten.
    assert errors == pytest.approx((18.75 + 10) * 4 * 8, rel=0.02)
    assert events == pytest.approx(118.75 * 4 * 20 + (18.75 + 10) * 4 * 8, rel=0.02)


def test_it_is_said_until_when_it_is_outside_the_hours(morning: Recording) -> None:
    outside = minutes_with(morning, naming.OUTSIDE_HOURS_UNTIL)

    assert outside == [*range(60), *range(181, 300)]


@pytest.mark.parametrize(
    ("clock", "counted"),
    [("08:00:20", 0), ("08:05:20", 7), ("18:00:20", 7), ("18:00:59", 7), ("18:05:20", 0)],
)
def test_slices_of_five_minutes_count_by_their_own_ends(
    prometheus: Prometheus, clock: str, counted: int
) -> None:
    slices = TimeSlice(Fraction(99, 100), 5 * MINUTE, WhenAbsent.IGNORE)
    query = mask_outside_hours(shop(active_hours=OFFICE, time_slice=slices), "vector(7)")

    [found] = prometheus.instant(query, at=moment(f"2026-11-02T{clock}"))

    assert found.value == counted


@pytest.mark.parametrize(
    ("clock", "adds"), [("13:00", False), ("13:55", True), ("18:00", True), ("18:02", False)]
)
def test_a_repair_adds_what_lies_within_the_hours_as_a_whole(
    prometheus: Prometheus, clock: str, adds: bool
) -> None:
    scope = Scope.from_slo(shop(active_hours=OFFICE), NATIVE_STYLE)
    query = only_within_hours(scope, "vector(7)", REPAIR_SPAN)

    found = prometheus.instant(query, at=moment(f"2026-11-02T{clock}:00"))

    assert bool(found) == adds
