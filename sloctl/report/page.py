"""A report as one HTML page: figures, a curve for each SLO that spent much, and the tables."""

from collections.abc import Iterator
from typing import Final

from sloctl.duration import humanize_duration
from sloctl.formatting import format_objective, format_percent
from sloctl.report.documents import (
    heading_text,
    incident_rows,
    notes,
    roll_call_rows,
    slo_rows,
    verdict_text,
)
from sloctl.report.summary import Report, SloReport
from sloctl.timestamps import format_day_time, time_ticks
from sloctl.web_page import (
    ChartAxis,
    ChartBand,
    LineChart,
    escape_text,
    render_facts,
    render_html_table,
    render_web_page,
)

# Of a thousand SLOs a curve each would be read by nobody.
_MOST_CURVES: Final = 20
_LOOKS: Final = {"page": "page", "ticket": "ticket", "met": "fine", "missed": "page", "no": "unknown"}
_NOTE: Final = (
    "Counted from the rollups that the rules recorded, repairs included. A budget is that of the span's own "
    "events. No data is neither met nor missed."
)


def render_html(report: Report) -> str:
    """Render one page that needs nothing else."""
    return render_web_page(heading_text(report), page_parts(report), note=_NOTE)


def page_parts(report: Report) -> Iterator[str]:
    """Yield the sections of the page."""
    verdicts = [it.is_met for it in report.slos]
    missed, silent = verdicts.count(False), verdicts.count(None)
    yield render_facts(
        [
            (str(verdicts.count(True)), "met", "fine"),
            (str(missed), "missed", "page" if missed else ""),
            (str(silent), "without data", "unknown" if silent else ""),
            (str(sum(len(it.incidents) for it in report.slos)), "incidents", ""),
        ]
    )
    lines = "".join(f"<p>{escape_text(note)}</p>" for note in notes(report))
    table = render_html_table(slo_rows(report), right=(3, 4, 5, 6, 7), looks=_LOOKS)
    yield f"<section><h2>Objectives</h2>{table}{lines}</section>"
    if len(incidents := incident_rows(report)) > 1:
        table = render_html_table(incidents, right=(4, 5), looks=_LOOKS)
        yield f"<section><h2>Incidents</h2>{table}</section>"
    table = render_html_table(roll_call_rows(report), right=(2, 3, 4))
    yield f"<section><h2>Services, teams and tiers</h2>{table}</section>"
    curves = [it for it in report.slos if it.budget_curve][:_MOST_CURVES]
    for it in curves:
        yield (
            f"<section><h2>{escape_text(it.title)}</h2>"
            f'<p class="quiet">{escape_text(f"{format_objective(it.slo.objective)}: {verdict_text(it)}")}, '
            f"{format_percent(it.spent)} of the budget spent</p>{draw_curve(report, it)}</section>"
        )


def draw_curve(report: Report, it: SloReport) -> str:
    """Draw what was left of the span's budget, over its incidents."""
    span = report.span
    lowest = min(left for _, left in it.budget_curve)
    low = 0.0 if lowest >= 0 else max(-1.0, lowest * 1.1)
    shares = (1.0, 0.75, 0.5, 0.25, 0.0, -0.5, -1.0)
    y = ChartAxis(low, 1.0, tuple((share, f"{100 * share:.0f} %") for share in shares if share >= low))
    chart = LineChart(ChartAxis(span.start, span.end, tuple(time_ticks(span.start, span.end))), y)
    chart.draw_bands(
        ChartBand(
            incident.began,
            incident.ended,
            incident.severity.value,
            f"{incident.severity.value} from {format_day_time(incident.began)} UTC for "
            f"{humanize_duration(incident.ended - incident.began)}",
        )
        for incident in sorted(it.incidents, key=lambda incident: incident.severity.value, reverse=True)
    )
    chart.draw_grid()
    chart.draw_curve(it.budget_curve)
    return chart.render_chart(f"Budget left of {it.title}")
