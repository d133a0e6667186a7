"""The list: which entries of a board are shown, and in which order."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from sloctl.duration import HOUR
from sloctl.sidecar.board import Board, Entry, Standing
from sloctl.sidecar.verdict import Burn
from sloctl.sidecar.views.page_query import ListQuery, Sort

PAGE_SIZE: Final = 50


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of the list; *sections* are named for a service, or one without a name holds all.

    *standings* counts what the other filters let through, *found* what all of them do.
    """

    query: ListQuery
    sections: Sequence[tuple[str, Sequence[Entry]]]
    standings: Mapping[Standing, int]
    found: int
    pages: int

    @property
    def entries(self) -> Iterable[Entry]:
        return (entry for _, entries in self.sections for entry in entries)


def listing(ranked: Sequence[Entry], query: ListQuery) -> Listing:
    """*ranked* are all entries, the worst first."""
    matching = [entry for entry in ranked if _matches(entry, query)]
    found = [entry for entry in matching if query.standing in {None, entry.standing}]
    ordered = _sorted(found, query)
    pages = max(1, -(-len(ordered) // PAGE_SIZE))
    number = min(query.page, pages)
    shown = ordered[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    by_service = groupby(shown, key=lambda entry: entry.slo.service if query.by_service else "")
    return Listing(
        query=query,
        sections=[(service, list(entries)) for service, entries in by_service],
        standings=Counter(entry.standing for entry in matching),
        found=len(found),
        pages=pages,
    )


def steady_burn(entry: Entry) -> Burn:
    """Beside the newest lookback the one that pages look at: an hour, or the first that is longer."""
    return next((burn for burn in entry.burns if burn.lookback >= HOUR), entry.burns[-1])


class Ranking:
    """The entries of the newest board, the worst first; sorted once a board."""

    def __init__(self) -> None:
        self._board: Board | None = None
        self._ranked: Sequence[Entry] = ()

    def of(self, board: Board) -> Sequence[Entry]:
        if board is not self._board:
            self._board, self._ranked = board, board.worst_first()
        return self._ranked


def _matches(entry: Entry, query: ListQuery) -> bool:
    name, _, value = query.label.partition("=")
    if query.label and not _has_label(entry, name.strip(), value.strip()):
        return False
    text = query.text.casefold()
    return not text or any(text in told.casefold() for told in _told(entry))


def _has_label(entry: Entry, name: str, value: str) -> bool:
    """A name alone asks for any value."""
    given = entry.slo.labels.get(name, entry.group_labels.get(name))
    return given is not None and value in {"", given}


def _told(entry: Entry) -> Iterable[str]:
    yield entry.slo.id
    yield entry.slo.description
    yield from entry.group
    yield from entry.slo.labels.values()


def _sorted(entries: list[Entry], query: ListQuery) -> list[Entry]:
    """Stable: what is alike stays worst first."""
    match query.sort:
        case Sort.WORST:
            pass
        case Sort.BUDGET:
            entries.sort(key=_left)
        case Sort.BURN:
            entries.sort(key=_burn, reverse=True)
        case Sort.NAME:
            entries.sort(key=lambda entry: (entry.slo.id, entry.group))
    if query.by_service:
        places = {entry.slo.service: place for place, entry in reversed(list(enumerate(entries)))}
        entries.sort(key=lambda entry: places[entry.slo.service])
    return entries


def _left(entry: Entry) -> float:
    return float("inf") if entry.budget.left is None else entry.budget.left


def _burn(entry: Entry) -> float:
    rate = entry.burns[0].burn_rate
    return -1.0 if rate is None else rate
