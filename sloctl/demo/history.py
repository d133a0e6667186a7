"""The thirty days before the demo, made up: everyday traffic with an everyday error ratio."""

from collections.abc import Iterator, Mapping

from prometheus_client import CollectorRegistry, generate_latest

from sloctl.demo.ground_truth import GroundTruth
from sloctl.demo.service import RequestMetrics
from sloctl.demo.traffic import EVERYDAY_ERROR_RATIO, request_rate, traffic_mix
from sloctl.model import Labels
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.sources.counting.counter_increases import Baseline, advance_baseline
from sloctl.sidecar.sources.counting.plan import CountingPlan
from sloctl.sidecar.sources.counting.series_weights import SeriesWeights, SloGroup
from sloctl.sidecar.sources.counting.tally import merge_tallies, tally_samples
from sloctl.sidecar.sources.scrape.exposition import ExpositionParser
from sloctl.slo.resolutions import COARSE_STEP, MAX_FINE_LOOKBACK, EventCounts


def backfill_history(
    plan: CountingPlan, engine: Engine, truth: GroundTruth, *, labels: Labels, until: float, interval: float
) -> None:
    """Fill *engine* and *truth* with a past that ends at *until*; *interval* is between two scrapes."""
    slos = {slo.id: slo for slo in plan.slos}
    for (slo_id, group), counts in _counts_per_request(plan, labels).items():
        slo = slos[slo_id]
        for at, step, requests in _traffic_steps(until, slo.window.seconds, interval):
            scaled = EventCounts(error=counts.error * requests, total=counts.total * requests)
            engine.backfill_counts(slo, group, at, scaled, seconds=step)
    for at, _, requests in _traffic_steps(until, MAX_FINE_LOOKBACK, interval):
        truth.record_requests(at, errors=requests * EVERYDAY_ERROR_RATIO, total=requests)


def _counts_per_request(plan: CountingPlan, labels: Labels) -> Mapping[SloGroup, EventCounts]:
    """Compute what an average request adds to each SLO.

    The service's own metrics after one such request are read as a scrape is, that follows one of zeros.
    """
    served = RequestMetrics()
    for kind, share in traffic_mix(EVERYDAY_ERROR_RATIO):
        served.count_requests(kind, share)
    registry = CollectorRegistry()
    registry.register(served)
    exposed = ExpositionParser(plan.metric_names, labels).parse_samples(generate_latest(registry).decode())
    zeros, _ = advance_baseline(Baseline(), [sample._replace(value=0.0) for sample in exposed], 0.0)
    _, scrape = advance_baseline(zeros, exposed, 1.0)
    counts, _ = merge_tallies([tally_samples(scrape, SeriesWeights(plan.pairs), {})], {})
    return counts


def _traffic_steps(until: float, length: float, interval: float) -> Iterator[tuple[float, float, float]]:
    """Yield end, seconds and number of requests of each step; the steps of the last hours are fine ones."""
    at = until - length
    while at < until:
        step = COARSE_STEP if at < until - MAX_FINE_LOOKBACK else interval
        at += step
        yield at, step, request_rate(at) * step
