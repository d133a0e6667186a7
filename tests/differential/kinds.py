"""Each kind of indicator: the SLO, the series it reads, and its events and errors counted in Python."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Final, TypeAlias

from msgspec import structs

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import (
    Alerting,
    ConditionIndicator,
    CountedSide,
    Indicator,
    LatencyIndicator,
    NativeLatencyIndicator,
    PolicyRow,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
    RollingWindow,
    Severity,
    Slo,
    WhenAbsent,
)
from sloctl.promql import read_condition, read_query, read_selector
from sloctl.slo.resolutions import EventCounts
from tests.differential.counting import Counting
from tests.differential.scraped import Scraped
from tests.differential.streams import BY_BUCKET, BY_CODE, GROUP, NATIVE, Target, gauge, scraped
from tests.rules.specimens import ALERTING, shop

# Short lookbacks of either step, so that short streams fill them; no small ratio of counts is a threshold.
POLICY: Final = (
    PolicyRow(Severity.PAGE, budget_share=Fraction(7, 1000), long=30 * MINUTE, short=5 * MINUTE),
    PolicyRow(Severity.PAGE, budget_share=Fraction(9, 1000), long=HOUR, short=10 * MINUTE),
    PolicyRow(Severity.TICKET, budget_share=Fraction(11, 1000), long=90 * MINUTE, short=15 * MINUTE),
    PolicyRow(Severity.TICKET, budget_share=Fraction(13, 1000), long=2 * HOUR, short=20 * MINUTE),
)
_ERRORS: Final = read_selector('requests_total{code="500"}')
_GOOD: Final = read_selector('requests_total{code="200"}')
_ALL: Final = read_selector("requests_total")
_HISTOGRAM: Final = read_selector("seconds")
_UP: Final = read_selector("up")

# Events and errors over a longer stretch as the counters tell them, each absent by itself.
Raw: TypeAlias = tuple[float | None, float | None]


@dataclass(frozen=True, slots=True)
class Kind:
    """*minute* counts one minute, *grown* the stretch of a repair; None where no counter remembers it.

    In what *grown* gives, errors are not bound by the events yet. *counts_events* tells the series of events.
    """

    indicator: Indicator
    world: Callable[[Sequence[Target], int], list[Scraped]]
    minute: Callable[[Counting, Sequence[Scraped], int], EventCounts | None]
    grown: Callable[[Counting, Sequence[Scraped], int, int], Raw] | None
    grouped: bool = False
    counts_events: Callable[[Scraped], bool] = lambda _: True

    def slo(self, **changes: object) -> Slo:
        fields = {
            "indicator": self.indicator,
            "objective": Fraction(9371, 10_000),
            "window": RollingWindow(DAY),
            "group_by": (GROUP,) if self.grouped else (),
            "alerting": alerting(),
        }
        return shop(**fields | changes)


def alerting(*, min_errors: int = 2, confidence: Fraction | None = None) -> Alerting:
    """Burn and budget alerts of POLICY; what the sidecar cannot know (no data) is left out."""
    return structs.replace(
        ALERTING, policy=POLICY, no_data=None, min_errors=min_errors, confidence=confidence
    )


def _requests(targets: Sequence[Target], horizon: int) -> list[Scraped]:
    return scraped(targets, BY_CODE, horizon)


def _buckets(targets: Sequence[Target], horizon: int) -> list[Scraped]:
    return scraped(targets, BY_BUCKET, horizon)


def _native_histograms(targets: Sequence[Target], horizon: int) -> list[Scraped]:
    return scraped(targets, NATIVE, horizon)


def _gauges(targets: Sequence[Target], horizon: int) -> list[Scraped]:
    return [series for target in targets if (series := gauge(target, horizon)).times]


def _errors_counted(counting: Counting, series: Sequence[Scraped], now: int) -> EventCounts | None:
    total = counting.counted(series, now)
    return _bound(total, counting.counted(_labelled(series, "code", "500"), now))


def _difference_counted(counting: Counting, series: Sequence[Scraped], now: int) -> EventCounts | None:
    bad, good = (counting.counted(_labelled(series, "code", it), now) or 0.0 for it in ("500", "200"))
    return _bound(counting.counted(series, now), bad + good - good)


def _errors_of_query(counting: Counting, series: Sequence[Scraped], now: int) -> EventCounts | None:
    total = counting.increases(series, now)
    return _bound(total, counting.increases(_labelled(series, "code", "500"), now))


def _good_counted(counting: Counting, series: Sequence[Scraped], now: int) -> EventCounts | None:
    return _rest(counting.counted(series, now), counting.counted(_labelled(series, "code", "200"), now))


def _good_of_query(counting: Counting, series: Sequence[Scraped], now: int) -> EventCounts | None:
    return _rest(counting.increases(series, now), counting.increases(_labelled(series, "code", "200"), now))


def _slow_counted(counting: Counting, series: Sequence[Scraped], now: int) -> EventCounts | None:
    proven = [it for it in _counts(series) if _has_bound(counting, it, series, now)]
    return _rest(counting.counted(proven, now), counting.counted(_labelled(series, "le", "0.3"), now))


def _has_bound(counting: Counting, count: Scraped, series: Sequence[Scraped], now: int) -> bool:
    """The bound is there; or one above counts, and none below is there."""
    own = {
        it.labels["le"]: counting.at(it, now)
        for it in series
        if "le" in it.labels and _without_bound(it) == count.labels
    }
    if own.get("0.3") is not None:
        return True
    above = own.get("1.0")
    return isinstance(above, float) and above > 0 and own.get("0.1") is None


def _without_bound(series: Scraped) -> dict[str, str]:
    return {name: value for name, value in series.labels.items() if name != "le"}


def _bound(total: float | None, error: float | None) -> EventCounts | None:
    """Errors lie within 0 and the events."""
    return None if total is None else EventCounts(error=min(max(error or 0.0, 0.0), total), total=total)


def _rest(total: float | None, good: float | None) -> EventCounts | None:
    return None if total is None else _bound(total, total - (good or 0.0))


def _slow_native(counting: Counting, series: Sequence[Scraped], now: int) -> EventCounts | None:
    counts = counting.native(series, now, counting.reach)
    if counts is None:
        return None
    scale = 60 / counting.reach
    return _bound(counts.total * scale, counts.error * scale)


def _condition(
    when_absent: EventCounts | None,
) -> Callable[[Counting, Sequence[Scraped], int], EventCounts | None]:
    def count(counting: Counting, series: Sequence[Scraped], now: int) -> EventCounts | None:
        values = [it.at(now, closed=counting.engine.closed) for it in series]
        known = [value for value in values if isinstance(value, float)]
        return EventCounts(error=1 - min(known), total=1) if known else when_absent

    return count


def _probe(_: Counting, series: Sequence[Scraped], now: int) -> EventCounts | None:
    samples = [value for it in series for _, value in it.within(now - 60, now, closed=False)]
    known = [value for value in samples if isinstance(value, float)]
    return EventCounts(error=len(known) - sum(known), total=len(known)) if known else None


def _grown_errors(counting: Counting, series: Sequence[Scraped], now: int, span: int) -> Raw:
    errors = counting.grown_with_births(_labelled(series, "code", "500"), now, span)
    return counting.grown_with_births(series, now, span), errors


def _grown_difference(counting: Counting, series: Sequence[Scraped], now: int, span: int) -> Raw:
    bad, good = (
        counting.grown_with_births(_labelled(series, "code", it), now, span) for it in ("500", "200")
    )
    none = bad is None and good is None
    errors = None if none else (bad or 0.0) + (good or 0.0) - (good or 0.0)
    return counting.grown_with_births(series, now, span), errors


def _grown_errors_of_counters(counting: Counting, series: Sequence[Scraped], now: int, span: int) -> Raw:
    return counting.grown(series, now, span), counting.grown(_labelled(series, "code", "500"), now, span)


def _grown_errors_of_query(counting: Counting, series: Sequence[Scraped], now: int, span: int) -> Raw:
    errors = counting.extrapolated(_labelled(series, "code", "500"), now, span)
    return counting.extrapolated(series, now, span), errors


def _grown_good(counting: Counting, series: Sequence[Scraped], now: int, span: int) -> Raw:
    good = counting.grown_with_births(_labelled(series, "code", "200"), now, span)
    return _grown_rest(counting.grown_with_births(series, now, span), good)


def _grown_good_of_query(counting: Counting, series: Sequence[Scraped], now: int, span: int) -> Raw:
    good = counting.extrapolated(_labelled(series, "code", "200"), now, span)
    return _grown_rest(counting.extrapolated(series, now, span), good)


def _grown_slow(counting: Counting, series: Sequence[Scraped], now: int, span: int) -> Raw:
    every_half_hour = [
        counting.looked_at(it, now, span, every=HOUR // 2) for it in _labelled(series, "le", "0.3")
    ]
    seen = [_without_bound(it) for it in every_half_hour if it.times]
    proven = [it for it in _counts(series) if it.labels in seen or _has_bound(counting, it, series, now)]
    good = counting.grown_with_births(_labelled(series, "le", "0.3"), now, span)
    return _grown_rest(counting.grown_with_births(proven, now, span), good)


def _grown_native(counting: Counting, series: Sequence[Scraped], now: int, span: int) -> Raw:
    looks = [counting.looked_at(it, now, span) for it in series]
    counts = counting.native(looks, now, span + 0.001)
    if counts is None:
        return None, None
    return counts.total, counts.error if counts.total > 0 else None


def _grown_rest(total: float | None, good: float | None) -> Raw:
    return total, None if total is None else total - (good or 0.0)


def _labelled(series: Sequence[Scraped], label: str, value: str) -> list[Scraped]:
    return [it for it in series if it.labels.get(label) == value]


def _counts(series: Sequence[Scraped]) -> list[Scraped]:
    return [it for it in series if _is_count(it)]


def _is_count(series: Scraped) -> bool:
    return series.metric.endswith("_count")


_ERROR_QUERY: Final = QueryIndicator(
    CountedSide.ERROR,
    read_query('sum(increase(requests_total{code="500"}[$window]))'),
    read_query("sum(increase(requests_total[$window]))"),
)
_GOOD_QUERY: Final = structs.replace(
    _ERROR_QUERY,
    counted=CountedSide.GOOD,
    numerator=read_query('sum(increase(requests_total{code="200"}[$window]))'),
)

_RATIO: Final = RatioIndicator(CountedSide.ERROR, (_ERRORS,), (_ALL,))

RATIO: Final = Kind(_RATIO, _requests, _errors_counted, _grown_errors)
NATIVE_LATENCY: Final = "a native latency"
KINDS: Final = {
    "a ratio of errors": RATIO,
    "a ratio of errors, by route": replace(RATIO, grouped=True),
    "a ratio of errors, countNewSeries: false": Kind(
        structs.replace(_RATIO, count_new_series=False),
        _requests,
        _errors_of_query,
        _grown_errors_of_counters,
    ),
    "a ratio of good events": Kind(
        RatioIndicator(CountedSide.GOOD, (_GOOD,), (_ALL,)), _requests, _good_counted, _grown_good
    ),
    "a ratio of errors, less good events among them": Kind(
        RatioIndicator(CountedSide.ERROR, (_ERRORS, _GOOD), (_ALL,), minus=(_GOOD,)),
        _requests,
        _difference_counted,
        _grown_difference,
    ),
    "a classic latency": Kind(
        LatencyIndicator(_HISTOGRAM, Fraction("0.3")),
        _buckets,
        _slow_counted,
        _grown_slow,
        counts_events=_is_count,
    ),
    NATIVE_LATENCY: Kind(
        NativeLatencyIndicator(_HISTOGRAM, Fraction(2)), _native_histograms, _slow_native, _grown_native
    ),
    "a query of errors": Kind(_ERROR_QUERY, _requests, _errors_of_query, _grown_errors_of_query),
    "a query of good events": Kind(_GOOD_QUERY, _requests, _good_of_query, _grown_good_of_query),
    "a condition, ignored when absent": Kind(
        ConditionIndicator(read_condition("up == 1"), WhenAbsent.IGNORE), _gauges, _condition(None), None
    ),
    "a condition, bad when absent": Kind(
        ConditionIndicator(read_condition("up == 1"), WhenAbsent.BAD),
        _gauges,
        _condition(EventCounts(1, 1)),
        None,
    ),
    "a probe": Kind(ProbeIndicator(_UP), _gauges, _probe, None),
}
