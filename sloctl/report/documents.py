"""A report as text, Markdown, CSV and JSON."""

import csv
from collections.abc import Iterator
from io import StringIO
from typing import Any, Final, TypeAlias

import msgspec

from sloctl.duration import humanize_duration
from sloctl.formatting import UNKNOWN, format_objective, format_percent
from sloctl.naming import window_name
from sloctl.problems import escape_unprintable
from sloctl.report.summary import STEADY_CHANGE, BurnIncident, Report, SloReport
from sloctl.table import format_markdown_table, format_table
from sloctl.timestamps import format_date_time, format_day_time, format_rfc3339

Json: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[tuple[str, ...]]

VERDICTS: Final = {True: "met", False: "missed", None: "no data"}
_CSV_COLUMNS: Final = (
    "service",
    "slo",
    "group",
    "team",
    "tier",
    "objective",
    "window",
    "verdict",
    "events",
    "errors",
    "budget_spent",
    "budget_spent_before",
    "known_share",
    "incidents",
    "incident_share",
    "longest_incident_seconds",
    "review_by",
)


def render_text(report: Report) -> str:
    """Render all tables, one below the other."""
    parts = [escape_unprintable(heading_text(report)), *summary_lines(report), ""]
    for heading, rows in report_tables(report):
        if len(rows) > 1:
            parts += [heading, format_table(rows, margin="  "), ""]
    return "\n".join([*parts, *notes(report)]).rstrip() + "\n"


def render_markdown(report: Report) -> str:
    """Render all tables with their headings."""
    parts = [f"# {heading_text(report)}", "", *summary_lines(report), ""]
    for heading, rows in report_tables(report):
        if len(rows) > 1:
            parts += [f"## {heading}", "", format_markdown_table(rows), ""]
    return "\n".join([*parts, *notes(report)]).rstrip() + "\n"


