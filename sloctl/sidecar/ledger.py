"""What the sidecar remembers, bounded: counts per SLO and group, and since when each alert fires."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from sloctl.model import Severity, Slo
from sloctl.rollup import Counts
from sloctl.sidecar.board import Board, Entry, unread
from sloctl.sidecar.history import History
from sloctl.sidecar.sources import OTHERS, Group, Readings, Refusal
from sloctl.sidecar.verdict import Alert, State, alerts, budget, burns

MAX_GROUPS: Final = 200


class Ledger:
    """Counts in, boards out; *interval* is the seconds between two ticks."""

    def __init__(self, slos: Iterable[Slo], *, interval: float, refusals: tuple[Refusal, ...] = ()) -> None:
        self._slos = tuple(slos)
        self._step = max(1.0, interval)
        self._refusals = refusals
        self._accounts: dict[str, dict[Group, _Account]] = {slo.id: {} for slo in self._slos}

    def remember(self, slo: Slo, group: Group, at: float, counts: Counts) -> None:
        """Take in what happened before the first tick, oldest first."""
        self._account(slo, group).history.add(at, counts)

    def record(self, at: float, readings: Sequence[Readings]) -> Board:
        """Count one tick. What *readings* leave out keeps its last entry, marked stale."""
        for each in readings:
            for slo in self._slos:
                if (reading := each.slos.get(slo.id)) is not None:
                    self._count(slo, each.at, reading.groups)
        entries = [entry for slo in self._slos for entry in self._entries(slo, at)]
        return Board(at=at, entries=tuple(entries), refusals=self._refusals)

    def _count(self, slo: Slo, at: float, groups: Mapping[Group, Counts]) -> None:
        for group, counts in groups.items():
            self._account(slo, group).add(at, counts)

    def _entries(self, slo: Slo, at: float) -> list[Entry]:
        accounts = self._accounts[slo.id]
        for group in [group for group, account in accounts.items() if account.is_forgotten(at)]:
            del accounts[group]
        return [account.entry(at) for account in accounts.values()] or [unread(slo)]

    def _account(self, slo: Slo, group: Group) -> "_Account":
        accounts = self._accounts[slo.id]
        if group not in accounts and len(accounts) >= MAX_GROUPS:
            group = (OTHERS,) * len(group)
        if group not in accounts:
            accounts[group] = _Account(slo, group, self._step)
        return accounts[group]


class _Account:
    """One SLO, or one group of it."""

    def __init__(self, slo: Slo, group: Group, step: float) -> None:
        self._slo = slo
        self._group = group
        self._errors = 0.0
        self._most_errors = 0.0
        self._events = 0.0
        self._fires_since: dict[Severity, float] = {}
        self._entry: Entry | None = None
        self.history = History(step=step, window=slo.window.seconds)

    def add(self, at: float, counts: Counts) -> None:
        self._errors += counts.error
        # What is exposed as a counter never falls.
        self._most_errors = max(self._most_errors, self._errors)
        self._events += counts.total
        self.history.add(at, counts)

    def is_forgotten(self, at: float) -> bool:
        """Nothing within the window any more."""
        return self.history.last is not None and self.history.last < at - self._slo.window.seconds

    def entry(self, at: float) -> Entry:
        if self._entry is not None and self.history.last != at:
            return replace(self._entry, stale=True)
        self._entry = self._assessed(at)
        return self._entry

    def _assessed(self, at: float) -> Entry:
        burned = burns(self._slo, lambda lookback: self.history.sum(at, lookback))
        return Entry(
            slo=self._slo,
            group=self._group,
            since=self.history.since,
            last=self.history.last,
            stale=self.history.last != at,
            errors=self._most_errors,
            events=self._events,
            burns=burned,
            budget=budget(self._slo, burned),
            alerts=tuple(self._dated(alert, at) for alert in alerts(self._slo, burned)),
        )

    def _dated(self, alert: Alert, at: float) -> Alert:
        """With the tick at which it began to fire."""
        if alert.state is State.FIRING:
            return replace(alert, since=self._fires_since.setdefault(alert.severity, at))
        self._fires_since.pop(alert.severity, None)
        return alert
