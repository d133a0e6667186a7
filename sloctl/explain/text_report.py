"""An explanation as text of 80 columns, for a person."""

from collections.abc import Iterator, Sequence
from math import isinf
from textwrap import wrap
from typing import Final

from sloctl.duration import format_duration, humanize_duration
from sloctl.explain.timeline import (
    DelayRange,
    OutageAlert,
    SimulatedOutage,
    SloExplanation,
    ThresholdExplanation,
)
from sloctl.formatting import expand_exponent, format_rounded, format_rounded_percent
from sloctl.model import Slo
from sloctl.problems import escape_unprintable
from sloctl.promql import format_number

WIDTH: Final = 80
_MARGIN: Final = "  "
_GAP: Final = "  "


def render_text(explanation: SloExplanation) -> str:
    """Sections with a heading each; user text is on display, never obeyed by a terminal."""
    sections = (
        _title(explanation.slo),
        _render_section("One event", _event_lines(explanation)),
        _render_section("The error budget", _budget_lines(explanation)),
        _render_section("The alerts", _alert_lines(explanation)),
        _render_section("An outage, after a clean record and under even traffic", _outage_lines(explanation)),
        _render_section("Silence", _no_data_lines(explanation)),
    )
    return "\n\n".join(sections) + "\n"


def _title(slo: Slo) -> str:
    objective = expand_exponent(format_number(100 * slo.objective))
    promise = f"{objective} % good over any {format_duration(slo.window.seconds)}"
    return "\n".join([f"{slo.id}: {promise}", *_wrap_text(slo.description, "")])


def _render_section(heading: str, lines: Iterator[str]) -> str:
    return "\n".join([heading, *lines])


def _event_lines(explanation: SloExplanation) -> Iterator[str]:
    meaning = explanation.event_definition
    yield from _wrap_text(meaning.event_text)
    yield from _indent_queries(meaning.event_queries)
    yield from _wrap_text(meaning.bad_text)
    yield from _indent_queries(meaning.bad_queries)


def _budget_lines(explanation: SloExplanation) -> Iterator[str]:
    slo = explanation.slo
    budget, window = slo.budget, format_duration(slo.window.seconds)
    one_in = f", one in {int(1 / budget):,}" if (1 / budget).denominator == 1 else ""
    yield from _wrap_text(
        f"{expand_exponent(format_number(100 * budget))} % of the events of any {window} may be bad{one_in}."
    )
    yield from _wrap_text(f"As a total outage under even traffic: {_span(explanation.full_outage_seconds)}.")
    if explanation.window_events is not None:
        allowed = float(budget) * explanation.window_events
        yield from _wrap_text(
            f"In events: {format_rounded(allowed)} of the "
            f"{format_rounded(explanation.window_events)} of {window}."
        )
    if slo.group_by:
        yield from _wrap_text(f"There is one budget for each {', '.join(slo.group_by)}.")


def _alert_lines(explanation: SloExplanation) -> Iterator[str]:
    slo = explanation.slo
    if explanation.thresholds:
        yield from _wrap_text(
            f"Burn rate 1× spends the budget in exactly {format_duration(slo.window.seconds)}. A line fires "
            "while both its lookbacks burn faster than its threshold: the long one says that it matters, the "
            f"short one that it goes on{_alert_conditions(slo)}."
        )
        yield ""
        yield from _table(
            ("alert", "long", "short", "faster than", "that is bad", "spends of the budget"),
            [_threshold_cells(threshold) for threshold in explanation.thresholds],
        )
        yield ""
        if explanation.event_definition.counts_events and slo.alerting.confidence is None:
            yield from _few_events(explanation.thresholds)
    yield from _wrap_text(_other_tickets(slo))


def _alert_conditions(slo: Slo) -> str:
    alerting = slo.alerting
    floors = []
    if alerting.min_errors > 1:
        floors.append(f"the long one holds at least {alerting.min_errors} bad events")
    if alerting.confidence is not None:
        floors.append(
            f"its ratio is above the threshold with {format_number(100 * alerting.confidence)} % confidence"
        )
    return f"; and only when {' and '.join(floors)}" if floors else ""


def _threshold_cells(threshold: ThresholdExplanation) -> tuple[str, ...]:
    row = threshold.policy_row
    return (
        row.severity.value,
        format_duration(row.long),
        format_duration(row.short),
        f"{format_rounded(float(threshold.factor))}×",
        format_rounded_percent(float(threshold.error_ratio)),
        f"{format_rounded_percent(float(row.budget_share))} within {format_duration(row.long)}",
    )


