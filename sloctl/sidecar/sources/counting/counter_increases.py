"""Measure by how much each counter grew from one scrape to the next.

Only increases that are known to have happened are counted: a value without a baseline counts nothing, and a
gap, a restart or an unreadable value never invents events.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from itertools import islice
from math import inf, isfinite
from typing import Final, TypeAlias

import msgspec
from msgspec.structs import replace as replace_fields

from sloctl.duration import HOUR, MINUTE
from sloctl.sidecar.sources.counting.series import MAX_SAMPLES, ExposedSample, SeriesId

# A series unseen for longer than Prometheus looks back, and than the shortest lookback, has no baseline: all
# its growth would count as having happened now.
MAX_BASELINE_AGE: Final = 5 * MINUTE
# A series that comes back after so long, no lower than it was, was hidden and not born.
_MAX_HIDDEN_AGE: Final = HOUR
# A new series was born only where others of its process were there so long ago, as in the rules.
_ESTABLISHED_AFTER: Final = MINUTE
# Creation times that differ by less are the same one: exporters compute them,
_SAME_CREATION: Final = 1.0
# and some drift, by more than that from scrape to scrape.
_CREATION_DRIFT: Final = 10.0
# The start of a process wavers by a second only, with the kernel's idea of when it booted.
_PROCESS_START_DRIFT: Final = 2.0
# The clock of a target may be so wrong.
_CLOCK_SKEW: Final = MINUTE


# Structs: of each sample one of these is made, and a named tuple takes three times as long.
class SeriesIncrease(msgspec.Struct, frozen=True, gc=False):
    """The increase of one series since the last scrape.

    *value* is None where no counter has such a value; *increase* is None where the value before is unknown.
    That of a *new series* counts only where the process was there before: an *established* series was there
    a minute ago, and still is. A *repeated* sample is no newer than the one before it, by its own timestamp.
    A *reset* counter is known to have started anew. That of *another process* at the same address counts
    nothing.
    """

    series: SeriesId
    value: float | None
    increase: float | None
    is_new_series: bool = False
    repeated: bool = False
    reset: bool = False
    is_established: bool = False
    is_other_process: bool = False


ScrapeIncreases: TypeAlias = list[SeriesIncrease]


class LastSample(msgspec.Struct, frozen=True, gc=False):
    """The newest sample of a series, first seen at *since*; *value* is None until it could be read."""

    value: float | None
    since: float
    at: float | None = None
    created: float | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """The values in the last good scrape of a target, at Unix second *at*.

    *vanished* are series of earlier scrapes, with when they were last there, oldest first. Only where the
    scrape before succeeded, *unbroken*, is an unknown series known to be new. *process_start* (Unix seconds)
    tells which process answered, where it says so.
    """

    last_samples: Mapping[SeriesId, LastSample] = field(default_factory=dict)
    vanished: Mapping[SeriesId, tuple[float, LastSample]] = field(default_factory=dict)
    at: float | None = None
    unbroken: bool = False
    process_start: float | None = None

    def after_interruption(self) -> "Baseline":
        """Return the same values after a scrape that failed."""
        return replace(self, unbroken=False)


def advance_baseline(
    before: Baseline,
    samples: Iterable[ExposedSample],
    now: float,
    *,
    process_start: float | None = None,
    most_series: int = MAX_SAMPLES,
) -> tuple[Baseline, ScrapeIncreases]:
    """Compare a scrape with the baseline; return the next baseline, and the increases.

    Of a series exposed twice the first sample counts, as in Prometheus. A sample whose own timestamp is older
    than MAX_BASELINE_AGE is not there; one from the future was taken now. Of processes that take turns at one
    address only the newest counts. Of series that are gone as many are kept as make *most_series* in all.
    """
    if before.at is not None and now - before.at > MAX_BASELINE_AGE:
        before = Baseline(at=before.at)
    process = _compare_creation(before, before.process_start, process_start, drift=_PROCESS_START_DRIFT)
    if process is _Creation.OLDER:
        return before.after_interruption(), [
            SeriesIncrease(sample.series, sample.value, None, is_other_process=True) for sample in samples
        ]
    if process is _Creation.UNSEEN:
        before = Baseline(at=before.at)
    known: dict[SeriesId, LastSample] = {}
    scrape: ScrapeIncreases = []
    for sample in samples:
        if sample.at is not None and now - sample.at > MAX_BASELINE_AGE:
            continue
        increase, last = _compare_sample(before, sample, now)
        seen = len(known)
        known.setdefault(sample.series, last)
        if len(known) == seen:
            continue
        if process is _Creation.UNSEEN:
            increase = replace_fields(increase, is_other_process=True)
        scrape.append(increase)
    vanished = _vanished_series(before, known, now, restarted=_all_counters_fell(before, known))
    kept = min(len(vanished), max(0, most_series - len(known)))
    vanished = dict(islice(vanished.items(), len(vanished) - kept, None))
    return Baseline(known, vanished, at=now, unbroken=True, process_start=process_start), scrape


def _compare_sample(before: Baseline, sample: ExposedSample, now: float) -> tuple[SeriesIncrease, LastSample]:
    last = before.last_samples.get(sample.series)
    if last is not None and sample.at is None and sample.created == last.created and last.value is not None:
        value, grown = sample.value, sample.value - last.value
        if 0 <= grown < inf:
            # A counter that goes on, the most frequent case by far.
            is_established = now - last.since >= _ESTABLISHED_AFTER
            increase = SeriesIncrease(sample.series, value, grown, is_established=is_established)
            return increase, LastSample(value, last.since, None, last.created) if grown else last
    return _compare_unusual(before, last, sample, now)


def _compare_unusual(
    before: Baseline, last: LastSample | None, sample: ExposedSample, now: float
) -> tuple[SeriesIncrease, LastSample]:
    """Compare what is no counter that goes on: new, hidden, reset, unreadable, or with a time of its own."""
    hidden_at = now
    if last is None and before.vanished and sample.series in before.vanished:
        hidden_at, last = before.vanished[sample.series]
    if not isfinite(sample.value) or sample.value < 0:
        # Remembered as it was, so that it is not taken for new when it can be read again.
        return SeriesIncrease(sample.series, None, None), last or LastSample(None, now)
    if sample.at is not None and sample.at > now:
        # Otherwise whatever comes until then would be older, and none of it count.
        sample = sample._replace(at=now)
    if last is None:
        return _first_increase(before, sample, now)
    if now - hidden_at > MAX_BASELINE_AGE:
        if not last.value or sample.value < last.value:
            return _first_increase(before, sample, now)
        # It was hidden, and nobody knows when it grew.
        return SeriesIncrease(sample.series, sample.value, None), _first_sample(sample, now)
    return _next_increase(before, last, sample, now)


def _first_sample(sample: ExposedSample, now: float) -> LastSample:
    return LastSample(sample.value, now, sample.at, sample.created)


def _first_increase(before: Baseline, sample: ExposedSample, now: float) -> tuple[SeriesIncrease, LastSample]:
    """Return all of the value where the series is new, or was created since the last good scrape."""
    is_created_since = _is_created_since(before, sample.created)
    is_born = bool(is_created_since) and sample.is_declared
    is_new = before.unbroken and is_created_since is not False
    increase = sample.value if is_new or is_born else None
    is_new_series = is_new and not is_born
    return (
        SeriesIncrease(sample.series, sample.value, increase, is_new_series=is_new_series),
        _first_sample(sample, now),
    )


def _next_increase(
    before: Baseline, last: LastSample, sample: ExposedSample, now: float
) -> tuple[SeriesIncrease, LastSample]:
    """Return the increase since *last*: all of the value where the counter fell or was created anew."""
    series, value, at, created, is_declared = sample
    is_established = now - last.since >= _ESTABLISHED_AFTER
    if at is not None and last.at is not None and at <= last.at:
        return SeriesIncrease(series, value, 0.0 if last.value is not None else None, repeated=True), last
    creation = _compare_creation(before, last.created, created)
    if creation is _Creation.OLDER:
        return SeriesIncrease(series, value, None, is_other_process=True), last
    if creation is _Creation.UNSEEN:
        return SeriesIncrease(series, value, None, is_other_process=True), _first_sample(sample, now)
    increase = None
    if last.value is not None:
        is_anew = value < last.value or (creation is _Creation.ANEW and is_declared)
        increase = value if is_anew else value - last.value
    reset = increase == value and bool(last.value)
    return (
        SeriesIncrease(series, value, increase, reset=reset, is_established=is_established),
        LastSample(value, last.since, at, created),
    )


class _Creation(Enum):
    """A creation time beside the one before: of the same process, or of which other one."""

    SAME = auto()
    # It started since the last good scrape.
    ANEW = auto()
    # It ran before, and nobody saw it.
    UNSEEN = auto()
    OLDER = auto()


def _compare_creation(
    before: Baseline, last: float | None, created: float | None, *, drift: float = _CREATION_DRIFT
) -> _Creation:
    if created is None or last is None or abs(created - last) <= _SAME_CREATION:
        return _Creation.SAME
    is_created_since = _is_created_since(before, created)
    if created > last and is_created_since:
        return _Creation.ANEW
    if abs(created - last) <= drift:
        return _Creation.SAME
    if created < last:
        return _Creation.OLDER
    return _Creation.UNSEEN if is_created_since is False else _Creation.ANEW


def _is_created_since(before: Baseline, created: float | None) -> bool | None:
    """Say whether an unknown series was created after the last good scrape; None where nothing tells."""
    if created is None or before.at is None:
        return None
    if created > before.at:
        return True
    return False if created < before.at - _CLOCK_SKEW else None


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
        if series not in known and now - seen <= _MAX_HIDDEN_AGE
    }
    if before.at is not None:
        vanished |= {
            series: (before.at, last) for series, last in before.last_samples.items() if series not in known
        }
    if restarted:
        vanished = {series: (seen, LastSample(0.0, seen)) for series, (seen, _) in vanished.items()}
    return vanished
