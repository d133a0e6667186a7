"""Journeys in the sidecar, against what each minute really was, and the example of the documents."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest
from msgspec import structs

from sloctl import compiler
from sloctl.duration import MINUTE
from sloctl.model import (
    CompositeIndicator,
    CompositeRule,
    CountedSide,
    Exclusion,
    FixedTime,
    JourneyPart,
    RatioIndicator,
    Slo,
    SloName,
    TimeSlice,
    WhenAbsent,
)
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.rules.backfill_queries import backfill_rollups
from sloctl.sidecar.sources import PART_LABEL, SloCounts
from sloctl.sidecar.sources.counting.journeys import JourneyCounter, separate_journeys
from sloctl.sidecar.sources.counting.time_slices import SliceJudge
from sloctl.slo.journeys import combine_minute
from sloctl.slo.resolutions import EventCounts
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import shop

REQUESTS: Final = RatioIndicator(
    CountedSide.ERROR, (read_selector('r_total{code="500"}'),), (read_selector("r_total"),)
)
WEIGHTS: Final = {"browse": Fraction(3), "pay": Fraction(1)}
# Good and bad events of each part in a minute, for so many minutes; None is a part without data.
STORY: Final = (
    ({"browse": (999, 1), "pay": (12, 8)}, 10),
    ({"browse": (1000, 0), "pay": (0, 0)}, 5),
    ({"browse": (1000, 0), "pay": None}, 7),
    ({"browse": (0, 0), "pay": (0, 0)}, 3),
    ({"browse": (500, 500), "pay": (20, 0)}, 10),
)
T0: Final = 1_700_000_100


def journey(rule: CompositeRule, **changed: TimeSlice) -> Slo:
    parts = tuple(
        JourneyPart(name, SloName("shop", name), REQUESTS, weight, changed.get(name))
        for name, weight in WEIGHTS.items()
    )
    return shop(indicator=CompositeIndicator(rule, parts))


TRUTHS: Final = {
    CompositeRule.WORST: EventCounts(10 * 0.4 + 10 * 0.5, 25),
    CompositeRule.WEIGHTED: EventCounts(10 * (3 * 0.001 + 0.4) / 4 + 10 * 3 * 0.5 / 4, 25),
    CompositeRule.SUM: EventCounts(10 * 9 + 10 * 500, 10 * 1020 + 5 * 1000 + 10 * 1020),
}


def counted_by_sidecar(slo: Slo, *, tick: int) -> tuple[EventCounts, dict[str, float]]:
    """What ticks that are not of the clock's minutes give, and the errors that each part brought."""
    _, journeys = separate_journeys([slo])
    counter, errors, total, at = JourneyCounter(journeys), 0.0, 0.0, float(T0)
    brought = dict.fromkeys(WEIGHTS, 0.0)
    for parts, minutes in (*STORY, (STORY[0][0], 1)):
        for _ in range(minutes * MINUTE // tick):
            at += tick
            counts = {
                f"shop/{name}": SloCounts({(): EventCounts(each[1] * tick / 60, sum(each) * tick / 60)})
                for name, each in parts.items()
                if each is not None
            }
            told = counter.count_journeys(at, counts).get(slo.id)
            if told is None or at > T0 + 35 * MINUTE + tick:
                continue
            errors, total = errors + told.groups[()].error, total + told.groups[()].total
            for (label, name), share in told.by_label.items():
                assert label == PART_LABEL
                brought[name] += share.error
    return EventCounts(errors, total), brought


@pytest.mark.parametrize("tick", [1, 5, 15])
@pytest.mark.parametrize("rule", CompositeRule)
def test_the_sidecar_counts_exactly_the_minutes_that_there_were(rule: CompositeRule, tick: int) -> None:
    counted, brought = counted_by_sidecar(journey(rule), tick=tick)

    assert counted.error == pytest.approx(TRUTHS[rule].error)
    assert counted.total == pytest.approx(TRUTHS[rule].total)
    assert sum(brought.values()) == pytest.approx(TRUTHS[rule].error)


def test_a_silent_part_is_named_and_the_journey_is_missing_rather_than_good() -> None:
    slo = journey(CompositeRule.WORST)
    counter = JourneyCounter(separate_journeys([slo])[1])
    browse = SloCounts({(): EventCounts(0, 10)})
    counter.count_journeys(T0 + 1, {"shop/browse": browse, "shop/pay": browse})
    counter.count_journeys(T0 + 61, {"shop/browse": browse})

    told = counter.count_journeys(T0 + 121, {"shop/browse": browse})

    assert told == {"shop/browse": browse}
    assert counter.describe_silence() == ["shop/checkout: no data of pay, so nothing is known of the journey"]


def test_a_part_of_slices_is_told_with_the_minute_that_it_judged() -> None:
    slices = TimeSlice(Fraction(99, 100), MINUTE, WhenAbsent.IGNORE)
    slo = journey(CompositeRule.WORST, pay=slices)
    counted, journeys = separate_journeys([slo])
    judge, counter = SliceJudge(counted), JourneyCounter(journeys)
    told = []
    for minute, failed in enumerate((0, 1, 0, 0)):
        for second in (20, 40, 60):
            at = float(T0 + 60 * minute + second)
            counts = {
                "shop/browse": SloCounts({(): EventCounts(0, 10)}),
                "shop/pay": SloCounts({(): EventCounts(failed, 10)}),
            }
            told.append(counter.count_journeys(at, judge.judge_counts(at, counts))[slo.id].groups[()])

    assert [each for each in told if each.total] == [
        EventCounts(0.0, 1.0),
        EventCounts(1.0, 1.0),
        EventCounts(0.0, 1.0),
    ]


def test_a_journey_of_a_journey_counts_the_same_minutes() -> None:
    inner = journey(CompositeRule.WORST)
    parts = (JourneyPart("all", SloName("shop", inner.name), inner.indicator), inner.indicator.parts[0])  # type: ignore[union-attr] # a composite
    outer = shop(name="outer", indicator=CompositeIndicator(CompositeRule.WORST, parts))
    counter = JourneyCounter(separate_journeys([outer, inner])[1])
    told = []
    for tick in range(1, 40):
        bad = 10.0 if 12 < tick <= 24 else 0.0
        counts = {
            "shop/browse": SloCounts({(): EventCounts(0, 10)}),
            "shop/pay": SloCounts({(): EventCounts(bad, 10)}),
        }
        counted = counter.count_journeys(float(T0 + 5 * tick), counts)
        told.append((counted[inner.id].groups, counted[outer.id].groups))

    assert sum(each[()].total for each, _ in told) == 3
    assert [inside for inside, _ in told] == [outside for _, outside in told]


EXAMPLES: Final[Mapping[CompositeRule, float]] = {
    CompositeRule.WORST: 0.4,
    CompositeRule.WEIGHTED: 0.10075,
    CompositeRule.SUM: 9 / 1020,
}


def test_the_documents_have_the_numbers_of_the_example() -> None:
    text = Path("docs/spec.md").read_text()

    assert "1 of 1,000 page views and 8 of 20 payments fail is 40 % bad" in text
    assert "(3 × 0.1 % + 40 %) / 4 = 10.075 % bad" in text
    assert "9 of 1,020 events, 0.88 %" in text


@pytest.mark.parametrize("rule", CompositeRule)
def test_the_example_of_the_documents_is_what_both_count(tmp_path: Path, rule: CompositeRule) -> None:
    slo = journey(rule)
    rollups = {
        f'slo:sli_{side}:increase1m{{slo_id="shop/{name}"}}': f"{value}x80"
        for name, error, total in (("browse", 1, 1000), ("pay", 8, 20))
        for side, value in (("error", error), ("total", total))
    }
    ratio = f'abs(max(slo:sli_error:ratio_rate5m{{slo_id="{slo.id}"}}) - {EXAMPLES[rule]!r}) < bool 1e-9'

    told = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [Trial("example", rollups, [Expectation(15, ratio, 1)])],
    )
    counts = {"browse": EventCounts(1, 1000), "pay": EventCounts(8, 20)}
    counted = combine_minute(slo.indicator, counts)  # type: ignore[arg-type] # a composite

    assert told == "SUCCESS"
    assert counted is not None
    assert counted.error_ratio == pytest.approx(EXAMPLES[rule])


