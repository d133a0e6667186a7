"""What a sound spec means."""

from fractions import Fraction

import pytest

from sloctl.model import (
    Alerting,
    AlertKind,
    AlertMetadata,
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    LabelMatcher,
    LatencyIndicator,
    MatchOp,
    NativeLatencyIndicator,
    PolicyRow,
    ProbeIndicator,
    QueryIndicator,
    RatioIndicator,
    RollingWindow,
    Selector,
    Severity,
    Slo,
    WhenAbsent,
    WindowQuery,
)
from sloctl.naming import alert_name
from sloctl.promql import format_selector
from sloctl.slo.policy import alert_threshold, workbook_policy
from sloctl.spec import read_specs
from tests.spec.specs import HEADER, INDICATOR, SPEC, only, problems, specs

JOB = LabelMatcher("job", MatchOp.EQUAL, "shop")
DAY = 86400
BARE = AlertMetadata({}, {})


def test_a_short_spec_has_the_documented_defaults() -> None:
    slo = only(SPEC)

    assert slo == Slo(
        service="shop",
        name="availability",
        description="",
        objective=Fraction(999, 1000),
        window=RollingWindow(30 * DAY),
        scrape_interval=60,
        indicator=RatioIndicator(
            CountedSide.ERROR,
            numerator=(Selector("http_requests_total", (JOB, LabelMatcher("code", MatchOp.MATCH, "5.."))),),
            total=(Selector("http_requests_total", (JOB,)),),
        ),
        group_by=(),
        labels={},
        annotations={},
        alerting=Alerting(
            policy=workbook_policy(30 * DAY),
            page=BARE,
            ticket=BARE,
            exhausted=BARE,
            exhausting=BARE,
            no_data=BARE,
            exhausting_within=DAY,
            no_data_after=600,
            min_errors=2,
            confidence=None,
        ),
    )


