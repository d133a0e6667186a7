"""Alert rules: burn (page and ticket), budget exhausted or soon to be, no data.

An alert reads only recorded series, and only those of its own rule group where that makes it faster.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Final

from sloctl import naming
from sloctl.duration import DAY
from sloctl.model import AlertKind, CalendarWindow, PolicyRow, PromQL, Severity
from sloctl.promql import format_number, join_operands, quote_string, range_selector
from sloctl.rules import calendar
from sloctl.rules.alert_templates import AlertTemplates, escape_template
from sloctl.rules.alert_text import (
    NO_DATA_RANGE,
    AlertText,
    burn_text,
    exhausted_text,
    exhausting_text,
    link_annotations,
    longest_lookback,
    no_data_text,
    spec_annotations,
    spent_text,
    text_annotations,
)
from sloctl.rules.masks import is_excluded_now
from sloctl.rules.rule import AlertRule
from sloctl.rules.scope import STALENESS, Scope
from sloctl.rules.service_hours import unless_outside_hours
from sloctl.slo.burn import z_score
from sloctl.slo.policy import (
    alert_threshold,
    enabled_severities,
    error_floor,
    exhaustion_row,
    rows_by_pending,
    rows_of_severity,
    settles_after,
)
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, SEVERITY_STEP

BURN_KINDS: Final = {Severity.PAGE: AlertKind.PAGE, Severity.TICKET: AlertKind.TICKET}


def burn_alerts(scope: Scope, step: int) -> list[AlertRule]:
    """Build the burn alerts that are evaluated with the rollups of *step*."""
    alerting = scope.slo.alerting
    return [
        _alert_rule(
            scope,
            values := AlertTemplates.from_scope(scope, BURN_KINDS[severity], rows=rows, pending=pending),
            expr=_unless_unserved(
                scope,
                severity,
                join_operands((f"(\n  {_burn_condition(scope, row, step)}\n)" for row in rows), "or"),
            ),
            text=_burn_text(values),
            before=longest_lookback(rows),
            pending=pending,
            waits=rows[0].pending,
        )
        for severity in enabled_severities(alerting)
        if SEVERITY_STEP[severity] == step
        for pending, rows in rows_by_pending(rows_of_severity(alerting.policy, severity)).items()
    ]


def budget_alerts(scope: Scope) -> list[AlertRule]:
    """Build the alerts on a budget that is gone, or will be within the hours the spec names."""
    slo, alerting = scope.slo, scope.slo.alerting
    left = scope.max_by_group(scope.recorded_series(naming.BUDGET_REMAINING))
    alerts, row = [], exhaustion_row(alerting.policy)
    if alerting.exhausted is not None:
        values = AlertTemplates.from_scope(scope, AlertKind.EXHAUSTED)
        text = _exhausted_text(row, values)
        alerts.append(_alert_rule(scope, values, expr=f"{left} <= 0", text=text, before=slo.window.seconds))
    if alerting.exhausting is not None and row is not None:
        values = AlertTemplates.from_scope(scope, AlertKind.EXHAUSTING)
        text = _exhausting_text(alerting.exhausting_within, row, values)
        condition = _exhausting_condition(scope, row, left)
        alerts.append(_alert_rule(scope, values, expr=condition, text=text, before=row.long))
    return alerts


def spent_alerts(scope: Scope) -> list[AlertRule]:
    """Build an alert for each share of the budget that the spec names."""
    slo = scope.slo
    left = scope.max_by_group(scope.recorded_series(naming.BUDGET_REMAINING))
    row = exhaustion_row(slo.alerting.policy)
    return [
        _alert_rule(
            scope,
            values := AlertTemplates.from_scope(scope, AlertKind.SPENT, step=step),
            expr=_unless_unserved(scope, step.severity, f"{left} <= {format_number(step.share_left)}"),
            text=values.with_definitions(spent_text(step, slo.window, row, values)),
            before=slo.window.seconds,
        )
        for step in slo.alerting.spent_steps
    ]


def no_data_alerts(scope: Scope) -> list[AlertRule]:
    """Build the alert on an indicator without data; none where the spec disables it."""
    alerting = scope.slo.alerting
    if alerting.no_data is None:
        return []
    values = AlertTemplates.from_scope(scope, AlertKind.NO_DATA)
    return [
        _alert_rule(
            scope,
            values,
            expr=unless_outside_hours(scope, _unless_excluded(scope, _no_data_condition(scope))),
            text=values.with_definitions(no_data_text(alerting.no_data_after, values)),
            before=NO_DATA_RANGE,
            waits=alerting.no_data_after,
        )
    ]


def _unless_unserved(scope: Scope, severity: Severity, condition: PromQL) -> PromQL:
    """Call nobody outside the service hours; what is for a working day waits in its queue."""
    return unless_outside_hours(scope, condition) if severity is Severity.PAGE else condition


def _unless_excluded(scope: Scope, condition: PromQL) -> PromQL:
    """Keep quiet about a service without data while a time is excluded, in which it may be down."""
    excluded = is_excluded_now(scope)
    return f"({condition})\nunless on () ({excluded})" if excluded else condition


def _no_data_condition(scope: Scope) -> PromQL:
    """Build the condition that no events are counted.

    A rollup of 0 is data only where something was counted within the window: a gauge taken for a counter
    gives 0 for ever. A group has lost its data where the day's error ratio tells that there were events.
    """
    window = scope.slo.window
    if not scope.slo.group_by:
        longest = max((row.long for row in scope.slo.alerting.policy), default=COARSE_STEP)
        # Nothing may have happened yet in a period of a calendar, on whose first night nobody comes.
        before = (longest,) if isinstance(window, CalendarWindow) else ()
        known = [
            _recorded_error_ratio(scope, lookback, FINE_STEP)
            for lookback in (COARSE_STEP, *before, window.longest)
        ]
        return f"absent({scope.fine_events} and on () ({' or '.join(known)}))"
    lookbacks = [each.lookback for each in scope.resolutions.entries]
    day = _recorded_error_ratio(scope, min(lookbacks, key=lambda it: abs(it - DAY)), FINE_STEP)
    events = scope.fine_events
    return f"{day} unless {scope.match_group} {events}\nor absent({day} or {events})"


def _burn_condition(scope: Scope, row: PolicyRow, step: int) -> PromQL:
    """Build the condition of one row: both lookbacks above the threshold, enough errors, enough confidence.

    Until there are enough data the long lookback counts for the part that is covered.

    The confidence is Wilson's lower bound above the threshold, without its square root: the interval inverts
    the score test, so the bound of a ratio r of n events is above t exactly when r is and
    (r - t)^2 n > z^2 t (1 - t); n is errors / r.
    """
    alerting = scope.slo.alerting
    exact = alert_threshold(row, scope.slo.window.seconds, scope.slo.budget)
    threshold = format_number(exact)
    long, short = (_recorded_error_ratio(scope, lookback, step) for lookback in (row.long, row.short))
    errors = scope.sum_by_group(scope.recorded_series(naming.error_count_metric(row.long)))
    settled = _settled_share(scope, row)
    conditions = [f"{long} * {scope.match_group} {settled} > {threshold}", f"{short} > {threshold}"]
    if alerting.min_errors:
        conditions.append(f"{errors} >= {format_number(error_floor(alerting.min_errors))}")
    if alerting.confidence is not None:
        z = z_score(alerting.confidence)
        limit = format_number(z * z * float(exact) * (1 - float(exact)))
        conditions.append(f"({long} - {threshold}) ^ 2 * {errors} / {long} > {limit}")
    return join_operands(conditions, "  and")


def _exhausting_condition(scope: Scope, row: PolicyRow, left: PromQL) -> PromQL:
    """Build the condition that the time to exhaustion is short at the burn of both lookbacks of *row*.

    It is left x window x budget / error ratio, in seconds. Below a burn rate of 1, an error ratio below the
    budget, nothing is exhausted.
    """
    slo = scope.slo
    budget, spendable = format_number(slo.budget), format_number(slo.window.seconds * slo.budget)
    settled = f"{scope.match_group} {_settled_share(scope, row)}"
    ratios = [
        f"{_recorded_error_ratio(scope, lookback, FINE_STEP)} * {settled}"
        for lookback in (row.long, row.short)
    ]
    if isinstance(slo.window, CalendarWindow):
        # Whatever the burn: gone before the budget is whole again, or not.
        soon = f"clamp_max({calendar.renewal_seconds(scope)}, {slo.alerting.exhausting_within})"
        lasts = f"{left} * {budget} * on () group_left () {calendar.period_seconds(scope)}"
        shorter = f"< on () group_left () {soon}"
        return join_operands(
            (f"{left} > 0", *(f"{lasts} / ({ratio} > 0) {shorter}" for ratio in ratios)), "and"
        )
    return join_operands(
        (
            f"{left} > 0",
            *(
                f"{left} * {spendable} / ({ratio} >= {budget}) < {slo.alerting.exhausting_within}"
                for ratio in ratios
            ),
        ),
        "and",
    )


def _settled_share(scope: Scope, row: PolicyRow) -> PromQL:
    """Build the share of the data there must be for the row to count in full, as `policy.settles_after`."""
    if isinstance(scope.slo.window, CalendarWindow):
        # The data that alerts need may be of the period before.
        age = scope.max_by_group(scope.recorded_series(naming.ROLLUPS_AGE))
        return f"clamp_max({age} / {settles_after(row)}, 1)"
    covered = scope.max_by_group(scope.recorded_series(naming.PERIOD_COVERED))
    share = format_number(Fraction(scope.slo.window.seconds, settles_after(row)))
    return f"clamp_max({covered} * {share}, 1)"


def _recorded_error_ratio(scope: Scope, lookback: int, step: int) -> PromQL:
    """Read an error ratio from the group of *step*: slow series only through a range, else they flicker."""
    series = scope.recorded_series(scope.ratio_metric(lookback))
    if step == FINE_STEP and scope.resolutions.for_lookback(lookback).step == COARSE_STEP:
        return scope.max_by_group(f"last_over_time({range_selector(series, STALENESS)})")
    return scope.max_by_group(series)


# Of all SLOs with one policy the texts are the same.
@lru_cache(maxsize=256)
def _burn_text(values: AlertTemplates) -> AlertText:
    return values.with_definitions(burn_text(values.window.seconds, values.rows, values))


@lru_cache(maxsize=256)
def _exhausted_text(row: PolicyRow | None, values: AlertTemplates) -> AlertText:
    return values.with_definitions(exhausted_text(values.window, row, values))


@lru_cache(maxsize=256)
def _exhausting_text(within: int, row: PolicyRow, values: AlertTemplates) -> AlertText:
    return values.with_definitions(exhausting_text(within, row, values))


def _alert_rule(
    scope: Scope,
    values: AlertTemplates,
    *,
    expr: PromQL,
    text: AlertText,
    before: int,
    pending: int | None = None,
    waits: int = 0,
) -> AlertRule:
    """Put one alert together; the spec's own annotations come on top of its *text*.

    *before* is how many seconds before the alert its links show; *waits* how many it is pending.
    """
    slo, style = scope.slo, scope.style
    labels = style.alert_labels(slo, values.kind, pending, step=values.step)
    written = spec_annotations(slo, values.kind, values.step)
    # Templates know the labels of the expression alone, not those that the rule adds.
    identity = f'"{style.id}", {quote_string(style.slo_id(slo))}, "", ""'
    return AlertRule(
        alert=naming.alert_name(slo.alerting, values.kind, values.step),
        expr=f"label_replace(\n{expr},\n{identity}\n)",
        pending=waits,
        labels={label: escape_template(value) for label, value in labels.items()},
        annotations={
            **text_annotations(slo, text, values),
            **link_annotations(slo, written, before, values),
        },
    )
