"""What burns: the label values that carry more of an SLO's errors than of its traffic.

Its one law: it is a hint, and bounded. An SLO without errors holds nothing here; one that burns holds at most
64 label values, at most 50 KB. Beyond those the value with the fewest errors makes room, so that any value
with more than a 64th of the errors is held, each error counted once per label; what is counted of such a
value may be too low, never too high. Minutes and five minutes are counted whole, so that "5m" is the last
five to six minutes and "1h" the last 60 to 65.
"""

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final, TypeAlias

from sloctl.duration import HOUR, MINUTE
from sloctl.slo.resolutions import EventCounts

MAX_LABEL_VALUES: Final = 64
LOOKBACKS: Final = (5 * MINUTE, HOUR)
# Of each lookback this many values are told, each with at least this share of the errors.
_MAX_LISTED: Final = 5
_MIN_ERROR_SHARE: Final = 0.05
# Seconds between two looks at what burns.
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
        """How many times more often than the SLO as a whole it errs."""
        return self.share_of_errors / self.share_of_traffic if self.share_of_traffic > 0 else inf


class _LabelValueTally:
    """Errors and events of one label value, and all events of the SLO at the ticks that told of the value."""

    __slots__ = ("errors", "inherited_errors", "slo_events", "total")

    def __init__(self, inherited: float) -> None:
        self.errors = array("f", bytes(4 * (_MINUTE_SLOTS + _FIVE_MINUTE_SLOTS)))
        self.total = array("f", self.errors)
        self.slo_events = array("f", self.errors)
        # Of the value it displaced: ranks it, is not shown.
        self.inherited_errors = inherited

    @property
    def rank(self) -> float:
        return self.inherited_errors + sum(self.errors[_LOOKBACK_SLOTS[HOUR]])

    def add_counts(self, places: Iterable[int], errors: float, total: float, everything: float) -> None:
        for place in places:
            self.errors[place] += errors
            self.total[place] += total
            self.slo_events[place] += everything

    def clear_slot(self, place: int) -> None:
        self.errors[place] = self.total[place] = self.slo_events[place] = 0.0


class ContributorTracker:
    """What one SLO's errors have in common; made when it first errs, *idle* an hour after it last did."""

    def __init__(self) -> None:
        self._tallies: dict[LabelValue, _LabelValueTally] = {}
        self._slo = _LabelValueTally(0.0)
        self._minute = 0
        self._looked: float | None = None
        self._burning: tuple[Contributor, ...] = ()

    @property
    def label_value_count(self) -> int:
        """How many label values are counted."""
        return len(self._tallies)

    @property
    def is_idle(self) -> bool:
        return not any(self._slo.errors)

    def record_counts(
        self, at: float, counts: EventCounts, by_label: Mapping[LabelValue, EventCounts]
    ) -> None:
        """Count what happened up to *at*: all of it, and by label value. What comes late counts as of now."""
        self.advance_to(at)
        places = (self._minute % _MINUTE_SLOTS, _MINUTE_SLOTS + self._minute // 5 % _FIVE_MINUTE_SLOTS)
        self._slo.add_counts(places, counts.error, counts.total, counts.total)
        for name, of_value in by_label.items():
            tally = self._tallies.get(name)
            if tally is None:
                if of_value.error <= 0:
                    continue
                tally = self._tallies[name] = _LabelValueTally(self._make_room())
            tally.add_counts(places, of_value.error, of_value.total, counts.total)

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
        for tally in (self._slo, *self._tallies.values()):
            for place in stale:
                tally.clear_slot(place)
        self._minute = minute
        for name in [name for name, tally in self._tallies.items() if not any(tally.errors)]:
            del self._tallies[name]

    def top_contributors(self, at: float) -> tuple[Contributor, ...]:
        """The worst lift first, of each lookback; looked up anew every ten seconds."""
        if self._looked is None or not 0 <= at - self._looked < _RANK_EVERY_SECONDS:
            self._looked = at
            self._burning = tuple(
                each for lookback in LOOKBACKS for each in self._rank_contributors(lookback)
            )
        return self._burning

    def _rank_contributors(self, lookback: int) -> list[Contributor]:
        span = _LOOKBACK_SLOTS[lookback]
        errors = sum(self._slo.errors[span])
        if errors <= 0:
            return []
        found = [_build_contributor(name, tally, lookback, errors) for name, tally in self._tallies.items()]
        telling = [
            each
            for each in found
            if each.share_of_errors >= _MIN_ERROR_SHARE and each.share_of_errors > each.share_of_traffic
        ]
        return sorted(telling, key=lambda each: (-each.lift, -each.errors, each.label, each.value))[
            :_MAX_LISTED
        ]

    def _make_room(self) -> float:
        """What a new value inherits of the one that made room."""
        if len(self._tallies) < MAX_LABEL_VALUES:
            return 0.0
        least = min(self._tallies, key=lambda name: self._tallies[name].rank)
        return self._tallies.pop(least).rank


def _build_contributor(
    name: LabelValue, tally: _LabelValueTally, lookback: int, errors: float
) -> Contributor:
    span = _LOOKBACK_SLOTS[lookback]
    own, everything = sum(tally.errors[span]), sum(tally.slo_events[span])
    return Contributor(
        *name,
        lookback=lookback,
        errors=own,
        share_of_errors=min(1.0, own / errors),
        share_of_traffic=sum(tally.total[span]) / everything if everything > 0 else 0.0,
    )
