"""Pyrra's own rules and ours for the same SLO, over the same series: equal windows, alerts at one time.

The rules on Pyrra's side are of the shape that it writes: rates over raw series, a factor in the alert.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from sloctl.compiler import compile_rules
from sloctl.naming import NATIVE_STYLE
from tests.rules.promtool import Expectation, Trial, full_window, run_trials
from tests.spec.dialects.pyrra_specs import RATIO, only_pyrra, pyrra_spec

# Four scrapes a minute; trouble from minute 120 to 150.
BEFORE, TROUBLE, AFTER = 120 * 4, 30 * 4, 70 * 4
LOOKBACKS = ("8m", "15m", "30m", "1h30m", "6h")
LATENCY = """\
    latency:
      success: {metric: 'request_seconds_bucket{job="shop", le="1"}'}
      total: {metric: 'request_seconds_count{job="shop"}'}
"""
GAUGE = "    bool_gauge: {metric: 'probe_success{job=\"shop\"}'}\n"


@dataclass(frozen=True, slots=True)
class Shape:
    """An indicator of Pyrra, its error ratio over `W` in Pyrra's rules, and series to try both on."""

    indicator: str
    ratio: str
    series: Mapping[str, str]
    by: str = ""


def counter(quiet: float, troubled: float) -> str:
    """A counter that grows by *quiet* a scrape, and by *troubled* while there is trouble."""
    steps = [quiet] * BEFORE + [troubled] * TROUBLE + [quiet] * AFTER
    value, values = 0.0, []
    for step in steps:
        value += step
        values.append(f"{value:g}" if value < 1e5 else f"{value:.1f}")
    return " ".join(values)


def gauge(troubled: int) -> str:
    return " ".join(["1"] * BEFORE + [str(troubled)] * TROUBLE + ["1"] * AFTER)


REQUESTS = {
    f'http_requests_total{{job="shop", instance="{instance}", route="{route}", code="{code}"}}': counter(
        *steps
    )
    for instance in ("a", "b")
    for route, bad in (("/pay", 30), ("/ask", 0.1))
    for code, steps in (("200", (99.9, 100 - bad)), ("500", (0.1, bad)))
}
SHAPES = {
    "ratio": Shape(
        RATIO,
        'sum(rate(http_requests_total{job="shop", code=~"5.."}[W]))'
        ' / sum(rate(http_requests_total{job="shop"}[W]))',
        {name: values for name, values in REQUESTS.items() if "/pay" in name},
    ),
    "grouped ratio": Shape(
        f"{RATIO}      grouping: [route]\n",
        'sum by (route) (rate(http_requests_total{job="shop", code=~"5.."}[W]))'
        ' / sum by (route) (rate(http_requests_total{job="shop"}[W]))',
        REQUESTS,
        "route",
    ),
    "latency": Shape(
        LATENCY,
        '(sum(rate(request_seconds_count{job="shop"}[W]))'
        ' - sum(rate(request_seconds_bucket{job="shop", le=~"1([.]0)?"}[W])))'
        ' / sum(rate(request_seconds_count{job="shop"}[W]))',
        {
            'request_seconds_count{job="shop", instance="a"}': counter(100, 100),
            'request_seconds_bucket{job="shop", instance="a", le="1.0"}': counter(99.9, 70),
        },
    ),
    "gauge": Shape(
        GAUGE,
        '(sum(count_over_time(probe_success{job="shop"}[W]))'
        ' - sum(sum_over_time(probe_success{job="shop"}[W])))'
        ' / sum(count_over_time(probe_success{job="shop"}[W]))',
        {
            f'probe_success{{job="shop", instance="{name}"}}': gauge(troubled)
            for name, troubled in (("a", 0), ("b", 1), ("c", 1))
        },
    ),
}


def pyrra_alerts(shape: Shape) -> str:
    """The two tiers that page at a window of a week and a target of 99 %, as Pyrra writes them."""
    rows = (("1m", "15m", 14, "1m"), ("8m", "1h30m", 7, "4m"))
    rules = "".join(
        f"""
      - alert: PyrraBurn
        expr: |-
          ({over(shape, short)}) > ({factor} * (1-0.99)) and ({over(shape, long)}) > ({factor} * (1-0.99))
        for: {pending}
        labels: {{long: {long}}}"""
        for short, long, factor, pending in rows
    )
    return f"- name: pyrra\n  interval: 30s\n  rules:{rules}\n"


def over(shape: Shape, lookback: str) -> str:
    return shape.ratio.replace("[W]", f"[{lookback}]")


def agreements(shape: Shape, minutes: Iterable[int]) -> list[Expectation]:
    """Over each lookback, our ratio is Pyrra's, by at most a tenth of it and half a percent of events."""
    expectations = []
    for lookback in LOOKBACKS:
        ours = f'slo:sli_error:ratio_rate{lookback}{{slo_id="shop/errors"}}'
        matching = f"on ({shape.by}) " if shape.by else ""
        peer = (
            f"sum by ({shape.by}) ({over(shape, lookback)})" if shape.by else f"sum({over(shape, lookback)})"
        )
        ours = f"max by ({shape.by}) ({ours})" if shape.by else f"max({ours})"
        far = f"abs({ours} - {matching}{peer}) > {matching}(0.1 * {peer} + 0.005)"
        for minute in minutes:
            expectations += [
                Expectation(minute, f"count({far})", None),
                Expectation(minute, f"count({ours}) > bool 0", 1),
            ]
    return expectations


def firing(name: str, matcher: str) -> str:
    return f'count(ALERTS{{alertname="{name}", alertstate="firing", {matcher}}}) > bool 0'


@pytest.mark.parametrize(
    "name",
    [
        "ratio",
        "latency",
        *(pytest.param(name, marks=pytest.mark.full) for name in ("grouped ratio", "gauge")),
    ],
)
def test_windows_and_pages_are_those_of_pyrra(name: str, tmp_path: Path) -> None:
    shape = SHAPES[name]
    slo = only_pyrra(pyrra_spec(shape.indicator, target='"99"', window="1w"))
    groups = [f'route="{route}"' for route in ("/pay", "/ask")] if shape.by else []
    fast, medium = 'slo_severity="page", slo_for="1m"', 'slo_severity="page", slo_for="4m"'
    pages = [
        Expectation(minute, firing(alert, matcher), value)
        for minute, is_fast, is_medium in ((119, None, None), (142, 1, None), (148, 1, 1), (215, None, None))
        for alert, matcher, value in (
            ("PyrraBurn", 'long="15m"', is_fast),
            ("ErrorBudgetBurn", fast, is_fast),
            ("PyrraBurn", 'long="1h30m"', is_medium),
            ("ErrorBudgetBurn", medium, is_medium),
        )
    ]
    trial = Trial(
        name,
        {**shape.series, **full_window(*groups, slo_id="shop/errors")},
        [*agreements(shape, (100, 138, 146, 190, 218)), *pages],
    )

    outcome = run_trials(tmp_path, compile_rules([slo], NATIVE_STYLE) + pyrra_alerts(shape), [trial])

    assert outcome == "SUCCESS"
