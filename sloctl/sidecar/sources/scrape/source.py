"""The scrape source: every target once per tick at most, and the counts of all of them together."""

from collections.abc import AsyncIterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Final

from aiohttp import web

from sloctl.model import Slo
from sloctl.prometheus.async_client import HttpClient, open_client
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.descriptors import outgoing_connections
from sloctl.sidecar.sources import IntervalCounts, SloCounts, SourceUnavailable, UnsupportedSlo, join_reasons
from sloctl.sidecar.sources.counting.counter_increases import MAX_BASELINE_AGE
from sloctl.sidecar.sources.counting.journeys import JourneyCounter
from sloctl.sidecar.sources.counting.label_counts import LabelCounter
from sloctl.sidecar.sources.counting.plan import counts_by_slo, plan_counting
from sloctl.sidecar.sources.counting.series_weights import SeriesWeights, SloGroup, metric_names
from sloctl.sidecar.sources.counting.tally import Tally, merge_tallies
from sloctl.sidecar.sources.counting.time_slices import SliceJudge
from sloctl.sidecar.sources.scrape.body_memory import BodyMemory
from sloctl.sidecar.sources.scrape.outage_log import OutageLog
from sloctl.sidecar.sources.scrape.sample_room import SampleRoom
from sloctl.sidecar.sources.scrape.scrape_rounds import CountedScrape, ScrapeRounds
from sloctl.sidecar.sources.scrape.scraper import TargetScraper
from sloctl.sidecar.sources.scrape.targets import (
    DnsDiscovery,
    DnsService,
    ResolveHost,
    ScrapeTarget,
    TargetIdentity,
    TargetState,
    find_doubled,
    resolve_host,
)
from sloctl.sidecar.sources.scrape.unmatched import explain_unmatched

_EXPLAIN_EVERY_SECONDS: Final = 60.0
# Looking for the nearest of thousands of names takes milliseconds.
_MOST_EXPLAINED: Final = 3


@dataclass(frozen=True, slots=True)
class ScrapeOptions:
    """The targets, and the limits of scraping them.

    *concurrency* bounds the targets asked at the same time, *body_bytes* what their answers take together,
    beyond which one at a time is read to its end, *max_samples* the samples of what the SLOs name, of all
    targets together. Errors are broken down by *contributor_labels*; None is all but those that are the same
    everywhere.
    """

    targets: tuple[ScrapeTarget | DnsService, ...]
    client: ClientOptions = field(default_factory=ClientOptions)
    concurrency: int = 100
    body_bytes: int = 16 * 1024 * 1024
    max_samples: int = 50_000
    resolve_seconds: float = 30.0
    contributor_labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        known: set[tuple[type, TargetIdentity]] = set()
        for target in self.targets:
            identity = type(target), TargetIdentity.of_target(target)
            if identity in known:
                raise ValueError(f"{target.display_url} is given twice and would count twice")
            known.add(identity)


