"""OpenSLO's objects mean here what they mean there, as far as Prometheus can say it."""

from fractions import Fraction

import pytest

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import (
    CalendarPeriod,
    CalendarWindow,
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    LatencyIndicator,
    QueryIndicator,
    RatioIndicator,
    Severity,
    Slo,
    TimeSlice,
    WhenAbsent,
)
from sloctl.problems import ProblemLevel
from sloctl.promql import format_selector
from sloctl.slo.policy import alert_factor
from sloctl.spec import ParsedSpecs, ReadingOptions, read_specs

GOOD = 'sum(rate(requests_total{code!~"5.."}[5m]))'
TOTAL = "sum(rate(requests_total[5m]))"
BURN = "{kind: burnrate, op: gt, threshold: 14.4, lookbackWindow: 1h, alertAfter: 2m}"


def metric(query: str) -> str:
    return f"{{metricSource: {{type: Prometheus, spec: {{query: '{query}'}}}}}}"


def ratio(good: str = GOOD, total: str = TOTAL, *, side: str = "good") -> str:
    return f"{{ratioMetric: {{counter: true, {side}: {metric(good)}, total: {metric(total)}}}}}"


def slo_text(
    indicator: str = "",
    *,
    objectives: str = "{target: 0.999}",
    window: str = "{duration: 4w, isRolling: true}",
    method: str = "Occurrences",
    policies: str = "",
    service: str = "shop",
) -> str:
    held = f"indicator: {{spec: {indicator or ratio()}}}" if indicator != "ref" else "indicatorRef: answers"
    return f"""\
apiVersion: openslo/v1
kind: SLO
metadata: {{name: answers, labels: {{team: [a, b]}}, annotations: {{runbook_url: https://r.example.com}}}}
spec:
  service: {service}
  {held}
  timeWindow: [{window}]
  budgetingMethod: {method}
  objectives: [{objectives}]
  alertPolicies: [{policies}]
"""


def policy(severity: str = "page", *, condition: str = BURN, flags: str = "alertWhenBreaching: true") -> str:
    inline = f"{{kind: AlertCondition, spec: {{severity: {severity}, condition: {condition}}}}}"
    targets = "notificationTargets: [{targetRef: on-call}]"
    return f"{{kind: AlertPolicy, spec: {{{flags}, conditions: [{inline}], {targets}}}}}"


def read(*texts: str, lenient: bool = False) -> ParsedSpecs:
    files = [(f"{index}.yaml", text.encode()) for index, text in enumerate(texts)]
    return read_specs(files, ReadingOptions(lenient=lenient))


def only(*texts: str, lenient: bool = False) -> Slo:
    found = read(*texts, lenient=lenient)
    assert [it for it in found.problems if it.level is ProblemLevel.ERROR] == []
    (slo,) = found.slos
    return slo


def test_an_objective_keeps_its_name_target_and_window() -> None:
    slo = only(slo_text())

    assert slo.id == "shop/answers"
    assert slo.objective == Fraction("0.999")
    assert slo.window.seconds == 28 * DAY
    assert slo.labels == {"team": "a,b"}
    assert slo.annotations == {"runbook_url": "https://r.example.com"}


@pytest.mark.parametrize(
    ("objective", "ratio_of_good"),
    [
        ("{target: 0.95}", "0.95"),
        ('{target: "0.9995"}', "0.9995"),
        ("{targetPercent: 99.9}", "0.999"),
        ('{targetPercent: "99.95"}', "0.9995"),
    ],
)
def test_a_target_is_a_number_or_text(objective: str, ratio_of_good: str) -> None:
    assert only(slo_text(objectives=objective)).objective == Fraction(ratio_of_good)


