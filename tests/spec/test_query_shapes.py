"""Queries of other tools: what each form counts, and what is told of it."""

import pytest

from sloctl.model import CountedSide, WhenAbsent
from sloctl.spec.dialects.query_shapes import (
    ConditionShape,
    ErrorRatioShape,
    IndicatorShape,
    LatencyShape,
    ProbeShape,
    QueryShape,
    RatioShape,
    ShapedQuery,
    shape_events,
    shape_ratio,
)
from sloctl.spec.findings import Violation

ERROR, GOOD = CountedSide.ERROR, CountedSide.GOOD
ERRORS = 'sum(rate(http_total{code=~"5.."}[$window]))'
EVENTS = "sum(rate(http_total[$window]))"
SLOW = 'sum(rate(http_seconds_count[$window])) - sum(rate(http_seconds_bucket{le="0.4"}[$window]))'
OBSERVED = "sum(rate(http_seconds_count[$window]))"
PLAIN = RatioShape(ERROR, ('http_total{code=~"5.."}',), ("http_total",))

EVENT_QUERIES: list[tuple[str, str, IndicatorShape, str]] = [
    (ERRORS, EVENTS, PLAIN, ""),
    (ERRORS.replace("rate", "increase"), EVENTS.replace("rate", "increase"), PLAIN, ""),
    (f"{ERRORS} * 60", f"60 * {EVENTS}", PLAIN, ""),
    (f"{ERRORS} or on() vector(0)", EVENTS, PLAIN, "[guard-dropped]"),
    (f"{ERRORS} or 0 * {EVENTS}", f"({EVENTS} > 0) or on() vector(1)", PLAIN, "[guard-dropped]"),
    (ERRORS, f"clamp_min({EVENTS}, 1)", PLAIN, "[guard-dropped]"),
    (ERRORS, f"{EVENTS} + 0.000001", PLAIN, "[guard-dropped]"),
    (ERRORS.replace("rate", "irate"), EVENTS, PLAIN, "[instant-rate]"),
    ("rate(bad_total[$window])", "rate(all_total[$window])",
     RatioShape(ERROR, ("bad_total",), ("all_total",)), "[groups-merged]"),
    ("sum(rate(bad_total[$window]))", "sum(rate(bad_total[$window])) + sum(rate(good_total[$window]))",
     RatioShape(ERROR, ("bad_total",), ("bad_total", "good_total")), ""),
    ('sum(rate({__name__=~"a|b", x="y"}[$window]))', "sum(rate(c[$window]))",
     RatioShape(ERROR, ('a{x="y"}', 'b{x="y"}'), ("c",)), ""),
    (SLOW, OBSERVED, LatencyShape("http_seconds", "400ms"), ""),
    (SLOW.replace('"0.4"', '"2.5"'), OBSERVED, LatencyShape("http_seconds", "2s500ms"), ""),
    (SLOW.replace('="0.4"', '=~"1|1.0"'), OBSERVED, LatencyShape("http_seconds", "1s"), ""),
    (f"clamp_min({SLOW}, 0)", OBSERVED, LatencyShape("http_seconds", "400ms"), "[guard-dropped]"),
    (SLOW.replace("seconds", "size"), OBSERVED.replace("seconds", "size"),
     RatioShape(GOOD, ('http_size_bucket{le="0.4"}',), ("http_size_count",)), "[bucket-kept]"),
    (SLOW.replace("seconds", "ms").replace("0.4", "400"), OBSERVED.replace("seconds", "ms"),
     LatencyShape("http_ms", "400ms"), ""),
    ("sum(rate(a[$window])) - sum(rate(b[$window]))", "sum(rate(c[$window]))",
     QueryShape(ERROR, "sum(increase(a[$window])) - sum(increase(b[$window]))", "sum(increase(c[$window]))"),
     ""),
    ("sum(count_over_time(up[$window])) - sum(sum_over_time(up[$window]))",
     "sum(count_over_time(up[$window]))",
     ProbeShape("up"), ""),
    ("sum_over_time(count(g < 5)[$window:])", "sum_over_time(count(g)[$window:])",
     QueryShape(ERROR, "(count(last_over_time(g[$window]) < 5))", "(count(last_over_time(g[$window])))"),
     "[looks-each-minute][threshold-kept]"),
    ("count_over_time((time() - max(last) > 3600)[$window:1m]) or vector(0)",
     "count_over_time(vector(1)[$window:1m])", ConditionShape("time() - max(last) <= 3600", WhenAbsent.GOOD),
     "[guard-dropped][looks-each-minute][threshold-kept]"),
    ("sum(rate(a[$window])) * on () x", EVENTS,
     ErrorRatioShape("(sum(rate(a[$window])) * on () x) / (sum(rate(http_total[$window])))"),
     "[ratio-of-minutes]"),
]  # fmt: skip
RATIOS: list[tuple[str, IndicatorShape, str]] = [
    (f"{ERRORS} / {EVENTS}", PLAIN, ""),
    (f"1 - ({ERRORS} / {EVENTS})", RatioShape(GOOD, PLAIN.part, PLAIN.total), ""),
    (f"({ERRORS} / {EVENTS}) or on() vector(0)", PLAIN, "[guard-dropped]"),
    (f"({ERRORS} / {EVENTS}) or on() vector(1)", PLAIN, "[absent-counted-bad]"),
    (f"clamp_max({ERRORS} / {EVENTS}, 1)", PLAIN, "[guard-dropped]"),
    ("1 - avg(avg_over_time(probe_success[$window]))", ProbeShape("probe_success"), ""),
    ("1 - (sum(sum_over_time(satisfaction[$window])) / sum(count_over_time(satisfaction[$window])))",
     QueryShape(GOOD, "sum(sum_over_time(satisfaction[$window]))",
                "sum(count_over_time(satisfaction[$window]))"), ""),
    ("1 - avg_over_time((sum(up) / count(up))[$window:1m])",
     ErrorRatioShape("1 - ((sum(last_over_time(up[$window])) / count(last_over_time(up[$window]))))"),
     "[looks-each-minute][ratio-of-minutes]"),
    ("avg_over_time((sum(lag) > bool 1000)[$window:1m])",
     ConditionShape("sum(lag) <= 1000", WhenAbsent.IGNORE), "[looks-each-minute][threshold-kept]"),
    ("1 - avg_over_time((sum(rate(x[5m])) > bool 10)[$window:])",
     ConditionShape("sum(rate(x[5m])) > 10", WhenAbsent.IGNORE), "[looks-each-minute][threshold-kept]"),
]  # fmt: skip


