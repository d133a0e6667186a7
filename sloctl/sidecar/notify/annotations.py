"""The text of an alert: the sentences of the rules' annotations with numbers in them, and what no rule knows.

Final text, no templates. Label values come from whoever is scraped: control characters are taken out of them,
and what is long is cut, so that no value can look like a line of ours.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isinf
from typing import Final
from urllib.parse import quote_plus

from sloctl.duration import format_duration, humanize_duration
from sloctl.model import AlertKind, Labels, PolicyRow, Slo
from sloctl.naming import LabelStyle, window_name
from sloctl.rules import alert_text
from sloctl.rules.alert_templates import expand_template
from sloctl.rules.alert_text import AlertText
from sloctl.sidecar import messages
from sloctl.sidecar.engine.candidates import AlertCandidate
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.notify.active_alerts import ActiveAlert
from sloctl.sidecar.sources import PART_LABEL
from sloctl.slo.health import AlertState
from sloctl.slo.policy import exhaustion_row
from sloctl.timestamps import format_date_time

_MAX_VALUE_CHARACTERS: Final = 120
# Of what burns: a phone shows no more.
_MOST_LINES: Final = 3


def alert_annotations(alert: ActiveAlert, style: LabelStyle) -> Labels:
    """Write the rules' annotations with lines of our own below, and those of the spec on top, as there."""
    candidate, values = alert.candidate, _SnapshotValues(alert, style)
    slo = candidate.slo_state.slo
    rule_text, seconds_before = _rule_text(candidate, values)
    text = alert_text.text_annotations(slo, rule_text, values)
    written = alert_text.spec_annotations(slo, candidate.kind)
    return {
        **text,
        "description": "\n".join((text["description"], *_extra_lines(candidate))),
        **alert_text.link_annotations(slo, written, seconds_before, values),
    }


@dataclass(frozen=True, slots=True)
class _SnapshotValues:
    """The values of one alert, as Prometheus's templates would print them; an `AlertValues`."""

    alert: ActiveAlert
    style: LabelStyle

    @property
    def alert_subject(self) -> str:
        state = self._slo_state
        if self.alert.candidate.kind is AlertKind.NO_DATA:
            return state.slo.id  # as yet of the whole SLO
        groups = ", ".join(f"{label}={_sanitize_value(value)}" for label, value in state.group_labels.items())
        return f"{state.slo.id} ({groups})" if groups else state.slo.id

    @property
    def group_parameters(self) -> Sequence[str]:
        if self.alert.candidate.kind is AlertKind.NO_DATA:
            return ()  # as by the rules: of the whole SLO
        return [f"{label}={quote_plus(value)}" for label, value in self._slo_state.group_labels.items()]

    @property
    def histogram_bounds(self) -> str:
        return ""  # what a target exposes is not at hand here

    @property
    def part_at_fault(self) -> str:
        named = (each.value for each in self._slo_state.contributors if each.label == PART_LABEL)
        part = next(named, None)
        return "" if part is None else f"; part at fault: {part}"

    @property
    def fault_line(self) -> str:
        return ""  # what burns, below, has its shares

    @property
    def silent_parts(self) -> str:
        return ""  # the source's issues name them

    @property
    def budget_left(self) -> str:
        return _format_share_left(self._slo_state.budget.left)

    @property
    def budget_left_with_excluded(self) -> str:
        excluded = self._slo_state.excluded
        return _format_share_left(None if excluded is None else excluded.budget_left)

    @property
    def start_time(self) -> str:
        if self.alert.candidate.kind is AlertKind.NO_DATA:
            last = self._slo_state.last
            return "the start" if last is None else format_date_time(last)
        return format_date_time(self.alert.started_at)

    def promise_line(self, slo: Slo) -> str:
        return alert_text.describe_promise(slo, self)

    def spec_text(self, text: str) -> str:
        candidate = self.alert.candidate
        return expand_template(text, candidate.expression_labels(self.style), candidate.value)

    def burn_rate(self, lookback: int) -> str:
        rate = self._slo_state.burn_over(lookback).burn_rate
        if rate is None:
            return "an unknown number of times"
        return f"{rate:.3g}x" if rate < 100 else f"{rate:.0f}x"

    def exceeded_note(self, row: PolicyRow) -> str:
        return ": both above" if self._is_firing(row) else ""

    def firing_row_text(self, rows: Sequence[PolicyRow], text: Callable[[PolicyRow], str]) -> str:
        return text(next(filter(self._is_firing, rows), rows[0]))

    def time_to_exhaustion(self, lookback: int, sentence: str) -> str:
        state = self._slo_state
        rate = state.burn_over(lookback).burn_rate
        seconds = state.budget.time_to_exhaustion_at(rate)
        return "" if not seconds or isinf(seconds) else sentence.format(humanize_duration(seconds))

    def range_start(self, before: int) -> str:
        return f"{1000 * (int(self.alert.started_at) - before)}"

    def _is_firing(self, row: PolicyRow) -> bool:
        alert = self._slo_state.alert_for(row.severity)
        rows = () if alert is None else alert.rows
        return any(each.policy_row == row and each.state is AlertState.FIRING for each in rows)

    @property
    def _slo_state(self) -> SloState:
        return self.alert.candidate.slo_state


