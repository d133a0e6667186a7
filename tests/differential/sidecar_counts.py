"""The sidecar's own counting of the series that Prometheus scraped: scrape after scrape, into its history."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sloctl.duration import MINUTE
from sloctl.model import Slo
from sloctl.sidecar.engine.history import CountHistory
from sloctl.sidecar.sources import UnsupportedSlo
from sloctl.sidecar.sources.counting import counter_increases, series_weights, tally
from sloctl.sidecar.sources.counting.series import ExposedSample, SeriesId
from sloctl.slo.resolutions import EventCounts
from tests.differential.scraped import TICK, Scraped


class SidecarCounts:
    """What the sidecar counted of one SLO by each whole minute; every instance is a target of its own."""

    def __init__(self, slo: Slo, series: Sequence[Scraped]) -> None:
        self._slo = slo
        self._scrapes = dict(_scrapes(slo, series))

    def minute(self, at: int) -> EventCounts | None:
        """Sum what was first seen in the minute before *at*; None where nothing could be counted."""
        found = [it for moment, it in self._scrapes.items() if at - MINUTE < moment <= at]
        if not found:
            return None
        return EventCounts(error=sum(it.error for it in found), total=sum(it.total for it in found))

    def error_ratios(self, lookback: int, moments: Iterable[int]) -> dict[int, float | None]:
        """Read a lookback from the history that the engine keeps, at each of *moments* in turn."""
        history = CountHistory(step=TICK, window=self._slo.window.seconds)
        pending = sorted(self._scrapes.items(), reverse=True)
        ratios = {}
        for at in moments:
            while pending and pending[-1][0] <= at:
                history.record_counts(*pending.pop())
            [seen] = history.lookback_sums(at, [lookback])
            ratios[at] = EventCounts(seen.error, seen.total).error_ratio
        return ratios


def _scrapes(slo: Slo, series: Sequence[Scraped]) -> Iterator[tuple[int, EventCounts]]:
    pair = series_weights.countable_pair(slo)
    assert not isinstance(pair, UnsupportedSlo)
    weights = series_weights.SeriesWeights([(slo, pair)])
    targets = {it.labels.get("instance", ""): counter_increases.Baseline() for it in series}
    held: dict[str, tally.HeldCounts] = {}
    overdrawn: Mapping[series_weights.SloGroup, float] = {}
    for at in sorted({at for it in series for at in it.times}):
        tallies = []
        for target, baseline in targets.items():
            own = [it for it in series if it.labels.get("instance", "") == target and at in it.times]
            exposed = _exposed(own, at)
            if own and not exposed:
                # Of a failed scrape there are stale markers alone.
                targets[target] = baseline.after_interruption()
            elif exposed:
                targets[target], increases = counter_increases.advance_baseline(baseline, exposed, at)
                tallies.append(tally.tally_samples(increases, weights, held.get(target, {})))
                held[target] = tallies[-1].held_counts
        counts, overdrawn = tally.merge_tallies(tallies, overdrawn)
        if found := counts.get((slo.id, ())):
            yield at, found


def _exposed(series: Iterable[Scraped], at: int) -> list[ExposedSample]:
    return [
        ExposedSample(SeriesId(it.metric, tuple(sorted(it.labels.items()))), value)
        for it in series
        if isinstance(value := it.values[it.times.index(at)], float)
    ]
