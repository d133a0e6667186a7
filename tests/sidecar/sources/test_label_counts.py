"""Counts per label value, of SLOs with errors only."""

from collections.abc import Mapping

from sloctl.duration import HOUR
from sloctl.model import CountedSide, LabelMatcher, MatchOp, ProbeIndicator, RatioIndicator, Selector, Slo
from sloctl.sidecar.sources.counting.label_counts import MAX_PAIRS, LabelCounter
from sloctl.sidecar.sources.counting.series import LabelPair, SeriesId
from sloctl.sidecar.sources.counting.series_weights import SeriesWeight, SeriesWeights
from sloctl.sidecar.sources.counting.tally import SeriesCounts
from sloctl.slo.lowering import lower_indicator
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import LATENCY, slo

NOW = 1_700_000_000.0


def part(error: float, total: float, slo_id: str = "shop/a", **labels: str) -> SeriesCounts:
    weight = SeriesWeight(
        (slo_id, ()), 1, 1, count_new_series=True, is_probe=False, contributor_labels=tuple(labels.items())
    )
    return SeriesCounts(weight, error, total)


def count(
    counter: LabelCounter, *series_counts: SeriesCounts, at: float = NOW
) -> Mapping[LabelPair, EventCounts]:
    return counter.count_by_label(series_counts, at).get("shop/a", {})


def test_without_errors_nothing_is_counted() -> None:
    assert LabelCounter().count_by_label([part(0, 5, pod="a")], NOW) == {}


def test_only_values_with_errors_are_counted_and_all_their_traffic() -> None:
    series_counts = part(0, 90, pod="a"), part(2, 0, pod="a"), part(0, 50, pod="b"), part(1, 1)

    assert count(LabelCounter(), *series_counts) == {("pod", "a"): EventCounts(error=2, total=90)}


def test_a_value_that_had_errors_is_counted_for_an_hour_after_the_last() -> None:
    counter = LabelCounter()
    count(counter, part(1, 1, pod="a"))

    assert count(counter, part(0, 7, pod="a"), at=NOW + HOUR) == {("pod", "a"): EventCounts(error=0, total=7)}
    assert count(counter, part(0, 7, pod="a"), at=NOW + HOUR + 1) == {}


def test_the_errors_of_one_slo_tell_nothing_of_another() -> None:
    found = LabelCounter().count_by_label([part(1, 1, pod="a"), part(0, 1, "shop/b", pod="a")], NOW)

    assert set(found) == {"shop/a"}


def test_of_a_thousand_values_those_with_most_errors_are_counted() -> None:
    many = [part(number, number, user=str(number)) for number in range(1000)]

    found = count(LabelCounter(), *many)

    assert len(found) == MAX_PAIRS
    assert min(counts.error for counts in found.values()) == 1000 - MAX_PAIRS


def test_values_with_errors_now_take_the_place_of_those_that_had_some() -> None:
    counter = LabelCounter()
    count(counter, *[part(1, 1, user=f"old{number}") for number in range(MAX_PAIRS)])

    found = count(counter, *[part(1, 1, user=f"new{number}") for number in range(MAX_PAIRS)], at=NOW + 5)

    assert {value[:3] for _, value in found} == {"new"}


def labels(counted: Slo, metric: str, **exposed: str) -> list[str]:
    """Names of the labels by which errors are broken down."""
    pair = lower_indicator(counted.indicator)
    series = SeriesId(metric, tuple(sorted(exposed.items())))
    (weight,) = SeriesWeights([(counted, pair)]).weights_of(series)  # type: ignore[list-item]  # a pair that can be counted
    return [label for label, _ in weight.contributor_labels]


def test_labels_that_always_say_the_same_tell_nothing() -> None:
    job = LabelMatcher("job", MatchOp.EQUAL, "shop")
    errors = LabelMatcher("status", MatchOp.MATCH, "5..")
    total = Selector("a_total", (job,))
    indicator = RatioIndicator(CountedSide.ERROR, (Selector("a_total", (job, errors)),), (total,))

    exposed = {"job": "shop", "pod": "a", "route": "/", "status": "500"}

    assert labels(slo(indicator, group_by=("route",)), "a_total", **exposed) == ["pod"]


def test_the_bound_of_a_bucket_tells_nothing() -> None:
    assert labels(slo(LATENCY), "request_seconds_bucket", le="1", route="/") == ["route"]


def test_a_probe_tells_by_its_labels() -> None:
    assert labels(slo(ProbeIndicator(Selector("up"))), "up", instance="a:1") == ["instance"]
