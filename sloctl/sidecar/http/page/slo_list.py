"""The list of SLOs: the states of a snapshot that a query selects, in its order."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from math import inf
from typing import Final, TypeAlias

from sloctl.sidecar.engine.evaluation import SloPlan
from sloctl.sidecar.engine.snapshot import SloState, Snapshot, state_without_data
from sloctl.sidecar.http.page.query import ListQuery, SortOrder
from sloctl.sidecar.sources import UnsupportedSlo
from sloctl.slo.health import Health

PAGE_SIZE: Final = 50
MAX_LABELS_OFFERED: Final = 100


# An SLO's id, and the values of its cluster labels.
_ListKey: TypeAlias = tuple[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SloListing:
    """One page of the list: *sections* are named for a service, or one without a name holds everything.

    A group stands for all of its SLO and cluster that were found, the first of them; *folded* says of each
    how many more there are. *health_counts* counts SLOs and groups that the other filters let through,
    *found* the lines that all of them do.
    """

    query: ListQuery
    sections: Sequence[tuple[str, Sequence[SloState]]]
    folded: Mapping[_ListKey, int]
    labels: Sequence[str]
    health_counts: Mapping[Health, int]
    found: int
    pages: int

    def folded_below(self, state: SloState) -> int:
        """Return how many groups stand below one that is listed."""
        return self.folded[_list_key(state)]

    @property
    def states(self) -> Iterable[SloState]:
        return (state for _, states in self.sections for state in states)


@dataclass(frozen=True, slots=True)
class ServiceSummary:
    """A service: how many SLOs, how many of them and their groups are in which state, and the worst."""

    name: str
    slos: int
    health_counts: Mapping[Health, int]
    worst: SloState


@dataclass(frozen=True, slots=True)
class RankedSnapshot:
    """The states of a snapshot, the worst first, with their *healths*.

    *groups* are those of an SLO's id, *labels* those of the specs as `name=value`.
    """

    states: Sequence[SloState]
    healths: Sequence[Health]
    groups: Mapping[str, Sequence[SloState]]
    labels: Sequence[str]

    @property
    def paging_count(self) -> int:
        return bisect_right(self.healths, Health.PAGING)


class RankingCache:
    """The newest snapshot, ranked once."""

    def __init__(self) -> None:
        self._snapshot = Snapshot.without_data(())
        self._ranked = rank_states(())
        # Of SLOs that the source cannot count: the same until the specs change.
        self._unsupported: tuple[UnsupportedSlo, ...] = ()
        self._uncounted: tuple[SloState, ...] = ()

    def rank_once(self, snapshot: Snapshot) -> RankedSnapshot:
        if snapshot.unsupported != self._unsupported:
            self._unsupported = snapshot.unsupported
            plans = (SloPlan.from_slo(each.slo) for each in snapshot.unsupported)
            self._uncounted = tuple(map(state_without_data, plans))
        if snapshot is not self._snapshot:
            every = replace(snapshot, states=snapshot.states + self._uncounted)
            self._snapshot, self._ranked = snapshot, rank_states(every.worst_first())
        return self._ranked


def rank_states(states: Sequence[SloState]) -> RankedSnapshot:
    """Rank states that come the worst first."""
    groups: dict[str, list[SloState]] = {}
    for state in states:
        groups.setdefault(state.slo.id, []).append(state)
    labels = sorted({f"{name}={value}" for state in states for name, value in state.slo.labels.items()})
    return RankedSnapshot(states, [state.health for state in states], groups, labels[:MAX_LABELS_OFFERED])


def list_slos(ranked: RankedSnapshot, query: ListQuery) -> SloListing:
    """Filter, sort and cut out the page that *query* asks for; past the last page it is the last one."""
    matching = [
        (state, health)
        for state, health in zip(ranked.states, ranked.healths, strict=True)
        if _matches_filter(state, query)
    ]
    found = [state for state, health in matching if query.state in {None, health}]
    of_slo = Counter(map(_list_key, found))
    first_of_slo: dict[_ListKey, SloState] = {}
    for state in _sort_states(found, query):
        first_of_slo.setdefault(_list_key(state), state)
    ordered = list(first_of_slo.values())
    pages = max(1, -(-len(ordered) // PAGE_SIZE))
    number = min(query.page, pages)
    page = ordered[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
    by_service = groupby(page, key=lambda state: state.slo.service if query.by_service else "")
    return SloListing(
        query=query,
        sections=[(service, list(states)) for service, states in by_service],
        folded={key: number - 1 for key, number in of_slo.items()},
        labels=ranked.labels,
        health_counts=Counter(health for _, health in matching),
        found=len(ordered),
        pages=pages,
    )


def _list_key(state: SloState) -> _ListKey:
    """Return the SLO and the cluster of a state: of each there is a line."""
    clusters = state.slo.cluster_labels
    if not clusters:
        return state.slo.id, ()
    grouped = zip(state.slo.group_by, state.group, strict=False)
    return state.slo.id, tuple(value for label, value in grouped if label in clusters)


def summarize_services(ranked: RankedSnapshot) -> list[ServiceSummary]:
    """Summarize each service, the one with the worst SLO first."""
    services: dict[str, list[tuple[SloState, Health]]] = {}
    for state, health in zip(ranked.states, ranked.healths, strict=True):
        services.setdefault(state.slo.service, []).append((state, health))
    return [
        ServiceSummary(
            name,
            slos=len({state.slo.id for state, _ in states}),
            health_counts=Counter(health for _, health in states),
            worst=states[0][0],
        )
        for name, states in services.items()
    ]


def _matches_filter(state: SloState, query: ListQuery) -> bool:
    slo = state.slo
    if query.label:
        name, _, value = (part.strip() for part in query.label.partition("="))
        given = slo.labels.get(name, state.group_labels.get(name))
        # A name alone asks for any value.
        if given is None or value not in {"", given}:
            return False
    text = query.text.casefold()
    if not text:
        return True
    searched = (slo.id, slo.description, *state.group, *slo.labels.values())
    return any(text in each.casefold() for each in searched)


def _sort_states(states: list[SloState], query: ListQuery) -> list[SloState]:
    """Sort stably, so that what is alike stays worst first; what is not known comes last."""
    match query.sort:
        case SortOrder.WORST:
            pass
        case SortOrder.BUDGET:
            states.sort(key=lambda state: inf if state.budget.left is None else state.budget.left)
        case SortOrder.BURN:
            states.sort(
                key=lambda state: -1.0 if (rate := state.burns[0].burn_rate) is None else rate, reverse=True
            )
        case SortOrder.NAME:
            states.sort(key=lambda state: (state.slo.id, state.group))
    if query.by_service:
        # Services come in the order of their first SLO.
        first = {state.slo.service: index for index, state in reversed(list(enumerate(states)))}
        states.sort(key=lambda state: first[state.slo.service])
    return states
