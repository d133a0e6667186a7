"""The engine: counts in, snapshots out. It keeps a bounded history per SLO and group, and knows no I/O."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sloctl.model import Slo
from sloctl.sidecar.engine.checkpoint import Checkpoint
from sloctl.sidecar.engine.contributors import Contributor, ContributorTracker
from sloctl.sidecar.engine.evaluation import SloPlan
from sloctl.sidecar.engine.fingerprint import slo_fingerprint
from sloctl.sidecar.engine.history import tick_step
from sloctl.sidecar.engine.snapshot import SloState, Snapshot, state_without_data
from sloctl.sidecar.engine.timeline import (
    FiringPeriod,
    SloTimeline,
    build_timeline,
    burn_start,
    past_alerts,
    recent_burn_rates,
)
from sloctl.sidecar.engine.tracker import SloTracker
from sloctl.sidecar.sources import OTHERS, Group, IntervalCounts, SloCounts, UnsupportedSlo
from sloctl.slo.resolutions import COARSE_STEP, EventCounts

MAX_GROUPS: Final = 200
# A source that gives this, or NaN, has read nothing: one such count would outshine all others for a month.
_IMPLAUSIBLE_COUNT: Final = 1e30
# A label value that is longer names nothing that a person looks for, and each of its groups holds it.
_MAX_VALUE_CHARACTERS: Final = 512
# Of all SLOs together; at most 10 KB each, and about as much again while they are looked at.
MAX_GROUP_ENTRIES: Final = 5000
# So many SLOs and groups are evaluated in one go: some milliseconds.
_STATES_PER_PIECE: Final = 100


_NO_COUNTS: Final = EventCounts(error=0.0, total=0.0)


class Engine:
    """All SLOs of one sidecar; *interval* is the seconds between two ticks.

    An SLO is stale when a tick brings no reading of it and its newest data are older than *stale_after*
    seconds: none for a source that reads at each tick, a minute or two for one that has news once a minute.

    An SLO with groupBy has an entry for each of its first MAX_GROUPS groups, as long as there are fewer than
    *max_group_entries* of all SLOs together. All other groups of an SLO share one.
    """

    def __init__(
        self,
        slos: Iterable[Slo],
        *,
        interval: float,
        unsupported: tuple[UnsupportedSlo, ...] = (),
        stale_after: float = 0.0,
        max_group_entries: int = MAX_GROUP_ENTRIES,
    ) -> None:
        self._group_entries = _GroupEntries(max_group_entries)
        self._step = tick_step(interval)
        self._unsupported = unsupported
        self._stale_after = stale_after
        self._by_id: dict[str, _SloTrackers] = {slo.id: self._new_trackers(slo) for slo in slos}

    @property
    def slos(self) -> tuple[Slo, ...]:
        return tuple(each.slo for each in self._by_id.values())

    @property
    def group_entry_count(self) -> int:
        """How many groups of all SLOs together have an entry of their own."""
        return self._group_entries.used

    @property
    def issue(self) -> str | None:
        """What is not told apart for want of entries; None where all groups are."""
        sharing = sum(each.shares_entry for each in self._by_id.values())
        if not sharing or not self._group_entries.is_full:
            return None
        return (
            f"groups have {self._group_entries.limit:,} entries together (limits.groupEntries), and all are "
            f"taken: of {sharing:,} SLOs further groups share the entry {OTHERS}"
        )

    def record_tick(self, at: float, readings: Sequence[IntervalCounts]) -> Snapshot:
        """Count one tick; an SLO that *readings* leave out keeps its last state, marked stale."""
        return next(snapshot for snapshot in self.record_in_pieces(at, readings) if snapshot is not None)

    def record_in_pieces(self, at: float, readings: Sequence[IntervalCounts]) -> Iterator[Snapshot | None]:
        """Count one tick in pieces of some milliseconds: None while it goes on, then the snapshot."""
        states: list[SloState] = []
        pending = 0
        for trackers in tuple(self._by_id.values()):
            for each in readings:
                if (gap := each.gaps.get(trackers.slo.id)) is not None:
                    trackers.note_gap(*gap)
                if (reading := each.slos.get(trackers.slo.id)) is None:
                    continue
                if each.begin is None:
                    # A clock elsewhere that is ahead must not make everything here old.
                    trackers.record_reading(at, min(each.at, at), reading)
                else:
                    trackers.record_late(each.begin, each.at, reading)
            states += trackers.evaluate_states(at, self._stale_after)
            pending += max(1, len(trackers.trackers))
            if pending >= _STATES_PER_PIECE:
                pending = 0
                yield None
        yield Snapshot(at=at, states=tuple(states), unsupported=self._unsupported)

    def slo_timeline(self, state: SloState, *, begin: float, end: float) -> SloTimeline | None:
        """Give what happened to the SLO and group of *state* from *begin* to *end*, Unix seconds.

        None where nothing of it has been counted.
        """
        tracker = self._find_tracker(state)
        window_burn = state.burn_over(state.slo.window.longest)
        return None if tracker is None else build_timeline(tracker, window_burn, begin=begin, end=end)

    def past_alerts(self, state: SloState) -> tuple[FiringPeriod, ...]:
        """Give when alerts of *state* fired within the window, the newest first."""
        tracker = self._find_tracker(state)
        return () if tracker is None else past_alerts(tracker)

    def burn_start(self, state: SloState) -> float | None:
        """Give when the newest burn of *state* began, Unix seconds; None where there is none to tell of."""
        tracker = self._find_tracker(state)
        return None if tracker is None else burn_start(tracker, state)

    def recent_burn_rates(
        self, state: SloState, *, end: float, width: int, points: int
    ) -> list[float | None] | None:
        """Give the burn rates of *points* times *width* seconds up to *end*, oldest first.

        A rate is None where nothing happened; all is None where nothing of *state* has been counted.
        """
        tracker = self._find_tracker(state)
        return None if tracker is None else recent_burn_rates(tracker, end=end, width=width, points=points)

    def backfill_counts(
        self, slo: Slo, group: Group, at: float, counts: EventCounts, *, seconds: float = COARSE_STEP
    ) -> None:
        """Count what happened in the *seconds* up to *at*, before the first tick; oldest first is fastest."""
        self._by_id[slo.id].tracker_for(group).backfill_counts(at, counts, seconds)

    def backfill_repair(
        self, slo: Slo, group: Group, at: float, counts: EventCounts, *, seconds: float
    ) -> None:
        """Count what was missing from the *seconds* up to *at*, before the first tick."""
        self._by_id[slo.id].tracker_for(group).backfill_late(at - seconds, at, counts)

    def restore_checkpoints(
        self,
        slo: Slo,
        checkpoints: Sequence[Checkpoint],
        now: float,
        *,
        counters: bool,
        watched_until: float = 0.0,
    ) -> float:
        """Go on from what the store holds of *slo*; *counters* says whether those exposed go on too.

        From *watched_until* (Unix seconds), or from the newest counts where those are later, to *now* nobody
        watched. Gives by how many seconds histories were moved back, at most; raises struct.error and
        ValueError where a checkpoint makes no sense.
        """
        for each in checkpoints:
            each.check_plausible(slo)
        trackers = self._by_id[slo.id]
        return max(
            (
                trackers.tracker_for(each.group).restore_checkpoint(
                    each, now, counters=counters, watched_until=watched_until
                )
                for each in checkpoints
            ),
            default=0,
        )

    def replace_slos(
        self, slos: Iterable[Slo], unsupported: tuple[UnsupportedSlo, ...] = ()
    ) -> tuple[Slo, ...]:
        """Track these instead, and give those that start anew: new ones, and those that count otherwise."""
        before = self._by_id
        self._unsupported = unsupported
        self._by_id = {slo.id: self._new_trackers(slo) for slo in slos}
        started = tuple(each.slo for each in self._by_id.values() if not each.take_over_from(before))
        self._group_entries.used = sum(each.group_entry_count for each in self._by_id.values())
        return started

    def data_span(self, slo: Slo) -> tuple[float, float] | None:
        """Give since when, and until when, there are data of *slo*, in any group; None without any."""
        spans = [
            (each.since, each.last)
            for each in self._by_id[slo.id].trackers.values()
            if each.since is not None and each.last is not None
        ]
        return (min(since for since, _ in spans), max(last for _, last in spans)) if spans else None

    def iter_trackers(self) -> Iterator[tuple[Slo, str, SloTracker]]:
        """Give each tracker with its SLO and the SLO's fingerprint."""
        for trackers in tuple(self._by_id.values()):
            for tracker in tuple(trackers.trackers.values()):
                yield trackers.slo, trackers.fingerprint, tracker

    def _new_trackers(self, slo: Slo) -> "_SloTrackers":
        return _SloTrackers(slo, self._step, self._group_entries)

    def _find_tracker(self, state: SloState) -> SloTracker | None:
        trackers = self._by_id.get(state.slo.id)
        return None if trackers is None or state.last is None else trackers.trackers.get(state.group)


