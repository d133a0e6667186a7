"""What of one SLO or group does not count: kept beside its history, and subtracted where that is summed.

Law: the history itself forgets nothing. What falls into an excluded time is counted twice, in the history and
here, in buckets of the same widths that age alike; so it is exact for as long as it is in the window, and an
exclusion that is taken back gives all of it back. Of an exclusion that comes later, each bucket that it
touches is taken over as a whole: of a minute for six hours, of fifteen minutes for three days, then of two
hours.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from sloctl.duration import DAY, MINUTE
from sloctl.model import ExclusionEffect, FixedTime, Slo
from sloctl.sidecar.engine.buckets import EMPTY_SUM, BucketSum, subtract_sums
from sloctl.sidecar.engine.checkpoint import Checkpoint, PackedExclusions, pack_exclusions
from sloctl.sidecar.engine.evaluation import LookbackBurn
from sloctl.sidecar.engine.history import CountHistory
from sloctl.sidecar.sources import Group
from sloctl.slo.exclusions import ExcludedSpan, spans_of_group
from sloctl.slo.lowering import recorded_after
from sloctl.slo.resolutions import FINE_STEP, EventCounts

# Spans are worked out for so long ahead, and again after half of it.
_AHEAD: Final = 2 * DAY
# Single floats have seven digits: less of a sum is what rounding left of nothing.
_ROUNDING: Final = 1e-5

# Start and end of a time in Unix seconds, and whether its events count, as good ones.
PlainSpan: TypeAlias = tuple[float, float, bool]


class ExclusionState(Struct, frozen=True):
    """The exclusions in the window of an SLO or group, and its numbers with what they leave out.

    *spans* are in order of time, fixed ones to come included; *active_spans* hold now. *quiet_until* is the
    end of the last one that began, which may lie ahead: without data until then nobody is to be alarmed.
    """

    spans: tuple[ExcludedSpan, ...]
    active_spans: tuple[ExcludedSpan, ...]
    window_burn: LookbackBurn
    budget_left: float | None
    quiet_until: float = 0.0


class ExcludedCounts:
    """The counts in the excluded times of one SLO or group."""

    def __init__(self, slo: Slo, group: Group, *, step: int) -> None:
        self._slo = slo
        self._group = group
        self._step = step
        self._spans_at: float | None = None
        self._spans: tuple[ExcludedSpan, ...] = ()
        self._history = CountHistory(step=step, window=slo.window.longest)

    @property
    def history(self) -> CountHistory:
        return self._history

    def spans_around(self, at: float) -> tuple[ExcludedSpan, ...]:
        """Return the spans in the window before *at* and in the days after it."""
        known, window = self._spans_at, self._slo.window.longest
        if known is None or not known - window <= at <= known + _AHEAD / 2:
            self._spans_at = at
            self._spans = tuple(spans_of_group(self._slo, self._group, at - 2 * window - _AHEAD, at + _AHEAD))
        return self._spans

    def record_counts(self, at: float, counts: EventCounts, seconds: float) -> None:
        """Keep counts of the *seconds* up to *at* that lie in an excluded time; other counts are none."""
        begin = at - seconds - self._slo.scrape_interval - recorded_after(self._slo)
        if self.is_excluded(begin, at):
            self._history.backfill_counts(at, self._excluded_counts(begin, at, counts), seconds)

    def is_excluded(self, begin: float, end: float) -> bool:
        """Tell whether any of the time from *begin* to *end* is excluded, or counts as good."""
        return any(span.start < end and span.end > begin for span in self.spans_around(end))

    def active_spans(self, at: float) -> tuple[ExcludedSpan, ...]:
        """Return the spans that hold at *at*, but for budget resets, which are about what was before."""
        begin = at - FINE_STEP - self._slo.scrape_interval - recorded_after(self._slo)
        return tuple(
            span
            for span in self.spans_around(at)
            if span.start < at and span.end > begin and not span.exclusion.is_reset
        )

    def quiet_until(self, at: float) -> float:
        """Return the end of the last span that began before *at*, budget resets aside; 0 without any."""
        return max(
            (span.end for span in self.spans_around(at) if span.start < at and not span.exclusion.is_reset),
            default=0.0,
        )

    def reset_at(self, at: float) -> float:
        """Return the moment of the last budget reset before *at*; 0 without any."""
        return max(
            (span.end for span in self.spans_around(at) if span.exclusion.is_reset and span.end <= at),
            default=0.0,
        )

    def plain_spans(self, at: float) -> tuple[PlainSpan, ...]:
        """Return the spans as the store keeps them, to tell after a restart which of them are known."""
        return tuple(_plain_span(span) for span in self.spans_around(at) if not span.exclusion.is_reset)

    def take_over(
        self, whole: CountHistory, known: CountHistory | None, known_spans: Sequence[PlainSpan]
    ) -> None:
        """Take out of *whole* what is excluded: exactly where it is *known*, else by whole buckets."""
        at = whole.last
        if at is None:
            return
        spans = [_plain_span(span) for span in self.spans_around(at)]

        def excluded_part(begin: float, end: float, seen: BucketSum, its_known: BucketSum) -> BucketSum:
            late = FINE_STEP + self._slo.scrape_interval + recorded_after(self._slo)
            reach = late if end - begin <= MINUTE else 0
            here = _clip_spans(spans, begin - reach, end)
            if not here:
                return EMPTY_SUM
            if known is not None and here == _clip_spans(known_spans, begin - reach, end):
                return its_known
            if all(is_good for _, _, is_good in here):
                return BucketSum(seen.seconds, seen.error, 0.0)
            return seen

        self._history = whole.derive_history(excluded_part, known)

    def pack_counts(self) -> PackedExclusions | None:
        """Pack all of it for the store; None before anything was counted."""
        last = self._history.last
        return None if last is None else pack_exclusions(self._history, self.plain_spans(last))

    def restore_counts(self, whole: CountHistory, checkpoint: Checkpoint | None) -> None:
        """Go on from what the store holds of it; *whole* holds all counts, those of this process too."""
        known = (
            None
            if checkpoint is None
            else checkpoint.restore_excluded(step=self._step, window=self._slo.window.longest)
        )
        spans: Sequence[PlainSpan] = ()
        if known is not None and checkpoint is not None and checkpoint.excluded is not None:
            known.merge_newer(self._history)
            spans = checkpoint.excluded.spans
        self.take_over(whole, known, spans)

    def subtract_from(
        self, sums: Sequence[BucketSum], now: float, lookbacks: Sequence[int]
    ) -> list[BucketSum]:
        """Subtract what is excluded from the *sums* of the history over the same lookbacks."""
        excluded = self._history.lookback_sums(now, lookbacks)
        return [_subtract_excluded(*both) for both in zip(sums, excluded, strict=True)]

    def counted_buckets(self, whole: CountHistory, after: float) -> Iterator[tuple[float, float, BucketSum]]:
        """Give the buckets of *whole* that end later than *after*, without what is excluded."""
        counted = whole.derive_history(
            lambda _begin, _end, seen, excluded: _subtract_excluded(seen, excluded), self._history
        )
        yield from counted.buckets_after(after)

    def _excluded_counts(self, begin: float, end: float, counts: EventCounts) -> EventCounts:
        effects = {
            span.exclusion.effect for span in self.spans_around(end) if span.start < end and span.end > begin
        }
        if ExclusionEffect.IGNORE in effects:
            return counts
        return EventCounts(counts.error, 0.0)


def window_spans(spans: Sequence[ExcludedSpan], at: float, window: int) -> tuple[ExcludedSpan, ...]:
    """Return the spans that reach into the window before *at*, and fixed ones to come."""
    return tuple(
        span
        for span in spans
        if span.end > at - window and (span.start < at or isinstance(span.exclusion.time, FixedTime))
    )


def _plain_span(span: ExcludedSpan) -> PlainSpan:
    return span.start, span.end, span.exclusion.effect is ExclusionEffect.GOOD


def _clip_spans(spans: Sequence[PlainSpan], begin: float, end: float) -> list[PlainSpan]:
    return sorted(
        {
            (max(start, begin), min(stop, end), is_good)
            for start, stop, is_good in spans
            if start < end and stop > begin
        }
    )


def _subtract_excluded(one: BucketSum, excluded: BucketSum) -> BucketSum:
    """Subtract what is excluded; what rounding leaves of nothing is nothing."""
    if excluded == EMPTY_SUM:
        return one
    left = subtract_sums(one, excluded)
    if left.total <= one.total * _ROUNDING:
        return EMPTY_SUM
    error = left.error if left.error > excluded.error * _ROUNDING else 0.0
    # Good events were seen all the same.
    seconds = one.seconds if excluded.total == 0 else max(1, left.seconds)
    return BucketSum(seconds, error, left.total)