def render_csv(report: Report) -> str:
    """Render a line for each SLO and group; what is not known is empty."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_CSV_COLUMNS)
    for it in report.slos:
        longest = it.longest
        cells = (
            it.slo.service,
            it.slo.name,
            ";".join(f"{name}={value}" for name, value in it.group.items()),
            it.slo.labels.get("team", ""),
            it.slo.labels.get("tier", ""),
            float(it.slo.objective),
            window_name(it.slo.window),
            VERDICTS[it.is_met],
            round(it.counts.total, 3),
            round(it.counts.error, 3),
            it.spent,
            it.spent_before,
            it.known_share,
            len(it.incidents),
            it.incident_share,
            None if longest is None else longest.ended - longest.began,
            it.slo.review_by,
        )
        # A spreadsheet takes a text that begins so for a formula.
        writer.writerow(
            [f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@" and cell else cell for cell in cells]
        )
    return text.getvalue()


def render_json(report: Report) -> str:
    """Render one document; null is unknown."""
    document = {
        "from": format_rfc3339(report.span.start),
        "until": format_rfc3339(report.span.end),
        "slos": [slo_document(it) for it in report.slos],
        "groups": [
            {
                "kind": call.kind,
                "name": call.name,
                "met": call.met,
                "missed": call.missed,
                "noData": call.unknown,
                "worst": None if call.worst is None else call.worst.title,
            }
            for call in report.roll_calls
        ],
        "unreviewed": [{"id": slo_id, "reviewBy": by} for slo_id, by in report.unreviewed],
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def slo_document(it: SloReport) -> Json:
    return {
        "id": it.slo.id,
        "group": dict(it.group),
        "labels": dict(it.slo.labels),
        "objective": float(it.slo.objective),
        "met": it.is_met,
        "events": it.counts.total,
        "errors": it.counts.error,
        "budgetSpent": it.spent,
        "budgetSpentBefore": it.spent_before,
        "excluded": list(it.excluded),
        "budgetSpentWithExcluded": it.spent_with_excluded if it.excluded else None,
        "knownShare": it.known_share,
        "incidentShare": it.incident_share,
        "incidents": [
            {
                "severity": incident.severity.value,
                "from": format_rfc3339(incident.began),
                "until": format_rfc3339(incident.ended),
                "errors": incident.errors,
                "budgetSpent": incident.spent,
            }
            for incident in it.incidents
        ],
    }


def heading_text(report: Report) -> str:
    span = report.span
    return f"Service levels from {format_date_time(span.start)} to {format_date_time(span.end)}"


def summary_lines(report: Report) -> Iterator[str]:
    """Count all SLOs in one sentence."""
    verdicts = [it.is_met for it in report.slos]
    incidents = sum(len(it.incidents) for it in report.slos)
    yield (
        f"{verdicts.count(True)} met, {verdicts.count(False)} missed, {verdicts.count(None)} without data; "
        f"{incidents} {'incident' if incidents == 1 else 'incidents'}."
    )


def report_tables(report: Report) -> list[tuple[str, Rows]]:
    """Build the tables of a report, each under its heading."""
    return [
        ("Objectives", slo_rows(report)),
        ("Incidents", incident_rows(report)),
        ("Services, teams and tiers", roll_call_rows(report)),
    ]


def slo_rows(report: Report) -> Rows:
    """Build a table with a row for each SLO, the most spent first."""
    rows: Rows = [
        ("SLO", "objective", "result", "good", "budget spent", "before", "incidents", "their share")
    ]
    for it in report.slos:
        ratio = it.counts.error_ratio
        rows.append(
            (
                it.title,
                format_objective(it.slo.objective),
                verdict_text(it),
                UNKNOWN if ratio is None else f"{100 * (1 - ratio):.5g} %",
                format_percent(it.spent),
                trend_text(it),
                str(len(it.incidents)) if it.is_met is not None else UNKNOWN,
                format_percent(it.incident_share),
            )
        )
    return rows


def verdict_text(it: SloReport) -> str:
    """Say whether it is met, and of how much of the span that is known."""
    text = VERDICTS[it.is_met]
    # Just below all of it is told as it is, never as 100 %.
    if it.is_met is None or it.known_share > 0.999:
        return text
    return (
        f"{text} ({100 * it.known_share:.3g} % known)" if it.known_share < 0.995 else f"{text} (>99 % known)"
    )


def trend_text(it: SloReport) -> str:
    """Say what was spent in the span before, and whether that was more or less."""
    if it.spent is None or it.spent_before is None:
        return format_percent(it.spent_before)
    change = it.spent - it.spent_before
    arrow = "→" if abs(change) < STEADY_CHANGE else "↗" if change > 0 else "↘"
    return f"{format_percent(it.spent_before)} {arrow}"


def incident_rows(report: Report) -> Rows:
    """Build a table of all incidents, those that spent most first."""
    found: list[tuple[BurnIncident, SloReport]] = [(each, it) for it in report.slos for each in it.incidents]
    rows: Rows = [("incident", "SLO", "began", "lasted", "bad events", "budget spent")]
    for incident, it in sorted(found, key=lambda pair: (-(pair[0].spent or 0.0), pair[0].began)):
        longest = " (longest)" if incident is it.longest and len(it.incidents) > 1 else ""
        rows.append(
            (
                incident.severity.value,
                it.title,
                f"{format_day_time(incident.began)} UTC",
                f"{humanize_duration(incident.ended - incident.began)}{longest}",
                f"{incident.errors:,.0f}" if incident.errors >= 1 else f"{incident.errors:.2g}",
                format_percent(incident.spent),
            )
        )
    return rows


def roll_call_rows(report: Report) -> Rows:
    """Build a table with a row for each service, team and tier."""
    rows: Rows = [("of", "name", "met", "missed", "no data", "most spent")]
    for call in report.roll_calls:
        worst = UNKNOWN if call.worst is None else f"{format_percent(call.worst.spent)} by {call.worst.title}"
        rows.append((call.kind, call.name, str(call.met), str(call.missed), str(call.unknown), worst))
    return rows


def notes(report: Report) -> Iterator[str]:
    """Say, a line each, what is excluded, who has no data, and whom nobody has reviewed."""
    for it in report.slos:
        if it.excluded:
            named = "; ".join(it.excluded[:3]) + (
                f"; and {len(it.excluded) - 3} more" if it.excluded[3:] else ""
            )
            yield escape_unprintable(
                f"Excluded from {it.title}: {named}. With it: {format_percent(it.spent_with_excluded)} "
                "of the budget spent."
            )
    if silent := [it.title for it in report.without_data]:
        yield f"Without data: {', '.join(silent)}."
    if due := [f"{slo_id} (by {by})" for slo_id, by in report.unreviewed if by is not None]:
        yield f"Review is due: {', '.join(due)}."
    if never := [slo_id for slo_id, by in report.unreviewed if by is None]:
        yield f"Without reviewBy: {', '.join(never)}."
