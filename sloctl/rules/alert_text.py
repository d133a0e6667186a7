"""What an alert says, sentence by sentence, with a gap for every number.

Law: the rules' alerts and the sidecar's say the same in the same order. The rules fill the gaps with
templates that Prometheus runs, the sidecar with the numbers themselves.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from sloctl import links
from sloctl.duration import HOUR, format_duration
from sloctl.model import Labels, PolicyRow, Slo
from sloctl.promql import format_number
from sloctl.slo.policy import SEVERITY_VERBS, alert_factor

# Of no data, how much of the time before is worth a look.
NO_DATA_RANGE: Final = 6 * HOUR


class AlertValues(Protocol):
    """Whatever an alert's text has in its gaps, as text or as templates of it."""

    @property
    def alert_subject(self) -> str:
        """The SLO, and which group of it."""

    @property
    def budget_left(self) -> str:
        """`62% left`, `overspent by 12%`, or `overspent by 199 times the budget`."""

    @property
    def group_parameters(self) -> Sequence[str]:
        """Which group of the SLO: `label=value` for each of `groupBy`, fit for an address."""

    @property
    def start_time(self) -> str:
        """When it began to fire, or of no data when they ended."""

    def spec_text(self, text: str) -> str:
        """Text of the spec."""

    def burn_rate(self, lookback: int) -> str:
        """A multiple of what the budget sustains: `14.4x`."""

    def exceeded_note(self, row: PolicyRow) -> str:
        """`: both above` where both lookbacks of *row* are above its threshold, else nothing."""

    def time_to_exhaustion(self, lookback: int) -> str:
        """`, gone in 9h 12m at this rate`; nothing where nothing is left or nothing burns."""

    def range_start(self, before: int) -> str:
        """*before* seconds before it began to fire, as Unix time in milliseconds."""


def burn_text(slo: Slo, rows: Sequence[PolicyRow], numbers: AlertValues) -> Labels:
    """What burns, each lookback against its threshold, and how long the budget lasts."""
    newest = min(rows, key=lambda row: row.short)
    speed = f"burns {numbers.burn_rate(newest.short)} as fast as it may"
    return _summary_and_description(
        f"{numbers.alert_subject}: error budget {speed}, "
        f"{numbers.budget_left}{numbers.time_to_exhaustion(newest.long)}",
        _objective_sentence(slo, numbers),
        f"{SEVERITY_VERBS[newest.severity]} when both lookbacks of a line burn faster than its threshold:",
        *(_arithmetic(slo, row, numbers) for row in rows),
        f"Firing since {numbers.start_time}.",
    )


def exhausted_text(slo: Slo, row: PolicyRow | None, numbers: AlertValues) -> Labels:
    """*row* is the one whose lookbacks tell whether it still burns."""
    window = format_duration(slo.window.seconds)
    now = "" if row is None else f" {_burn_sentence(row, numbers)}"
    return _summary_and_description(
        f"{numbers.alert_subject}: error budget is gone, {numbers.budget_left}",
        _objective_sentence(slo, numbers),
        f"More events failed in the last {window} than the objective allows.{now}",
        f"Firing since {numbers.start_time}.",
    )


def exhausting_text(slo: Slo, row: PolicyRow, numbers: AlertValues) -> Labels:
    within = format_duration(slo.alerting.exhausting_within)
    return _summary_and_description(
        f"{numbers.alert_subject}: error budget will be gone within {within}, "
        f"{numbers.budget_left}{numbers.time_to_exhaustion(row.long)}",
        _objective_sentence(slo, numbers),
        _burn_sentence(row, numbers),
        f"Firing since {numbers.start_time}.",
    )


def no_data_text(slo: Slo, numbers: AlertValues) -> Labels:
    after = format_duration(slo.alerting.no_data_after)
    return _summary_and_description(
        f"{slo.id}: no data for {after}, so nobody knows whether its objective is met",
        _objective_sentence(slo, numbers),
        "No series matches the indicator. Is the target up, is it scraped, and do the selectors still match?",
        f"No data since {numbers.start_time}.",
    )


def link_annotations(slo: Slo, written: Labels, before: int, numbers: AlertValues) -> Labels:
    """What the spec has *written*, shown; where it says where Grafana or the sidecar is, the SLO's own page.

    They show the time from *before* seconds before the alert until now.
    """
    added = {name: numbers.spec_text(value) for name, value in written.items()}
    paths = {
        links.GRAFANA_ANNOTATION: (
            f"d/{links.dashboard_uid(slo.service)}",
            f"from={numbers.range_start(before)}",
            "to=now",
        ),
        links.SIDECAR_ANNOTATION: (
            f"slo/{slo.id}",
            *numbers.group_parameters,
            links.page_range_parameter(before, slo.window.seconds),
        ),
    }
    return added | {name: links.join_url(added[name], *path) for name, path in paths.items() if name in added}


def longest_lookback(rows: Sequence[PolicyRow]) -> int:
    """Seconds before a burn alert that it speaks about."""
    return max(row.long for row in rows)


def _summary_and_description(summary: str, *sentences: str) -> dict[str, str]:
    return {"summary": summary, "description": "\n".join(sentences)}


def _objective_sentence(slo: Slo, numbers: AlertValues) -> str:
    promise = f"Objective: {format_number(100 * slo.objective)}% over {format_duration(slo.window.seconds)}."
    return f"{numbers.spec_text(slo.description)} {promise}" if slo.description else promise


def _arithmetic(slo: Slo, row: PolicyRow, numbers: AlertValues) -> str:
    factor = format_number(alert_factor(row, slo.window.seconds))
    return f"- {_over_both(row, numbers)}, threshold {factor}x{numbers.exceeded_note(row)}"


def _burn_sentence(row: PolicyRow, numbers: AlertValues) -> str:
    long, short = format_duration(row.long), format_duration(row.short)
    return (
        f"It burns {numbers.burn_rate(row.long)} as fast as it may over {long}, "
        f"{numbers.burn_rate(row.short)} over {short}."
    )


def _over_both(row: PolicyRow, numbers: AlertValues) -> str:
    long, short = (f"{numbers.burn_rate(it)} over {format_duration(it)}" for it in (row.long, row.short))
    return f"{long} and {short}"
