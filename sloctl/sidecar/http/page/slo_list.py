"""The list: which entries of a board are shown, and in which order."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sloctl.duration import HOUR
from sloctl.sidecar.engine.evaluation import LookbackBurn
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.http.page.query import ListQuery, SortOrder
from sloctl.slo.health import Health

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class SloListing:
    """One page of the list; *sections* are named for a service, or one without a name holds all.

    *standings* counts what the other filters let through, *found* what all of them do.
    """

    query: ListQuery
    sections: Sequence[tuple[str, Sequence[SloState]]]
    health_counts: Mapping[Health, int]
    found: int
    pages: int

    @property
    def entries(self) -> Iterable[SloState]:
        return (entry for _, entries in self.sections for entry in entries)


@dataclass(frozen=True, slots=True)
class RankedSnapshot:
    """The entries of a board, the worst first, each with how it stands; *groups* are those of an SLO's id."""

    states: Sequence[SloState]
    healths: Sequence[Health]
    groups: Mapping[str, Sequence[SloState]]

    @property
    def paging_count(self) -> int:
        return bisect_right(self.healths, Health.PAGING)


def rank_snapshot(board: Snapshot) -> RankedSnapshot:
    entries = board.worst_first()
    groups: dict[str, list[SloState]] = {}
    for entry in entries:
        groups.setdefault(entry.slo.id, []).append(entry)
    return RankedSnapshot(entries, [entry.health for entry in entries], groups)


def list_slos(board: RankedSnapshot, query: ListQuery) -> SloListing:
    matching = [
        (entry, standing)
        for entry, standing in zip(board.states, board.healths, strict=True)
        if _matches_filter(entry, query)
    ]
    found = [entry for entry, standing in matching if query.state in {None, standing}]
    ordered = _sort_states(found, query)
    pages = max(1, -(-len(ordered) // PAGE_SIZE))
    number = min(query.page, pages)
    shown = ordered[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    by_service = groupby(shown, key=lambda entry: entry.slo.service if query.by_service else "")
    return SloListing(
        query=query,
        sections=[(service, list(entries)) for service, entries in by_service],
        health_counts=Counter(standing for _, standing in matching),
        found=len(found),
        pages=pages,
    )


def steady_burn(entry: SloState) -> LookbackBurn:
    """Beside the newest lookback the one that pages look at: an hour, or the first that is longer."""
    return next((burn for burn in entry.burns if burn.lookback >= HOUR), entry.burns[-1])


class RankingCache:
    """The newest board, ranked once."""

    def __init__(self) -> None:
        self._board = Snapshot.without_data(())
        self._ranked = rank_snapshot(self._board)

    def rank_once(self, board: Snapshot) -> RankedSnapshot:
        if board is not self._board:
            self._board, self._ranked = board, rank_snapshot(board)
        return self._ranked


def _matches_filter(entry: SloState, query: ListQuery) -> bool:
    if not (query.label or query.text):
        return True
    name, _, value = query.label.partition("=")
    if query.label and not _has_label(entry, name.strip(), value.strip()):
        return False
    text = query.text.casefold()
    return not text or any(text in told.casefold() for told in _told(entry))


def _has_label(entry: SloState, name: str, value: str) -> bool:
    """A name alone asks for any value."""
    given = entry.slo.labels.get(name, entry.group_labels.get(name))
    return given is not None and value in {"", given}


def _told(entry: SloState) -> Iterable[str]:
    yield entry.slo.id
    yield entry.slo.description
    yield from entry.group
    yield from entry.slo.labels.values()


def _sort_states(entries: list[SloState], query: ListQuery) -> list[SloState]:
    """Stable: what is alike stays worst first."""
    match query.sort:
        case SortOrder.WORST:
            pass
        case SortOrder.BUDGET:
            entries.sort(key=_left)
        case SortOrder.BURN:
            entries.sort(key=_burn, reverse=True)
        case SortOrder.NAME:
            entries.sort(key=lambda entry: (entry.slo.id, entry.group))
    if query.by_service:
        places = {entry.slo.service: place for place, entry in reversed(list(enumerate(entries)))}
        entries.sort(key=lambda entry: places[entry.slo.service])
    return entries


def _left(entry: SloState) -> float:
    return float("inf") if entry.budget.left is None else entry.budget.left


def _burn(entry: SloState) -> float:
    rate = entry.burns[0].burn_rate
    return -1.0 if rate is None else rate