def _few_events(thresholds: Sequence[ThresholdExplanation]) -> Iterator[str]:
    first = thresholds[0]
    enough = (
        "one bad event is" if first.enough_bad_events == 1 else f"{first.enough_bad_events} bad events are"
    )
    yield from _wrap_text(
        f"With fewer than {first.below_events:,} events in {format_duration(first.policy_row.long)}, "
        f"{enough} enough for the first {first.policy_row.severity.value} of these."
    )


def _other_tickets(slo: Slo) -> str:
    alerting = slo.alerting
    others = {
        "when nothing of the budget is left": alerting.exhausted,
        f"when it will be gone within {format_duration(alerting.exhausting_within)} at the present rate": (
            alerting.exhausting
        ),
        f"when no events were counted for {format_duration(alerting.no_data_after)}": alerting.no_data,
    }
    told = [when for when, alert in others.items() if alert is not None]
    return f"Other tickets: {'; '.join(told)}." if told else ""


def _outage_lines(explanation: SloExplanation) -> Iterator[str]:
    for number, outage in enumerate(explanation.outages):
        if number:
            yield ""
        yield from _wrap_text(f"{format_rounded_percent(float(outage.error_ratio))} bad: {_gone(outage)}")
        rows = [_alert_cells(firing) for firing in outage.alerts if not firing.fires_after.is_never]
        if rows:
            yield from _table(("alert", "fires after", "budget spent", "ends after its end"), rows)
        never = [_alert_label(firing) for firing in outage.alerts if firing.fires_after.is_never]
        if never:
            yield from _wrap_text(f"Never fires: {'; '.join(never)}.")
    yield ""
    yield from _wrap_text(
        "From and to, since rules look once a minute, sum tickets every five, and find scrapes "
        f"{format_duration(explanation.slo.scrape_interval)} apart. What fired by the budget ends as the "
        "window moves on."
    )


def _gone(outage: SimulatedOutage) -> str:
    if isinf(outage.exhausted_after):
        return "the budget sustains that for ever."
    return f"the budget is gone after {_span(outage.exhausted_after)}."


def _alert_cells(firing: OutageAlert) -> tuple[str, ...]:
    # Beyond a hundred budgets the number tells nothing more.
    low, high = (
        format_rounded_percent(share, digits=2) if share < 100 else ">9,999 %"
        for share in firing.budget_spent
    )
    return (
        _alert_label(firing),
        _delay_text(firing.fires_after),
        low if low == high else f"{low.removesuffix(' %')} to {high}",
        "–" if firing.resolves_after is None else _delay_text(firing.resolves_after),
    )


def _alert_label(firing: OutageAlert) -> str:
    if firing.policy_row is None:
        return {"exhausting": "budget going", "exhausted": "budget gone"}[firing.alert_name]
    row = firing.policy_row
    return f"{firing.alert_name} {format_duration(row.long)}/{format_duration(row.short)}"


def _delay_text(stretch: DelayRange) -> str:
    earliest, latest = humanize_duration(stretch.earliest), humanize_duration(stretch.latest)
    return earliest if earliest == latest else f"{earliest} to {latest}"


def _no_data_lines(explanation: SloExplanation) -> Iterator[str]:
    alerting = explanation.slo.alerting
    yield from _wrap_text(explanation.event_definition.no_data_text)
    if not explanation.event_definition.reports_no_data:
        return
    if alerting.no_data is None:
        yield from _wrap_text("No alert tells of it.")
        return
    grouped = " of any group" if explanation.slo.group_by else ""
    yield from _wrap_text(
        f"After {format_duration(alerting.no_data_after)} without events to count{grouped} a ticket says so."
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield _MARGIN + _GAP.join(cells).rstrip()


def _wrap_text(sentence: str, margin: str = _MARGIN) -> list[str]:
    return wrap(
        escape_unprintable(sentence),
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_on_hyphens=False,
    )


def _indent_queries(queries: Sequence[str]) -> Iterator[str]:
    """Each line of PromQL, deeper than the sentence before it."""
    for query in queries:
        for line in query.splitlines():
            yield from _wrap_text(line.strip(), 2 * _MARGIN)


def _span(seconds: float) -> str:
    return f"{format_rounded(seconds, 2)}s" if 0 < seconds < 1 else humanize_duration(seconds)
