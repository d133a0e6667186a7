"""Backtests as one HTML page: of each SLO the budget over time, with pages, tickets and holes behind it."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from sloctl.backtest.evaluation import BudgetBacktest
from sloctl.backtest.reports import (
    NO_COUNTS,
    Rows,
    alert_label,
    alert_rows,
    alternative_rows,
    budget_curve,
    left_out_text,
    overview_rows,
    period_rows,
    span_text,
    verdict_text,
    worst_hour_rows,
)
from sloctl.duration import format_duration, humanize_duration
from sloctl.formatting import format_objective, format_percent
from sloctl.model import AlertKind, Severity
from sloctl.timestamps import format_date_time, format_day_time, time_ticks
from sloctl.web_page import (
    ChartAxis,
    ChartBand,
    LineChart,
    escape_text,
    render_facts,
    render_html_table,
    render_web_page,
)

_VERDICT_LOOKS: Final = {True: "fine", False: "page", None: "unknown"}
_LOOKS: Final = {"page": "page", "ticket": "ticket"}
_NOTE: Final = (
    "Replayed minute by minute under the rules' own conditions. Shares are of the budget of one window. "
    "Where there are no data the curve breaks or stays: they are neither good nor bad."
)
_LEGEND: Final = (
    '<div class="legend"><span><i style="background:var(--edge)"></i>budget left</span>'
    '<span><i style="background:var(--page-tint)"></i>page</span>'
    '<span><i style="background:var(--ticket-tint)"></i>ticket</span>'
    '<span><i style="background:var(--gap)"></i>no data</span></div>'
)


def render_html(backtests: Sequence[BudgetBacktest], comparison: Rows | None = None) -> str:
    """Render one page; a *comparison* of two versions comes first."""
    parts = []
    if comparison is not None:
        parts.append(f"<section><h2>Against the other version</h2>{render_html_table(comparison)}</section>")
    if len(backtests) > 1:
        table = render_html_table(overview_rows(backtests), right=(2, 3, 5, 6))
        parts.append(f"<section><h2>All of them</h2>{table}</section>")
    parts += [f"<section>{''.join(render_section(backtest))}</section>" for backtest in backtests]
    return render_web_page("Backtest", parts, note=_NOTE)


def render_section(backtest: BudgetBacktest) -> Iterator[str]:
    slo, own = backtest.slo, backtest.own_period
    yield f"<h2>{escape_text(backtest.title)}</h2>"
    if slo.description:
        yield f"<p>{escape_text(slo.description)}</p>"
    yield f'<p class="quiet">{escape_text(span_text(backtest))}</p>'
    if not any(backtest.series.known):
        yield f'<p class="unknown">{NO_COUNTS}</p>'
        return
    pages, tickets = (len(backtest.replay.of_severity(severity)) for severity in Severity)
    left = backtest.replay.budget_left[-1]
    yield render_facts(
        [
            (format_objective(slo.objective), f"objective over {format_duration(own.seconds)}", ""),
            (verdict_text(own), "by the end", _VERDICT_LOOKS[own.is_met]),
            (
                format_percent(left),
                "budget left at the end",
                "page" if left is not None and left <= 0 else "",
            ),
            (str(pages), "pages", "page" if pages else ""),
            (str(tickets), "tickets", "ticket" if tickets else ""),
        ]
    )
    yield draw_budget_chart(backtest)
    yield _LEGEND
    if hole := left_out_text(backtest):
        yield f"<p>{escape_text(hole)}</p>"
    tables = {
        "Alerts": (alert_rows(backtest), (3, 4, 5)),
        "Objective met": (period_rows(backtest), (2, 3)),
        "Where the budget went": (worst_hour_rows(backtest), (1, 2, 3)),
        "Other objectives and policies": (alternative_rows(backtest), (1, 2, 3)),
    }
    for heading, (rows, right) in tables.items():
        if len(rows) > 1:
            yield f"<h3>{heading}</h3>{render_html_table(rows, right=right, looks=_LOOKS)}"
    if len(tables["Alerts"][0]) == 1:
        yield "<h3>Alerts</h3><p>None.</p>"


def draw_budget_chart(backtest: BudgetBacktest) -> str:
    series, curve = backtest.series, budget_curve(backtest)
    lowest = min((left for left in backtest.replay.budget_left if left is not None), default=0.0)
    # An overspent budget is drawn down to minus one; further down nothing more is learnt.
    low = 0.0 if lowest >= 0 else max(-1.0, lowest * 1.1)
    shares = (1.0, 0.75, 0.5, 0.25, 0.0, -0.5, -1.0)
    y = ChartAxis(low, 1.0, tuple((share, f"{100 * share:.0f} %") for share in shares if share >= low))
    chart = LineChart(ChartAxis(series.start, series.end, tuple(time_ticks(series.start, series.end))), y)
    chart.draw_bands(chart_bands(backtest))
    chart.draw_grid()
    chart.draw_curve(curve)
    label = f"Budget left of {backtest.title} from {format_date_time(series.start)} on"
    return chart.render_chart(label)


def chart_bands(backtest: BudgetBacktest) -> Iterable[ChartBand]:
    """Yield holes, then tickets, then pages, so that the worse is on top."""
    for start, end in backtest.holes:
        yield ChartBand(start, end, "gap", f"no data for {humanize_duration(end - start)}")
    for severity in reversed(Severity):
        for alert in backtest.replay.of_severity(severity):
            if alert.kind is AlertKind.NO_DATA:
                continue
            end = backtest.series.end if alert.ended is None else alert.ended
            title = f"{alert_label(alert)} from {format_day_time(alert.began)} UTC"
            yield ChartBand(
                alert.began, end, severity.value, f"{title} for {humanize_duration(end - alert.began)}"
            )
