"""Pyrra's ServiceLevelObjective means here what it means there."""

from fractions import Fraction

import pytest

from sloctl.duration import DAY, MINUTE, format_duration
from sloctl.migrate.migration import MigrationOutcome, migrate_specs
from sloctl.model import (
    CountedSide,
    LabelMatcher,
    LatencyIndicator,
    MatchOp,
    NativeLatencyIndicator,
    ProbeIndicator,
    RatioIndicator,
    Selector,
    Severity,
)
from sloctl.slo.policy import alert_factor
from sloctl.spec import ReadingOptions
from tests.spec.dialects.pyrra_specs import RATIO, only_pyrra, pyrra_spec, read_pyrra

SHOP = LabelMatcher("job", MatchOp.EQUAL, "shop")


def latency(bucket: str, total: str = 'request_seconds_count{job="shop"}') -> str:
    return f"    latency: {{success: {{metric: '{bucket}'}}, total: {{metric: '{total}'}}}}\n"


def test_an_objective_keeps_its_name_and_promise() -> None:
    slo = only_pyrra(pyrra_spec(target="99.95", window="2w"))

    assert slo.id == "shop/errors"
    assert slo.objective == Fraction("0.9995")
    assert slo.window.seconds == 14 * DAY


@pytest.mark.parametrize(
    ("metadata", "service"),
    [
        ("", "shop"),
        (", labels: {pyrra.dev/service: till}", "till"),
    ],
)
def test_the_service_is_the_namespace_or_a_label(metadata: str, service: str) -> None:
    assert only_pyrra(pyrra_spec(metadata=metadata)).service == service


def test_an_object_without_a_namespace_is_in_default() -> None:
    text = pyrra_spec().replace(", namespace: shop", "")

    assert only_pyrra(text).id == "default/errors"


def test_a_ratio_counts_its_selectors() -> None:
    indicator = only_pyrra(pyrra_spec()).indicator

    assert isinstance(indicator, RatioIndicator)
    assert indicator.counted is CountedSide.ERROR
    assert indicator.total == (Selector("http_requests_total", (SHOP,)),)


@pytest.mark.parametrize(
    ("bound", "threshold"),
    [("0.05", Fraction(1, 20)), ("1", Fraction(1)), ("1.0", Fraction(1)), ("90", Fraction(90))],
)
def test_a_bucket_of_a_histogram_is_a_latency(bound: str, threshold: Fraction) -> None:
    slo = only_pyrra(pyrra_spec(latency(f'request_seconds_bucket{{job="shop", le="{bound}"}}')))

    assert slo.indicator == LatencyIndicator(Selector("request_seconds", (SHOP,)), threshold)


def test_a_histogram_in_milliseconds_is_a_latency() -> None:
    total = 'request_milliseconds_count{job="shop"}'

    slo = only_pyrra(pyrra_spec(latency('request_milliseconds_bucket{job="shop", le="250"}', total)))

    unit = Fraction(1, 1000)
    histogram = Selector("request_milliseconds", (SHOP,))
    assert slo.indicator == LatencyIndicator(histogram, Fraction(1, 4), unit=unit)


def test_the_last_bucket_counts_all_requests() -> None:
    total = 'request_seconds_bucket{job="shop", le="+Inf"}'

    slo = only_pyrra(pyrra_spec(latency('request_seconds_bucket{le="2", job="shop"}', total)))

    assert slo.indicator == LatencyIndicator(Selector("request_seconds", (SHOP,)), Fraction(2))


@pytest.mark.parametrize(
    "bucket",
    [
        'request_seconds_bucket{job="shop", code="200", le="1"}',
        'request_bucket{job="shop", le="1"}',
        'other_seconds_bucket{job="shop", le="1"}',
    ],
)
def test_a_bucket_of_other_requests_is_a_ratio(bucket: str) -> None:
    indicator = only_pyrra(pyrra_spec(latency(bucket))).indicator

    assert isinstance(indicator, RatioIndicator)
    assert indicator.counted is CountedSide.GOOD
    assert indicator.numerator[0].matchers[-1] == LabelMatcher("le", MatchOp.MATCH, r"1(\.0)?")


