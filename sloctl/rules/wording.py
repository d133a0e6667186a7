"""What an alert says, sentence by sentence, with a gap for every number.

Law: the rules' alerts and the sidecar's say the same in the same order. The rules fill the gaps with
templates that Prometheus runs, the sidecar with the numbers themselves.
"""

from collections.abc import Sequence
from typing import Final, Protocol

from sloctl import links
from sloctl.burn import alert_factor
from sloctl.decimals import decimal
from sloctl.duration import HOUR, format_duration
from sloctl.model import BurnAlert, Labels, Severity, Slo

_VERB: Final = {Severity.PAGE: "Pages", Severity.TICKET: "Opens a ticket"}
# Of no data, how much of the time before is worth a look.
BEFORE_NO_DATA: Final = 6 * HOUR


class Numbers(Protocol):
    """Whatever an alert's text has in its gaps, as text or as templates of it."""

    @property
    def subject(self) -> str:
        """The SLO, and which group of it."""

    @property
    def left(self) -> str:
        """`62% left`, `overspent by 12%`, or `overspent by 199 times the budget`."""

    @property
    def group(self) -> Sequence[str]:
        """Which group of the SLO: `label=value` for each of `groupBy`, fit for an address."""

    @property
    def since(self) -> str:
        """When it began to fire, or of no data when they ended."""

    def shown(self, text: str) -> str:
        """Text of the spec."""

    def burn(self, lookback: int) -> str:
        """A multiple of what the budget sustains: `14.4x`."""

    def exceeded(self, row: BurnAlert) -> str:
        """`: both above` where both lookbacks of *row* are above its threshold, else nothing."""

    def gone_in(self, lookback: int) -> str:
        """`, gone in 9h 12m at this rate`; nothing where nothing is left or nothing burns."""

    def began(self, before: int) -> str:
        """*before* seconds before it began to fire, as Unix time in milliseconds."""


def burn_text(slo: Slo, rows: Sequence[BurnAlert], numbers: Numbers) -> Labels:
    """What burns, each lookback against its threshold, and how long the budget lasts."""
    newest = min(rows, key=lambda row: row.short)
    speed = f"burns {numbers.burn(newest.short)} as fast as it may"
    return _text(
        f"{numbers.subject}: error budget {speed}, {numbers.left}{numbers.gone_in(newest.long)}",
        _objective(slo, numbers),
        f"{_VERB[newest.severity]} when both lookbacks of a line burn faster than its threshold:",
        *(_arithmetic(slo, row, numbers) for row in rows),
        f"Firing since {numbers.since}.",
    )


def exhausted_text(slo: Slo, row: BurnAlert | None, numbers: Numbers) -> Labels:
    """*row* is the one whose lookbacks tell whether it still burns."""
    window = format_duration(slo.window.seconds)
    now = "" if row is None else f" {_speed(row, numbers)}"
    return _text(
        f"{numbers.subject}: error budget is gone, {numbers.left}",
        _objective(slo, numbers),
        f"More events failed in the last {window} than the objective allows.{now}",
        f"Firing since {numbers.since}.",
    )


def exhausting_text(slo: Slo, row: BurnAlert, numbers: Numbers) -> Labels:
    within = format_duration(slo.alerting.exhausting_within)
    return _text(
        f"{numbers.subject}: error budget will be gone within {within}, "
        f"{numbers.left}{numbers.gone_in(row.long)}",
        _objective(slo, numbers),
        _speed(row, numbers),
        f"Firing since {numbers.since}.",
    )


def no_data_text(slo: Slo, numbers: Numbers) -> Labels:
    after = format_duration(slo.alerting.no_data_after)
    return _text(
        f"{slo.id}: no data for {after}, so nobody knows whether its objective is met",
        _objective(slo, numbers),
        "No series matches the indicator. Is the target up, is it scraped, and do the selectors still match?",
        f"No data since {numbers.since}.",
    )


def linked(slo: Slo, written: Labels, before: int, numbers: Numbers) -> Labels:
    """What the spec has *written*, shown; where it says where Grafana or the sidecar is, the SLO's own page.

    They show the time from *before* seconds before the alert until now.
    """
    added = {name: numbers.shown(value) for name, value in written.items()}
    paths = {
        links.GRAFANA: (f"d/{links.service_uid(slo.service)}", f"from={numbers.began(before)}", "to=now"),
        links.SIDECAR: (f"slo/{slo.id}", *numbers.group, links.page_range(before, slo.window.seconds)),
    }
    return added | {name: links.below(added[name], *path) for name, path in paths.items() if name in added}


def longest(rows: Sequence[BurnAlert]) -> int:
    """Seconds before a burn alert that it speaks about."""
    return max(row.long for row in rows)


def _text(summary: str, *sentences: str) -> dict[str, str]:
    return {"summary": summary, "description": "\n".join(sentences)}


def _objective(slo: Slo, numbers: Numbers) -> str:
    promise = f"Objective: {decimal(100 * slo.objective)}% over {format_duration(slo.window.seconds)}."
    return f"{numbers.shown(slo.description)} {promise}" if slo.description else promise


def _arithmetic(slo: Slo, row: BurnAlert, numbers: Numbers) -> str:
    factor = decimal(alert_factor(row, slo.window.seconds))
    return f"- {_over_both(row, numbers)}, threshold {factor}x{numbers.exceeded(row)}"


def _speed(row: BurnAlert, numbers: Numbers) -> str:
    long, short = format_duration(row.long), format_duration(row.short)
    return (
        f"It burns {numbers.burn(row.long)} as fast as it may over {long}, "
        f"{numbers.burn(row.short)} over {short}."
    )


def _over_both(row: BurnAlert, numbers: Numbers) -> str:
    long, short = (f"{numbers.burn(it)} over {format_duration(it)}" for it in (row.long, row.short))
    return f"{long} and {short}"
