"""The source that needs no Prometheus: GET the targets' own metrics."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from sloctl.model import Slo
from sloctl.prometheus.async_client import HttpClient, open_client
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.sources import Group, IntervalCounts, SloCounts, SourceUnavailable, UnsupportedSlo
from sloctl.sidecar.sources.counting.counter_increases import MAX_BASELINE_AGE
from sloctl.sidecar.sources.counting.label_counts import LabelCounter
from sloctl.sidecar.sources.counting.tally import (
    CountablePair,
    SeriesWeights,
    SloGroup,
    Tally,
    countable_pair,
    merge_tallies,
    metric_names,
)
from sloctl.sidecar.sources.scrape.scraper import TargetScraper
from sloctl.sidecar.sources.scrape.targets import (
    DnsDiscovery,
    DnsService,
    ResolveHost,
    ScrapeTarget,
    TargetState,
    resolve_host,
)
from sloctl.slo.resolutions import EventCounts

__all__ = [
    "DnsService",
    "ScrapeOptions",
    "ScrapePlan",
    "ScrapeSource",
    "ScrapeTarget",
    "TargetState",
    "open_scrape_source",
    "plan_scrape",
]

# Reasons in one message; the targets' states have them all.
_MAX_REASONS: Final = 3


@dataclass(frozen=True, slots=True)
class ScrapeOptions:
    """What is scraped, and how.

    *at_once* bounds the targets asked at the same time, and with the client's max_bytes the memory it takes.
    *telling* are the labels that may tell what burns; None for all but those that always say the same.
    """

    targets: tuple[ScrapeTarget | DnsService, ...]
    client: ClientOptions = field(default_factory=ClientOptions)
    concurrency: int = 8
    resolve_seconds: float = 30.0
    contributor_labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        for number, target in enumerate(self.targets):
            if target in self.targets[:number]:
                raise ValueError(f"{target.display_url} is given twice and would count twice")


@dataclass(frozen=True, slots=True)
class ScrapePlan:
    """What a scrape counts: the pair of each SLO, and the SLOs that only PromQL could count."""

    pairs: tuple[tuple[Slo, CountablePair], ...]
    unsupported: tuple[UnsupportedSlo, ...]

    @property
    def slos(self) -> tuple[Slo, ...]:
        return tuple(slo for slo, _ in self.pairs)

    @property
    def metric_names(self) -> frozenset[str]:
        return frozenset[str]().union(*(metric_names(pair) for _, pair in self.pairs))

    def unchanged_slos(self, other: "ScrapePlan") -> frozenset[str]:
        """Ids of the SLOs that count the same in both."""
        theirs = {slo.id: (pair, slo.group_by) for slo, pair in other.pairs}
        return frozenset(slo.id for slo, pair in self.pairs if theirs.get(slo.id) == (pair, slo.group_by))


def plan_scrape(slos: Iterable[Slo]) -> ScrapePlan:
    outcomes = [(slo, countable_pair(slo)) for slo in slos]
    return ScrapePlan(
        pairs=tuple((slo, pair) for slo, pair in outcomes if not isinstance(pair, UnsupportedSlo)),
        unsupported=tuple(pair for _, pair in outcomes if isinstance(pair, UnsupportedSlo)),
    )


class ScrapeSource:
    """All targets of *options* at once, as one source.

    A target that fails counts nothing and hides none of the others; what it counted meanwhile is added when
    it answers again within REMEMBERED seconds. *targets* tells how each of them does.
    """

    def __init__(
        self,
        client: HttpClient,
        options: ScrapeOptions,
        scraped: ScrapePlan,
        *,
        resolve: ResolveHost = resolve_host,
    ) -> None:
        self.target_states: tuple[TargetState, ...] = ()
        self._client = client
        self._telling = options.contributor_labels
        self._static = [target for target in options.targets if isinstance(target, ScrapeTarget)]
        services = [target for target in options.targets if isinstance(target, DnsService)]
        self._discoveries = [
            DnsDiscovery(service, resolve, seconds=options.resolve_seconds) for service in services
        ]
        self._at_once = asyncio.Semaphore(options.concurrency)
        self._plan = scraped
        self._shares = SeriesWeights(scraped.pairs, telling=options.contributor_labels)
        self._burning = LabelCounter()
        self._debts: Mapping[SloGroup, float] = {}
        self._known: dict[ScrapeTarget, tuple[float, TargetScraper]] = {}

    @property
    def issues(self) -> tuple[str, ...]:
        """What is wrong with names, rather than with the targets behind them."""
        return tuple(each.issue for each in self._discoveries if each.issue is not None)

    def replace_plan(self, scraped: ScrapePlan) -> None:
        """Count other SLOs from now on; counters that were read before go on where they were."""
        self._plan = scraped
        self._shares = SeriesWeights(scraped.pairs, telling=self._telling)
        self._burning, self._debts = LabelCounter(), {}
        for _, target in self._known.values():
            target.replace_metrics(scraped.metric_names)

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """One Readings, with the SLOs that some target counts; raises Unreadable when no target answers."""
        planned = self._plan
        current = await self._current_scrapers(now)
        shares = self._shares
        tallies = await asyncio.gather(*(self._scrape(target, shares, now) for target in current))
        self.target_states = tuple(target.state for target in current)
        answered = [each for each in tallies if each is not None]
        if not answered:
            raise SourceUnavailable(self._reasons())
        counts, self._debts = merge_tallies(answered, self._debts)
        burning = self._burning.count_by_label(
            (part for each in answered for part in each.series_counts), now
        )
        readings = _counts_by_slo(counts, burning)
        if planned is not self._plan:
            # Replanned meanwhile: what was counted may be of an indicator that is another now.
            readings = {
                slo: each for slo, each in readings.items() if slo in planned.unchanged_slos(self._plan)
            }
        return (IntervalCounts(now, readings),)

    async def _scrape(self, target: TargetScraper, shares: SeriesWeights, now: float) -> Tally | None:
        async with self._at_once:
            return await target.scrape_target(self._client, shares, now)

    async def _current_scrapers(self, now: float) -> list[TargetScraper]:
        """The targets there are; one that is gone for longer than REMEMBERED is forgotten."""
        current = [self._scraper_of(target, now, since=None) for target in self._static]
        for discovery in self._discoveries:
            before = discovery.resolved_at
            targets = await discovery.current_targets(now)
            current += [self._scraper_of(target, now, since=before) for target in targets]
        self._known = {
            target: (last, each)
            for target, (last, each) in self._known.items()
            if now - last <= MAX_BASELINE_AGE
        }
        return current

    def _scraper_of(self, target: ScrapeTarget, now: float, *, since: float | None) -> TargetScraper:
        _, known = self._known.get(target, (now, None))
        if known is None:
            known = TargetScraper(target, self._plan.metric_names, since=since)
        self._known[target] = now, known
        return known

    def _reasons(self) -> str:
        down = [f"{state.url}: {state.error}" for state in self.target_states]
        reasons = [*self.issues, *down] or ["there is nothing to scrape"]
        more = f"; and {len(reasons) - _MAX_REASONS} more" if len(reasons) > _MAX_REASONS else ""
        return "; ".join(reasons[:_MAX_REASONS]) + more


@asynccontextmanager
async def open_scrape_source(
    options: ScrapeOptions, scraped: ScrapePlan, *, resolve: ResolveHost = resolve_host
) -> AsyncIterator[ScrapeSource]:
    """The source, with connections of its own."""
    async with open_client(options.client) as client:
        yield ScrapeSource(client, options, scraped, resolve=resolve)


def _counts_by_slo(
    counts: Mapping[SloGroup, EventCounts], burning: Mapping[str, Mapping[tuple[str, str], EventCounts]]
) -> dict[str, SloCounts]:
    groups: dict[str, dict[Group, EventCounts]] = {}
    for (slo, group), counted in counts.items():
        groups.setdefault(slo, {})[group] = counted
    return {slo: SloCounts(counted, burning.get(slo, {})) for slo, counted in groups.items()}
