"""What an alert says: the words of the rules' annotations with the numbers in them, and what else is known.

Final text, no templates. Label values come from whoever is scraped: control characters are taken out of them,
and what is long is cut, so that no value can look like a line of ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

from sloctl.duration import format_duration, humanize_duration
from sloctl.model import Labels, PolicyRow, Slo
from sloctl.naming import LabelStyle
from sloctl.rules import alert_text
from sloctl.rules.alert_templates import expand_template
from sloctl.sidecar.engine.candidates import AlertCandidate, AlertKind
from sloctl.sidecar.engine.evaluation import AlertEvaluation
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.notify.active_alerts import ActiveAlert
from sloctl.slo.burn import is_firing
from sloctl.slo.policy import alert_threshold, exhaustion_row
from sloctl.timestamps import format_date_time

_MAX_VALUE_CHARACTERS: Final = 120


def alert_annotations(alarm: ActiveAlert, style: LabelStyle) -> Labels:
    """What the rules would say, and below it what else is known; the spec's own come on top, as there."""
    claim, numbers = alarm.candidate, _SnapshotValues(alarm, style)
    slo = claim.slo_state.slo
    says, before = _rule_text(claim, numbers)
    return {
        **says,
        "description": "\n".join((says["description"], *_extra_lines(claim))),
        **alert_text.link_annotations(
            slo, {**slo.annotations, **claim.alert_text.annotations}, before, numbers
        ),
    }


@dataclass(frozen=True, slots=True)
class _SnapshotValues:
    """The numbers of one alarm, as Prometheus's templates would print them."""

    alert: ActiveAlert
    style: LabelStyle

    @property
    def alert_subject(self) -> str:
        entry = self._slo_state
        groups = ", ".join(f"{label}={_sanitize_value(value)}" for label, value in entry.group_labels.items())
        return f"{entry.slo.id} ({groups})" if groups else entry.slo.id

    @property
    def group_parameters(self) -> Sequence[str]:
        if self.alert.candidate.kind is AlertKind.NO_DATA:
            return ()  # as by the rules: of the whole SLO
        return [f"{label}={quote_plus(value)}" for label, value in self._slo_state.group_labels.items()]

    @property
    def budget_left(self) -> str:
        left = self._slo_state.budget.left
        if left is None:
            return "an unknown share left"
        if left < -99:
            return f"overspent by {-left:.0f} times the budget"
        return (
            f"overspent by {_humanize_percentage(-left)}"
            if left < 0
            else f"{_humanize_percentage(left)} left"
        )

    @property
    def start_time(self) -> str:
        if self.alert.candidate.kind is AlertKind.NO_DATA:
            last = self._slo_state.last
            return "the start" if last is None else format_date_time(last)
        return format_date_time(self.alert.started_at)

    def spec_text(self, text: str) -> str:
        claim = self.alert.candidate
        return expand_template(text, claim.expression_labels(self.style), claim.value)

    def burn_rate(self, lookback: int) -> str:
        rate = self._slo_state.burn_over(lookback).burn_rate
        if rate is None:
            return "an unknown number of times"
        return f"{rate:.3g}x" if rate < 100 else f"{rate:.0f}x"

    def exceeded_note(self, row: PolicyRow) -> str:
        entry = self._slo_state
        threshold = alert_threshold(row, entry.slo.window.seconds, entry.slo.budget)
        long, short = (entry.burn_over(lookback).error_ratio for lookback in (row.long, row.short))
        return ": both above" if is_firing(long, short, threshold) else ""

    def time_to_exhaustion(self, lookback: int) -> str:
        left, rate = self._slo_state.budget.left, self._slo_state.burn_over(lookback).burn_rate
        if left is None or left <= 0 or not rate:
            return ""
        return f", gone in {humanize_duration(left * self._slo_state.slo.window.seconds / rate)} at this rate"

    def range_start(self, before: int) -> str:
        return f"{1000 * (int(self.alert.started_at) - before)}"

    @property
    def _slo_state(self) -> SloState:
        return self.alert.candidate.slo_state


def _rule_text(claim: AlertCandidate, numbers: _SnapshotValues) -> tuple[Labels, int]:
    """What the rules say, and the seconds before the alert that it speaks about."""
    slo = claim.slo_state.slo
    match claim.kind:
        case AlertKind.PAGE | AlertKind.TICKET:
            rows = [row.policy_row for row in _alert(claim).rows]
            return alert_text.burn_text(slo, rows, numbers), alert_text.longest_lookback(rows)
        case AlertKind.EXHAUSTED:
            row = exhaustion_row(slo.alerting.policy)
            return alert_text.exhausted_text(slo, row, numbers), slo.window.seconds
        case AlertKind.EXHAUSTING:
            steady = _steady(slo)
            return alert_text.exhausting_text(slo, steady, numbers), steady.long
        case AlertKind.NO_DATA:
            return alert_text.no_data_text(slo, numbers), alert_text.NO_DATA_RANGE


def _extra_lines(claim: AlertCandidate) -> Iterable[str]:
    """What no rule knows."""
    entry = claim.slo_state
    if claim.kind is AlertKind.NO_DATA:
        return
    yield from _what_burns(entry)
    if entry.stale:
        yield f"No data since {format_date_time(entry.last)}: it may be over, nobody knows."


def _what_burns(entry: SloState) -> Iterable[str]:
    if entry.contributors:
        whole = " (of the whole SLO, not of this group alone)" if entry.group else ""
        yield f"What burns{whole}:"
    for each in entry.contributors:
        errors, traffic = (
            _humanize_percentage(each.share_of_errors),
            _humanize_percentage(each.share_of_traffic),
        )
        shares = f"{errors} of errors, {traffic} of traffic"
        yield f"- {each.label}={_sanitize_value(each.value)}: {shares} over {format_duration(each.lookback)}"


def _alert(claim: AlertCandidate) -> AlertEvaluation:
    alert = claim.slo_state.alert_for(claim.kind.severity)
    assert alert is not None, "the claim came from this alert"  # noqa: S101 - holds by construction
    return alert


def _steady(slo: Slo) -> PolicyRow:
    row = exhaustion_row(slo.alerting.policy)
    assert row is not None, "no claim without such a row"  # noqa: S101 - holds by construction
    return row


def _humanize_percentage(share: float) -> str:
    """As humanizePercentage of Prometheus's templates."""
    return f"{100 * share:.4g}%"


def _sanitize_value(value: str) -> str:
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in value)
    return plain if len(plain) <= _MAX_VALUE_CHARACTERS else f"{plain[:_MAX_VALUE_CHARACTERS]}…"
