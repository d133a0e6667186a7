"""Samples of one scrape after another → how much each counter grew.

Its one law: only what is known to have happened is counted. A value without a baseline is none, and a gap, a
restart or an unreadable value never invents events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from math import isfinite
from typing import Final, NamedTuple, TypeAlias

from sloctl.duration import MINUTE
from sloctl.sidecar.sources.scrape.exposition import MAX_SAMPLES, ExposedSample, SeriesId

# What was not seen for longer than Prometheus looks back, and than the shortest lookback, has no baseline:
# all its growth would count as having happened now.
MAX_BASELINE_AGE: Final = 5 * MINUTE
# A counter whose creation is told earlier or later by less was not created anew: exporters compute it.
_SAME_CREATION: Final = 1.0
# The clock of a target may be so wrong.
_CLOCK_SKEW: Final = MINUTE


class SeriesIncrease(NamedTuple):
    """One series in one scrape.

    *value* is None where it is none that a counter has; *increase* where nothing tells what it showed before.
    A *repeated* sample is no newer than the one before it, by its own timestamp. A *reset* counter is known
    to have started anew.
    """

    series: SeriesId
    value: float | None
    increase: float | None
    is_new_series: bool = False
    repeated: bool = False
    reset: bool = False


ScrapeIncreases: TypeAlias = list[SeriesIncrease]


class LastSample(NamedTuple):
    """What a series showed last; *value* is None as long as it could not be read."""

    value: float | None
    at: float | None = None
    created: float | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """What the last good scrape of a target, at Unix second *at*, showed.

    *vanished* are series that earlier ones had, with when they were last there, oldest first. Only where the
    scrape before succeeded, *unbroken*, is an unknown series known to be new.
    """

    last_samples: Mapping[SeriesId, LastSample] = field(default_factory=dict)
    vanished: Mapping[SeriesId, tuple[float, LastSample]] = field(default_factory=dict)
    at: float | None = None
    unbroken: bool = False

    def after_interruption(self) -> "Baseline":
        return replace(self, unbroken=False)


def advance_baseline(
    before: Baseline, samples: Iterable[ExposedSample], now: float
) -> tuple[Baseline, ScrapeIncreases]:
    """One more scrape. Of a series exposed twice the first sample counts, as in Prometheus.

    A sample whose own timestamp is older than REMEMBERED is not there.
    """
    if before.at is not None and now - before.at > MAX_BASELINE_AGE:
        before = Baseline(at=before.at)
    known: dict[SeriesId, LastSample] = {}
    scrape: ScrapeIncreases = []
    for sample in samples:
        if sample.series in known or (sample.at is not None and now - sample.at > MAX_BASELINE_AGE):
            continue
        observed, known[sample.series] = _compare_sample(before, sample)
        scrape.append(observed)
    vanished = _vanished_series(before, known, now, restarted=_all_counters_fell(before, known))
    return Baseline(known, vanished, at=now, unbroken=True), scrape


def _compare_sample(before: Baseline, sample: ExposedSample) -> tuple[SeriesIncrease, LastSample]:
    series, value, at, created = sample
    last = before.last_samples.get(series)
    if last is None and before.vanished and series in before.vanished:
        last = before.vanished[series][1]
    if not isfinite(value) or value < 0:
        # Remembered as it was, so that it is not taken for newborn when it can be read again.
        return SeriesIncrease(series, None, None), last or LastSample(None)
    if last is None:
        born = _is_created_since(before, created)
        newborn = before.unbroken and born is not False
        counted = value if newborn or born else None
        return SeriesIncrease(series, value, counted, is_new_series=newborn and not born), LastSample(
            value, at, created
        )
    if value == last.value and at is None and created == last.created:
        # The most frequent case by far: nothing happened.
        return SeriesIncrease(series, value, 0.0), last
    if at is not None and last.at is not None and at <= last.at:
        return SeriesIncrease(series, value, 0.0 if last.value is not None else None, repeated=True), last
    increase = _increase_since(last, value, created)
    reset = increase == value and bool(last.value)
    return SeriesIncrease(series, value, increase, reset=reset), LastSample(value, at, created)


def _is_created_since(before: Baseline, created: float | None) -> bool | None:
    """Whether an unknown series was created after the last good scrape; None where nobody can tell."""
    if created is None or before.at is None:
        return None
    if created > before.at:
        return True
    return False if created < before.at - _CLOCK_SKEW else None


def _increase_since(last: LastSample, value: float, created: float | None) -> float | None:
    """A counter that fell, or was created anew, has grown to *value* since."""
    if last.value is None:
        return None
    if created is not None and last.created is not None:
        if created > last.created + _SAME_CREATION:
            return value
        if created < last.created - _SAME_CREATION:
            # The counter of another, older process, as behind a load balancer.
            return None
    return value if value < last.value else value - last.value


def _all_counters_fell(before: Baseline, known: Mapping[SeriesId, LastSample]) -> bool:
    """Whether all counters that are still there fell: then those that are not were reset with them."""
    fell = False
    for series, now in known.items():
        last = before.last_samples.get(series)
        if last is None or not last.value or now.value is None:
            continue
        if now.value >= last.value:
            return False
        fell = True
    return fell


def _vanished_series(
    before: Baseline, known: Mapping[SeriesId, LastSample], now: float, *, restarted: bool
) -> dict[SeriesId, tuple[float, LastSample]]:
    """What is not exposed (any more); it goes on from its last value, or from zero after a restart."""
    gone = {
        series: (seen, last)
        for series, (seen, last) in before.vanished.items()
        if series not in known and now - seen <= MAX_BASELINE_AGE
    }
    if before.at is not None and before.last_samples.keys() - known.keys():
        gone |= {
            series: (before.at, last) for series, last in before.last_samples.items() if series not in known
        }
    if restarted:
        gone = {series: (seen, LastSample(0.0)) for series, (seen, _) in gone.items()}
    return dict(islice(gone.items(), max(0, len(gone) - MAX_SAMPLES), None))