class ScrapeSource:
    """All targets of *options* at once, as one source; read it while it is open.

    A target that fails counts nothing and hides none of the others; its counts of the meantime are added when
    it answers again within MAX_BASELINE_AGE seconds.
    """

    stale_after_seconds = 0.0
    routes: Sequence[web.RouteDef] = ()

    def __init__(
        self, options: ScrapeOptions, slos: Sequence[Slo], *, resolve: ResolveHost = resolve_host
    ) -> None:
        self.target_states: tuple[TargetState, ...] = ()
        self._options = options
        self._client: HttpClient
        self._discoveries = [
            DnsDiscovery(service, resolve, seconds=options.resolve_seconds)
            for service in options.targets
            if isinstance(service, DnsService)
        ]
        self._rounds = ScrapeRounds(most_at_once=min(options.concurrency, outgoing_connections()))
        self._outage_log = OutageLog()
        self._bodies = BodyMemory(options.body_bytes)
        self._room = SampleRoom[TargetScraper](options.max_samples)
        self._plan = plan_counting(slos)
        self._weights = SeriesWeights(self._plan.pairs, contributor_labels=options.contributor_labels)
        self._label_counter = LabelCounter()
        self._slice_judge = SliceJudge(self._plan.counted_slos)
        self._journey_counter = JourneyCounter(self._plan.journeys)
        self._overdrawn: Mapping[SloGroup, float] = {}
        self._missing_bounds: Mapping[str, str] = {}
        self._shared_addresses: Sequence[str] = ()
        self._doubled_targets: Sequence[str] = ()
        self._unmatched: Mapping[str, str] = {}
        self._explained_at = float("-inf")
        # When each SLO was counted last, and when a target was last down.
        self._counted_at: dict[str, float] = {}
        self._outage_at = float("-inf")
        self._read_at: float | None = None
        # With when each target was last one to scrape.
        self._scrapers: dict[ScrapeTarget, tuple[float, TargetScraper]] = {}

    @property
    def slos(self) -> Sequence[Slo]:
        """The SLOs that are counted."""
        return self._plan.slos

    @property
    def unsupported(self) -> tuple[UnsupportedSlo, ...]:
        """The SLOs that only PromQL could count."""
        return self._plan.unsupported

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator["ScrapeSource"]:
        """Open connections of its own."""
        async with open_client(
            self._options.client, most_connections=self._options.concurrency
        ) as self._client:
            try:
                yield self
            finally:
                await self._rounds.end_scrapes()

    def issues(self) -> Mapping[str, str]:
        """Return what keeps counts from being whole, by what it is.

        That is targets that are down, names that cannot be resolved, addresses that several processes
        share or several names have, metrics with too many samples, missing buckets, selectors that match
        nothing, and parts of journeys without data.
        """
        issues = {
            "scrape": [f"{it.url} is down: {it.error}" for it in self.target_states if it.up is False],
            "discovery": self._unresolved(),
            "targets": [*self._shared_addresses, *self._doubled_targets],
            "samples": [
                unread
                for _, scraper in self._scrapers.values()
                if (unread := scraper.unread_samples()) is not None
            ],
            "buckets": [f"{slo_id}: {missing}" for slo_id, missing in self._missing_bounds.items()],
            "selectors": [f"{slo_id}: {why}" for slo_id, why in self._unmatched.items()],
            "journeys": self._journey_counter.describe_silence(),
        }
        return {name: join_reasons(reasons) for name, reasons in issues.items() if reasons}

    def replace_slos(self, slos: Sequence[Slo]) -> None:
        """Count other SLOs from now on; counters that were read before go on where they were."""
        self._plan = plan_counting(slos)
        self._weights = SeriesWeights(self._plan.pairs, contributor_labels=self._options.contributor_labels)
        self._label_counter, self._overdrawn = LabelCounter(), {}
        self._slice_judge.replace_slos(self._plan.counted_slos)
        self._journey_counter.replace_journeys(self._plan.journeys)
        counted = {slo.id for slo in (*self._plan.counted_slos, *self._plan.slos)}
        self._counted_at = {slo_id: at for slo_id, at in self._counted_at.items() if slo_id in counted}
        for _, scraper in self._scrapers.values():
            scraper.replace_metrics(self._plan.metric_names)

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """Scrape all targets; return one interval, or raise SourceUnavailable when none answers."""
        plan = self._plan
        if self._read_at is not None and now - self._read_at > MAX_BASELINE_AGE:
            # The machine slept, or we hung.
            self._outage_at = now
        self._read_at = now
        scrapers = await self._current_scrapers(now)
        weights = self._weights

        async def scrape(scraper: TargetScraper) -> CountedScrape | None:
            tally = await scraper.scrape_target(self._client, weights, now)
            if tally is None:
                return None
            if not scraper.left_out:
                return CountedScrape(plan, tally)
            # Errors without their events, or the other way round, would be wrong.
            unread = {slo.id for slo, pair in plan.pairs if metric_names(pair) & scraper.left_out}
            return CountedScrape(plan, without_slos(tally, unread))

        counted = await self._rounds.run_round(scrapers, scrape)
        tallies = [self._current_tally(each) for each in counted]
        self.target_states = self._rounds.states(scrapers)
        self._outage_log.log_changes(self.target_states, now)
        if any(state.up is False for state in self.target_states):
            self._outage_at = now
        if not tallies:
            down = [f"{state.url}: {state.error}" for state in self.target_states]
            reasons = [*self._unresolved(), *down] or ["there is nothing to scrape"]
            raise SourceUnavailable(join_reasons(reasons))
        self._missing_bounds = {
            slo_id: why for tally in tallies for slo_id, why in tally.missing_bounds.items()
        }
        self._shared_addresses = [issue for each in scrapers if (issue := each.issue(now)) is not None]
        counts, self._overdrawn = merge_tallies(tallies, self._overdrawn)
        series_counts = (each for tally in tallies for each in tally.series_counts)
        counted_slos = counts_by_slo(counts, self._label_counter.count_by_label(series_counts, now))
        slos = self._journey_counter.count_journeys(now, self._slice_judge.judge_counts(now, counted_slos))
        self._explain_uncounted(scrapers, slos, now)
        return (IntervalCounts(now, slos, gaps=self.ended_gaps(slos, now)),)

    def _explain_uncounted(
        self, scrapers: Sequence[TargetScraper], counted: Mapping[str, SloCounts], now: float
    ) -> None:
        """Find the selectors that match nothing: by the answers of this round, and of the next one again."""
        uncounted = {slo.id: pair for slo, pair in self._plan.pairs if slo.id not in counted}
        if unread := frozenset[str]().union(*(each.left_out for each in scrapers)):
            # They are there, and told as such.
            uncounted = {slo: pair for slo, pair in uncounted.items() if not metric_names(pair) & unread}
        self._unmatched = {slo_id: why for slo_id, why in self._unmatched.items() if slo_id in uncounted}
        if exposed := [each.exposed for each in scrapers if each.exposed is not None]:
            explained = {
                slo_id: explain_unmatched(pair, exposed)
                for slo_id, pair in list(uncounted.items())[:_MOST_EXPLAINED]
            }
            self._unmatched = {slo_id: why for slo_id, why in explained.items() if why is not None}
        is_due = bool(uncounted) and now - self._explained_at >= _EXPLAIN_EVERY_SECONDS
        self._explained_at = now if is_due else self._explained_at
        for each in scrapers:
            each.exposed, each.wants_exposed = None, each.wants_exposed or is_due

    def ended_gaps(self, counted: Mapping[str, SloCounts], now: float) -> dict[str, tuple[float, float]]:
        """Find the SLOs that are counted again after a target was down for too long to know what it did."""
        lost_before = now - MAX_BASELINE_AGE
        gaps = {
            slo_id: (last, now)
            for slo_id in counted
            if (last := self._counted_at.get(slo_id, now)) < lost_before and self._outage_at > last
        }
        self._counted_at.update(dict.fromkeys(counted, now))
        return gaps

    def _current_tally(self, counted: CountedScrape) -> Tally:
        """Leave out SLOs that were replaced since: their counts may be of another indicator."""
        if counted.plan is self._plan:
            return counted.tally
        unchanged = counted.plan.unchanged_slos(self._plan)
        return without_slos(counted.tally, {slo.id for slo in counted.plan.counted_slos} - unchanged)

    async def _current_scrapers(self, now: float) -> list[TargetScraper]:
        """Return a scraper per target; one that is gone for MAX_BASELINE_AGE seconds is forgotten."""
        targets: list[tuple[ScrapeTarget, float | None]] = [
            (target, None) for target in self._options.targets if isinstance(target, ScrapeTarget)
        ]
        for discovery in self._discoveries:
            resolved_before = discovery.resolved_at
            targets += [(target, resolved_before) for target in await discovery.current_targets(now)]
        self._doubled_targets = find_doubled([target for target, _ in targets])
        for target, since in targets:
            _, scraper = self._scrapers.get(target, (now, None))
            scraper = scraper or TargetScraper(
                target, self._plan.metric_names, bodies=self._bodies, room=self._room, since=since
            )
            self._scrapers[target] = now, scraper
        self._scrapers = {
            target: (last, scraper)
            for target, (last, scraper) in self._scrapers.items()
            if now - last <= MAX_BASELINE_AGE
        }
        self._room.keep_only({scraper for _, scraper in self._scrapers.values()})
        return [self._scrapers[target][1] for target, _ in targets]

    def _unresolved(self) -> list[str]:
        return [each.issue for each in self._discoveries if each.issue is not None]


def without_slos(tally: Tally, left_out: AbstractSet[str]) -> Tally:
    return replace(
        tally,
        sums={key: each for key, each in tally.sums.items() if key[0] not in left_out},
        series_counts=[each for each in tally.series_counts if each.weight.key[0] not in left_out],
        unproven_series=[each for each in tally.unproven_series if each.weight.key[0] not in left_out],
    )
