"""The contributors of an SLO: the label values that carry more of its errors than of its traffic.

Law: it is a hint, and bounded. An SLO without errors holds nothing here; one with errors holds at most 64
label values, at most 50 KB. Beyond those the value with the fewest errors makes room, so that any value with
more than a 64th of the errors is held, each error counted once per label; what is counted of such a value may
be too low, never too high. Minutes and five minutes are counted whole, so that "5m" is the last five to six
minutes and "1h" the last 60 to 65.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final, TypeAlias

from sloctl.duration import HOUR, MINUTE
from sloctl.sidecar.sources import PART_LABEL
from sloctl.slo.resolutions import EventCounts

MAX_LABEL_VALUES: Final = 64
LOOKBACKS: Final = (5 * MINUTE, HOUR)
# Of each lookback this many values are listed, each with at least this share of the errors.
_MAX_LISTED: Final = 5
_MIN_ERROR_SHARE: Final = 0.05
# One that errs hardly more often than all explains nothing.
_MIN_LIFT: Final = 1.1
# Of one bad event every label has all of the errors; less half an event, as counts are estimates.
_MIN_ERRORS: Final = 1.5
# Seconds between two rankings.
_RANK_EVERY_SECONDS: Final = 10
# The running minute and five before it, then the running five minutes and twelve before them.
_MINUTE_SLOTS: Final = 6
_FIVE_MINUTE_SLOTS: Final = 13
_LOOKBACK_SLOTS: Final = {
    5 * MINUTE: slice(0, _MINUTE_SLOTS),
    HOUR: slice(_MINUTE_SLOTS, _MINUTE_SLOTS + _FIVE_MINUTE_SLOTS),
}

# A label's name and value.
LabelValue: TypeAlias = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Contributor:
    """One label value over one *lookback* (300 or 3600 seconds): its errors, and its shares of all."""

    label: str
    value: str
    lookback: int
    errors: float
    share_of_errors: float
    share_of_traffic: float

    @property
    def lift(self) -> float:
        """By what factor it errs more often than the SLO as a whole."""
        return self.share_of_errors / self.share_of_traffic if self.share_of_traffic > 0 else inf


class _LabelValueTally:
    """Errors and events of one label value, and all events of the SLO at the ticks that had the value."""

    __slots__ = ("errors", "inherited_errors", "slo_events", "total")

    def __init__(self, inherited: float) -> None:
        self.errors = array("f", bytes(4 * (_MINUTE_SLOTS + _FIVE_MINUTE_SLOTS)))
        self.total = array("f", self.errors)
        self.slo_events = array("f", self.errors)
        # Errors of the value it displaced: they rank it, and are not shown.
        self.inherited_errors = inherited

    @property
    def rank(self) -> float:
        return self.inherited_errors + sum(self.errors[_LOOKBACK_SLOTS[HOUR]])

    def add_counts(self, slots: Iterable[int], errors: float, total: float, slo_events: float) -> None:
        for slot in slots:
            self.errors[slot] += errors
            self.total[slot] += total
            self.slo_events[slot] += slo_events

    def clear_slot(self, slot: int) -> None:
        self.errors[slot] = self.total[slot] = self.slo_events[slot] = 0.0


class ContributorTracker:
    """The label values of one SLO's errors; made when it first errs, idle an hour after it last did."""

    def __init__(self) -> None:
        self.tallies: dict[LabelValue, _LabelValueTally] = {}
        self._slo = _LabelValueTally(0.0)
        self._minute = 0
        self._ranked_at: float | None = None
        self._ranked: tuple[Contributor, ...] = ()

    @property
    def is_idle(self) -> bool:
        return not any(self._slo.errors)

    def record_counts(
        self, at: float, counts: EventCounts, by_label: Mapping[LabelValue, EventCounts]
    ) -> None:
        """Count what happened up to *at*, all of it and by label value; what comes late counts as of now."""
        self.advance_to(at)
        slots = (self._minute % _MINUTE_SLOTS, _MINUTE_SLOTS + self._minute // 5 % _FIVE_MINUTE_SLOTS)
        self._slo.add_counts(slots, counts.error, counts.total, counts.total)
        for name, of_value in by_label.items():
            tally = self.tallies.get(name)
            if tally is None:
                if of_value.error <= 0:
                    continue
                inherited = 0.0
                if len(self.tallies) >= MAX_LABEL_VALUES:
                    least = min(self.tallies, key=lambda each: self.tallies[each].rank)
                    inherited = self.tallies.pop(least).rank
                tally = self.tallies[name] = _LabelValueTally(inherited)
            tally.add_counts(slots, of_value.error, of_value.total, counts.total)

    def advance_to(self, at: float) -> None:
        minute = int(at // MINUTE)
        passed = minute - self._minute
        if passed <= 0:
            return
        stale = {(self._minute + n) % _MINUTE_SLOTS for n in range(1, 1 + min(passed, _MINUTE_SLOTS))}
        fives = minute // 5 - self._minute // 5
        stale |= {
            _MINUTE_SLOTS + (self._minute // 5 + n) % _FIVE_MINUTE_SLOTS
            for n in range(1, 1 + min(fives, _FIVE_MINUTE_SLOTS))
        }
        for tally in (self._slo, *self.tallies.values()):
            for slot in stale:
                tally.clear_slot(slot)
        self._minute = minute
        for name in [name for name, tally in self.tallies.items() if not any(tally.errors)]:
            del self.tallies[name]

    def top_contributors(self, at: float) -> tuple[Contributor, ...]:
        """Give the worst lift first, of each lookback; ranked anew every ten seconds."""
        if self._ranked_at is None or not 0 <= at - self._ranked_at < _RANK_EVERY_SECONDS:
            self._ranked_at = at
            self._ranked = tuple(each for lookback in LOOKBACKS for each in self._rank_contributors(lookback))
        return self._ranked

    def _rank_contributors(self, lookback: int) -> list[Contributor]:
        span = _LOOKBACK_SLOTS[lookback]
        errors = sum(self._slo.errors[span])
        if errors <= 0:
            return []
        by_label: dict[str, float] = {}
        for (label, _), tally in self.tallies.items():
            by_label[label] = by_label.get(label, 0.0) + sum(tally.errors[span])
        # Counts of Prometheus are estimates: by label they may be more than all together.
        found = [
            _build_contributor(name, tally, lookback, max(errors, by_label[name[0]]))
            for name, tally in self.tallies.items()
        ]
        listed = [
            each
            for each in found
            if each.share_of_errors >= _MIN_ERROR_SHARE
            and (each.label == PART_LABEL or (each.lift >= _MIN_LIFT and each.errors >= _MIN_ERRORS))
        ]
        return sorted(listed, key=_rank_key)[:_MAX_LISTED]


def _rank_key(each: Contributor) -> tuple[float, float, str, str]:
    """Rank the worst lift first; the parts of a journey, which are few and known, by their errors alone."""
    lift = 1.0 if each.label == PART_LABEL else each.lift
    return -lift, -each.errors, each.label, each.value


def _build_contributor(
    name: LabelValue, tally: _LabelValueTally, lookback: int, errors: float
) -> Contributor:
    span = _LOOKBACK_SLOTS[lookback]
    own, slo_events = sum(tally.errors[span]), sum(tally.slo_events[span])
    return Contributor(
        *name,
        lookback=lookback,
        errors=own,
        share_of_errors=min(1.0, own / errors),
        share_of_traffic=sum(tally.total[span]) / slo_events if slo_events > 0 else 0.0,
    )
