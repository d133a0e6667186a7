"""User PromQL: what is taken, what is refused and in which words."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.model import LabelMatcher, MatchOp, Selector
from sloctl.promql import (
    PromQLError,
    calls_rate,
    fill_window,
    format_selector,
    read_condition,
    read_query,
    read_selector,
)


def test_a_selector_is_taken_apart() -> None:
    read = read_selector(r'requests_total{job="api", path!~"/v1/\\d+", code=~"5..", tenant!=""}')

    assert read == Selector(
        "requests_total",
        (
            LabelMatcher("job", MatchOp.EQUAL, "api"),
            LabelMatcher("path", MatchOp.NOT_MATCH, r"/v1/\d+"),
            LabelMatcher("code", MatchOp.MATCH, "5.."),
            LabelMatcher("tenant", MatchOp.NOT_EQUAL, ""),
        ),
    )


def test_a_metric_may_be_named_inside_the_braces() -> None:
    assert format_selector(read_selector('{__name__="up", job="api"}')) == 'up{job="api"}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rate(x[5m])",
            'a plain selector like metric{label="value"} stands here, got rate(x[5m]): '
            "write the selector alone, without a function or a range",
        ),
        ("x offset 5m", "a selector has no offset and no @ here: sloctl sets the time it reads"),
        ("x @ 0", "a selector has no offset and no @ here: sloctl sets the time it reads"),
        ('x{a="b" or c="d"}', "`or` between braces is not Prometheus: give a list of selectors"),
        ('{__name__=~"a|b"}', "a selector names its metric; for several metrics give a list of selectors"),
        ('{"http.requests"}', "Prometheus 2 cannot read the metric name 'http.requests'"),
        ('x{"a.b"="c"}', "Prometheus 2 cannot read the label name 'a.b'"),
        ("x{", "not PromQL: unexpected end of input inside braces"),
        ('x{a=~"("}', "not PromQL: illegal regex for ("),
        (
            "x{a=`\\d`}",
            "not PromQL: unknown escape sequence 'd'; "
            "write strings in double quotes and double their backslashes",
        ),
        ("x" * 5000, "an expression has at most 4096 characters, got 5000"),
    ],
)
def test_what_is_no_selector_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(PromQLError) as error:
        read_selector(text)

    assert str(error.value) == message


def test_window_stands_for_every_range() -> None:
    query = read_query("sum(increase(a_total{x='#'}[$window])) # the events\n or sum(increase(b[ $window ]))")

    filled = fill_window(query, "1m15s")
    assert filled == 'sum(increase(a_total{x="#"}[1m15s])) or sum(increase(b[1m15s]))'


def test_a_subquery_stays_a_subquery() -> None:
    assert (
        fill_window(read_query("max_over_time(rate(x[5m])[$window:])"), "5m")
        == "max_over_time(rate(x[5m])[5m:])"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sum(x)", "the range of a query is written $window, as in increase(errors_total[$window])"),
        (
            "sum(increase(x[$window] offset $window))",
            "$window stands for a range and nothing else, as in increase(errors_total[$window])",
        ),
        (
            'sum(increase(x{a="$window"}[$window]))',
            "$window stands for a range and nothing else, as in increase(errors_total[$window])",
        ),
        (
            "x[$window]",
            "this must give an instant vector: expected type vector in aggregation expression, got matrix",
        ),
        ('sum(increase(x{a="\\x00"}[$window]))', "a string holds a control character"),
    ],
)
def test_what_is_no_query_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(PromQLError) as error:
        read_query(text)

    assert str(error.value) == message


def test_rates_are_found_however_deep() -> None:
    assert calls_rate(read_query("sum(x * on () group_left () irate(y[$window]))")) is True
    assert calls_rate(read_query("sum(increase(rate_total[$window]))")) is False


@pytest.mark.parametrize(
    ("text", "rewritten"),
    [
        ("time() - max(x) < 900", "((time() - max(x)) >= -Inf) < bool (900)"),
        ("(x == 0)", "((x) >= -Inf) == bool (0)"),
        ("5 > x", "(5) > bool ((x) >= -Inf)"),
        ("x < bool 5", "((x) >= -Inf) < bool (5)"),
        ("a <= bool on (job) b", "((a) >= -Inf) <= bool on (job) ((b) >= -Inf)"),
        ("x < scalar(y)", "(((x) >= -Inf) < bool (scalar(y))) and on () (vector(scalar(y)) >= -Inf)"),
        (
            "min by (a) (-(x != bool 3)) > 0",
            "((min by (a) (-(((x) >= -Inf) != bool (3)))) >= -Inf) > bool (0)",
        ),
        ("(1 > bool 2) * x == 1", "((((1) > bool (2)) * x) >= -Inf) == bool (1)"),
    ],
)
def test_a_condition_answers_one_or_zero(text: str, rewritten: str) -> None:
    assert " ".join(read_condition(text).replace("( ", "(").split()) == rewritten


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "up",
            "a condition is a comparison, like time() - last_success_seconds < 900 "
            "(several: (a < bool 1) * (b < bool 2) == 1), got up",
        ),
        ("a < on (job) b", "write bool behind the comparison when it matches on labels: < bool on (...)"),
    ],
)
def test_what_is_no_condition_is_refused_in_words(text: str, message: str) -> None:
    with pytest.raises(PromQLError) as error:
        read_condition(text)

    assert str(error.value) == message


@pytest.mark.parametrize(
    "text",
    ["(" * 4000, "-" * 4000 + "x", "+".join("x" * 2000), "sum(" * 1000 + "x", "{" * 4000],
)
def test_towers_of_syntax_are_refused_before_the_parser_sees_them(text: str) -> None:
    # Unguarded, the parser needs minutes for the slowest of these, or dies.
    with pytest.raises(PromQLError, match="at most"):
        read_query(f"{text} + increase(x[$window])")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    for read in (read_selector, read_query, read_condition):
        with suppress(PromQLError):
            assert read(text) is not None