@dataclass(slots=True)
class _GroupEntries:
    """The entries that groups have, of all SLOs together."""

    limit: int
    used: int = 0

    @property
    def is_full(self) -> bool:
        return self.used >= self.limit


class _SloTrackers:
    """One SLO with all its groups."""

    __slots__ = (
        "_contributors",
        "_group_entries",
        "_plan",
        "_step",
        "fingerprint",
        "shares_entry",
        "trackers",
    )

    def __init__(self, slo: Slo, step: int, group_entries: _GroupEntries) -> None:
        self._group_entries = group_entries
        # Whether groups were counted together for want of entries.
        self.shares_entry = False
        self._plan = SloPlan.from_slo(slo)
        self._step = step
        # Made when the SLO first errs.
        self._contributors: ContributorTracker | None = None
        self.fingerprint = slo_fingerprint(slo)
        self.trackers: dict[Group, SloTracker] = {}

    @property
    def slo(self) -> Slo:
        return self._plan.slo

    def tracker_for(self, group: Group) -> SloTracker:
        """Find or make the tracker of a group; past the limits all further groups share one."""
        if (known := self.trackers.get(group)) is not None:
            return known
        if group:
            lacks_entry = self._group_entries.is_full
            self.shares_entry |= lacks_entry
            is_long = any(len(value) > _MAX_VALUE_CHARACTERS for value in group)
            if lacks_entry or is_long or len(self.trackers) >= MAX_GROUPS:
                group = (OTHERS,) * len(group)
        if group not in self.trackers:
            self.trackers[group] = SloTracker(self._plan, group, self._step)
            self._group_entries.used += self._has_entry(group)
        return self.trackers[group]

    @property
    def group_entry_count(self) -> int:
        return sum(map(self._has_entry, self.trackers))

    def note_gap(self, begin: float, end: float) -> None:
        for tracker in self.trackers.values():
            tracker.note_gap(begin, end)

    def record_late(self, begin: float, end: float, reading: SloCounts) -> None:
        for group, counts in reading.groups.items():
            if _is_countable(counts):
                self.tracker_for(group).record_late(begin, end, counts)

    def record_reading(self, tick: float, at: float, reading: SloCounts) -> None:
        # Groups that share an entry are many: they are summed first and counted once.
        shared: dict[int, tuple[SloTracker, EventCounts]] = {}
        for group, counts in reading.groups.items():
            if not _is_countable(counts):
                continue
            tracker = self.trackers.get(group)
            if tracker is not None:
                tracker.record_counts(at, counts)
                tracker.read_at = tick
                continue
            tracker = self.tracker_for(group)
            _, so_far = shared.get(id(tracker), (tracker, _NO_COUNTS))
            together = EventCounts(so_far.error + counts.error, so_far.total + counts.total)
            shared[id(tracker)] = tracker, together
        for tracker, counts in shared.values():
            tracker.record_counts(at, counts)
            tracker.read_at = tick
        if self._contributors is None and any(counts.error > 0 for counts in reading.by_label.values()):
            self._contributors = ContributorTracker()
        if self._contributors is not None:
            every = reading.groups.values()
            together = EventCounts(error=sum(it.error for it in every), total=sum(it.total for it in every))
            if _is_countable(together):
                self._contributors.record_counts(at, together, reading.by_label)

    def evaluate_states(self, at: float, stale_after: float) -> list[SloState]:
        for group in [group for group, tracker in self.trackers.items() if tracker.is_expired(at)]:
            del self.trackers[group]
            self._group_entries.used -= self._has_entry(group)
        contributors = self._top_contributors(at)
        states = []
        for tracker in self.trackers.values():
            is_fresh = tracker.read_at == at or (
                tracker.read_at is not None and tracker.last is not None and tracker.last >= at - stale_after
            )
            states.append(tracker.update_state(at, contributors) if is_fresh else tracker.stale_state(at))
        return states or [state_without_data(self._plan)]

    def take_over_from(self, before: Mapping[str, "_SloTrackers"]) -> bool:
        """Take the trackers of the same SLO; False where it counted something else, or not for so long."""
        old = before.get(self.slo.id)
        if (
            old is None
            or old.fingerprint != self.fingerprint
            or old.slo.window.longest < self.slo.window.longest
        ):
            return False
        self.trackers, self._contributors = old.trackers, old._contributors  # noqa: SLF001 - another of this class
        for tracker in self.trackers.values():
            tracker.replace_plan(self._plan)
        return True

    @staticmethod
    def _has_entry(group: Group) -> bool:
        """Tell whether a group counts as an entry: the shared one of an SLO is always there."""
        return bool(group) and OTHERS not in group

    def _top_contributors(self, at: float) -> tuple[Contributor, ...]:
        if self._contributors is None:
            return ()
        self._contributors.advance_to(at)
        if self._contributors.is_idle:
            self._contributors = None
            return ()
        return self._contributors.top_contributors(at)


def _is_countable(counts: EventCounts) -> bool:
    return abs(counts.error) < _IMPLAUSIBLE_COUNT and abs(counts.total) < _IMPLAUSIBLE_COUNT
