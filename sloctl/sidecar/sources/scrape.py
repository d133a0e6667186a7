"""The source that needs no Prometheus: GET the targets' own metrics."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from sloctl.model import Slo
from sloctl.rollup import EventCounts
from sloctl.sidecar.client import Client, ClientOptions, open_client
from sloctl.sidecar.sources import Group, Reading, Readings, Refusal, Unreadable
from sloctl.sidecar.sources.burning import Burning
from sloctl.sidecar.sources.counting import Countable, Key, Shares, Tally, countable, metrics, settle
from sloctl.sidecar.sources.increases import REMEMBERED
from sloctl.sidecar.sources.scraped import Scraped
from sloctl.sidecar.sources.targets import Discovery, Resolve, Service, Target, TargetState, addresses

__all__ = ["Plan", "ScrapeOptions", "ScrapeSource", "Service", "Target", "TargetState", "open_source", "plan"]

# Reasons in one message; the targets' states have them all.
_REASONS: Final = 3


@dataclass(frozen=True, slots=True)
class ScrapeOptions:
    """What is scraped, and how.

    *at_once* bounds the targets asked at the same time, and with the client's max_bytes the memory it takes.
    *telling* are the labels that may tell what burns; None for all but those that always say the same.
    """

    targets: tuple[Target | Service, ...]
    client: ClientOptions = field(default_factory=ClientOptions)
    at_once: int = 8
    resolve_seconds: float = 30.0
    telling: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for number, target in enumerate(self.targets):
            if target in self.targets[:number]:
                raise ValueError(f"{target.shown} is given twice and would count twice")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scrape counts: the pair of each SLO, and the SLOs that only PromQL could count."""

    pairs: tuple[tuple[Slo, Countable], ...]
    refusals: tuple[Refusal, ...]

    @property
    def slos(self) -> tuple[Slo, ...]:
        return tuple(slo for slo, _ in self.pairs)

    @property
    def metrics(self) -> frozenset[str]:
        return frozenset[str]().union(*(metrics(pair) for _, pair in self.pairs))

    def same(self, other: "Plan") -> frozenset[str]:
        """Ids of the SLOs that count the same in both."""
        theirs = {slo.id: (pair, slo.group_by) for slo, pair in other.pairs}
        return frozenset(slo.id for slo, pair in self.pairs if theirs.get(slo.id) == (pair, slo.group_by))


def plan(slos: Iterable[Slo]) -> Plan:
    outcomes = [(slo, countable(slo)) for slo in slos]
    return Plan(
        pairs=tuple((slo, pair) for slo, pair in outcomes if not isinstance(pair, Refusal)),
        refusals=tuple(pair for _, pair in outcomes if isinstance(pair, Refusal)),
    )


class ScrapeSource:
    """All targets of *options* at once, as one source.

    A target that fails counts nothing and hides none of the others; what it counted meanwhile is added when
    it answers again within REMEMBERED seconds. *targets* tells how each of them does.
    """

    def __init__(
        self, client: Client, options: ScrapeOptions, scraped: Plan, *, resolve: Resolve = addresses
    ) -> None:
        self.targets: tuple[TargetState, ...] = ()
        self._client = client
        self._telling = options.telling
        self._static = [target for target in options.targets if isinstance(target, Target)]
        services = [target for target in options.targets if isinstance(target, Service)]
        self._discoveries = [
            Discovery(service, resolve, seconds=options.resolve_seconds) for service in services
        ]
        self._at_once = asyncio.Semaphore(options.at_once)
        self._plan = scraped
        self._shares = Shares(scraped.pairs, telling=options.telling)
        self._burning = Burning()
        self._debts: Mapping[Key, float] = {}
        self._known: dict[Target, tuple[float, Scraped]] = {}

    @property
    def troubles(self) -> tuple[str, ...]:
        """What is wrong with names, rather than with the targets behind them."""
        return tuple(each.trouble for each in self._discoveries if each.trouble is not None)

    def replan(self, scraped: Plan) -> None:
        """Count other SLOs from now on; counters that were read before go on where they were."""
        self._plan = scraped
        self._shares = Shares(scraped.pairs, telling=self._telling)
        self._burning, self._debts = Burning(), {}
        for _, target in self._known.values():
            target.read_instead(scraped.metrics)

    async def read(self, now: float) -> Sequence[Readings]:
        """One Readings, with the SLOs that some target counts; raises Unreadable when no target answers."""
        planned = self._plan
        current = await self._current(now)
        shares = self._shares
        tallies = await asyncio.gather(*(self._scrape(target, shares, now) for target in current))
        self.targets = tuple(target.state for target in current)
        answered = [each for each in tallies if each is not None]
        if not answered:
            raise Unreadable(self._reasons())
        counts, self._debts = settle(answered, self._debts)
        burning = self._burning.of((part for each in answered for part in each.parts), now)
        readings = _readings(counts, burning)
        if planned is not self._plan:
            # Replanned meanwhile: what was counted may be of an indicator that is another now.
            readings = {slo: each for slo, each in readings.items() if slo in planned.same(self._plan)}
        return (Readings(now, readings),)

    async def _scrape(self, target: Scraped, shares: Shares, now: float) -> Tally | None:
        async with self._at_once:
            return await target.scrape(self._client, shares, now)

    async def _current(self, now: float) -> list[Scraped]:
        """The targets there are; one that is gone for longer than REMEMBERED is forgotten."""
        current = [self._scraped(target, now, since=None) for target in self._static]
        for discovery in self._discoveries:
            before = discovery.resolved_at
            targets = await discovery.targets(now)
            current += [self._scraped(target, now, since=before) for target in targets]
        self._known = {
            target: (last, each) for target, (last, each) in self._known.items() if now - last <= REMEMBERED
        }
        return current

    def _scraped(self, target: Target, now: float, *, since: float | None) -> Scraped:
        _, known = self._known.get(target, (now, None))
        if known is None:
            known = Scraped(target, self._plan.metrics, since=since)
        self._known[target] = now, known
        return known

    def _reasons(self) -> str:
        down = [f"{state.url}: {state.error}" for state in self.targets]
        reasons = [*self.troubles, *down] or ["there is nothing to scrape"]
        more = f"; and {len(reasons) - _REASONS} more" if len(reasons) > _REASONS else ""
        return "; ".join(reasons[:_REASONS]) + more


@asynccontextmanager
async def open_source(
    options: ScrapeOptions, scraped: Plan, *, resolve: Resolve = addresses
) -> AsyncIterator[ScrapeSource]:
    """The source, with connections of its own."""
    async with open_client(options.client) as client:
        yield ScrapeSource(client, options, scraped, resolve=resolve)


def _readings(
    counts: Mapping[Key, EventCounts], burning: Mapping[str, Mapping[tuple[str, str], EventCounts]]
) -> dict[str, Reading]:
    groups: dict[str, dict[Group, EventCounts]] = {}
    for (slo, group), counted in counts.items():
        groups.setdefault(slo, {})[group] = counted
    return {slo: Reading(counted, burning.get(slo, {})) for slo, counted in groups.items()}