def moments(asked: Sequence[str], recorded: Sequence[str]) -> list[Expectation]:
    # What is recorded is a minute behind.
    return [
        Expectation(minute, f"abs(({ask}) - on () (sum({record} offset -1m) or vector(0))) < bool 1e-9", 1)
        for ask, record in zip(asked, recorded, strict=True)
        for minute in range(10, 38, 3)
    ]


@pytest.mark.parametrize("rule", CompositeRule)
def test_what_is_asked_of_the_past_is_what_the_rules_record_a_minute_later(
    tmp_path: Path, rule: CompositeRule
) -> None:
    slo = journey(rule)
    singles = [shop(name=name, indicator=REQUESTS) for name in WEIGHTS]
    series = {
        'r_total{code="200"}': "100+100x80 8100+40x90",
        'r_total{code="500"}': "1+1x80 81+60x90",
    }

    told = run_trials(
        tmp_path,
        compiler.compile_rules([*singles, slo], NATIVE_STYLE),
        [
            Trial(
                "past",
                series,
                moments(
                    backfill_rollups(slo, NATIVE_STYLE),
                    [f'slo:sli_{side}:increase1m{{slo_id="{slo.id}"}}' for side in ("total", "error")],
                ),
            )
        ],
    )

    assert told == "SUCCESS"


def test_a_journey_without_an_incident_is_as_if_it_had_not_been(tmp_path: Path) -> None:
    incident = Exclusion("A fibre was cut.", FixedTime(30 * MINUTE, 40 * MINUTE))
    slo = structs.replace(journey(CompositeRule.WORST), exclusions=(incident,))
    rollups = {
        'slo:sli_total:increase1m{slo_id="shop/browse"}': "100x400",
        'slo:sli_error:increase1m{slo_id="shop/browse"}': "0x400",
        'slo:sli_total:increase1m{slo_id="shop/pay"}': "20x400",
        'slo:sli_error:increase1m{slo_id="shop/pay"}': "0x123 20x39 0x237",
    }
    ratio = 'max(slo:sli_error:ratio_rate1h{slo_id="shop/checkout"})'
    all_of_it = ratio.replace("sli_error", "sli_error_with_excluded")

    told = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [
            Trial(
                "excluded",
                rollups,
                [Expectation(80, ratio, 0), Expectation(80, f"{all_of_it} > bool 0.1", 1)],
            )
        ],
    )

    assert told == "SUCCESS"
