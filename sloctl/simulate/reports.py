"""A simulation as text of 100 columns, Markdown, JSON, or a page with the curve of times to detection."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import isinf, log10
from typing import Any, Final, TypeAlias

import msgspec

from sloctl.duration import DAY, HOUR, MINUTE, format_duration, humanize_duration
from sloctl.explain.timeline import DelayRange, OutageAlert
from sloctl.formatting import UNKNOWN, describe_window, expand_exponent, format_count, format_rounded_percent
from sloctl.model import Severity
from sloctl.naming import window_name
from sloctl.problems import escape_unprintable
from sloctl.promql import format_number
from sloctl.simulate.outage import OutageSimulation, SloSimulation, simulate_shape
from sloctl.simulate.shapes import ConstantOutage
from sloctl.table import format_markdown_table, format_table
from sloctl.web_page import ChartAxis, LineChart, escape_text, render_html_table, render_web_page

Json: TypeAlias = dict[str, Any]

_HEADINGS: Final = ("outage", "alert", "fires after", "budget spent by then", "ends after its end")
_NEVER: Final = "never"
_LOOKS: Final = {"page": "page", "ticket": "ticket"}
_BAR_WIDTH: Final = 40
# The scale of the charts, seconds: below a quarter of a minute no rule sees anything.
_SHORTEST: Final = 15
_MOMENTS: Final = (MINUTE, 10 * MINUTE, HOUR, 6 * HOUR, DAY, 7 * DAY)
_BUDGET_ALERTS: Final = {"exhausting": "budget going", "exhausted": "budget gone"}
_NOTE: Final = (
    "After a clean record and under even traffic, for an outage that ends when the alert fires. From and to, "
    "since rules look once a minute, sum tickets every five, and scrapes are an interval apart."
)


def render_text(simulations: Iterable[SloSimulation]) -> str:
    """Render a table for each SLO and a chart of how long each outage takes to page."""
    return "\n\n".join("\n".join(text_lines(simulation)) for simulation in simulations) + f"\n\n{_NOTE}\n"


def render_markdown(simulations: Iterable[SloSimulation]) -> str:
    """Render a heading and a table for each SLO."""
    parts = [
        f"### {simulation_title(simulation)}\n\n{format_markdown_table(simulation_rows(simulation))}\n"
        for simulation in simulations
    ]
    return "\n".join([*parts, _NOTE, ""])


def render_json(simulations: Iterable[SloSimulation]) -> str:
    """Render an indented list with one document for each SLO; null is never."""
    documents = [
        {
            "id": simulation.slo.id,
            "objective": float(simulation.slo.objective),
            "window": window_name(simulation.slo.window),
            "eventsPerSecond": simulation.per_second,
            "outages": [outage_document(outage) for outage in simulation.outages],
        }
        for simulation in simulations
    ]
    return msgspec.json.format(msgspec.json.encode(documents), indent=2).decode() + "\n"


def render_html(simulations: Sequence[SloSimulation]) -> str:
    """Render one page: of each SLO the curve of times to detection, and the table."""
    parts = [
        f"<section><h2>{escape_text(simulation_title(simulation))}</h2>"
        f"<h3>From the start of an outage to its alert, by its share of bad events</h3>"
        f"{draw_detection_chart(simulation)}{_LEGEND}"
        f"<h3>Outages</h3>{render_html_table(simulation_rows(simulation), looks=_LOOKS)}</section>"
        for simulation in simulations
    ]
    return render_web_page("Simulated outages", parts, note=_NOTE)


def simulation_rows(simulation: SloSimulation) -> list[tuple[str, ...]]:
    """Build the table: a row for each alert of each outage, under the headings."""
    rows: list[tuple[str, ...]] = [_HEADINGS]
    for outage in simulation.outages:
        for number, alert in enumerate(outage.alerts):
            label = outage.shape.describe() if number == 0 else ""
            rows.append((label, *alert_cells(alert)))
    return rows


def text_lines(simulation: SloSimulation) -> Iterator[str]:
    yield escape_unprintable(simulation_title(simulation))
    yield ""
    yield format_table(simulation_rows(simulation), margin="  ")
    yield ""
    yield "  Time to the first page, or else ticket:"
    for outage in simulation.outages:
        yield f"  {outage.shape.describe():<26} {bar_text(outage)}"


def bar_text(outage: OutageSimulation) -> str:
    for severity in Severity:
        if (alert := outage.first_of(severity)) is not None:
            span = log10(DAY * 3 / _SHORTEST)
            share = log10(max(alert.fires_after.latest, _SHORTEST) / _SHORTEST) / span
            bar = "█" * max(1, round(min(share, 1.0) * _BAR_WIDTH))
            return f"{bar} {severity.value} {format_delay(alert.fires_after)}"
    return _NEVER


def alert_cells(alert: OutageAlert) -> tuple[str, ...]:
    row = alert.policy_row
    label = _BUDGET_ALERTS.get(alert.alert_name, alert.alert_name)
    if row is not None:
        label = f"{label} {format_duration(row.long)}/{format_duration(row.short)}"
    if alert.fires_after.is_never:
        return label, _NEVER, UNKNOWN, UNKNOWN
    low, high = (format_rounded_percent(share, digits=3) for share in alert.budget_spent)
    spent = low if low == high else f"{low.removesuffix(' %')} to {high}"
    resolves = UNKNOWN if alert.resolves_after is None else format_delay(alert.resolves_after)
    return label, format_delay(alert.fires_after), spent, resolves


def format_delay(delay: DelayRange) -> str:
    if delay.is_never:
        return _NEVER
    low, high = humanize_duration(delay.earliest), humanize_duration(delay.latest)
    return low if low == high else f"{low} to {high}"


def simulation_title(simulation: SloSimulation) -> str:
    slo, rate = simulation.slo, simulation.per_second
    objective = expand_exponent(format_number(100 * slo.objective))
    traffic = "" if rate is None else f", {format_count(rate * slo.window.seconds)} events in it"
    return f"{slo.id}: {objective} % over {describe_window(slo.window)}{traffic}"


def outage_document(outage: OutageSimulation) -> Json:
    return {
        "outage": outage.shape.describe(),
        "budgetGoneAfterSeconds": None if isinf(outage.exhausted_after) else outage.exhausted_after,
        "alerts": [
            {
                "alert": alert.alert_name,
                "severity": alert.severity.value,
                "long": None if alert.policy_row is None else format_duration(alert.policy_row.long),
                "short": None if alert.policy_row is None else format_duration(alert.policy_row.short),
                "afterSeconds": delay_bounds(alert.fires_after),
                "budgetSpent": None if alert.fires_after.is_never else alert.budget_spent,
                "endsAfterSeconds": None
                if alert.resolves_after is None
                else delay_bounds(alert.resolves_after),
            }
            for alert in outage.alerts
        ],
    }


def delay_bounds(delay: DelayRange) -> tuple[float, float] | None:
    return None if delay.is_never else (delay.earliest, delay.latest)


_LEGEND: Final = (
    '<div class="legend"><span><i style="background:var(--page)"></i>page</span>'
    '<span><i style="background:var(--ticket)"></i>ticket</span></div>'
)


def draw_detection_chart(simulation: SloSimulation) -> str:
    """Draw, on logarithmic axes, how long a constant outage takes to page and to open a ticket."""
    x = ChartAxis(
        -4,
        0,
        tuple((power, f"{expand_exponent(format_number(100 * 10.0**power))} %") for power in range(-4, 1)),
    )
    y = ChartAxis(
        log10(_SHORTEST), log10(7 * DAY), tuple((log10(at), format_duration(at)) for at in _MOMENTS)
    )
    chart = LineChart(x, y)
    chart.draw_grid()
    for severity in Severity:
        curve = [(power / 20, latest_detection(simulation, power / 20, severity)) for power in range(-80, 1)]
        chart.draw_curve(curve, look=severity.value)
    return chart.render_chart(f"Time to detection of {simulation.slo.id} by share of bad events")


def latest_detection(simulation: SloSimulation, power: float, severity: Severity) -> float | None:
    """Compute the logarithm of the latest detection of an outage of ten to the *power*; None for never."""
    shape = ConstantOutage(Fraction(10**power).limit_denominator(10**7))
    alert = simulate_shape(simulation.slo, shape, simulation.per_second).first_of(severity)
    return None if alert is None else log10(max(alert.fires_after.latest, _SHORTEST))