@pytest.mark.parametrize(
    ("text", "indicator"),
    [
        (
            "ratio: {good: 'ok_total{job=\"shop\"}', total: [ok_total, failed_total], countNewSeries: false}",
            RatioIndicator(
                CountedSide.GOOD,
                numerator=(Selector("ok_total", (JOB,)),),
                total=(Selector("ok_total"), Selector("failed_total")),
                count_new_series=False,
            ),
        ),
        (
            "latency: {histogram: 'request_seconds{job=\"shop\"}', threshold: 300ms}",
            LatencyIndicator(Selector("request_seconds", (JOB,)), Fraction(3, 10)),
        ),
        (
            "latency: {histogram: request_seconds, threshold: 1s500ms, countNewSeries: false}",
            LatencyIndicator(Selector("request_seconds"), Fraction(3, 2), count_new_series=False),
        ),
        (
            "latency: {histogram: request_duration_milliseconds, threshold: 250ms}",
            LatencyIndicator(
                Selector("request_duration_milliseconds"), Fraction(1, 4), unit=Fraction(1, 1000)
            ),
        ),
        (
            "latency: {histogram: request_duration, threshold: 250ms, unit: us}",
            LatencyIndicator(Selector("request_duration"), Fraction(1, 4), unit=Fraction(1, 1000**2)),
        ),
        (
            "latency: {histogram: request_seconds, threshold: 2s, native: true}",
            NativeLatencyIndicator(Selector("request_seconds"), Fraction(2)),
        ),
        (
            "condition: {good: time() - max(last_success_seconds) < 900}",
            ConditionIndicator(
                "((time() - max(last_success_seconds)) >= -Inf) < bool (900)", WhenAbsent.IGNORE
            ),
        ),
        (
            "condition: {good: lag == bool 0, whenAbsent: bad}",
            ConditionIndicator("((lag) >= -Inf) == bool (0)", WhenAbsent.BAD),
        ),
        ("probe: {metric: 'probe_success{job=\"shop\"}'}", ProbeIndicator(Selector("probe_success", (JOB,)))),
        (
            "query: {error: 'sum(increase(bad_total[$window]))', total: 'sum(increase(all_total[$window]))'}",
            QueryIndicator(
                CountedSide.ERROR,
                numerator=WindowQuery("sum(increase(bad_total[$window]))"),
                total=WindowQuery("sum(increase(all_total[$window]))"),
            ),
        ),
        (
            "query: {good: 'increase(ok_total[$window])', total: 'increase(all_total[$window])'}",
            QueryIndicator(
                CountedSide.GOOD,
                numerator=WindowQuery("increase(ok_total[$window])"),
                total=WindowQuery("increase(all_total[$window])"),
            ),
        ),
        (
            "errorRatio: 'avg_over_time(error_ratio[$window])'",
            ErrorRatioIndicator(WindowQuery("avg_over_time(error_ratio[$window])")),
        ),
        (
            "preset: {name: grpc-latency, with: {job: shop, threshold: 100ms}}",
            LatencyIndicator(
                Selector(
                    "grpc_server_handling_seconds", (JOB, LabelMatcher("grpc_type", MatchOp.EQUAL, "unary"))
                ),
                Fraction(1, 10),
            ),
        ),
        (
            "preset: {name: blackbox-probe, with: {job: shop}}",
            ProbeIndicator(Selector("probe_success", (JOB,))),
        ),
        (
            "preset: {name: envoy-availability, with: {job: shop, cluster: till}}",
            RatioIndicator(
                CountedSide.ERROR,
                numerator=(
                    Selector(
                        "envoy_cluster_upstream_rq_xx",
                        (
                            JOB,
                            LabelMatcher("envoy_cluster_name", MatchOp.EQUAL, "till"),
                            LabelMatcher("envoy_response_code_class", MatchOp.EQUAL, "5"),
                        ),
                    ),
                ),
                total=(
                    Selector(
                        "envoy_cluster_upstream_rq_completed",
                        (JOB, LabelMatcher("envoy_cluster_name", MatchOp.EQUAL, "till")),
                    ),
                ),
            ),
        ),
    ],
)
def test_an_indicator_means(text: str, indicator: Indicator) -> None:
    slo = only(SPEC.replace(INDICATOR, f"      indicator:\n        {text}\n"))

    assert slo.indicator == indicator


def test_a_preset_parameter_is_a_value_and_never_promql() -> None:
    hostile = r'preset: {name: blackbox-probe, with: {job: "a\"} or vector(0) #\n\\"}}'

    slo = only(SPEC.replace(INDICATOR, f"      indicator:\n        {hostile}\n"))

    assert slo.indicator == ProbeIndicator(
        Selector("probe_success", (LabelMatcher("job", MatchOp.EQUAL, 'a"} or vector(0) #\n\\'),))
    )


def test_hostile_labels_and_annotations_are_kept_to_the_character() -> None:
    slo = only(
        SPEC
        + r"""
      labels: {team: "a\"b\\c}\n{{ .X }}\u202e\0"}
      annotations: {summary: 'say "no" to \n'}
"""
    )

    assert slo.labels == {"team": 'a"b\\c}\n{{ .X }}\u202e\0'}
    assert slo.annotations == {"summary": r'say "no" to \n'}


def test_an_objective_is_the_exact_fraction_of_its_text() -> None:
    slo = only(SPEC.replace("99.9%", "99.999999999999%"))

    assert slo.budget == Fraction(1, 10**14)


def test_labels_and_annotations_of_an_slo_override_those_of_its_service_key_by_key() -> None:
    service = HEADER + "  labels: {team: shop, tier: '1'}\n  annotations: {runbook: a, owner: b}\n"

    slo = only(
        SPEC.replace(HEADER, service) + "      labels: {team: till}\n      annotations: {runbook: c}\n"
    )

    assert slo.labels == {"team": "till", "tier": "1"}
    assert slo.annotations == {"runbook": "c", "owner": "b"}


