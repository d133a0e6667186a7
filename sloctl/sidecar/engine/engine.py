"""What the sidecar remembers, bounded: counts per SLO and group, and since when each alert fires."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from sloctl.model import Slo
from sloctl.sidecar.engine.checkpoint import Checkpoint
from sloctl.sidecar.engine.contributors import Contributor, ContributorTracker
from sloctl.sidecar.engine.evaluation import SloPlan
from sloctl.sidecar.engine.fingerprint import slo_fingerprint
from sloctl.sidecar.engine.history import tick_step
from sloctl.sidecar.engine.snapshot import SloState, Snapshot, state_without_data
from sloctl.sidecar.engine.tracker import SloTracker
from sloctl.sidecar.sources import OTHERS, Group, IntervalCounts, SloCounts, UnsupportedSlo
from sloctl.slo.resolutions import EventCounts

MAX_GROUPS: Final = 200
# A source that gives this, or NaN, has read nothing: one such count would outshine all others for a month.
_IMPLAUSIBLE_COUNT: Final = 1e30
# So many SLOs are assessed in one go: some milliseconds.
_SLOS_PER_PIECE: Final = 100


class Engine:
    """Counts in, boards out; *interval* is the seconds between two ticks.

    An SLO is stale when a tick brings no reading of it and its newest data are older than *patience* seconds:
    none for a source that reads at each tick, a minute or two for one that has news once a minute.
    """

    def __init__(
        self,
        slos: Iterable[Slo],
        *,
        interval: float,
        refusals: tuple[UnsupportedSlo, ...] = (),
        patience: float = 0.0,
    ) -> None:
        self._step = tick_step(interval)
        self._refusals = refusals
        self._patience = patience
        self._watched: dict[str, _SloTrackers] = {slo.id: _SloTrackers(slo, self._step) for slo in slos}

    @property
    def slos(self) -> tuple[Slo, ...]:
        return tuple(watched.slo for watched in self._watched.values())

    def backfill_counts(self, slo: Slo, group: Group, at: float, counts: EventCounts) -> None:
        """Take in what happened before the first tick; in any order, oldest first is fastest."""
        self._watched[slo.id].tracker_for(group).backfill_counts(at, counts)

    def restore_checkpoints(
        self, slo: Slo, kept: Iterable[Checkpoint], now: float, *, counters: bool
    ) -> float:
        """Go on from what the store holds of *slo*; *counters* says whether those exposed go on too.

        Gives by how many seconds histories were moved back, at most; raises struct.error.
        """
        watched = self._watched[slo.id]
        return max(
            (
                watched.tracker_for(each.group).restore_checkpoint(each, now, counters=counters)
                for each in kept
            ),
            default=0,
        )

    def replace_slos(self, slos: Iterable[Slo], refusals: tuple[UnsupportedSlo, ...] = ()) -> tuple[Slo, ...]:
        """Watch these instead. Gives those that start anew: they are new, or count something else now."""
        before = self._watched
        self._refusals = refusals
        self._watched = {slo.id: _SloTrackers(slo, self._step) for slo in slos}
        anew = [watched for watched in self._watched.values() if not watched.take_over_from(before)]
        return tuple(watched.slo for watched in anew)

    def data_span(self, slo: Slo) -> tuple[float, float] | None:
        """Since when, and until when, there are data of *slo*, in any group."""
        accounts = self._watched[slo.id].trackers.values()
        spans = [
            (each.since, each.last) for each in accounts if each.since is not None and each.last is not None
        ]
        return (min(since for since, _ in spans), max(last for _, last in spans)) if spans else None

    def find_tracker(self, slo_id: str, group: Group) -> SloTracker | None:
        """None where there is no such SLO, or nothing of the group yet."""
        watched = self._watched.get(slo_id)
        return None if watched is None else watched.trackers.get(group)

    def iter_trackers(self) -> Iterator[tuple[Slo, str, SloTracker]]:
        """Each with the fingerprint of its SLO."""
        for watched in tuple(self._watched.values()):
            for account in tuple(watched.trackers.values()):
                yield watched.slo, watched.fingerprint, account

    def record_tick(self, at: float, readings: Sequence[IntervalCounts]) -> Snapshot:
        """Count one tick. What *readings* leave out keeps its last entry, marked stale."""
        return next(board for board in self.record_in_pieces(at, readings) if board is not None)

    def record_in_pieces(self, at: float, readings: Sequence[IntervalCounts]) -> Iterator[Snapshot | None]:
        """As `record`, in pieces: None while it goes on, then the board."""
        entries: list[SloState] = []
        for number, watched in enumerate(tuple(self._watched.values()), start=1):
            for each in readings:
                if (reading := each.slos.get(watched.slo.id)) is not None:
                    # A clock elsewhere that is ahead must not make everything here old.
                    watched.record_reading(at, min(each.at, at), reading)
            entries += watched.evaluate_states(at, self._patience)
            if number % _SLOS_PER_PIECE == 0:
                yield None
        yield Snapshot(at=at, states=tuple(entries), unsupported=self._refusals)


class _SloTrackers:
    """One SLO with all its groups."""

    __slots__ = ("_measure", "_step", "_suspects", "fingerprint", "trackers")

    def __init__(self, slo: Slo, step: int) -> None:
        self._measure = SloPlan.from_slo(slo)
        self._step = step
        self._suspects: ContributorTracker | None = None
        self.fingerprint = slo_fingerprint(slo)
        self.trackers: dict[Group, SloTracker] = {}

    @property
    def slo(self) -> Slo:
        return self._measure.slo

    def tracker_for(self, group: Group) -> SloTracker:
        if group not in self.trackers and len(self.trackers) >= MAX_GROUPS:
            group = (OTHERS,) * len(group)
        if group not in self.trackers:
            self.trackers[group] = SloTracker(self._measure, group, self._step)
        return self.trackers[group]

    def record_reading(self, tick: float, at: float, reading: SloCounts) -> None:
        for group, counts in reading.groups.items():
            if not _is_countable(counts):
                continue
            account = self.tracker_for(group)
            account.record_counts(at, counts)
            account.read_at = tick
        if self._suspects is None and any(counts.error > 0 for counts in reading.by_label.values()):
            self._suspects = ContributorTracker()
        if self._suspects is not None and _is_countable(together := _together(reading.groups.values())):
            self._suspects.record_counts(at, together, reading.by_label)

    def evaluate_states(self, at: float, patience: float) -> list[SloState]:
        for group in [group for group, account in self.trackers.items() if account.is_expired(at)]:
            del self.trackers[group]
        burning = self._top_contributors(at)
        return [_entry(account, at, patience, burning) for account in self.trackers.values()] or [
            state_without_data(self._measure)
        ]

    def take_over_from(self, before: Mapping[str, "_SloTrackers"]) -> bool:
        was = before.get(self.slo.id)
        if (
            was is None
            or was.fingerprint != self.fingerprint
            or was.slo.window.seconds < self._measure.window
        ):
            return False
        self.trackers, self._suspects = was.trackers, was._suspects  # noqa: SLF001 - another of this class
        for account in self.trackers.values():
            account.replace_plan(self._measure)
        return True

    def _top_contributors(self, at: float) -> tuple[Contributor, ...]:
        if self._suspects is None:
            return ()
        self._suspects.advance_to(at)
        if self._suspects.is_idle:
            self._suspects = None
            return ()
        return self._suspects.top_contributors(at)


def _entry(account: SloTracker, at: float, patience: float, burning: tuple[Contributor, ...]) -> SloState:
    fresh = account.read_at is not None and account.last is not None and account.last >= at - patience
    if account.read_at == at or fresh:
        return account.update_state(at, burning)
    return account.stale_state(at)


def _is_countable(counts: EventCounts) -> bool:
    return abs(counts.error) < _IMPLAUSIBLE_COUNT and abs(counts.total) < _IMPLAUSIBLE_COUNT


def _together(counts: Iterable[EventCounts]) -> EventCounts:
    each = list(counts)
    return EventCounts(error=sum(one.error for one in each), total=sum(one.total for one in each))
