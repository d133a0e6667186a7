"""What the sidecar remembers, bounded: counts per SLO and group, and since when each alert fires."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from sloctl.model import Slo
from sloctl.rollup import EventCounts
from sloctl.sidecar.account import Account
from sloctl.sidecar.board import Board, Entry, unread
from sloctl.sidecar.burning import Burning, Suspects
from sloctl.sidecar.fingerprint import fingerprint
from sloctl.sidecar.history import tick_step
from sloctl.sidecar.kept import Kept
from sloctl.sidecar.sources import OTHERS, Group, Reading, Readings, Refusal
from sloctl.sidecar.verdict import Yardstick

MAX_GROUPS: Final = 200
# A source that gives this, or NaN, has read nothing: one such count would outshine all others for a month.
_BEYOND_COUNTING: Final = 1e30
# So many SLOs are assessed in one go: some milliseconds.
_IN_ONE_GO: Final = 100


class Ledger:
    """Counts in, boards out; *interval* is the seconds between two ticks.

    An SLO is stale when a tick brings no reading of it and its newest data are older than *patience* seconds:
    none for a source that reads at each tick, a minute or two for one that has news once a minute.
    """

    def __init__(
        self,
        slos: Iterable[Slo],
        *,
        interval: float,
        refusals: tuple[Refusal, ...] = (),
        patience: float = 0.0,
    ) -> None:
        self._step = tick_step(interval)
        self._refusals = refusals
        self._patience = patience
        self._watched: dict[str, _Watched] = {slo.id: _Watched(slo, self._step) for slo in slos}

    @property
    def slos(self) -> tuple[Slo, ...]:
        return tuple(watched.slo for watched in self._watched.values())

    def remember(self, slo: Slo, group: Group, at: float, counts: EventCounts) -> None:
        """Take in what happened before the first tick; in any order, oldest first is fastest."""
        self._watched[slo.id].account(group).remember(at, counts)

    def recall(self, slo: Slo, kept: Iterable[Kept], now: float, *, counters: bool) -> float:
        """Go on from what the store holds of *slo*; *counters* says whether those exposed go on too.

        Gives by how many seconds histories were moved back, at most; raises struct.error.
        """
        watched = self._watched[slo.id]
        return max(
            (watched.account(each.group).recall(each, now, counters=counters) for each in kept), default=0
        )

    def replace(self, slos: Iterable[Slo], refusals: tuple[Refusal, ...] = ()) -> tuple[Slo, ...]:
        """Watch these instead. Gives those that start anew: they are new, or count something else now."""
        before = self._watched
        self._refusals = refusals
        self._watched = {slo.id: _Watched(slo, self._step) for slo in slos}
        anew = [watched for watched in self._watched.values() if not watched.goes_on_from(before)]
        return tuple(watched.slo for watched in anew)

    def known(self, slo: Slo) -> tuple[float, float] | None:
        """Since when, and until when, there are data of *slo*, in any group."""
        accounts = self._watched[slo.id].accounts.values()
        spans = [
            (each.since, each.last) for each in accounts if each.since is not None and each.last is not None
        ]
        return (min(since for since, _ in spans), max(last for _, last in spans)) if spans else None

    def account(self, slo_id: str, group: Group) -> Account | None:
        """None where there is no such SLO, or nothing of the group yet."""
        watched = self._watched.get(slo_id)
        return None if watched is None else watched.accounts.get(group)

    def accounts(self) -> Iterator[tuple[Slo, str, Account]]:
        """Each with the fingerprint of its SLO."""
        for watched in tuple(self._watched.values()):
            for account in tuple(watched.accounts.values()):
                yield watched.slo, watched.fingerprint, account

    def record(self, at: float, readings: Sequence[Readings]) -> Board:
        """Count one tick. What *readings* leave out keeps its last entry, marked stale."""
        return next(board for board in self.recording(at, readings) if board is not None)

    def recording(self, at: float, readings: Sequence[Readings]) -> Iterator[Board | None]:
        """As `record`, in pieces: None while it goes on, then the board."""
        entries: list[Entry] = []
        for number, watched in enumerate(tuple(self._watched.values()), start=1):
            for each in readings:
                if (reading := each.slos.get(watched.slo.id)) is not None:
                    # A clock elsewhere that is ahead must not make everything here old.
                    watched.count(at, min(each.at, at), reading)
            entries += watched.entries(at, self._patience)
            if number % _IN_ONE_GO == 0:
                yield None
        yield Board(at=at, entries=tuple(entries), refusals=self._refusals)


class _Watched:
    """One SLO with all its groups."""

    __slots__ = ("_measure", "_step", "_suspects", "accounts", "fingerprint")

    def __init__(self, slo: Slo, step: int) -> None:
        self._measure = Yardstick.of(slo)
        self._step = step
        self._suspects: Suspects | None = None
        self.fingerprint = fingerprint(slo)
        self.accounts: dict[Group, Account] = {}

    @property
    def slo(self) -> Slo:
        return self._measure.slo

    def account(self, group: Group) -> Account:
        if group not in self.accounts and len(self.accounts) >= MAX_GROUPS:
            group = (OTHERS,) * len(group)
        if group not in self.accounts:
            self.accounts[group] = Account(self._measure, group, self._step)
        return self.accounts[group]

    def count(self, tick: float, at: float, reading: Reading) -> None:
        for group, counts in reading.groups.items():
            if not _is_count(counts):
                continue
            account = self.account(group)
            account.add(at, counts)
            account.read_at = tick
        if self._suspects is None and any(counts.error > 0 for counts in reading.by_label.values()):
            self._suspects = Suspects()
        if self._suspects is not None and _is_count(together := _together(reading.groups.values())):
            self._suspects.add(at, together, reading.by_label)

    def entries(self, at: float, patience: float) -> list[Entry]:
        for group in [group for group, account in self.accounts.items() if account.is_forgotten(at)]:
            del self.accounts[group]
        burning = self._burning(at)
        return [_entry(account, at, patience, burning) for account in self.accounts.values()] or [
            unread(self._measure)
        ]

    def goes_on_from(self, before: Mapping[str, "_Watched"]) -> bool:
        was = before.get(self.slo.id)
        if (
            was is None
            or was.fingerprint != self.fingerprint
            or was.slo.window.seconds < self._measure.window
        ):
            return False
        self.accounts, self._suspects = was.accounts, was._suspects  # noqa: SLF001 - another of this class
        for account in self.accounts.values():
            account.measure_by(self._measure)
        return True

    def _burning(self, at: float) -> tuple[Burning, ...]:
        if self._suspects is None:
            return ()
        self._suspects.pass_time(at)
        if self._suspects.idle:
            self._suspects = None
            return ()
        return self._suspects.burning(at)


def _entry(account: Account, at: float, patience: float, burning: tuple[Burning, ...]) -> Entry:
    fresh = account.read_at is not None and account.last is not None and account.last >= at - patience
    if account.read_at == at or fresh:
        return account.entry(at, burning)
    return account.stale_entry(at)


def _is_count(counts: EventCounts) -> bool:
    return abs(counts.error) < _BEYOND_COUNTING and abs(counts.total) < _BEYOND_COUNTING


def _together(counts: Iterable[EventCounts]) -> EventCounts:
    each = list(counts)
    return EventCounts(error=sum(one.error for one in each), total=sum(one.total for one in each))
