"""Backtests as text, as Markdown for a pull request, and as JSON."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from sloctl.backtest.evaluation import BudgetBacktest, PeriodResult
from sloctl.duration import HOUR, format_duration, humanize_duration
from sloctl.formatting import UNKNOWN, format_count, format_error_ratio, format_objective, format_percent
from sloctl.model import AlertKind, Severity
from sloctl.naming import spent_share
from sloctl.problems import escape_unprintable
from sloctl.slo.replay import FiredAlert
from sloctl.table import format_markdown_table, format_table
from sloctl.timestamps import format_date_time, format_day_time, format_rfc3339

Json: TypeAlias = dict[str, Any]
Rows: TypeAlias = list[tuple[str, ...]]

_ALERT_NAMES: Final = {
    AlertKind.EXHAUSTED: "budget gone",
    AlertKind.EXHAUSTING: "budget going",
    AlertKind.NO_DATA: "no data",
}
_VERDICTS: Final = {True: "met", False: "missed", None: "unknown"}
# A curve has a point an hour in JSON and on the page.
CURVE_STEP: Final = HOUR
NO_COUNTS: Final = "nothing was counted: no data is neither good nor bad"


def render_text(backtests: Iterable[BudgetBacktest]) -> str:
    """Render every SLO, one below the other."""
    return "\n\n".join("\n".join(text_lines(backtest)) for backtest in backtests) + "\n"


def render_markdown(backtests: Sequence[BudgetBacktest]) -> str:
    """Render one table of all SLOs, and their alerts folded away."""
    parts = ["### Backtest", "", format_markdown_table(overview_rows(backtests)), ""]
    for backtest in backtests:
        tables = [rows for _, rows in titled_tables(backtest) if len(rows) > 1]
        title = format_markdown_table([(backtest.title,)]).partition("\n")[0].strip("| ")
        parts += [f"<details><summary>{title}</summary>", ""]
        for rows in tables:
            parts += [format_markdown_table(rows), ""]
        parts += ["</details>", ""]
    return "\n".join(parts)


def render_json(backtests: Iterable[BudgetBacktest], before: Iterable[BudgetBacktest] | None = None) -> str:
    """Render an indented list with one document for each SLO and group; null is unknown, or not ended.

    With another version *before* there are two lists, by the keys `backtests` and `against`.
    """
    documents: object = [backtest_document(backtest) for backtest in backtests]
    if before is not None:
        documents = {"backtests": documents, "against": [backtest_document(backtest) for backtest in before]}
    return msgspec.json.format(msgspec.json.encode(documents), indent=2).decode() + "\n"


def overview_rows(backtests: Iterable[BudgetBacktest]) -> Rows:
    """Build a table with a row for each SLO."""
    rows: Rows = [("SLO", "objective", "pages", "tickets", "met", "budget spent", "lowest left")]
    for backtest in backtests:
        own, left = backtest.own_period, [left for left in backtest.replay.budget_left if left is not None]
        rows.append(
            (
                backtest.title,
                f"{format_objective(backtest.slo.objective)} over {format_duration(own.seconds)}",
                str(len(backtest.replay.of_severity(Severity.PAGE))),
                str(len(backtest.replay.of_severity(Severity.TICKET))),
                verdict_text(own),
                format_percent(own.spent),
                format_percent(min(left, default=None)),
            )
        )
    return rows


def verdict_text(period: PeriodResult) -> str:
    """Say whether a period is met, and how much of it is known where that is not all."""
    verdict = _VERDICTS[period.is_met]
    if period.known_seconds < 0.99 * period.seconds and period.is_met is not None:
        return f"{verdict} (of {humanize_duration(period.known_seconds)})"
    return verdict


def alert_rows(backtest: BudgetBacktest) -> Rows:
    """Build a table of all alerts, in order of time."""
    rows: Rows = [("alert", "began", "lasted", "spent at detection", "spent by its end", "budget left then")]
    rows += [
        (
            alert_label(alert),
            f"{format_day_time(alert.began)} UTC",
            "to the end" if alert.ended is None else humanize_duration(alert.ended - alert.began),
            format_percent(alert.spent_at_start),
            format_percent(alert.spent),
            format_percent(alert.budget_left),
        )
        for alert in backtest.replay.alerts
    ]
    return rows


def alert_label(alert: FiredAlert) -> str:
    """Name an alert by severity, and by its lookbacks or what it is about."""
    row = alert.policy_row
    if row is None:
        name = _ALERT_NAMES[alert.kind] if alert.step is None else f"{spent_share(alert.step)} spent"
        return f"{alert.severity.value} {name}"
    return f"{alert.severity.value} {format_duration(row.long)}/{format_duration(row.short)}"


def period_rows(backtest: BudgetBacktest) -> Rows:
    """Build a table of the last days, weeks and months."""
    rows: Rows = [("over the last", "objective", "good", "budget spent")]
    for period in backtest.periods:
        good = None if period.error_ratio is None else 1 - period.error_ratio
        rows.append(
            (
                format_duration(period.seconds),
                verdict_text(period),
                UNKNOWN if good is None else f"{100 * good:.5g} %",
                format_percent(period.spent),
            )
        )
    return rows


def worst_hour_rows(backtest: BudgetBacktest) -> Rows:
    """Build a table of the hours with the most bad events."""
    rows: Rows = [("worst hours", "bad events", "of all", "budget spent")]
    rows += [
        (
            f"{format_day_time(hour.start)} UTC",
            format_count(hour.counts.error) if hour.counts.error >= 1 else f"{hour.counts.error:.2g}",
            format_error_ratio(hour.counts.error_ratio),
            format_percent(hour.spent),
        )
        for hour in backtest.worst_hours
    ]
    return rows


def alternative_rows(backtest: BudgetBacktest) -> Rows:
    """Build a table of what other objectives and policies would have fired."""
    rows: Rows = [("instead", "pages", "tickets", "time paging", "objective")]
    rows += [
        (
            other.label,
            str(other.pages),
            str(other.tickets),
            humanize_duration(other.seconds_paging) if other.seconds_paging else "0s",
            _VERDICTS[other.is_met],
        )
        for other in backtest.alternatives
    ]
    return rows


def comparison_rows(before: Iterable[BudgetBacktest], after: Iterable[BudgetBacktest]) -> Rows:
    """Build a table of two versions of the same SLOs; what only one of them has is new or gone."""
    sides = [{backtest.title: backtest for backtest in side} for side in (before, after)]
    rows: Rows = [("SLO", "objective", "pages", "tickets", "budget spent")]
    for title in sorted({*sides[0], *sides[1]}):
        cells = [comparison_cells(side.get(title)) for side in sides]
        rows.append(
            (title, *(old if old == new else f"{old} → {new}" for old, new in zip(*cells, strict=True)))
        )
    return rows


def left_out_text(backtest: BudgetBacktest) -> str:
    """Say what is excluded, with the budget spent with it, and for how long there were no data."""
    return " ".join(filter(None, (_excluded_text(backtest), _hole_text(backtest))))


def _excluded_text(backtest: BudgetBacktest) -> str:
    if not backtest.excluded:
        return ""
    spent = None if backtest.with_excluded is None else backtest.with_excluded.spent
    named = escape_unprintable("; ".join(backtest.excluded[:3]))
    more = f"; and {len(backtest.excluded) - 3} more" if backtest.excluded[3:] else ""
    return f"Without what is excluded: {named}{more}. With it: {format_percent(spent)} of the budget spent."


def _hole_text(backtest: BudgetBacktest) -> str:
    if not backtest.holes:
        return ""
    seconds = sum(end - start for start, end in backtest.holes)
    longest = max(backtest.holes, key=lambda hole: hole[1] - hole[0])
    return (
        f"No data for {humanize_duration(seconds)}, the longest time from {format_date_time(longest[0])} on "
        f"for {humanize_duration(longest[1] - longest[0])}: neither good nor bad."
    )


def span_text(backtest: BudgetBacktest) -> str:
    """Say from when to when the policy was replayed."""
    return f"{format_date_time(backtest.series.start)} to {format_date_time(backtest.series.end)}"


def comparison_cells(backtest: BudgetBacktest | None) -> tuple[str, ...]:
    if backtest is None:
        return (UNKNOWN,) * 4
    _, objective, pages, tickets, _, spent, _ = overview_rows([backtest])[1]
    return objective, pages, tickets, spent


def titled_tables(backtest: BudgetBacktest) -> list[tuple[str, Rows]]:
    return [
        ("Alerts", alert_rows(backtest)),
        ("Objective", period_rows(backtest)),
        ("Worst hours", worst_hour_rows(backtest)),
        ("Alternatives", alternative_rows(backtest)),
    ]


def text_lines(backtest: BudgetBacktest) -> Iterator[str]:
    slo = backtest.slo
    objective = f"{format_objective(slo.objective)} over {format_duration(slo.window.seconds)}"
    yield escape_unprintable(f"{backtest.title}: {objective}, {span_text(backtest)}")
    if not any(backtest.series.known):
        yield f"  {NO_COUNTS}"
        return
    pages, tickets = (len(backtest.replay.of_severity(severity)) for severity in Severity)
    yield f"  {pages} pages, {tickets} tickets"
    if left_out := left_out_text(backtest):
        yield f"  {left_out}"
    for _, rows in titled_tables(backtest):
        if len(rows) > 1:
            yield ""
            yield format_table(rows, margin="  ")


def backtest_document(backtest: BudgetBacktest) -> Json:
    slo, series = backtest.slo, backtest.series
    return {
        "id": slo.id,
        "group": dict(backtest.group),
        "objective": float(slo.objective),
        "window": format_duration(slo.window.seconds),
        "from": format_rfc3339(series.start),
        "until": format_rfc3339(series.end),
        "knownSeconds": sum(series.known) * series.step,
        "alerts": [alert_document(alert) for alert in backtest.replay.alerts],
        "periods": [
            {
                "length": format_duration(period.seconds),
                "knownSeconds": period.known_seconds,
                "errorRatio": period.error_ratio,
                "met": period.is_met,
                "budgetSpent": period.spent,
            }
            for period in backtest.periods
        ],
        "worstHours": [
            {
                "start": format_rfc3339(hour.start),
                "errors": hour.counts.error,
                "events": hour.counts.total,
                "budgetSpent": hour.spent,
            }
            for hour in backtest.worst_hours
        ],
        "noData": [
            {"from": format_rfc3339(start), "until": format_rfc3339(end)} for start, end in backtest.holes
        ],
        "excluded": list(backtest.excluded),
        "budgetSpentWithExcluded": (
            backtest.with_excluded.spent if backtest.excluded and backtest.with_excluded else None
        ),
        "alternatives": [
            {
                "label": other.label,
                "pages": other.pages,
                "tickets": other.tickets,
                "secondsPaging": other.seconds_paging,
                "met": other.is_met,
            }
            for other in backtest.alternatives
        ],
        "budgetLeft": [{"at": format_rfc3339(at), "left": left} for at, left in budget_curve(backtest)],
    }


def budget_curve(backtest: BudgetBacktest) -> list[tuple[int, float | None]]:
    """Return the budget left at every full hour."""
    series, left = backtest.series, backtest.replay.budget_left
    every = CURVE_STEP // series.step
    return [
        (series.moment_at(index), left[index])
        for index in range(series.first_turn(CURVE_STEP), len(series), every)
    ]


def alert_document(alert: FiredAlert) -> Json:
    row = alert.policy_row
    return {
        "alert": alert.kind.value,
        **({} if alert.step is None else {"spentShare": float(alert.step.share)}),
        "severity": alert.severity.value,
        "long": None if row is None else format_duration(row.long),
        "short": None if row is None else format_duration(row.short),
        "began": format_rfc3339(alert.began),
        "ended": None if alert.ended is None else format_rfc3339(alert.ended),
        "budgetLeft": alert.budget_left,
        "budgetSpentAtDetection": alert.spent_at_start,
        "budgetSpent": alert.spent,
    }
