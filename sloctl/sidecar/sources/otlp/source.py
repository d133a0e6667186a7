"""The source that services push to: OTLP metrics, counted as a scrape of the same metrics would be."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from sloctl.duration import MINUTE
from sloctl.model import LabelMatcher, MatchOp, NativeLatencyIndicator, Selector, Slo
from sloctl.promql import format_number
from sloctl.sidecar.sources import Group, IntervalCounts, SloCounts, SourceUnavailable, UnsupportedSlo
from sloctl.sidecar.sources.counting.counter_increases import SeriesIncrease
from sloctl.sidecar.sources.counting.label_counts import LabelCounter
from sloctl.sidecar.sources.counting.tally import (
    CountablePair,
    HeldCounts,
    SeriesWeights,
    SloGroup,
    countable_pair,
    merge_tallies,
    metric_names,
    tally_samples,
)
from sloctl.sidecar.sources.otlp.point_increases import (
    PointIncreases,
    observations_metric,
    slow_observations_metric,
)
from sloctl.sidecar.sources.otlp.points import RejectedPoints, translate_points
from sloctl.slo.lowering import CounterPair
from sloctl.slo.resolutions import EventCounts

_FORGET_INTERVAL: Final = MINUTE
# Some ten milliseconds' worth of points.
_POINTS_PER_SLICE: Final = 500


@dataclass(frozen=True, slots=True)
class OtlpOptions:
    """*promoted* resource attributes become labels, as with Prometheus's promote_resource_attributes.

    A service that is silent for *stale_seconds* is not known to have counted nothing. *max_points* may wait
    for a tick, *max_bytes* is the size of one inflated request.
    """

    promoted_attributes: tuple[str, ...] = ()
    stale_seconds: float = 150.0
    max_bytes: int = 16 * 1024 * 1024
    max_series: int = 100_000
    max_points: int = 500_000


@dataclass(frozen=True, slots=True)
class OtlpPlan:
    """What arriving points count: the pair of each SLO, and the SLOs that only PromQL could count."""

    pairs: tuple[tuple[Slo, CountablePair], ...]
    metric_names: frozenset[str]
    thresholds: Mapping[str, tuple[Fraction, ...]]
    unsupported: tuple[UnsupportedSlo, ...]

    @property
    def slos(self) -> tuple[Slo, ...]:
        return tuple(slo for slo, _ in self.pairs)


class Overloaded(Exception):
    """More has arrived than is being counted."""


def plan_otlp(slos: Iterable[Slo]) -> OtlpPlan:
    outcomes = [(slo, _countable_pair(slo)) for slo in slos]
    pairs = tuple((slo, pair) for slo, pair in outcomes if not isinstance(pair, UnsupportedSlo))
    thresholds: dict[str, tuple[Fraction, ...]] = {}
    for slo, _ in pairs:
        if isinstance(slo.indicator, NativeLatencyIndicator):
            metric = slo.indicator.histogram.metric
            thresholds[metric] = (*thresholds.get(metric, ()), slo.indicator.threshold)
    return OtlpPlan(
        pairs=pairs,
        metric_names=frozenset[str](thresholds).union(*(metric_names(pair) for _, pair in pairs)),
        thresholds={metric: tuple(dict.fromkeys(found)) for metric, found in thresholds.items()},
        unsupported=tuple(pair for _, pair in outcomes if isinstance(pair, UnsupportedSlo)),
    )


class OtlpSource:
    """Takes in requests as they come; each read counts what came since the read before.

    *rejected* are the points of no use since the start.
    """

    def __init__(self, planned: OtlpPlan, options: OtlpOptions, *, now: Callable[[], float]) -> None:
        self.options = options
        self._plan = planned
        self._now = now
        self._shares = SeriesWeights(planned.pairs)
        self._growth = PointIncreases(
            planned.thresholds,
            listening=now(),
            stale=options.stale_seconds,
            max_series=options.max_series,
        )
        self._burning = LabelCounter()
        self._waiting: list[SeriesIncrease] = []
        self._heard: dict[SloGroup, float] = {}
        self._owed: HeldCounts = {}
        self._debts: Mapping[SloGroup, float] = {}
        self._swept = now()
        self._trouble: tuple[float, str] | None = None
        self.rejected = 0

    @property
    def issues(self) -> tuple[str, ...]:
        """What senders were told lately."""
        if self._trouble is None or self._now() - self._trouble[0] > self.options.stale_seconds:
            return ()
        return (f"rejected {self._trouble[1]}",)

    def replace_plan(self, planned: OtlpPlan) -> None:
        """Count other SLOs from now on; series that were heard before go on where they were."""
        self._plan = planned
        self._shares = SeriesWeights(planned.pairs)
        self._growth.replace_thresholds(planned.thresholds, self._now())
        self._heard = {
            key: at for key, at in self._heard.items() if key[0] in {slo.id for slo in planned.slos}
        }

    def accept(self, request: ExportMetricsServiceRequest) -> RejectedPoints:
        """Takes *request* in and tells what of it is of no use; raises Overloaded, then none of it is in."""
        rejected = RejectedPoints()
        for _ in self.accept_request(request, rejected):
            pass
        return rejected

    def accept_request(
        self, request: ExportMetricsServiceRequest, rejected: RejectedPoints
    ) -> Iterator[None]:
        """As `accept`, in pieces short enough for what else goes on meanwhile."""
        if len(self._waiting) >= self.options.max_points:
            raise Overloaded(f"{len(self._waiting)} points wait to be counted")
        now = self._now()
        wanted, promoted = self._plan.metric_names, self.options.promoted_attributes
        for number, point in enumerate(
            translate_points(request, wanted=wanted, promoted=promoted, rejected=rejected)
        ):
            try:
                self._waiting += self._growth.increases_of(point, now)
            except ValueError as reason:
                rejected.add_rejection(1, f"{point.series.metric}: {reason}")
            if number % _POINTS_PER_SLICE == _POINTS_PER_SLICE - 1:
                yield
        if rejected.points:
            self.rejected += rejected.points
            self._trouble = now, str(rejected)

    async def read_counts(self, now: float) -> Sequence[IntervalCounts]:
        """One Readings with the SLOs whose series are alive; raises Unreadable when none is."""
        arrived, self._waiting = self._waiting, []
        for observed in arrived:
            for share in self._shares.weights_of(observed.series):
                if share.total and (observed.increase is not None or share.is_probe):
                    self._heard[share.key] = now
        self._sweep(now)
        counted = tally_samples(arrived, self._shares, self._owed)
        self._owed = counted.held_counts
        counts, self._debts = merge_tallies([counted], self._debts)
        burning = self._burning.count_by_label(counted.series_counts, now)
        groups: dict[str, dict[Group, EventCounts]] = {}
        for (slo, group), heard in self._heard.items():
            if now - heard <= self.options.stale_seconds and (slo, group) not in self._owed:
                groups.setdefault(slo, {})[group] = counts.get((slo, group), EventCounts(0.0, 0.0))
        if not groups:
            raise SourceUnavailable("no service sends what the SLOs count")
        return (
            IntervalCounts(
                now, {slo: SloCounts(found, burning.get(slo, {})) for slo, found in groups.items()}
            ),
        )

    def _sweep(self, now: float) -> None:
        if now - self._swept > _FORGET_INTERVAL:
            self._swept = now
            self._growth.forget_silent_senders(now)
            self._heard = {
                key: at for key, at in self._heard.items() if now - at <= self.options.stale_seconds
            }


def _countable_pair(slo: Slo) -> CountablePair | UnsupportedSlo:
    """A native histogram's observations, and the slow ones, are counters of their own here."""
    match slo.indicator:
        case NativeLatencyIndicator(Selector(metric, matchers), threshold):
            at_threshold = LabelMatcher("le", MatchOp.EQUAL, format_number(threshold))
            slow = Selector(slow_observations_metric(metric), (*matchers, at_threshold))
            every = Selector(observations_metric(metric), matchers)
            return CounterPair(error=(slow,), minus=(), total=(every,), count_new_series=False)
        case _:
            return countable_pair(slo)