@pytest.mark.parametrize(
    "queries",
    [
        ('requests_total{code!~"5.."}', "requests_total"),
        ('sum(requests_total{code!~"5.."})', "sum(requests_total)"),
        (GOOD, TOTAL),
        (GOOD.replace("5m", "{{.window}}"), TOTAL.replace("5m", "{{ .window }}")),
        (GOOD.replace("5m", "$__rate_interval"), TOTAL.replace("5m", "$window")),
    ],
)
def test_counters_are_found_in_any_query(queries: tuple[str, str]) -> None:
    indicator = only(slo_text(ratio(*queries))).indicator

    assert isinstance(indicator, RatioIndicator)
    assert indicator.counted is CountedSide.GOOD
    assert [format_selector(it) for it in indicator.numerator] == ['requests_total{code!~"5.."}']
    assert [format_selector(it) for it in indicator.total] == ["requests_total"]


def test_bad_events_are_counted_as_such() -> None:
    indicator = only(slo_text(ratio("errors_total", "requests_total", side="bad"))).indicator

    assert isinstance(indicator, RatioIndicator)
    assert indicator.counted is CountedSide.ERROR


def test_buckets_are_a_latency() -> None:
    good = 'sum(rate(request_duration_seconds_bucket{le="0.3"}[5m]))'

    slo = only(slo_text(ratio(good, "sum(rate(request_duration_seconds_count[5m]))")))

    assert isinstance(slo.indicator, LatencyIndicator)
    assert slo.indicator.threshold == Fraction(3, 10)


def test_a_sum_by_labels_is_grouped() -> None:
    slo = only(
        slo_text(ratio(GOOD.replace("sum", "sum by (route) "), TOTAL.replace("sum", "sum by (route) ")))
    )

    assert slo.group_by == ("route",)


def test_a_threshold_is_a_condition() -> None:
    threshold = f"{{thresholdMetric: {metric('max(queue_age_seconds)')}}}"

    slo = only(slo_text(threshold, objectives="{op: lte, value: 30, target: 0.99}"))

    assert isinstance(slo.indicator, ConditionIndicator)
    assert "<= bool (30)" in slo.indicator.good


def test_a_raw_series_is_averaged() -> None:
    raw = f"{{ratioMetric: {{rawType: failure, raw: {metric('job:failure:ratio')}}}}}"

    indicator = only(slo_text(raw)).indicator

    assert isinstance(indicator, QueryIndicator)
    assert indicator.numerator.text == "sum(sum_over_time(job:failure:ratio[$window]))"


@pytest.mark.parametrize(("window", "seconds"), [("1m", 60), ("5m", 300)])
def test_slices_that_we_have_too_are_slices(window: str, seconds: int) -> None:
    objective = f"{{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: {window}}}"

    slo = only(slo_text(method="Timeslices", objectives=objective))

    assert isinstance(slo.indicator, RatioIndicator)
    assert slo.time_slice == TimeSlice(Fraction(95, 100), seconds, WhenAbsent.IGNORE)


def test_slices_of_another_length_are_good_or_bad_minutes() -> None:
    objective = "{target: 0.99, timeSliceTarget: 0.95, timeSliceWindow: 10m}"

    indicator = only(slo_text(method="Timeslices", objectives=objective)).indicator

    assert isinstance(indicator, ConditionIndicator)
    assert ">= bool (0.95)" in " ".join(indicator.good.split())
    assert "[10m]" in indicator.good


def test_ratio_slices_stay_a_ratio() -> None:
    slo = only(slo_text(method="RatioTimeslices", objectives="{target: 0.99, timeSliceWindow: 1m}"))

    assert isinstance(slo.indicator, ErrorRatioIndicator)


def test_objectives_are_slos_by_their_names() -> None:
    objectives = "{displayName: Promised, target: 0.99}, {displayName: Hoped for, target: 0.999}"

    found = read(slo_text(objectives=objectives))

    assert [(slo.name, slo.objective) for slo in found.slos] == [
        ("answers-hoped-for", Fraction("0.999")),
        ("answers-promised", Fraction("0.99")),
    ]


