"""Text of the alerts, sentence by sentence, with a gap for every number.

The rules' alerts and the sidecar's say the same in the same order. The rules fill the gaps with templates
that Prometheus runs (`alert_templates.AlertTemplates`), the sidecar with the numbers themselves.
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple, Protocol

from sloctl import links
from sloctl.duration import HOUR, format_duration
from sloctl.formatting import describe_window
from sloctl.model import (
    TEXT_ANNOTATIONS,
    AlertKind,
    CalendarWindow,
    Labels,
    PolicyRow,
    Slo,
    SpentStep,
    Window,
)
from sloctl.naming import spent_share, window_name
from sloctl.promql import format_number
from sloctl.slo.exclusions import describe_time
from sloctl.slo.policy import SEVERITY_VERBS, alert_factor
from sloctl.slo.resolutions import COARSE_STEP

# How much of the time before "no data" is worth a look; seconds.
NO_DATA_RANGE: Final = 6 * HOUR


# So many exclusions of an SLO are named in its alerts.
_NAMED: Final = 3


class AlertValues(Protocol):
    """The values for the gaps of an alert's text, as text or as templates of it."""

    @property
    def alert_subject(self) -> str:
        """The SLO, and which group of it."""

    @property
    def budget_left(self) -> str:
        """`62% left`, `overspent by 12%`, or `overspent by 199 times the budget`."""

    @property
    def budget_left_with_excluded(self) -> str:
        """The same with what exclusions leave out."""

    @property
    def group_parameters(self) -> Sequence[str]:
        """The group of the SLO: `label=value` for each of `groupBy`, fit for an address."""

    @property
    def start_time(self) -> str:
        """When it began to fire, or of no data when they ended."""

    @property
    def histogram_bounds(self) -> str:
        """Return which bound of a latency's histogram is asked for and which there are; else nothing."""

    @property
    def part_at_fault(self) -> str:
        """Return `; part at fault: pay`, of a journey the part that errs most; else nothing."""

    @property
    def fault_line(self) -> str:
        """Return a line about that part's error ratio, with the end of the line; else nothing."""

    @property
    def silent_parts(self) -> str:
        """Return a sentence with the parts of a journey that have no data, after a space; else nothing."""

    def promise_line(self, slo: Slo) -> str:
        """Say what the SLO promises, by `describe_promise`, with the end of the line."""

    def spec_text(self, text: str) -> str:
        """Show text of the spec."""

    def burn_rate(self, lookback: int) -> str:
        """Print the burn rate over *lookback* seconds: `14.4x`."""

    def time_to_exhaustion(self, lookback: int, sentence: str) -> str:
        """Fill the time to exhaustion at the burn rate over *lookback* into the `{}` of *sentence*.

        Empty where it is not known, where nothing is left, and below a burn rate of 1.
        """

    def exceeded_note(self, row: PolicyRow) -> str:
        """Say `: both above` where both lookbacks of *row* are above its threshold, else nothing."""

    def firing_row_text(self, rows: Sequence[PolicyRow], text: Callable[[PolicyRow], str]) -> str:
        """Return the *text* of the first of *rows* whose lookbacks are both above its threshold.

        Of any of them where none is, as when the newest numbers are not known.
        """

    def range_start(self, before: int) -> str:
        """Print the moment *before* seconds before it began to fire, as Unix time in milliseconds."""


class AlertText(NamedTuple):
    """What alerts of one kind say, whatever their SLO promises: a summary, and lines of a description."""

    summary: str
    lines: str


def burn_text(window: int, rows: Sequence[PolicyRow], values: AlertValues) -> AlertText:
    """Say how fast the budget burns and how long it lasts, and hold each lookback against its threshold.

    The time to exhaustion is that of the last five minutes; that of the long lookback which fires follows,
    each beside its own burn rate.
    """

    def steady_burn(row: PolicyRow) -> str:
        time_left = values.time_to_exhaustion(row.long, ": gone in {}")
        return f" ({values.burn_rate(row.long)} over {format_duration(row.long)}{time_left})"

    lines = []
    for row in rows:
        long, short = (f"{values.burn_rate(it)} over {format_duration(it)}" for it in (row.long, row.short))
        factor = format_number(alert_factor(row, window))
        lines.append(f"- {long} and {short}, threshold {factor}x{values.exceeded_note(row)}")
    burn = f"burns {values.burn_rate(COARSE_STEP)} as fast as it may over {format_duration(COARSE_STEP)}"
    time_left = values.time_to_exhaustion(COARSE_STEP, ", gone in {} at this rate")
    return _alert_text(
        f"{values.alert_subject}: error budget {burn}, {values.budget_left}{time_left}"
        f"{values.firing_row_text(rows, steady_burn)}{values.part_at_fault}",
        f"{SEVERITY_VERBS[rows[0].severity]} when both lookbacks of a line burn faster than its threshold:",
        *lines,
        f"{values.fault_line}Firing since {values.start_time}.",
    )


def exhausted_text(window: Window, row: PolicyRow | None, values: AlertValues) -> AlertText:
    """Say that the budget is gone, and by the lookbacks of *row* whether it still burns."""
    within = "this calendar" if isinstance(window, CalendarWindow) else "the last"
    now = "" if row is None else f" {_burn_sentence(row, values)}"
    return _alert_text(
        f"{values.alert_subject}: error budget is gone, {values.budget_left}",
        f"More events failed in {within} {window_name(window)} than the objective allows.{now}",
        f"Firing since {values.start_time}.",
    )


