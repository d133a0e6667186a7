"""Alert rules: burn (page and ticket), budget exhausted or soon to be, no data.

Law: an alert reads only recorded series, and only those of its own group where that makes it faster.
"""

from fractions import Fraction
from typing import Final

from sloctl import naming
from sloctl.burn import alert_threshold, standard_deviations, steady_row
from sloctl.decimals import decimal
from sloctl.model import AlertText, BurnAlert, Labels, PromQL, Severity
from sloctl.rollup import COARSE, FINE
from sloctl.rules.annotations import Templates, template
from sloctl.rules.group import AlertRule
from sloctl.rules.scope import STALENESS, Scope, lines, ranged
from sloctl.rules.wording import (
    BEFORE_NO_DATA,
    burn_text,
    exhausted_text,
    exhausting_text,
    linked,
    longest,
    no_data_text,
)

# The group in which each severity is evaluated, by its step.
STEP_OF: Final = {Severity.PAGE: FINE, Severity.TICKET: COARSE}


def burn_alerts(scope: Scope, step: int) -> list[AlertRule]:
    """The burn alerts evaluated with the rollups of *step*."""
    texts = {Severity.PAGE: scope.slo.alerting.page, Severity.TICKET: scope.slo.alerting.ticket}
    return [
        _alert(
            numbers := Templates(scope, naming.BURN_ALERT, severity),
            text,
            expr=lines((f"(\n  {_burning(scope, row, step)}\n)" for row in rows), "or"),
            says=burn_text(scope.slo, rows, numbers),
            before=longest(rows),
        )
        for severity, text in texts.items()
        if text is not None and STEP_OF[severity] == step and (rows := _rows(scope, severity))
    ]


def budget_alerts(scope: Scope) -> list[AlertRule]:
    """The budget is gone, or will be within the hours the spec names."""
    alerting = scope.slo.alerting
    left = scope.max(scope.own(naming.BUDGET_REMAINING))
    alerts, row = [], steady_row(alerting.policy)
    if alerting.exhausted is not None:
        numbers = Templates(scope, naming.EXHAUSTED_ALERT, Severity.TICKET)
        alerts.append(
            _alert(
                numbers,
                alerting.exhausted,
                expr=f"{left} <= 0",
                says=exhausted_text(scope.slo, row, numbers),
                before=scope.slo.window.seconds,
            )
        )
    if alerting.exhausting is not None and row is not None:
        numbers = Templates(scope, naming.EXHAUSTING_ALERT, Severity.TICKET)
        alerts.append(
            _alert(
                numbers,
                alerting.exhausting,
                expr=_exhausting(scope, row, left),
                says=exhausting_text(scope.slo, row, numbers),
                before=row.long,
            )
        )
    return alerts


def no_data_alerts(scope: Scope) -> list[AlertRule]:
    alerting = scope.slo.alerting
    if alerting.no_data is None:
        return []
    numbers = Templates(scope, naming.NO_DATA_ALERT, Severity.TICKET)
    return [
        _alert(
            numbers,
            alerting.no_data,
            expr=f"absent({scope.events})",
            says=no_data_text(scope.slo, numbers),
            before=BEFORE_NO_DATA,
            pending=alerting.no_data_after,
        )
    ]


def _rows(scope: Scope, severity: Severity) -> tuple[BurnAlert, ...]:
    return tuple(row for row in scope.slo.alerting.policy if row.severity is severity)


def _burning(scope: Scope, row: BurnAlert, step: int) -> PromQL:
    slo = scope.slo
    threshold = alert_threshold(row, slo.window.seconds, slo.budget)
    long, short = (_ratio(scope, lookback, step) for lookback in (row.long, row.short))
    errors = scope.sum(scope.own(naming.errors(row.long)))
    conditions = [f"{long} > {decimal(threshold)}", f"{short} > {decimal(threshold)}"]
    if slo.alerting.min_errors:
        # Counts are estimates: half an event of grace.
        conditions.append(f"{errors} >= {decimal(slo.alerting.min_errors - Fraction(1, 2))}")
    if slo.alerting.confidence is not None:
        conditions.append(_confident(long, errors, threshold=threshold, confidence=slo.alerting.confidence))
    return lines(conditions, "  and")


def _confident(ratio: PromQL, errors: PromQL, *, threshold: Fraction, confidence: Fraction) -> PromQL:
    """Wilson's lower bound above the threshold, without its square root.

    The interval inverts the score test, so the bound of a ratio r of n events is above t exactly when r is
    and (r - t)^2 n > z^2 t (1 - t); n is errors / r.
    """
    z = standard_deviations(confidence)
    limit = decimal(z * z * float(threshold) * (1 - float(threshold)))
    return f"({ratio} - {decimal(threshold)}) ^ 2 * {errors} / {ratio} > {limit}"


def _exhausting(scope: Scope, row: BurnAlert, left: PromQL) -> PromQL:
    """Left x window x budget / error ratio is the time left, in seconds; both lookbacks must agree."""
    slo = scope.slo
    spendable = decimal(slo.window.seconds * slo.budget)
    within = slo.alerting.exhausting_within
    return lines(
        (
            f"{left} > 0",
            f"{left} * {spendable} / {_ratio(scope, row.long, FINE)} < {within}",
            f"{left} * {spendable} / {_ratio(scope, row.short, FINE)} < {within}",
        ),
        "and",
    )


def _ratio(scope: Scope, lookback: int, step: int) -> PromQL:
    """An error ratio as the group of *step* reads it: slow series only through a range, else they flicker."""
    series = scope.own(naming.error_ratio(lookback))
    if step == FINE and scope.ladder.rung(lookback).step == COARSE:
        return scope.max(f"last_over_time({ranged(series, STALENESS)})")
    return scope.max(series)


def _alert(
    numbers: Templates, text: AlertText, *, expr: PromQL, says: Labels, before: int, pending: int = 0
) -> AlertRule:
    """The spec's own annotations come on top of what the alert *says*; *before* as `linked` reads it."""
    slo, style = numbers.scope.slo, numbers.scope.style
    labels = style.alert_labels(slo, numbers.severity, text)
    written = {**slo.annotations, **text.annotations}
    return AlertRule(
        alert=numbers.alertname,
        expr=expr,
        pending=pending,
        labels={label: template(value) for label, value in labels.items()},
        annotations={**says, **linked(slo, written, before, numbers)},
    )
