"""Queries of the user, read for what their counts are."""

import pytest

from sloctl.promql import read_query
from sloctl.slo.window_queries import (
    counted_metrics,
    is_additive,
    is_recorded_rate,
    kept_labels,
    lacks_label,
    may_be_nan,
)


@pytest.mark.parametrize(
    "text",
    [
        "sum(increase(a[$window]))",
        "sum by (g) (increase(a[$window])) - sum by (g) (increase(b[$window]))",
        "sum(increase(a[$window])) or vector(0)",
        '2 * sum(increase(a{x="y"}[$window])) / 3',
        "sum(sum_over_time(a[$window]))",
        "sum(increase(a[$window] offset 5m))",
        'label_replace(increase(a[$window]), "x", "y", "", "")',
    ],
)
def test_sums_of_increases_add_up_over_time(text: str) -> None:
    assert is_additive(read_query(text)) is True


@pytest.mark.parametrize(
    "text",
    [
        "sum(increase(a[$window])) unless on () (maintenance == 1)",
        "sum(increase(a[$window])) and on () (hour() >= 8 < 18)",
        "sum(increase(a[$window])) and on (cluster) drained == 0",
        "sum(increase(a[$window])) > 0",
        "max(increase(a[$window]))",
        "sum(rate(a[$window])) * 60",
        "sum(increase(a[$window])) * sum(increase(b[$window]))",
        "sum(increase(a[$window])) * scalar(x)",
        "clamp_min(sum(increase(a[$window])), 0)",
        "sum(increase(a[$window])) or sum(increase(b[$window]))",
        "sum(increase(a[$window])) or vector(1)",
        "sum(increase(a[$window])) * (hour() > bool 8)",
        "sum(increase(a[$window] @ 100))",
        "sum(delta(a[$window]))",
    ],
)
def test_what_depends_on_the_moment_does_not(text: str) -> None:
    assert is_additive(read_query(text)) is False


def test_divisions_may_be_nan() -> None:
    assert may_be_nan(read_query("sum(increase(a[$window])) * (sum(b) / sum(c))")) is True
    assert may_be_nan(read_query("histogram_fraction(0, 1, sum(increase(a[$window])))")) is True
    assert may_be_nan(read_query("sum(increase(a[$window])) / 3")) is False


@pytest.mark.parametrize(
    "text",
    [
        "sum(increase(e[$window]))",
        "sum without (route) (increase(e[$window]))",
        "sum by (a) (x) / sum by (route) (increase(y[$window]))",
        "sum by (route) (sum(increase(e[$window])))",
        "2 * sum(increase(e[$window])) or vector(0)",
        "abs(sum(increase(e[$window])))",
        "sum by (route) (a) * on (a) increase(b[$window])",
    ],
)
def test_an_aggregation_loses_a_label(text: str) -> None:
    assert lacks_label(read_query(text), "route") is True


@pytest.mark.parametrize(
    "text",
    [
        "sum by (route) (increase(e[$window]))",
        "increase(e[$window])",
        "sum(x) or sum by (route) (increase(e[$window]))",
        "sum(x) * on () group_right () increase(y[$window])",
        "sum(increase(e[$window])) * on () group_left (route) y",
        'label_replace(sum(increase(e[$window])), "route", "a", "", "")',
        "sum by (route) (increase(e[$window])) unless on () y",
        "topk(3, increase(e[$window]))",
    ],
)
def test_a_label_that_may_be_there_is_not_lost(text: str) -> None:
    assert lacks_label(read_query(text), "route") is False


def test_the_outermost_aggregation_keeps_labels() -> None:
    assert kept_labels(read_query("2 * sum by (a, b) (increase(x[$window]))")) == ("a", "b")
    assert kept_labels(read_query("sum(increase(x[$window]))")) == ()


@pytest.mark.parametrize(
    "metric",
    [
        "job:r:rate5m",
        "a:r:irate1m",
        "x:ratio",
        "slo:sli_error:ratio_rate5m",
        "ns:r:rate",
        "a:b:rate1m5s",
        "job:r:rate_5m",
        "job:r:sum_rate5m",
        "node:cpu_seconds_total:sum_irate",
        "job:error_rate:sum",
        "job:r:increase1h",
        "job:latency_seconds:p99",
        "job:requests_per_second",
        "job:http_requests_per_second:sum",
        "shop:qps:sum",
        "http_requests:burnrate5m",
    ],
)
def test_a_name_tells_a_recorded_rate(metric: str) -> None:
    assert is_recorded_rate(metric) is True


@pytest.mark.parametrize(
    "metric",
    [
        "job:r_total",
        "job:rates_total",
        "a:b:sum",
        "rate5m",
        "job:exchange_rate_updates_total",
        "a:p2p_total",
        "a:calls_per_second_limit_hits_total",
    ],
)
def test_other_names_tell_none(metric: str) -> None:
    assert is_recorded_rate(metric) is False


def test_increases_name_the_metrics_they_count() -> None:
    assert counted_metrics(read_query("sum(increase(a:b{x='y'}[$window])) + x")) == ("a:b",)