def test_alerting_of_an_slo_overrides_that_of_its_service_key_by_key() -> None:
    service = """\
spec:
  alerting:
    policy: [{severity: page, budgetShare: 2%, long: 1h, short: 5m}]
    confidence: 95%
    labels: {route: shop, severity: minor}
    annotations: {dashboard: a}
    page: {labels: {pager: shop, severity: critical}, annotations: {dashboard: b}}
    noData: {after: 30m}
"""
    own = """\
      alerting:
        minErrors: 5
        page: {labels: {pager: till}}
        ticket: {disabled: true}
        exhausting: {within: 6h, disabled: true}
"""

    slo = only(SPEC.replace("spec:\n", service) + own)

    assert slo.alerting == Alerting(
        policy=(PolicyRow(Severity.PAGE, Fraction(2, 100), long=3600, short=300),),
        page=AlertMetadata({"route": "shop", "severity": "critical", "pager": "till"}, {"dashboard": "b"}),
        ticket=None,
        exhausted=AlertMetadata({"route": "shop", "severity": "minor"}, {"dashboard": "a"}),
        exhausting=None,
        no_data=AlertMetadata({"route": "shop", "severity": "minor"}, {"dashboard": "a"}),
        exhausting_within=6 * 3600,
        no_data_after=1800,
        min_errors=5,
        confidence=Fraction(95, 100),
    )


def test_a_severity_is_mapped_for_every_kind_of_alert() -> None:
    own = """\
      alerting:
        severity: {page: critical, ticket: warning}
        labels: {severity: minor, route: shop}
        noData: {severity: page}
        exhausted: {labels: {severity: info}}
"""

    alerting = only(SPEC + own).alerting

    assert {kind.value: added.labels["severity"] for kind, added in alerting.enabled_alerts.items()} == {
        "page": "critical",
        "ticket": "warning",
        "exhausted": "info",
        "exhausting": "warning",
        "noData": "critical",
    }
    assert alerting.severity_of(AlertKind.NO_DATA) is Severity.PAGE


def test_each_kind_of_alert_may_have_a_name() -> None:
    service = "spec:\n  alerting: {names: {page: Shop burns, noData: ShopSilent}}\n"
    own = "      alerting: {names: {page: Till burns}}\n"

    alerting = only(SPEC.replace("spec:\n", service) + own).alerting

    assert [alert_name(alerting, kind) for kind in AlertKind] == [
        "Till burns",
        "SLOErrorBudgetBurn",
        "SLOErrorBudgetExhausted",
        "SLOErrorBudgetSpent",
        "SLOErrorBudgetExhausting",
        "ShopSilent",
    ]


def test_alerting_that_is_disabled_has_no_alert() -> None:
    service = "spec:\n  alerting: {disabled: true, page: {labels: {pager: shop}}}\n"

    without = only(SPEC.replace("spec:\n", service))
    own = only(SPEC.replace("spec:\n", service) + "      alerting: {disabled: false}\n")

    assert without.alerting.enabled_alerts == {}
    assert own.alerting.enabled_alerts.keys() == set(AlertKind) - {AlertKind.SPENT}


def test_a_row_may_have_a_factor_and_a_pending_time() -> None:
    rows = "[{severity: page, factor: 14.4, long: 1h, short: 5m, for: 2m}]"

    slo = only(SPEC + f"      alerting: {{policy: {rows}}}\n")

    assert slo.alerting.policy == (
        PolicyRow(Severity.PAGE, Fraction(2, 100), long=3600, short=300, pending=120),
    )


def test_a_default_may_show_a_label_of_any_objective() -> None:
    defaults = SPEC.replace(
        "spec:\n",
        "  annotations: {note: '{{ $labels.uri }}'}\n"
        "spec:\n  alerting: {labels: {pager: '{{$labels.uri}} at {{ $value }}'}}\n",
    )

    grouped = only(defaults + "      groupBy: [uri]\n")

    assert grouped.annotations == {"note": "{{ $labels.uri }}"}
    assert [problem.rpartition("[")[2] for problem in problems(defaults)] == ["template]", "template]"]