def _rule_text(candidate: AlertCandidate, values: _SnapshotValues) -> tuple[AlertText, int]:
    """Write the text that the rules have, and return the seconds before the alert that it speaks about."""
    state, slo = candidate.slo_state, candidate.slo_state.slo
    window, alerting = slo.window.seconds, slo.alerting
    row = exhaustion_row(alerting.policy)
    match candidate.kind:
        case AlertKind.PAGE | AlertKind.TICKET:
            alert = state.alert_for(alerting.severity_of(candidate.kind))
            rows = [] if alert is None else [row.policy_row for row in alert.rows]
            if candidate.pending is not None:
                rows = [row for row in rows if row.pending == candidate.pending]
            return alert_text.burn_text(window, rows, values), alert_text.longest_lookback(rows)
        case AlertKind.EXHAUSTED:
            return alert_text.exhausted_text(slo.window, row, values), window
        case AlertKind.SPENT:
            assert candidate.step is not None, "there is one for each step"  # noqa: S101 - holds by construction
            return alert_text.spent_text(candidate.step, slo.window, row, values), window
        case AlertKind.EXHAUSTING:
            assert row is not None, "no candidate without such a row"  # noqa: S101 - holds by construction
            return alert_text.exhausting_text(alerting.exhausting_within, row, values), row.long
        case AlertKind.NO_DATA:
            return alert_text.no_data_text(alerting.no_data_after, values), alert_text.NO_DATA_RANGE


def _extra_lines(candidate: AlertCandidate) -> Iterator[str]:
    """Yield what fails in counts, how much of the window is known, contributors, and the age of the data."""
    state = candidate.slo_state
    if candidate.kind is AlertKind.NO_DATA:
        return
    if not state.stale and (failures := messages.describe_failures(state.burns[0])):
        yield f"{failures}."
    if coverage := messages.describe_coverage(state):
        window = window_name(state.slo.window)
        yield f"All of this is {coverage}; the budget is that of {window}."
    severity = state.slo.alerting.severity_of(candidate.kind)
    alert = state.alert_for(severity) if candidate.kind in {AlertKind.PAGE, AlertKind.TICKET} else None
    if alert is not None and not state.stale and (over := messages.describe_recovery(alert, state.last)):
        yield f"It {over} if no further errors come."
    if state.contributors:
        whole = " (of the whole SLO, not of this group alone)" if state.group else ""
        yield f"What burns{whole}:"
    # Those of the last five minutes come first.
    by_value = {(each.label, each.value): each for each in reversed(state.contributors)}
    named = [each for each in state.contributors if by_value[each.label, each.value] is each]
    for each in named[:_MOST_LINES]:
        errors = _humanize_percentage(each.share_of_errors)
        traffic = _humanize_percentage(each.share_of_traffic)
        shares = f"{errors} of errors, {traffic} of traffic over {format_duration(each.lookback)}"
        yield f"- {each.label}={_sanitize_value(each.value)}: {shares}"
    if state.stale:
        yield f"No data since {format_date_time(state.last)}: it may be over, nobody knows."


def _format_share_left(left: float | None) -> str:
    if left is None:
        return "an unknown share left"
    if left < -99:
        return f"overspent by {-left:.0f} times the budget"
    return f"overspent by {_humanize_percentage(-left)}" if left < 0 else f"{_humanize_percentage(left)} left"


def _humanize_percentage(share: float) -> str:
    """Format a share as humanizePercentage of Prometheus's templates does."""
    return f"{100 * share:.4g}%"


def _sanitize_value(value: str) -> str:
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in value)
    return plain if len(plain) <= _MAX_VALUE_CHARACTERS else f"{plain[:_MAX_VALUE_CHARACTERS]}…"