def test_a_native_histogram_is_a_native_latency() -> None:
    indicator = "    latencyNative: {latency: 200ms, total: {metric: 'request_seconds{job=\"shop\"}'}}\n"

    slo = only_pyrra(pyrra_spec(indicator))

    assert slo.indicator == NativeLatencyIndicator(Selector("request_seconds", (SHOP,)), Fraction(1, 5))
    assert slo.alerting.no_data is None


def test_a_bool_gauge_is_a_probe() -> None:
    slo = only_pyrra(pyrra_spec("    bool_gauge: {metric: probe_success, grouping: [target, target]}\n"))

    assert slo.indicator == ProbeIndicator(Selector("probe_success"))
    assert slo.group_by == ("target",)


@pytest.mark.parametrize(
    ("window", "lookbacks"),
    [
        ("1w", "15m/1m/1m 1h30m/8m/4m 6h/30m/15m 1d/1h30m/45m"),
        ("2w", "30m/3m/1m 3h/15m/8m 12h/1h/30m 2d/3h/1h30m"),
        ("4w", "1h/5m/2m 6h/30m/15m 1d/2h/1h 4d/6h/3h"),
        ("30d", "1h4m/5m/2m 6h26m/32m/16m 1d1h43m/2h9m/1h4m 4d6h51m/6h26m/3h13m"),
        ("90d", "3h13m/16m/6m 19h17m/1h36m/48m 3d5h9m/6h26m/3h13m 12d20h34m/19h17m/9h39m"),
    ],
)
def test_lookbacks_scale_with_the_window_as_pyras_do(window: str, lookbacks: str) -> None:
    slo = only_pyrra(pyrra_spec(window=window))

    rows = slo.alerting.policy
    written = ["/".join(map(format_duration, (row.long, row.short, row.pending))) for row in rows]
    assert " ".join(written) == lookbacks
    assert [alert_factor(row, slo.window.seconds) for row in rows] == [14, 7, 2, 1]
    assert [row.severity for row in rows] == [Severity.PAGE] * 2 + [Severity.TICKET] * 2


def test_alerts_keep_their_names_and_severities() -> None:
    alerts = only_pyrra(pyrra_spec()).alerting.enabled_alerts

    assert {kind.value: (it.name, it.labels["severity"]) for kind, it in alerts.items()} == {
        "page": ("ErrorBudgetBurn", "critical"),
        "ticket": ("ErrorBudgetBurn", "warning"),
        "noData": ("SLOMetricAbsent", "critical"),
    }


def test_other_names_and_severities_are_kept() -> None:
    alerting = (
        "name: Burn, absentName: Gone, severities: "
        "{fastBurn: p1, mediumBurn: p2, slowBurn: p2, longTermBurn: p2, absent: p3}"
    )

    slo = only_pyrra(pyrra_spec(alerting=alerting))

    alerts = slo.alerting.enabled_alerts
    assert {kind.value: (it.name, it.labels["severity"]) for kind, it in alerts.items()} == {
        "page": ("Burn", "p1"),
        "ticket": ("Burn", "p2"),
        "noData": ("Gone", "p3"),
    }
    assert [row.severity for row in slo.alerting.policy] == [Severity.PAGE] + [Severity.TICKET] * 3


@pytest.mark.parametrize(
    ("alerting", "kinds"),
    [
        ("disabled: true", {"noData"}),
        ("burnrates: false", {"noData"}),
        ("absent: false", {"page", "ticket"}),
        ("burnrates: false, absent: false", set()),
    ],
)
def test_disabled_alerts_stay_disabled(alerting: str, kinds: set[str]) -> None:
    alerts = only_pyrra(pyrra_spec(alerting=alerting)).alerting.enabled_alerts

    assert {kind.value for kind in alerts} == kinds


@pytest.mark.parametrize(
    ("target", "window", "minutes"),
    [("99", "4w", 10), ("99.5", "4w", 6), ("99.9", "4w", 3), ("99.99", "4w", 2), ("99.9", "1w", 1)],
)
def test_an_absent_metric_alerts_after_pyrras_time(target: str, window: str, minutes: int) -> None:
    slo = only_pyrra(pyrra_spec(target=target, window=window))

    assert slo.alerting.no_data_after == minutes * MINUTE