@pytest.mark.parametrize(("error", "total", "shape", "notes"), EVENT_QUERIES)
def test_an_error_and_a_total_query_show_what_they_count(
    error: str, total: str, shape: IndicatorShape, notes: str
) -> None:
    shaped = shape_events(error, total)

    assert isinstance(shaped, ShapedQuery)
    assert shaped.indicator == shape
    assert codes(shaped) == notes


@pytest.mark.parametrize(("ratio", "shape", "notes"), RATIOS)
def test_one_query_for_a_ratio_shows_it_too(ratio: str, shape: IndicatorShape, notes: str) -> None:
    shaped = shape_ratio(ratio)

    assert isinstance(shaped, ShapedQuery)
    assert shaped.indicator == shape
    assert codes(shaped) == notes


def test_a_grouping_on_both_sides_becomes_group_by() -> None:
    shaped = shape_events(
        "sum by (job, route) (rate(bad_total[$window]))", "sum(rate(all_total[$window])) by (job, route)"
    )

    assert isinstance(shaped, ShapedQuery)
    assert shaped.group_by == ("job", "route")


def test_different_groupings_stay_a_query() -> None:
    shaped = shape_events("sum by (job) (rate(bad_total[$window]))", "sum(rate(all_total[$window]))")

    assert isinstance(shaped, ShapedQuery)
    assert isinstance(shaped.indicator, QueryShape)


def test_errors_without_data_are_not_taken_for_a_guard() -> None:
    shaped = shape_events(f"{ERRORS} or vector(1)", EVENTS)

    assert isinstance(shaped, ShapedQuery)
    assert isinstance(shaped.indicator, ErrorRatioShape)


@pytest.mark.parametrize("query", ["sum(", "", "rate(a[$window]", "a[$window:$window]"])
def test_what_is_no_promql_is_a_violation(query: str) -> None:
    assert isinstance(shape_ratio(query), Violation)


def codes(shaped: ShapedQuery) -> str:
    return "".join(f"[{note.code}]" for note in shaped.notes)