def spent_text(step: SpentStep, window: Window, row: PolicyRow | None, values: AlertValues) -> AlertText:
    """Say which share of the budget is spent, and by the lookbacks of *row* whether it still burns."""
    share, name = spent_share(step), window_name(window)
    of_window = f"this calendar {name}" if isinstance(window, CalendarWindow) else name
    now = "" if row is None else f" {_burn_sentence(row, values)}"
    return _alert_text(
        f"{values.alert_subject}: {share} of the error budget is spent, {values.budget_left}",
        f"{share} of what may fail in {of_window} has failed.{now}",
        f"Firing since {values.start_time}.",
    )


def exhausting_text(within: int, row: PolicyRow, values: AlertValues) -> AlertText:
    """Say that the budget will be gone *within* seconds; the lookbacks of *row* decide that."""
    long = format_duration(row.long)
    burn = f"burns {values.burn_rate(row.long)} as fast as it may over {long}"
    time_left = values.time_to_exhaustion(row.long, ", gone in {} at this rate")
    return _alert_text(
        f"{values.alert_subject}: error budget will be gone within {format_duration(within)}: {burn}, "
        f"{values.budget_left}{time_left}",
        _burn_sentence(row, values),
        f"Firing since {values.start_time}.",
    )


def no_data_text(after: int, values: AlertValues) -> AlertText:
    """Say that there are no data for *after* seconds, since when, and what to look at first."""
    shown = format_duration(after)
    return _alert_text(
        f"{values.alert_subject}: no data for {shown}, so nobody knows whether its objective is met",
        "No series matches the indicator. Is the target up, is it scraped, and do the selectors still match?"
        f"{values.histogram_bounds}{values.silent_parts}",
        f"No data since {values.start_time}.",
    )


def text_annotations(slo: Slo, text: AlertText, values: AlertValues) -> Labels:
    """Say what the SLO promises in front of the other lines of the description."""
    promised = f"{values.promise_line(slo)}{_exclusion_line(slo, values)}"
    return {"summary": text.summary, "description": f"{promised}{text.lines}"}


def describe_promise(slo: Slo, values: AlertValues) -> str:
    """Write the line of what an SLO promises."""
    objective = describe_objective(f"{format_number(100 * slo.objective)}%", slo.window)
    return f"{values.spec_text(slo.description)} {objective}" if slo.description else objective


def describe_objective(objective: str, window: Window) -> str:
    """Write the sentence of an objective, such as `99.9%`."""
    return f"Objective: {objective} over {describe_window(window)}.\n"


def _exclusion_line(slo: Slo, values: AlertValues) -> str:
    """Name the last exclusions of an SLO, and what is left of the budget with them; nothing without any."""
    if not slo.exclusions:
        return ""
    named = "; ".join(f"{each.reason} ({describe_time(each.time)})" for each in slo.exclusions[-_NAMED:])
    others = len(slo.exclusions) - _NAMED
    more = f"; and {others} more" if others > 0 else ""
    excluded = values.spec_text(f"Excluded: {named}{more}.")
    return f"{excluded} With it: {values.budget_left_with_excluded}.\n"


def link_annotations(slo: Slo, written: Labels, before: int, values: AlertValues) -> Labels:
    """Show what the spec has *written*; links to Grafana and the sidecar lead to the SLO's own page.

    They show the time from *before* seconds before the alert until now.
    """
    added = {name: values.spec_text(value) for name, value in written.items()}
    if not added.keys() & {links.GRAFANA_ANNOTATION, links.SIDECAR_ANNOTATION}:
        return added
    paths = {
        links.GRAFANA_ANNOTATION: (
            f"d/{links.dashboard_uid(slo.service)}",
            f"from={values.range_start(before)}",
            "to=now",
        ),
        links.SIDECAR_ANNOTATION: (
            f"slo/{slo.id}",
            *values.group_parameters,
            links.page_range_parameter(before, slo.window.seconds),
        ),
    }
    return added | {name: links.join_url(added[name], *path) for name, path in paths.items() if name in added}


def spec_annotations(slo: Slo, kind: AlertKind, step: SpentStep | None = None) -> Labels:
    """Merge the annotations that a spec has for one kind of alert.

    A summary or a description of all alerts speaks of a burn: other alerts keep their own text, but for what
    the spec says of that very kind.
    """
    common = slo.annotations
    if kind not in {AlertKind.PAGE, AlertKind.TICKET}:
        common = {name: text for name, text in common.items() if name not in TEXT_ANNOTATIONS}
    return {**common, **slo.alerting.metadata_of(kind, step).annotations}


def longest_lookback(rows: Sequence[PolicyRow]) -> int:
    """Return how many seconds before it fires a burn alert speaks about."""
    return max(row.long for row in rows)


def _alert_text(summary: str, *lines: str) -> AlertText:
    return AlertText(summary, "\n".join(lines))


def _burn_sentence(row: PolicyRow, values: AlertValues) -> str:
    long, short = format_duration(row.long), format_duration(row.short)
    return (
        f"It burns {values.burn_rate(row.long)} as fast as it may over {long}, "
        f"{values.burn_rate(row.short)} over {short}."
    )
