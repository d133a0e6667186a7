"""The OTLP source: points are taken in as they arrive, and counted at each tick."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from sloctl.duration import MINUTE
from sloctl.model import LabelMatcher, MatchOp, NativeLatencyIndicator, Selector, Slo
from sloctl.promql import format_number
from sloctl.sidecar.sources import IntervalCounts, SourceUnavailable, UnsupportedSlo, join_reasons
from sloctl.sidecar.sources.counting.counter_increases import SeriesIncrease
from sloctl.sidecar.sources.counting.journeys import JourneyCounter
from sloctl.sidecar.sources.counting.label_counts import LabelCounter
from sloctl.sidecar.sources.counting.plan import CountingPlan, counts_by_slo, plan_counting
from sloctl.sidecar.sources.counting.series_weights import (
    CountablePair,
    SeriesWeights,
    SloGroup,
    countable_pair,
)
from sloctl.sidecar.sources.counting.tally import HeldCounts, merge_tallies, tally_samples
from sloctl.sidecar.sources.counting.time_slices import SliceJudge
from sloctl.sidecar.sources.otlp.point_increases import (
    PointIncreases,
    observations_metric,
    slow_observations_metric,
)
from sloctl.sidecar.sources.otlp.points import RejectedPoints, translate_points
from sloctl.sidecar.sources.otlp.receiver import Overloaded, RequestBodies, otlp_routes
from sloctl.sidecar.sources.otlp.request_pieces import RequestPiece
from sloctl.sidecar.sources.otlp.series_limits import SeriesLimits
from sloctl.sidecar.sources.scrape.targets import TargetState
from sloctl.slo.lowering import CounterPair
from sloctl.slo.resolutions import EventCounts

_FORGET_INTERVAL: Final = MINUTE
# Some ten milliseconds' worth of points.
_POINTS_PER_SLICE: Final = 500
_NO_EVENTS: Final = EventCounts(0.0, 0.0)


@dataclass(frozen=True, slots=True)
class OtlpOptions:
    """*promoted_attributes* of resources become labels, as with Prometheus's promote_resource_attributes.

    A service that is silent for *stale_seconds* is not known to have counted nothing. *max_points* may wait
    for a tick, *max_bytes* is the size of one inflated request, *max_bytes_at_once* that of all being read.
    """

    promoted_attributes: tuple[str, ...] = ()
    stale_seconds: float = 150.0
    max_bytes: int = 16 * 1024 * 1024
    max_bytes_at_once: int = 24 * 1024 * 1024
    max_series: int = 50_000
    max_series_per_sender: int = 10_000
    max_series_per_address: int = 40_000
    max_points: int = 100_000


class OtlpSource:
    """Points that arrived since the last read, and what their series showed before; *now* is our clock."""

    stale_after_seconds = 0.0
    target_states: tuple[TargetState, ...] = ()

    def __init__(self, options: OtlpOptions, slos: Sequence[Slo], *, now: Callable[[], float]) -> None:
        self.routes = otlp_routes(
            self.accept_request,
            RequestBodies(max_bytes=options.max_bytes, max_bytes_at_once=options.max_bytes_at_once),
        )
        self._options = options
        self._now = now
        self._plan = plan_counting(slos, _otlp_pair)
        self._weights = SeriesWeights(self._plan.pairs)
        self._thresholds = _native_thresholds(self._plan)
        self._point_increases = PointIncreases(
            self._thresholds,
            listening_since=now(),
            stale_seconds=options.stale_seconds,
            limits=SeriesLimits(
                most_series=options.max_series,
                most_per_sender=options.max_series_per_sender,
                most_per_address=options.max_series_per_address,
            ),
        )
        self._label_counter = LabelCounter()
        self._slice_judge = SliceJudge(self._plan.counted_slos)
        self._journey_counter = JourneyCounter(self._plan.journeys)
        self._arrived: list[SeriesIncrease] = []
        self._heard_at: dict[SloGroup, float] = {}
        self._held_counts: HeldCounts = {}
        self._overdrawn: Mapping[SloGroup, float] = {}
        self._forgot_at = now()
        self._last_rejection: tuple[float, str] | None = None

    @property
    def slos(self) -> Sequence[Slo]:
        """The SLOs that are counted."""
        return self._plan.slos

    @property
    def unsupported(self) -> tuple[UnsupportedSlo, ...]:
        """The SLOs that only PromQL could count."""
        return self._plan.unsupported

    @asynccontextmanager
    async def open_source(self) -> AsyncIterator["OtlpSource"]:
        """Open nothing: requests come through the routes of the receiver."""
        yield self

    def issues(self) -> Mapping[str, str]:
        """Return the reasons why points were rejected lately, some of them, and silent parts of journeys."""
        issues = {}
        rejection = self._last_rejection
        if rejection is not None and self._now() - rejection[0] <= self._options.stale_seconds:
            issues["otlp"] = f"rejected {rejection[1]}"
        if silent := self._journey_counter.describe_silence():
            issues["journeys"] = join_reasons(silent)
        return issues

    def replace_slos(self, slos: Sequence[Slo]) -> None:
        """Count other SLOs from now on; series that were received before go on where they were."""
        self._plan = plan_counting(slos, _otlp_pair)
        self._weights = SeriesWeights(self._plan.pairs)
        self._thresholds = _native_thresholds(self._plan)
        self._slice_judge.replace_slos(self._plan.counted_slos)
        self._journey_counter.replace_journeys(self._plan.journeys)
        self._point_increases.replace_thresholds(self._thresholds, self._now())
        counted = {slo.id for slo in self._plan.counted_slos}
        self._heard_at = {key: at for key, at in self._heard_at.items() if key[0] in counted}

    def accept_request(
        self, pieces: Iterable[RequestPiece], rejected: RejectedPoints, address: str = ""
    ) -> Iterator[None]:
        """Take a request from *address* in, in pieces short enough for other tasks.

        Its unusable points are added to *rejected*. Raises Overloaded; then none of it is in.
        """
        if len(self._arrived) >= self._options.max_points:
            raise Overloaded(f"{len(self._arrived)} points wait to be counted")
        now = self._now()
        points = translate_points(
            pieces,
            wanted=self._plan.metric_names | self._thresholds.keys(),
            promoted=self._options.promoted_attributes,
            rejected=rejected,
        )
        for number, point in enumerate(points):
            try:
                if point is not None:
                    self._arrived += self._point_increases.increases_of(point, now, address=address)
            except ValueError as reason:
                rejected.add_rejection(1, f"{point.series.metric if point else 'point'}: {reason}")
            if number % _POINTS_PER_SLICE == _POINTS_PER_SLICE - 1:
                yield
        if rejected.points:
            self._last_rejection = now, str(rejected)

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """Return one interval with the SLOs whose series are alive; raise SourceUnavailable when none is."""
        arrived, self._arrived = self._arrived, []
        for increase in arrived:
            for weight in self._weights.weights_of(increase.series):
                if weight.total and (increase.increase is not None or weight.is_probe):
                    self._heard_at[weight.key] = now
        if now - self._forgot_at > _FORGET_INTERVAL:
            self._forgot_at = now
            self._point_increases.forget_silent_senders(now)
        self._heard_at = {
            key: at for key, at in self._heard_at.items() if now - at <= self._options.stale_seconds
        }
        tally = tally_samples(arrived, self._weights, self._held_counts)
        self._held_counts = tally.held_counts
        counts, self._overdrawn = merge_tallies([tally], self._overdrawn)
        by_label = self._label_counter.count_by_label(tally.series_counts, now)
        alive = {key: counts.get(key, _NO_EVENTS) for key in self._heard_at if key not in self._held_counts}
        if not alive:
            raise SourceUnavailable("no service sends what the SLOs count")
        judged = self._slice_judge.judge_counts(now, counts_by_slo(alive, by_label))
        return (IntervalCounts(now, self._journey_counter.count_journeys(now, judged)),)


def _otlp_pair(slo: Slo) -> CountablePair | UnsupportedSlo:
    """Find the pair of *slo*; a native histogram's observations, and the slow ones, are counters here."""
    match slo.indicator:
        case NativeLatencyIndicator(Selector(metric, matchers)) as latency:
            at_threshold = LabelMatcher("le", MatchOp.EQUAL, format_number(latency.bound))
            slow = Selector(slow_observations_metric(metric), (*matchers, at_threshold))
            every = Selector(observations_metric(metric), matchers)
            return CounterPair(error=(slow,), minus=(), total=(every,), count_new_series=False)
        case _:
            return countable_pair(slo)


def _native_thresholds(plan: CountingPlan) -> dict[str, tuple[Fraction, ...]]:
    """Collect the thresholds, in the histogram's own unit, by the metric of their native histogram."""
    thresholds: dict[str, tuple[Fraction, ...]] = {}
    for slo in plan.counted_slos:
        if isinstance(slo.indicator, NativeLatencyIndicator):
            metric = slo.indicator.histogram.metric
            thresholds[metric] = tuple(dict.fromkeys((*thresholds.get(metric, ()), slo.indicator.bound)))
    return thresholds
