"""An explanation as text of 80 columns, for a person."""

from collections.abc import Iterator
from math import isinf
from textwrap import wrap
from typing import Final

from sloctl.duration import format_duration, humanize_duration
from sloctl.explain.timeline import OutageAlert, SloExplanation
from sloctl.formatting import (
    UNKNOWN,
    describe_period,
    describe_window,
    expand_exponent,
    format_rounded,
    format_rounded_percent,
)
from sloctl.model import CalendarWindow, Severity, Slo, Window
from sloctl.naming import spent_share, window_name
from sloctl.problems import escape_unprintable
from sloctl.promql import format_number
from sloctl.slo.exclusions import describe_time
from sloctl.slo.service_hours import describe_hours
from sloctl.table import format_table

WIDTH: Final = 80
_MARGIN: Final = "  "
_SPENT_NOUNS: Final = {Severity.PAGE: "A page", Severity.TICKET: "A ticket"}
_BUDGET_ALERTS: Final = {"exhausting": "budget going", "exhausted": "budget gone"}


def render_text(explanation: SloExplanation) -> str:
    """Render sections with a heading each; text of the user's is escaped, never obeyed by a terminal."""
    slo = explanation.slo
    objective = expand_exponent(format_number(100 * slo.objective))
    title = f"{slo.id}: {objective} % good over {any_window(slo.window)}"
    sections = {
        title: _wrap_text(slo.description, ""),
        "One event": event_lines(explanation),
        "The error budget": budget_lines(explanation),
        "The alerts": alert_lines(explanation),
        "An outage, after a clean record and under even traffic": outage_lines(explanation),
        "Silence": no_data_lines(explanation),
    }
    return "\n\n".join("\n".join([heading, *lines]) for heading, lines in sections.items()) + "\n"


def any_window(window: Window) -> str:
    """Say which windows an objective is about: `any 30d`, or `each calendar month`."""
    return describe_window(window) if isinstance(window, CalendarWindow) else f"any {window_name(window)}"


def event_lines(explanation: SloExplanation) -> Iterator[str]:
    event = explanation.event_definition
    for sentence, queries in (
        (event.event_text, event.event_queries),
        (event.bad_text, event.bad_queries),
        (event.less_text, event.less_queries),
    ):
        yield from _wrap_text(sentence)
        for query in queries:
            for line in query.splitlines():
                yield from _wrap_text(line.strip(), 2 * _MARGIN)


def budget_lines(explanation: SloExplanation) -> Iterator[str]:
    slo = explanation.slo
    budget, window = slo.budget, any_window(slo.window)
    one_in = f", one in {int(1 / budget):,}" if (1 / budget).denominator == 1 else ""
    yield from _wrap_text(
        f"{expand_exponent(format_number(100 * budget))} % of the events of {window} may be bad{one_in}."
    )
    outage = _format_span(explanation.full_outage_seconds)
    yield from _wrap_text(f"As a total outage under even traffic: {outage}.")
    if explanation.window_events is not None:
        allowed = float(budget) * explanation.window_events
        yield from _wrap_text(
            f"In events: {format_rounded(allowed)} of the "
            f"{format_rounded(explanation.window_events)} of {format_duration(slo.window.seconds)}."
        )
    if slo.active_hours:
        yield from _wrap_text(
            f"Only service hours count: {describe_hours(slo.active_hours)}. Outside them there are no "
            "events, good or bad, and nobody is paged."
        )
    for exclusion in slo.exclusions:
        time = describe_time(exclusion.time)
        yield from _wrap_text(escape_unprintable(f"Not counted: {time}. {exclusion.reason}"))
    if isinstance(slo.window, CalendarWindow):
        period = slo.window.period.value
        yield from _wrap_text(
            f"It is whole again with each {describe_period(slo.window)}. What is spent of it is the error "
            f"ratio of the {period} so far / {format_number(budget)} × the share of the {period} that is "
            f"over. Times and thresholds here are those of {format_duration(slo.window.seconds)}."
        )
    if slo.group_by:
        yield from _wrap_text(f"There is one budget for each {', '.join(slo.group_by)}.")


def alert_lines(explanation: SloExplanation) -> Iterator[str]:
    slo = explanation.slo
    if explanation.thresholds:
        yield from _wrap_text(
            f"Burn rate 1× spends the budget in exactly {format_duration(slo.window.seconds)}. A line fires "
            "while both its lookbacks burn faster than its threshold: the long one says that it matters, the "
            f"short one that it goes on{_alert_conditions(slo)}."
        )
        yield ""
        yield _threshold_table(explanation)
        yield ""
        if explanation.event_definition.counts_events and slo.alerting.confidence is None:
            first = explanation.thresholds[0]
            number = first.enough_bad_events
            enough = "one bad event is" if number == 1 else f"{number} bad events are"
            yield from _wrap_text(
                f"With fewer than {first.below_events:,} events in "
                f"{format_duration(first.policy_row.long)}, "
                f"{enough} enough for the first {first.policy_row.severity.value} of these."
            )
    alerting = slo.alerting
    within, no_data_after = map(format_duration, (alerting.exhausting_within, alerting.no_data_after))
    others = {
        "when nothing of the budget is left": alerting.exhausted,
        f"when it will be gone within {within} at the present rate": alerting.exhausting,
        f"when no events were counted for {no_data_after}": alerting.no_data,
    }
    if alerting.no_data is not None and alerting.no_data_severity is Severity.PAGE:
        silence, _ = others.popitem()
        yield from _wrap_text(f"Another page: {silence}.")
    for severity in Severity:
        shares = [spent_share(step) for step in alerting.spent_steps if step.severity is severity]
        if shares:
            told = f"when {_join_shares(shares)} of the budget is spent, measured against the whole window"
            yield from _wrap_text(f"{_SPENT_NOUNS[severity]}: {told}.")
    if enabled := [when for when, alert in others.items() if alert is not None]:
        yield from _wrap_text(f"Other tickets: {'; '.join(enabled)}.")