def test_a_text_of_all_alerts_is_the_text_of_a_burn() -> None:
    own = """\
      alerting:
        annotations: {summary: burns, note: a}
        exhausted: {annotations: {summary: gone}}
"""

    alerting = only(SPEC + own).alerting

    assert {kind.value: added.annotations for kind, added in alerting.enabled_alerts.items()} == {
        "page": {"summary": "burns", "note": "a"},
        "ticket": {"summary": "burns", "note": "a"},
        "exhausted": {"summary": "gone", "note": "a"},
        "exhausting": {"note": "a"},
        "noData": {"note": "a"},
    }


def test_a_grpc_call_fails_istio_by_its_own_status() -> None:
    preset = "      indicator:\n        preset: {name: istio-availability, with: {service: shop}}\n"

    indicator = only(SPEC.replace(INDICATOR, preset)).indicator

    assert isinstance(indicator, RatioIndicator)
    assert [format_selector(each) for each in indicator.numerator] == [
        'istio_requests_total{destination_service="shop", reporter="destination", response_code=~"5.."}',
        'istio_requests_total{destination_service="shop", reporter="destination", response_code!~"5..", '
        'grpc_response_status=~"2|4|12|13|14|15"}',
    ]


def test_a_default_that_needs_counts_passes_over_an_indicator_without_them() -> None:
    service = "spec:\n  alerting: {minErrors: 5, confidence: 95%}\n"
    condition = "      indicator:\n        condition: {good: up == 1}\n"

    slo = only(SPEC.replace("spec:\n", service).replace(INDICATOR, condition))

    assert slo.alerting.min_errors == 0
    assert slo.alerting.confidence is None


def test_an_alert_that_can_never_fire_beside_one_that_can_is_a_warning() -> None:
    found = specs(SPEC.replace("99.9%", "90%"))

    assert [slo.id for slo in found.slos] == ["shop/availability"]
    assert [str(problem) for problem in found.problems] == [
        "shop.yaml:8:18: warning: the page alert on 1h and 5m can never fire at objective 90 %: it waits for "
        "an error ratio above 1.44; give it a budgetShare of at most 1.38% in alerting.policy "
        "[alert-never-fires]"
    ]


def test_a_disabled_alert_may_be_one_that_can_never_fire() -> None:
    slo = only(SPEC.replace("99.9%", "90%") + "      alerting: {page: {disabled: true}}\n")

    assert slo.alerting.page is None


def test_the_suggested_share_fires_and_leaves_no_problem() -> None:
    row = "[{severity: page, budgetShare: 1.38%, long: 1h, short: 5m}]"

    slo = only(SPEC.replace("99.9%", "90%") + f"      alerting: {{policy: {row}}}\n")

    assert alert_threshold(slo.alerting.policy[0], 30 * DAY, slo.budget) < 1


def test_ids_that_sloth_labels_would_confuse_are_a_warning() -> None:
    spec = SPEC.replace("name: shop", "name: a-b").replace("availability", "c")
    other = SPEC.replace("name: shop", "name: a").replace("availability", "b-c")

    assert problems(f"{spec}---\n{other}") == [
        "shop.yaml:20:13: warning: with --label-style sloth, a/b-c and a-b/c would both be a-b-c "
        "[ambiguous-id]"
    ]


def test_the_order_of_files_does_not_matter() -> None:
    texts = [(f"{name}.yaml", SPEC.replace("shop", name).encode()) for name in ("till", "shop", "stock")]
    twice = [*texts, ("again.yaml", texts[0][1])]

    assert read_specs(texts) == read_specs(reversed(texts))
    assert read_specs(twice) == read_specs(reversed(twice))
    assert [slo.id for slo in read_specs(texts).slos] == [
        "shop/availability",
        "stock/availability",
        "till/availability",
    ]


def test_a_bad_file_leaves_the_others_readable() -> None:
    found = read_specs([("a.yaml", b"["), ("b.yaml", SPEC.encode())])

    assert [slo.id for slo in found.slos] == ["shop/availability"]
    assert [problem.place.path for problem in found.problems] == ["a.yaml"]
