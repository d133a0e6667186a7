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
from sloctl.sidecar.sources.exposition import MAX_SAMPLES, Sample, Series

# What was not seen for longer than Prometheus looks back, and than the shortest lookback, has no baseline:
# all its growth would count as having happened now.
REMEMBERED: Final = 5 * MINUTE
# A counter whose creation is told earlier or later by less was not created anew: exporters compute it.
_SAME_CREATION: Final = 1.0
# The clock of a target may be so wrong.
_SKEW: Final = MINUTE


class Observed(NamedTuple):
    """One series in one scrape.

    *value* is None where it is none that a counter has; *increase* where nothing tells what it showed before.
    A *repeated* sample is no newer than the one before it, by its own timestamp. A *reset* counter is known
    to have started anew.
    """

    series: Series
    value: float | None
    increase: float | None
    newborn: bool = False
    repeated: bool = False
    reset: bool = False


Scrape: TypeAlias = list[Observed]


class Known(NamedTuple):
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

    known: Mapping[Series, Known] = field(default_factory=dict)
    vanished: Mapping[Series, tuple[float, Known]] = field(default_factory=dict)
    at: float | None = None
    unbroken: bool = False

    def interrupted(self) -> "Baseline":
        return replace(self, unbroken=False)


def advance(before: Baseline, samples: Iterable[Sample], now: float) -> tuple[Baseline, Scrape]:
    """One more scrape. Of a series exposed twice the first sample counts, as in Prometheus.

    A sample whose own timestamp is older than REMEMBERED is not there.
    """
    if before.at is not None and now - before.at > REMEMBERED:
        before = Baseline(at=before.at)
    known: dict[Series, Known] = {}
    scrape: Scrape = []
    for sample in samples:
        if sample.series in known or (sample.at is not None and now - sample.at > REMEMBERED):
            continue
        observed, known[sample.series] = _observed(before, sample)
        scrape.append(observed)
    vanished = _vanished(before, known, now, restarted=_restarted(before, known))
    return Baseline(known, vanished, at=now, unbroken=True), scrape


def _observed(before: Baseline, sample: Sample) -> tuple[Observed, Known]:
    series, value, at, created = sample
    last = before.known.get(series)
    if last is None and before.vanished and series in before.vanished:
        last = before.vanished[series][1]
    if not isfinite(value) or value < 0:
        # Remembered as it was, so that it is not taken for newborn when it can be read again.
        return Observed(series, None, None), last or Known(None)
    if last is None:
        born = _is_born(before, created)
        newborn = before.unbroken and born is not False
        counted = value if newborn or born else None
        return Observed(series, value, counted, newborn=newborn and not born), Known(value, at, created)
    if value == last.value and at is None and created == last.created:
        # The most frequent case by far: nothing happened.
        return Observed(series, value, 0.0), last
    if at is not None and last.at is not None and at <= last.at:
        return Observed(series, value, 0.0 if last.value is not None else None, repeated=True), last
    increase = _increase(last, value, created)
    reset = increase == value and bool(last.value)
    return Observed(series, value, increase, reset=reset), Known(value, at, created)


def _is_born(before: Baseline, created: float | None) -> bool | None:
    """Whether an unknown series was created after the last good scrape; None where nobody can tell."""
    if created is None or before.at is None:
        return None
    if created > before.at:
        return True
    return False if created < before.at - _SKEW else None


def _increase(last: Known, value: float, created: float | None) -> float | None:
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


def _restarted(before: Baseline, known: Mapping[Series, Known]) -> bool:
    """Whether all counters that are still there fell: then those that are not were reset with them."""
    fell = False
    for series, now in known.items():
        last = before.known.get(series)
        if last is None or not last.value or now.value is None:
            continue
        if now.value >= last.value:
            return False
        fell = True
    return fell


def _vanished(
    before: Baseline, known: Mapping[Series, Known], now: float, *, restarted: bool
) -> dict[Series, tuple[float, Known]]:
    """What is not exposed (any more); it goes on from its last value, or from zero after a restart."""
    gone = {
        series: (seen, last)
        for series, (seen, last) in before.vanished.items()
        if series not in known and now - seen <= REMEMBERED
    }
    if before.at is not None and before.known.keys() - known.keys():
        gone |= {series: (before.at, last) for series, last in before.known.items() if series not in known}
    if restarted:
        gone = {series: (seen, Known(0.0)) for series, (seen, _) in gone.items()}
    return dict(islice(gone.items(), max(0, len(gone) - MAX_SAMPLES), None))
