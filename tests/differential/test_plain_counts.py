"""What the rules count beside plain counting, scrape by scrape, as the sidecar does it."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sloctl.duration import MINUTE
from sloctl.sidecar.sources.counting import counter_increases, series_weights, tally
from sloctl.sidecar.sources.counting.series import ExposedSample, SeriesId
from sloctl.slo.lowering import CounterPair, lower_indicator
from sloctl.slo.resolutions import EventCounts
from tests.differential.counting import Counting
from tests.differential.drawn import HORIZON, steady_targets, targets
from tests.differential.engine import Story, record
from tests.differential.kinds import RATIO
from tests.differential.running import engine
from tests.differential.scraped import Scraped
from tests.differential.streams import Target
from tests.differential.stretch import rollup_groups

SLO = RATIO.slo()
HALF_AN_HOUR = 30 * MINUTE


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(stream=steady_targets())
def test_of_targets_always_there_the_rules_count_what_the_sidecar_counts(stream: Sequence[Target]) -> None:
    moments = range(3 * MINUTE, HALF_AN_HOUR + 1, MINUTE)
    story = Story(RATIO.world(stream, HALF_AN_HOUR), HALF_AN_HOUR, moments)

    with TemporaryDirectory() as directory:
        [recording] = record(Path(directory), rollup_groups(SLO), [story])

    rollups = {
        at: {sample.labels["__name__"]: sample.value for sample in samples if "slo_part" not in sample.labels}
        for at, samples in recording.items()
    }
    for at, plain in _counted_by_the_sidecar(story.series, moments).items():
        assert rollups[at]["slo:sli_total:increase1m"] == pytest.approx(plain.total)
        assert rollups[at]["slo:sli_error:increase1m"] == pytest.approx(plain.error)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=targets(interval=15), minute=st.integers(1, HORIZON // MINUTE))
def test_of_any_target_an_increase_is_what_was_seen_and_at_most_the_scrapes_at_its_edges_more(
    stream: Sequence[Target], minute: int
) -> None:
    counts = Counting(engine())
    start, end = minute * MINUTE - counts.reach, minute * MINUTE

    for series in RATIO.world(stream, HORIZON):
        seen = _growth(series, start, end)
        counted = counts.engine.increase(series, start, end)
        # 1.1 scrape intervals at either edge is as far as Prometheus extrapolates.
        scrapes = len(series.within(start, end, closed=counts.engine.closed))
        assert counted is None or seen <= counted * 1.000001
        assert counted is None or counted <= seen * (1 + 2.2 / (scrapes - 1)) * 1.000001


def _counted_by_the_sidecar(series: Sequence[Scraped], moments: Sequence[int]) -> dict[int, EventCounts]:
    """Scrape after scrape; an event belongs to the minute in which it was first seen."""
    pair = lower_indicator(SLO.indicator)
    assert isinstance(pair, CounterPair)
    weights = series_weights.SeriesWeights([(SLO, pair)])
    totals = {at: EventCounts(error=0.0, total=0.0) for at in moments}
    for target in {it.labels["instance"] for it in series}:
        own = [it for it in series if it.labels["instance"] == target]
        baseline = counter_increases.Baseline()
        for at in sorted({at for it in own for at in it.times}):
            baseline, scrape = counter_increases.advance_baseline(baseline, _exposed(own, at), at)
            counts, _ = tally.merge_tallies([tally.tally_samples(scrape, weights, {})], {})
            minute = -(-at // MINUTE) * MINUTE
            if minute in totals:
                totals[minute] = _plus(totals[minute], counts.get((SLO.id, ())))
    return totals


def _exposed(series: Sequence[Scraped], at: int) -> list[ExposedSample]:
    return [
        ExposedSample(SeriesId(it.metric, tuple(sorted(it.labels.items()))), value)
        for it in series
        for moment, value in zip(it.times, it.values, strict=True)
        if moment == at and isinstance(value, float)
    ]


def _plus(before: EventCounts, more: EventCounts | None) -> EventCounts:
    return (
        before
        if more is None
        else EventCounts(error=before.error + more.error, total=before.total + more.total)
    )


def _growth(series: Scraped, start: int, end: int) -> float:
    points = [
        value for _, value in series.within(start, end, closed=engine().closed) if isinstance(value, float)
    ]
    return sum(now - before if now >= before else now for before, now in pairwise(points))
