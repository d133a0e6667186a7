"""Alert rules: burn (page and ticket), budget exhausted or soon to be, no data.

Law: an alert reads only recorded series, and only those of its own group where that makes it faster.
"""

from fractions import Fraction
from typing import Final

from sloctl import naming
from sloctl.model import AlertMetadata, Labels, PolicyRow, PromQL, Severity
from sloctl.promql import format_number, join_operands, range_selector
from sloctl.rules.alert_templates import AlertTemplates, escape_template
from sloctl.rules.alert_text import (
    NO_DATA_RANGE,
    burn_text,
    exhausted_text,
    exhausting_text,
    link_annotations,
    longest_lookback,
    no_data_text,
)
from sloctl.rules.rule import AlertRule
from sloctl.rules.scope import STALENESS, Scope
from sloctl.slo.burn import z_score
from sloctl.slo.policy import (
    alert_threshold,
    enabled_severities,
    error_floor,
    exhaustion_row,
    rows_of_severity,
)
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

# The group in which each severity is evaluated, by its step.
SEVERITY_STEP: Final = {Severity.PAGE: FINE_STEP, Severity.TICKET: COARSE_STEP}


def burn_alerts(scope: Scope, step: int) -> list[AlertRule]:
    """The burn alerts evaluated with the rollups of *step*."""
    alerting = scope.slo.alerting
    return [
        _alert_rule(
            numbers := AlertTemplates(scope, naming.BURN_ALERT, severity),
            text,
            expr=join_operands((f"(\n  {_burn_condition(scope, row, step)}\n)" for row in rows), "or"),
            says=burn_text(scope.slo, rows, numbers),
            before=longest_lookback(rows),
        )
        for severity, text in enabled_severities(alerting).items()
        if SEVERITY_STEP[severity] == step and (rows := rows_of_severity(alerting.policy, severity))
    ]


def budget_alerts(scope: Scope) -> list[AlertRule]:
    """The budget is gone, or will be within the hours the spec names."""
    alerting = scope.slo.alerting
    left = scope.max_by_group(scope.recorded_series(naming.BUDGET_REMAINING))
    alerts, row = [], exhaustion_row(alerting.policy)
    if alerting.exhausted is not None:
        numbers = AlertTemplates(scope, naming.EXHAUSTED_ALERT, Severity.TICKET)
        alerts.append(
            _alert_rule(
                numbers,
                alerting.exhausted,
                expr=f"{left} <= 0",
                says=exhausted_text(scope.slo, row, numbers),
                before=scope.slo.window.seconds,
            )
        )
    if alerting.exhausting is not None and row is not None:
        numbers = AlertTemplates(scope, naming.EXHAUSTING_ALERT, Severity.TICKET)
        alerts.append(
            _alert_rule(
                numbers,
                alerting.exhausting,
                expr=_exhausting_condition(scope, row, left),
                says=exhausting_text(scope.slo, row, numbers),
                before=row.long,
            )
        )
    return alerts


def no_data_alerts(scope: Scope) -> list[AlertRule]:
    alerting = scope.slo.alerting
    if alerting.no_data is None:
        return []
    numbers = AlertTemplates(scope, naming.NO_DATA_ALERT, Severity.TICKET)
    return [
        _alert_rule(
            numbers,
            alerting.no_data,
            expr=f"absent({scope.fine_events})",
            says=no_data_text(scope.slo, numbers),
            before=NO_DATA_RANGE,
            pending=alerting.no_data_after,
        )
    ]


def _burn_condition(scope: Scope, row: PolicyRow, step: int) -> PromQL:
    slo = scope.slo
    threshold = alert_threshold(row, slo.window.seconds, slo.budget)
    long, short = (_recorded_error_ratio(scope, lookback, step) for lookback in (row.long, row.short))
    errors = scope.sum_by_group(scope.recorded_series(naming.error_count_metric(row.long)))
    conditions = [f"{long} > {format_number(threshold)}", f"{short} > {format_number(threshold)}"]
    if slo.alerting.min_errors:
        conditions.append(f"{errors} >= {format_number(error_floor(slo.alerting.min_errors))}")
    if slo.alerting.confidence is not None:
        conditions.append(_confident(long, errors, threshold=threshold, confidence=slo.alerting.confidence))
    return join_operands(conditions, "  and")


def _confident(ratio: PromQL, errors: PromQL, *, threshold: Fraction, confidence: Fraction) -> PromQL:
    """Wilson's lower bound above the threshold, without its square root.

    The interval inverts the score test, so the bound of a ratio r of n events is above t exactly when r is
    and (r - t)^2 n > z^2 t (1 - t); n is errors / r.
    """
    z = z_score(confidence)
    limit = format_number(z * z * float(threshold) * (1 - float(threshold)))
    return f"({ratio} - {format_number(threshold)}) ^ 2 * {errors} / {ratio} > {limit}"


def _exhausting_condition(scope: Scope, row: PolicyRow, left: PromQL) -> PromQL:
    """Left x window x budget / error ratio is the time left, in seconds; both lookbacks must agree."""
    slo = scope.slo
    spendable = format_number(slo.window.seconds * slo.budget)
    within = slo.alerting.exhausting_within
    return join_operands(
        (
            f"{left} > 0",
            f"{left} * {spendable} / {_recorded_error_ratio(scope, row.long, FINE_STEP)} < {within}",
            f"{left} * {spendable} / {_recorded_error_ratio(scope, row.short, FINE_STEP)} < {within}",
        ),
        "and",
    )


def _recorded_error_ratio(scope: Scope, lookback: int, step: int) -> PromQL:
    """An error ratio as the group of *step* reads it: slow series only through a range, else they flicker."""
    series = scope.recorded_series(naming.error_ratio_metric(lookback))
    if step == FINE_STEP and scope.resolutions.for_lookback(lookback).step == COARSE_STEP:
        return scope.max_by_group(f"last_over_time({range_selector(series, STALENESS)})")
    return scope.max_by_group(series)


def _alert_rule(
    numbers: AlertTemplates, text: AlertMetadata, *, expr: PromQL, says: Labels, before: int, pending: int = 0
) -> AlertRule:
    """The spec's own annotations come on top of what the alert *says*; *before* as `linked` reads it."""
    slo, style = numbers.scope.slo, numbers.scope.style
    labels = style.alert_labels(slo, numbers.severity, text)
    written = {**slo.annotations, **text.annotations}
    return AlertRule(
        alert=numbers.alertname,
        expr=expr,
        pending=pending,
        labels={label: escape_template(value) for label, value in labels.items()},
        annotations={**says, **link_annotations(slo, written, before, numbers)},
    )