def test_objects_refer_to_each_other_across_files() -> None:
    condition = f"""\
- apiVersion: openslo/v1
  kind: AlertCondition
  metadata: {{name: fast}}
  spec: {{severity: page, condition: {BURN}}}
- apiVersion: openslo/v1
  kind: AlertPolicy
  metadata: {{name: burn}}
  spec: {{alertWhenBreaching: true, conditions: [{{conditionRef: fast}}]}}
"""
    source = "{metricSourceRef: metrics, spec: {promql: requests_total}}"
    sli = f"""\
apiVersion: openslo/v1
kind: SLI
metadata: {{name: answers}}
spec:
  ratioMetric:
    counter: true
    bad: {{metricSource: {source.replace("requests", "errors")}}}
    total: {{metricSource: {source}}}
---
apiVersion: openslo/v1
kind: DataSource
metadata: {{name: metrics}}
spec: {{type: Prometheus, connectionDetails: {{token: secret}}}}
"""

    slo = only(slo_text("ref", policies="{alertPolicyRef: burn}"), condition, sli)

    assert isinstance(slo.indicator, RatioIndicator)
    assert [row.long for row in slo.alerting.policy] == [HOUR]


def test_a_burn_condition_is_a_row_of_the_policy() -> None:
    slo = only(slo_text(policies=policy("critical")))

    (row,) = slo.alerting.policy
    assert (row.severity, row.long, row.short, row.pending) == (Severity.PAGE, HOUR, 5 * MINUTE, 2 * MINUTE)
    assert alert_factor(row, slo.window.seconds) == Fraction("14.4")
    assert {kind.value: alert.labels for kind, alert in slo.alerting.enabled_alerts.items()} == {
        "page": {"severity": "critical", "notification_target": "on-call"}
    }


@pytest.mark.parametrize(
    ("policies", "kinds"),
    [
        ("", set()),
        (policy(flags="alertWhenBreaching: false, alertWhenNoData: true"), {"noData"}),
        (policy(flags="alertWhenBreaching: true, alertWhenNoData: true"), {"page", "noData"}),
        (f"{policy()}, {policy('ticket')}", {"page", "ticket"}),
    ],
)
def test_an_slo_has_the_alerts_that_it_asks_for(policies: str, kinds: set[str]) -> None:
    alerts = only(slo_text(policies=policies)).alerting.enabled_alerts

    assert {kind.value for kind in alerts} == kinds


@pytest.mark.parametrize(
    "text",
    [
        slo_text(objectives="{op: gt, target: 0.99}"),
        slo_text().replace("  budgetingMethod: Occurrences\n", ""),
        slo_text().replace("  timeWindow: [{duration: 4w, isRolling: true}]\n", ""),
        slo_text(policies=policy(condition=BURN.replace("gt", "lte"))),
        slo_text().replace("name: answers", "name: Good_Answers"),
        slo_text(method="Timeslices", objectives="{target: 0.99, timeSliceTarget: 0.9, timeSliceWindow: 5}"),
    ],
)
def test_lenient_reads_what_can_mean_one_thing_only(text: str) -> None:
    assert read(text).slos == ()
    assert len(read(text, lenient=True).slos) == 1


def test_secrets_of_a_data_source_are_never_shown() -> None:
    source = "apiVersion: openslo/v1\nkind: DataSource\nmetadata: {name: m}\n"
    text = f"{source}spec: {{type: Prometheus, tpye: x, connectionDetails: {{token: hunter2}}}}\n"

    problems = [str(problem) for problem in read(text).problems]

    assert len(problems) == 1
    assert "hunter2" not in "".join(problems)


def test_a_month_of_the_calendar_is_ours() -> None:
    calendar = "{startTime: 2022-01-01 00:00:00, timeZone: Europe/Paris}"
    written = f"{{duration: 1M, isRolling: false, calendar: {calendar}}}"

    slo = only(slo_text(window=written))

    assert slo.window == CalendarWindow(CalendarPeriod.MONTH, "Europe/Paris")
