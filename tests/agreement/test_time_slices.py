"""Slices of time, in the rules, asked of the past and in the sidecar, against what each minute really was."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from sloctl import compiler
from sloctl.duration import MINUTE
from sloctl.model import CountedSide, RatioIndicator, Slo, TimeSlice, WhenAbsent
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.rules.backfill_queries import backfill_rollups
from sloctl.sidecar.sources import SloCounts
from sloctl.sidecar.sources.counting.time_slices import SliceJudge
from sloctl.slo.resolutions import EventCounts
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import shop

REQUESTS: Final = RatioIndicator(
    CountedSide.ERROR, (read_selector('r_total{code="500"}'),), (read_selector("r_total"),)
)
# Good and bad requests of each quarter of a minute, for so many minutes.
STORY: Final = ((100, 0, 10), (98, 2, 10), (0, 0, 10), (100, 0, 10), (0, 50, 5), (100, 0, 15))
MINUTES: Final = sum(minutes for *_, minutes in STORY)
T0: Final = 1_700_000_100


def sliced(seconds: int, when_empty: WhenAbsent = WhenAbsent.IGNORE) -> Slo:
    return shop(indicator=REQUESTS, time_slice=TimeSlice(Fraction(99, 100), seconds, when_empty))


def truth(when_empty: WhenAbsent) -> tuple[int, int]:
    """Bad minutes and minutes of the story."""
    judged = [
        (minutes, bad / (good + bad) > 0.01 if good + bad else when_empty is WhenAbsent.BAD)
        for good, bad, minutes in STORY
        if good + bad or when_empty is not WhenAbsent.IGNORE
    ]
    return sum(minutes for minutes, is_bad in judged if is_bad), sum(minutes for minutes, _ in judged)


def counters() -> dict[str, str]:
    parts: dict[str, list[str]] = {"200": [], "500": []}
    for code, side in (("200", 0), ("500", 1)):
        value = 0
        for stretch in STORY:
            each, samples = stretch[side], 4 * stretch[2]
            parts[code].append(f"{value}+{each}x{samples - 1}")
            value += each * samples
    return {f'r_total{{code="{code}"}}': " ".join(stretches) for code, stretches in parts.items()}


def near(expr: str, value: float, blur: float) -> Expectation:
    within = f"({expr} >= bool {value - blur}) * ({expr} <= bool {value + blur})"
    return Expectation(MINUTES, within, 1)


@pytest.mark.parametrize("seconds", [MINUTE, 5 * MINUTE])
@pytest.mark.parametrize("when_empty", WhenAbsent)
def test_the_rules_count_the_slices_that_there_were(
    tmp_path: Path, seconds: int, when_empty: WhenAbsent
) -> None:
    slo = sliced(seconds, when_empty)
    bad, every = truth(when_empty)
    length = seconds // MINUTE
    # A change between two slices is a scrape late: one slice at each may be on its other side.
    told = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [
            Trial(
                "slices",
                counters(),
                [
                    near("sum(sum_over_time(slo:sli_error:increase1m[2h]))", bad / length, 2),
                    near("sum(sum_over_time(slo:sli_total:increase1m[2h]))", every / length, 2),
                ],
            )
        ],
    )

    assert told == "SUCCESS"


def moments(asked: Sequence[str], recorded: Sequence[str]) -> list[Expectation]:
    return [
        Expectation(minute, f"({ask}) - on () sum({record}) or vector(0)", 0)
        for ask, record in zip(asked, recorded, strict=True)
        for minute in range(10, MINUTES, 3)
    ]


@pytest.mark.parametrize("seconds", [MINUTE, 5 * MINUTE])
@pytest.mark.parametrize("when_empty", WhenAbsent)
def test_what_is_asked_of_the_past_is_what_the_rules_record(
    tmp_path: Path, seconds: int, when_empty: WhenAbsent
) -> None:
    slo = sliced(seconds, when_empty)
    events, errors = backfill_rollups(slo, NATIVE_STYLE)
    recorded = ["slo:sli_total:increase1m", "slo:sli_error:increase1m"]

    told = run_trials(
        tmp_path,
        compiler.compile_rules([slo], NATIVE_STYLE),
        [Trial("past", counters(), moments([events, errors], recorded))],
    )

    assert told == "SUCCESS"


def test_series_that_are_gone_are_no_data_whatever_an_empty_slice_is(tmp_path: Path) -> None:
    series = {'r_total{code="200"}': "0+10x80 _x200", 'r_total{code="500"}': "0+0x80 _x200"}
    alert = 'count(ALERTS{alertname="SLONoData",alertstate="firing"}) or vector(0)'

    told = run_trials(
        tmp_path,
        compiler.compile_rules([sliced(5 * MINUTE, WhenAbsent.GOOD)], NATIVE_STYLE),
        [
            Trial(
                "gone",
                series,
                [
                    Expectation(19, alert, 0),
                    Expectation(35, "slo:sli_total:increase1m", None),
                    Expectation(50, alert, 1),
                ],
            )
        ],
    )

    assert told == "SUCCESS"


def counted_by_sidecar(slo: Slo, *, tick: int = 5) -> tuple[float, float]:
    """Bad slices and slices, of ticks that are not of the clock's minutes."""
    judge, bad, every, at = SliceJudge([slo]), 0.0, 0.0, float(T0)
    for good, failed, minutes in (*STORY, (0, 0, 6)):
        for _ in range(minutes * MINUTE // tick):
            at += tick
            counts = EventCounts(failed * tick / 15, (good + failed) * tick / 15)
            judged = judge.judge_counts(at, {slo.id: SloCounts({(): counts})})[slo.id].groups[()]
            bad, every = bad + judged.error, every + judged.total
    return bad, every


@pytest.mark.parametrize("seconds", [MINUTE, 5 * MINUTE])
@pytest.mark.parametrize("when_empty", WhenAbsent)
def test_the_sidecar_counts_exactly_the_slices_that_there_were(seconds: int, when_empty: WhenAbsent) -> None:
    bad, every = truth(when_empty)
    # What comes after the story shows its last slice, and is empty itself.
    more = 5 if when_empty is not WhenAbsent.IGNORE else 0
    expected = (bad + (more if when_empty is WhenAbsent.BAD else 0)) * MINUTE / seconds

    counted = counted_by_sidecar(sliced(seconds, when_empty))

    assert counted == (expected, (every + more) * MINUTE / seconds)


def test_a_slice_at_exactly_its_share_is_good() -> None:
    slo = sliced(MINUTE)
    judge = SliceJudge([slo])
    judge.judge_counts(T0 + 1, {slo.id: SloCounts({(): EventCounts(1, 100)})})

    judged = judge.judge_counts(T0 + 61, {slo.id: SloCounts({(): EventCounts(0, 0)})})

    assert judged[slo.id].groups == {(): EventCounts(0.0, 1.0)}


def test_a_slice_from_before_a_long_silence_is_not_told_as_news() -> None:
    slo = sliced(MINUTE)
    judge = SliceJudge([slo])
    judge.judge_counts(T0 + 1, {slo.id: SloCounts({(): EventCounts(100, 100)})})

    judged = judge.judge_counts(T0 + 3600, {slo.id: SloCounts({(): EventCounts(0, 100)})})

    assert judged[slo.id].groups == {(): EventCounts(0.0, 0.0)}
