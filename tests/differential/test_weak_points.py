"""Where recorded counts can go wrong, each with the figure that bounds it: docs/rules.md tells them."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from random import Random
from typing import Final

import pytest

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import CountedSide as Side
from sloctl.model import RatioIndicator
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.rules.groups import rule_groups
from sloctl.slo.resolutions import EventCounts
from tests.conftest import Figure
from tests.differential.engine import Recording, Story, record
from tests.differential.kinds import RATIO
from tests.differential.streams import Child, Target
from tests.differential.stretch import Counted, Hole, count, happened, rollup_groups

SCRAPE: Final = 15
PER_SCRAPE: Final = 20.1
NO_BIRTHS: Final = RATIO.slo(
    indicator=RatioIndicator(
        Side.ERROR,
        (read_selector('requests_total{code="500"}'),),
        (read_selector("requests_total"),),
        count_new_series=False,
    )
)


def even() -> Target:
    """20 good events in each scrape interval, and an error in every tenth."""
    return Target("a", (Child("/pay", ok=(20,), bad=(0,) * 9 + (1,), head=(5000, 500)),))


def bursty(days: int, *, seed: int, interval: int = SCRAPE) -> Target:
    """Random traffic and a few errors, with four total outages of five minutes a day."""
    random, scrapes = Random(seed), days * DAY // interval  # noqa: S311 - a stream, not a secret
    ok = [random.randint(0, 40 * interval // SCRAPE) for _ in range(scrapes)]
    bad = [int(random.random() < 0.1) for _ in range(scrapes)]
    for _ in range(4 * days):
        start = random.randrange(scrapes - 100)
        for number in range(start, start + 5 * MINUTE // interval):
            ok[number], bad[number] = 0, bad[number] + ok[number]
    return Target("a", (Child("/pay", ok, bad, head=(500_000, 50_000)),), interval=interval)


def lost_in(hole: Hole) -> EventCounts:
    """The turn at its start does not take place either."""
    return happened(even(), hole.start - MINUTE, hole.end)


def off(counted: float, truth: float) -> float:
    """Relative error."""
    return counted / truth - 1


def ratio(counts: EventCounts) -> float:
    return counts.error / counts.total


# Repair


@pytest.mark.parametrize("minutes", [10, 30, 60, 115, 180, 285])
def test_a_hole_of_less_than_five_hours_is_repaired_to_within_two_scrapes(
    minutes: int, tmp_path: Path, figure: Figure
) -> None:
    hole = Hole(5 * HOUR + 7 * MINUTE, 5 * HOUR + (7 + minutes) * MINUTE)
    lost = lost_in(hole)

    counted = count(tmp_path, [even()], horizon=hole.end + 3 * HOUR, holes=[hole])

    repaired = counted.repaired(hole.end, hole.end + 3 * HOUR)
    figure(f"a hole of {minutes} minutes: {repaired.total:.1f} of {lost.total:.0f} events repaired")
    assert abs(repaired.total - lost.total) <= 2 * PER_SCRAPE
    assert abs(repaired.error - lost.error) <= 2


@pytest.mark.parametrize("ended", [-1, 1, 31])
def test_a_hole_of_nearly_five_hours_is_repaired_whenever_its_turn_comes(ended: int, tmp_path: Path) -> None:
    end = 11 * HOUR + ended * MINUTE
    hole = Hole(end - 285 * MINUTE, end)

    counted = count(tmp_path, [even()], horizon=14 * HOUR, holes=[hole])

    assert abs(counted.repaired(end, 14 * HOUR).total - lost_in(hole).total) <= 2 * PER_SCRAPE


def test_errors_born_in_a_hole_are_repaired(tmp_path: Path) -> None:
    hole = Hole(7 * HOUR + 7 * MINUTE, 9 * HOUR + 7 * MINUTE)
    born_in_it = [0] * (8 * HOUR // SCRAPE) + [7] + [0] * (9 * HOUR // SCRAPE)
    target = Target("a", (Child("/pay", ok=(20,), bad=born_in_it, head=(5000, 0)),))

    counted = count(tmp_path, [target], horizon=17 * HOUR, holes=[hole])
    switched = count(tmp_path, [target], horizon=17 * HOUR, holes=[hole], slo=NO_BIRTHS)

    assert [counted.all.error, switched.all.error] == pytest.approx([7, 0])


def test_errors_born_outside_of_a_hole_are_not_repaired_again(tmp_path: Path) -> None:
    hole = Hole(7 * HOUR + 7 * MINUTE, 8 * HOUR + 7 * MINUTE)
    born_before = [0] * (5 * HOUR // SCRAPE) + [7] + [0] * (9 * HOUR // SCRAPE)
    born_after = [0] * (9 * HOUR // SCRAPE) + [5] + [0] * (9 * HOUR // SCRAPE)
    children = (
        Child("/pay", ok=(20,), bad=born_before, head=(5000, 0)),
        Child("/refund", ok=(20,), bad=born_after, head=(5000, 0)),
    )

    counted = count(tmp_path, [Target("a", children)], horizon=14 * HOUR, holes=[hole])

    assert counted.all.error == pytest.approx(12)


def test_rules_younger_than_a_repair_reaches_repair_nothing_that_they_counted(tmp_path: Path) -> None:
    young = Target("a", (Child("/pay", ok=(20,), bad=(0, 1), head=(5000, 500)),), first=17 * 4)

    counted = count(tmp_path, [young], horizon=2 * HOUR)

    nothing = EventCounts(error=0.0, total=0.0)
    assert counted.repairs == {30 * MINUTE * number: nothing for number in (2, 3, 4)}


@pytest.mark.parametrize("seconds", [-75, -45, -15, 15, 45, 75])
def test_a_burst_beside_the_last_look_is_never_counted_twice(seconds: int, tmp_path: Path) -> None:
    scrape = (20 * MINUTE + seconds) // SCRAPE
    burst = [0] * scrape + [100] + [0] * (2 * HOUR // SCRAPE)
    target = Target("a", (Child("/pay", ok=(20,), bad=burst, head=(5000, 500)),))

    counted = count(tmp_path, [target], horizon=65 * MINUTE)

    assert counted.all.error == pytest.approx(100, abs=0.01)


def test_a_hole_longer_than_the_repair_reaches_is_lost_and_invents_nothing(tmp_path: Path) -> None:
    hole = Hole(5 * HOUR + 7 * MINUTE, 12 * HOUR + 7 * MINUTE)

    counted = count(tmp_path, [even()], horizon=19 * HOUR, holes=[hole])

    assert counted.repaired(hole.end, 19 * HOUR).total <= PER_SCRAPE


def test_two_holes_within_the_reach_of_one_repair_are_each_counted_once(tmp_path: Path) -> None:
    holes = [
        Hole(5 * HOUR + 20 * MINUTE, 6 * HOUR - 5 * MINUTE),
        Hole(7 * HOUR + 20 * MINUTE, 8 * HOUR - 5 * MINUTE),
    ]
    lost = sum(lost_in(hole).total for hole in holes)

    counted = count(tmp_path, [even()], horizon=12 * HOUR, holes=holes)

    assert abs(counted.repaired(6 * HOUR, 12 * HOUR).total - lost) <= 4 * PER_SCRAPE


@pytest.mark.full
def test_a_month_with_nine_holes_counts_no_event_twice(tmp_path: Path, figure: Figure) -> None:
    random = Random(3)  # noqa: S311 - a stream, not a secret
    starts = [day * DAY + random.randrange(DAY // MINUTE) * MINUTE for day in range(2, 29, 3)]
    holes = [Hole(start, start + random.randrange(2, 115) * MINUTE) for start in starts]
    truth = happened(bursty(30, seed=3), 0, 30 * DAY)

    counted = count(tmp_path, [bursty(30, seed=3)], horizon=30 * DAY, holes=holes)

    figure(f"a month with {len(holes)} holes, {_minutes(holes)} minutes in all: {_errors_of(counted, truth)}")
    assert min(repair.total for repair in counted.repairs.values()) >= 0
    assert min(repair.error for repair in counted.repairs.values()) >= 0
    # What the slow group had not yet summed when Prometheus went down, at most five minutes a hole, is lost.
    assert -9 * 5 * MINUTE / (30 * DAY) < off(counted.all.total, truth.total) < 0.0005
    assert -0.005 < off(counted.all.error, truth.error) < 0.0005


# Missed and late turns


@pytest.mark.parametrize(("share", "bound"), [(0.01, 0.02), (0.1, 0.12)])
def test_missed_turns_lose_their_share_of_events_and_little_of_the_ratio(
    share: float, bound: float, tmp_path: Path, figure: Figure
) -> None:
    random, target = Random(1), bursty(1, seed=1)  # noqa: S311 - a stream, not a secret
    missed = [at for at in range(0, DAY, MINUTE) if random.random() < share]
    truth = happened(target, 0, DAY)

    counted = count(tmp_path, [target], horizon=DAY, missed=missed)

    figure(f"{share:.0%} of all turns missed: {_errors_of(counted, truth)}")
    assert -bound <= off(counted.all.total, truth.total) <= 0.001


@pytest.mark.parametrize("behind", [20, 30, 40])
def test_the_slow_group_reads_five_rollups_however_far_behind_the_fast_one_it_is(
    behind: int, tmp_path: Path
) -> None:
    fast, slow, repair = rollup_groups(RATIO.slo())
    story = Story(RATIO.world([even()], HOUR), HOUR, range(0, HOUR + 1, 10))

    in_step, late = (
        record(tmp_path, [fast, slow, repair], [story], evaluated=10, phases={slow.name: phase})[0]
        for phase in (0, behind)
    )

    assert _coarse(late)[2:] == pytest.approx(_coarse(in_step)[2:][: len(_coarse(late)[2:])])


def test_the_budget_stays_readable_when_a_slow_turn_is_missed(tmp_path: Path) -> None:
    slo = RATIO.slo()
    fast, slow, _ = rule_groups(slo, NATIVE_STYLE)
    series = RATIO.world([even()], HOUR)
    story = Story(series, HOUR, range(20 * MINUTE, HOUR + 1, MINUTE))

    [recording] = record(
        tmp_path,
        [fast, slow],
        [story],
        evaluated=30,
        phases={slow.name: 30},
        skipped={slow.name: {30 * MINUTE + 30}},
    )

    assert all(
        any(sample.labels["__name__"] == "slo:period_error_budget_remaining:ratio" for sample in samples)
        for samples in recording.values()
    )


def test_a_reader_that_switches_between_two_replicas_errs_by_at_most_a_scrape_each_time(
    tmp_path: Path, figure: Figure
) -> None:
    random = Random(9)  # noqa: S311 - a stream, not a secret
    halves = [random.randint(0, 20) for _ in range(2 * 6 * HOUR // SCRAPE + 2)]
    moments = range(10 * MINUTE, 6 * HOUR, MINUTE)
    # The second scrapes half an interval after the first.
    replicas = [_every_second_half(halves), _every_second_half(halves[1:])]
    stories = [Story(RATIO.world([it], 6 * HOUR), 6 * HOUR, moments) for it in replicas]

    one, other = (_minutely(it) for it in record(tmp_path, rollup_groups(RATIO.slo()), stories))
    switches = range(0, 6 * HOUR, 10 * MINUTE)
    mixed = sum((one if at // (10 * MINUTE) % 2 else other)[at] for at in moments)

    figure(f"two replicas, {len(switches)} switches in 6 hours: {off(mixed, sum(one.values())):+.3%} events")
    assert one != other
    assert abs(mixed - sum(one.values())) <= len(switches) * PER_SCRAPE


# What a spec says wrongly


@pytest.mark.parametrize(("actual", "stated"), [(15, 30), (15, 60), (30, 60)])
def test_a_scrape_interval_stated_too_long_blurs(
    actual: int, stated: int, tmp_path: Path, figure: Figure
) -> None:
    target = bursty(1, seed=7, interval=actual)
    truth = happened(target, 0, DAY)

    counted = count(tmp_path, [target], horizon=DAY, slo=RATIO.slo(scrape_interval=stated))

    figure(f"scraped every {actual}s, stated {stated}s: {_errors_of(counted, truth)}")
    assert abs(off(counted.all.total, truth.total)) < 0.02


def test_a_scrape_interval_stated_far_too_short_counts_nothing_rather_than_something_wrong(
    tmp_path: Path,
) -> None:
    target = bursty(1, seed=7, interval=60)

    counted = count(tmp_path, [target], horizon=3 * HOUR, slo=RATIO.slo(scrape_interval=15))

    assert counted == Counted(EventCounts(error=0.0, total=0.0), repairs={})


# Births


def test_errors_whose_series_are_born_over_and_over_are_all_counted(tmp_path: Path, figure: Figure) -> None:
    target = _restarted_daily(2)
    truth = happened(target, 0, 2 * DAY)

    with_births = count(tmp_path, [target], horizon=2 * DAY)
    without = count(tmp_path, [target], horizon=2 * DAY, slo=NO_BIRTHS)

    figure(f"births counted: {off(with_births.all.error, truth.error):+.2%} of errors")
    figure(f"countNewSeries: false: {off(without.all.error, truth.error):+.2%} of errors")
    assert abs(off(with_births.all.error, truth.error)) < 0.03
    assert off(without.all.error, truth.error) < -0.3


def test_an_exporter_that_drops_and_re_exposes_a_series_needs_the_switch(tmp_path: Path) -> None:
    hidden = frozenset(number for hour in range(1, 6) for number in range(hour * 240, hour * 240 + 40))
    target = Target("a", (Child("/pay", ok=(20,), bad=(0,), head=(5000, 7), hidden_errors=hidden),))

    counted = count(tmp_path, [target], horizon=6 * HOUR)
    switched = count(tmp_path, [target], horizon=6 * HOUR, slo=NO_BIRTHS)

    assert (counted.rollups.error, switched.rollups.error) == (35.0, 0.0)


def _restarted_daily(days: int) -> Target:
    """A quiet service: about an error in two hours, its series born anew after each of six restarts a day."""
    random, scrapes = Random(5), days * DAY // SCRAPE  # noqa: S311 - a stream, not a secret
    bad = [int(random.random() < 1 / 480) for _ in range(scrapes)]
    restarts = frozenset(range(960, scrapes, 960))
    return Target("a", (Child("/pay", ok=(1, 0, 2), bad=bad, head=(500, 50)),), restarts=restarts)


def _every_second_half(halves: Sequence[int]) -> Target:
    """A target whose scrape intervals are two halves each."""
    ok = [one + other for one, other in zip(halves[::2], halves[1::2], strict=False)]
    return Target("a", (Child("/pay", ok, bad=(0,), head=(5000, 0)),))


def _minutes(holes: Iterable[Hole]) -> int:
    return sum(hole.end - hole.start for hole in holes) // MINUTE


def _errors_of(counted: Counted, truth: EventCounts) -> str:
    return (
        f"events {off(counted.all.total, truth.total):+.2%}, "
        f"errors {off(counted.all.error, truth.error):+.2%}, "
        f"ratio {off(ratio(counted.all), ratio(truth)):+.2%}"
    )


def _minutely(recording: Recording) -> dict[int, float]:
    """One-minute rollups of events, by second."""
    return {
        at: sample.value
        for at, samples in recording.items()
        for sample in samples
        if sample.labels["__name__"] == "slo:sli_total:increase1m"
    }


def _coarse(recording: Recording) -> list[float]:
    """Five-minute rollups in time order."""
    return [
        sample.value
        for samples in recording.values()
        for sample in samples
        if sample.labels["__name__"] == "slo:sli_total:increase5m" and "slo_part" not in sample.labels
    ]