def _join_shares(shares: list[str]) -> str:
    """Join shares as in `50%, 75% or 90%`."""
    *first, last = shares
    return f"{', '.join(first)} or {last}" if first else last


def _alert_conditions(slo: Slo) -> str:
    """Name what a line needs besides the burn; empty where there is nothing."""
    alerting = slo.alerting
    conditions = []
    if alerting.min_errors > 1:
        conditions.append(f"the long one holds at least {alerting.min_errors} bad events")
    if alerting.confidence is not None:
        percent = format_number(100 * alerting.confidence)
        conditions.append(f"its ratio is above the threshold with {percent} % confidence")
    return f"; and only when {' and '.join(conditions)}" if conditions else ""


def _threshold_table(explanation: SloExplanation) -> str:
    rows = [("alert", "long", "short", "faster than", "that is bad", "spends of the budget")]
    for threshold in explanation.thresholds:
        row = threshold.policy_row
        long = format_duration(row.long)
        waits = f" for {format_duration(row.pending)}" if row.pending else ""
        rows.append(
            (
                row.severity.value,
                long,
                format_duration(row.short),
                f"{format_rounded(float(threshold.factor))}×{waits}",
                format_rounded_percent(float(threshold.error_ratio)),
                f"{format_rounded_percent(float(row.budget_share))} within {long}",
            )
        )
    return format_table(rows, margin=_MARGIN)


def outage_lines(explanation: SloExplanation) -> Iterator[str]:
    for outage in explanation.outages:
        end = (
            "the budget sustains that for ever"
            if isinf(outage.exhausted_after)
            else f"the budget is gone after {_format_span(outage.exhausted_after)}"
        )
        yield from _wrap_text(f"{format_rounded_percent(float(outage.error_ratio))} bad: {end}.")
        rows = [_alert_cells(alert) for alert in outage.alerts if not alert.fires_after.is_never]
        if rows:
            headings = ("alert", "fires after", "budget spent", "ends after its end")
            yield format_table([headings, *rows], margin=_MARGIN)
        if never := [_alert_label(alert) for alert in outage.alerts if alert.fires_after.is_never]:
            yield from _wrap_text(f"Never fires: {'; '.join(never)}.")
        yield ""
    yield from _wrap_text(
        "From and to, since rules look once a minute, sum tickets every five, and find scrapes "
        f"{format_duration(explanation.slo.scrape_interval)} apart. What fired by the budget ends as the "
        "window moves on."
    )


def _alert_cells(alert: OutageAlert) -> tuple[str, ...]:
    # Beyond a hundred budgets the number tells nothing more.
    spent = [
        format_rounded_percent(share, digits=2) if share < 100 else ">9,999 %" for share in alert.budget_spent
    ]
    delays = [
        UNKNOWN
        if delay is None
        else _format_range(humanize_duration(delay.earliest), humanize_duration(delay.latest))
        for delay in (alert.fires_after, alert.resolves_after)
    ]
    return _alert_label(alert), delays[0], _format_range(spent[0], spent[1], unit=" %"), delays[1]


def _alert_label(alert: OutageAlert) -> str:
    if alert.policy_row is None:
        return _BUDGET_ALERTS.get(alert.alert_name, alert.alert_name)
    row = alert.policy_row
    return f"{alert.alert_name} {format_duration(row.long)}/{format_duration(row.short)}"


def no_data_lines(explanation: SloExplanation) -> Iterator[str]:
    alerting = explanation.slo.alerting
    yield from _wrap_text(explanation.event_definition.no_data_text)
    if not explanation.event_definition.reports_no_data:
        return
    if alerting.no_data is None:
        yield from _wrap_text("No alert tells of it.")
        return
    grouped = " of any group" if explanation.slo.group_by else ""
    after, kind = format_duration(alerting.no_data_after), alerting.no_data_severity.value
    yield from _wrap_text(f"After {after} without events to count{grouped} a {kind} says so.")


def _format_range(low: str, high: str, unit: str = "") -> str:
    return low if low == high else f"{low.removesuffix(unit)} to {high}"


def _format_span(seconds: float) -> str:
    return f"{format_rounded(seconds, 2)}s" if 0 < seconds < 1 else humanize_duration(seconds)


def _wrap_text(sentence: str, margin: str = _MARGIN) -> list[str]:
    return wrap(
        escape_unprintable(sentence),
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_on_hyphens=False,
    )
