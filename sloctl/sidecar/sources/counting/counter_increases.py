"""Measure by how much each counter grew from one scrape to the next.

Only increases that are known to have happened are counted: a value without a baseline counts nothing, and a
gap, a restart or an unreadable value never invents events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from math import isfinite
from typing import Final, NamedTuple, TypeAlias

from sloctl.duration import MINUTE
from sloctl.sidecar.sources.counting.series import MAX_SAMPLES, ExposedSample, SeriesId

# A series unseen for longer than Prometheus looks back, and than the shortest lookback, has no baseline: all
# its growth would count as having happened now.
MAX_BASELINE_AGE: Final = 5 * MINUTE
# Creation times that differ by less are the same one: exporters compute them.
_SAME_CREATION: Final = 1.0
# The clock of a target may be so wrong.
_CLOCK_SKEW: Final = MINUTE


class SeriesIncrease(NamedTuple):
    """The increase of one series since the last scrape.

    *value* is None where no counter has such a value; *increase* is None where the value before is unknown.
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
    """The newest sample of a series; *value* is None as long as it could not be read."""

    value: float | None
    at: float | None = None
    created: float | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The values in the last good scrape of a target, at Unix second *at*.

    *vanished* are series of earlier scrapes, with when they were last there, oldest first. Only where the
    scrape before succeeded, *unbroken*, is an unknown series known to be new.
    """

    last_samples: Mapping[SeriesId, LastSample] = field(default_factory=dict)
    vanished: Mapping[SeriesId, tuple[float, LastSample]] = field(default_factory=dict)
    at: float | None = None
    unbroken: bool = False

    def after_interruption(self) -> "Baseline":
        """Return the same values after a scrape that failed."""
        return replace(self, unbroken=False)


def advance_baseline(
    before: Baseline, samples: Iterable[ExposedSample], now: float
) -> tuple[Baseline, ScrapeIncreases]:
    """Compare a scrape with the baseline; return the next baseline, and the increases.

    Of a series exposed twice the first sample counts, as in Prometheus. A sample whose own timestamp is older
    than MAX_BASELINE_AGE is not there.
    """
    if before.at is not None and now - before.at > MAX_BASELINE_AGE:
        before = Baseline(at=before.at)
    known: dict[SeriesId, LastSample] = {}
    scrape: ScrapeIncreases = []
    for sample in samples:
        if sample.series in known or (sample.at is not None and now - sample.at > MAX_BASELINE_AGE):
            continue
        increase, known[sample.series] = _compare_sample(before, sample)
        scrape.append(increase)
    vanished = _vanished_series(before, known, now, restarted=_all_counters_fell(before, known))
    return Baseline(known, vanished, at=now, unbroken=True), scrape


def _compare_sample(before: Baseline, sample: ExposedSample) -> tuple[SeriesIncrease, LastSample]:
    series, value, at, created = sample
    last = before.last_samples.get(series)
    if last is None and before.vanished and series in before.vanished:
        last = before.vanished[series][1]
    if not isfinite(value) or value < 0:
        # Remembered as it was, so that it is not taken for new when it can be read again.
        return SeriesIncrease(series, None, None), last or LastSample(None)
    if last is None:
        is_created_since = _is_created_since(before, created)
        is_new = before.unbroken and is_created_since is not False
        increase = value if is_new or is_created_since else None
        return (
            SeriesIncrease(series, value, increase, is_new_series=is_new and not is_created_since),
            LastSample(value, at, created),
        )
    if value == last.value and at is None and created == last.created:
        # The most frequent case by far.
        return SeriesIncrease(series, value, 0.0), last
    if at is not None and last.at is not None and at <= last.at:
        return SeriesIncrease(series, value, 0.0 if last.value is not None else None, repeated=True), last
    increase = _increase_since(last, value, created)
    reset = increase == value and bool(last.value)
    return SeriesIncrease(series, value, increase, reset=reset), LastSample(value, at, created)


def _is_created_since(before: Baseline, created: float | None) -> bool | None:
    """Say whether an unknown series was created after the last good scrape; None where nothing tells."""
    if created is None or before.at is None:
        return None
    if created > before.at:
        return True
    return False if created < before.at - _CLOCK_SKEW else None


def _increase_since(last: LastSample, value: float, created: float | None) -> float | None:
    """Return the increase since *last*: all of *value* where the counter fell or was created anew."""
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
    """Say whether all counters that are still there fell: then those that are not were reset with them."""
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
    """Keep the series that are not exposed any more; they go on from there, or from 0 after a restart."""
    vanished = {
        series: (seen, last)
        for series, (seen, last) in before.vanished.items()
        if series not in known and now - seen <= MAX_BASELINE_AGE
    }
    if before.at is not None and before.last_samples.keys() - known.keys():
        vanished |= {
            series: (before.at, last) for series, last in before.last_samples.items() if series not in known
        }
    if restarted:
        vanished = {series: (seen, LastSample(0.0)) for series, (seen, _) in vanished.items()}
    return dict(islice(vanished.items(), max(0, len(vanished) - MAX_SAMPLES), None))