def test_labels_are_those_that_pyrra_puts_on_series() -> None:
    metadata = ", labels: {pyrra.dev/team: till, prometheus: k8s}"

    slo = only_pyrra(pyrra_spec(metadata=metadata))

    assert slo.labels == {"slo": "errors", "job": "shop", "team": "till"}


def test_annotations_show_labels_that_have_one_value() -> None:
    note = "{{ $labels.job }}/{{$labels.slo}}/{{ $labels.route }}"
    metadata = f', annotations: {{pyrra.dev/note: "{note}", pyrra.dev/summary: Burning, other: x}}'
    grouped = "      grouping: [route]\n"

    slo = only_pyrra(pyrra_spec(metadata=metadata).removesuffix("\n") + "\n" + grouped)

    assert slo.annotations == {"note": "shop/errors/{{ $labels.route }}"}
    assert slo.alerting.enabled_alerts  # the text of burn alerts alone
    assert [it.annotations for it in slo.alerting.enabled_alerts.values()] == [
        {"summary": "Burning"},
        {"summary": "Burning"},
        {},
    ]


def test_a_list_of_objects_is_all_of_them() -> None:
    items = "".join(
        "- " + pyrra_spec().replace("name: errors", f"name: {name}").replace("\n", "\n  ").rstrip() + "\n"
        for name in ("a", "b")
    )

    found = read_pyrra(f"apiVersion: v1\nkind: List\nitems:\n{items}")

    assert [slo.id for slo in found.slos] == ["shop/a", "shop/b"]


def test_what_a_cluster_writes_is_left_out() -> None:
    metadata = ", uid: x, generation: 2, creationTimestamp: null, managedFields: [{manager: kubectl}]"

    slo = only_pyrra(pyrra_spec(metadata=metadata) + "status: {type: PrometheusRule}\n")

    assert slo.id == "shop/errors"


def test_equal_names_in_two_namespaces_stay_apart() -> None:
    second = pyrra_spec().replace("namespace: shop", "namespace: till")

    found = read_pyrra(f"{pyrra_spec()}---\n{second}")

    assert [slo.id for slo in found.slos] == ["shop/errors", "till/errors"]


def test_namesakes_are_told_apart_by_their_labels() -> None:
    sites = [f", labels: {{pyrra.dev/team: web, pyrra.dev/site: {site}}}" for site in ("east", "west")]

    found = read_pyrra("---\n".join(pyrra_spec(metadata=labels) for labels in sites))

    assert [slo.id for slo in found.slos] == ["shop/errors-east", "shop/errors-west"]
    assert [problem.code for problem in found.problems] == ["renamed", "renamed"]
    assert {slo.labels["slo"] for slo in found.slos} == {"errors"}


@pytest.mark.parametrize(
    ("indicator", "ratio"),
    [
        (
            RATIO,
            'sum(rate(http_requests_total{job="shop", code=~"5.."}[$window]))'
            ' / sum(rate(http_requests_total{job="shop"}[$window]))',
        ),
        (
            latency('request_seconds_bucket{job="shop", le="1"}'),
            '(sum(rate(request_seconds_count{job="shop"}[$window]))'
            ' - sum(rate(request_seconds_bucket{job="shop", le=~"1(\\\\.0)?"}[$window])))'
            ' / sum(rate(request_seconds_count{job="shop"}[$window]))',
        ),
        (
            "    bool_gauge: {metric: up, grouping: [job]}\n",
            "(sum by (job) (count_over_time(up[$window])) - sum by (job) (sum_over_time(up[$window])))"
            " / sum by (job) (count_over_time(up[$window]))",
        ),
    ],
)
def test_what_pyrra_evaluates_is_kept_for_a_proof(indicator: str, ratio: str) -> None:
    migration = migrate_specs([("pyrra.yaml", pyrra_spec(indicator).encode())], ReadingOptions())

    assert [it.ratio for it in migration.originals] == [ratio]


def test_an_slo_that_is_refused_is_accounted_for() -> None:
    text = pyrra_spec(target='"0.999"') + "---\n" + pyrra_spec().replace("spec:", "sepc:")

    migration = migrate_specs([("pyrra.yaml", text.encode())], ReadingOptions())

    assert [(it.slo, it.outcome) for it in migration.slos] == [
        ("shop/errors", MigrationOutcome.REFUSED),
        ("errors", MigrationOutcome.REFUSED),
    ]
