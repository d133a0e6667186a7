"""Break the counts of one tick down by label value, to show what contributes to the errors.

Nothing is worked out for an SLO that has no errors now and had none in the last hour.
"""

from collections.abc import Iterable, Mapping
from heapq import nlargest
from typing import Final

from sloctl.duration import HOUR
from sloctl.sidecar.sources.counting.series import LabelPair
from sloctl.sidecar.sources.counting.tally import SeriesCounts
from sloctl.slo.resolutions import EventCounts

# Per SLO and tick, those with most errors.
MAX_PAIRS: Final = 200
# As long as the longest lookback over which contributors are shown.
WATCHED_SECONDS: Final = HOUR


class LabelCounter:
    """Counts of every (label, value) that has errors in this tick, or had some within the last hour.

    Of the second the quiet ticks count too, so that its share of the traffic over an hour is known. At most
    MAX_PAIRS are watched per SLO; the one without errors for longest makes room.
    """

    def __init__(self) -> None:
        # By SLO id, when each pair last had errors; in that order.
        self._watched: dict[str, dict[LabelPair, float]] = {}

    def count_by_label(
        self, series_counts: Iterable[SeriesCounts], now: float
    ) -> Mapping[str, Mapping[LabelPair, EventCounts]]:
        """Return counts by SLO id and label pair; *series_counts* are those of all targets."""
        given = list(series_counts)
        for slo, watched in list(self._watched.items()):
            for pair, last in list(watched.items()):
                if now - last <= WATCHED_SECONDS:
                    break
                del watched[pair]
            if not watched:
                del self._watched[slo]
        erring = {each.weight.key[0] for each in given if each.error > 0} | self._watched.keys()
        sums = _sum_pairs(given, erring) if erring else {}
        return {slo: found for slo, pairs in sums.items() if (found := self._select_pairs(slo, pairs, now))}

    def _select_pairs(
        self, slo: str, sums: Mapping[LabelPair, list[float]], now: float
    ) -> Mapping[LabelPair, EventCounts]:
        worst = [pair for pair, (error, _) in sums.items() if error > 0]
        if len(worst) > MAX_PAIRS:
            worst = nlargest(MAX_PAIRS, worst, key=lambda pair: sums[pair])
        if not worst and slo not in self._watched:
            return {}
        watched = self._watched.setdefault(slo, {})
        for pair in reversed(worst):
            watched.pop(pair, None)
            watched[pair] = now
        while len(watched) > MAX_PAIRS:
            del watched[next(iter(watched))]
        # A difference of two counters can be below zero for a moment.
        return {
            pair: EventCounts(error=max(0.0, sums[pair][0]), total=sums[pair][1])
            for pair in watched
            if pair in sums
        }


def _sum_pairs(
    series_counts: Iterable[SeriesCounts], slos: set[str]
) -> dict[str, dict[LabelPair, list[float]]]:
    """Sum [errors, events] per SLO and pair, of *slos* alone."""
    sums: dict[str, dict[LabelPair, list[float]]] = {slo: {} for slo in slos}
    for each in series_counts:
        pairs = sums.get(each.weight.key[0])
        if pairs is None:
            continue
        for pair in each.weight.contributor_labels:
            counts = pairs.get(pair)
            if counts is None:
                counts = pairs[pair] = [0.0, 0.0]
            counts[0] += each.error
            counts[1] += each.total
    return sums
