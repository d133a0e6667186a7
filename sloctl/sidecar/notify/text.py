"""What an alert says: the words of the rules' annotations with the numbers in them, and what else is known.

Final text, no templates. Label values come from whoever is scraped: control characters are taken out of them,
and what is long is cut, so that no value can look like a line of ours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote_plus

from sloctl.burn import alert_threshold, exhaustion_row, is_firing
from sloctl.duration import format_duration, humanize_duration
from sloctl.model import Labels, PolicyRow, Slo
from sloctl.naming import LabelStyle
from sloctl.rules import wording
from sloctl.rules.annotations import expand_template
from sloctl.sidecar.board import SloState
from sloctl.sidecar.notify.alarms import Alarm
from sloctl.sidecar.notify.claims import AlertKind, Claim
from sloctl.sidecar.verdict import AlertEvaluation
from sloctl.sidecar.views.words import format_date_time

_LONGEST_VALUE: Final = 120


def annotations(alarm: Alarm, style: LabelStyle) -> Labels:
    """What the rules would say, and below it what else is known; the spec's own come on top, as there."""
    claim, numbers = alarm.claim, _Numbers(alarm, style)
    slo = claim.entry.slo
    says, before = _said(claim, numbers)
    return {
        **says,
        "description": "\n".join((says["description"], *_added(claim))),
        **wording.link_annotations(slo, {**slo.annotations, **claim.text.annotations}, before, numbers),
    }


@dataclass(frozen=True, slots=True)
class _Numbers:
    """The numbers of one alarm, as Prometheus's templates would print them."""

    alarm: Alarm
    style: LabelStyle

    @property
    def subject(self) -> str:
        entry = self._entry
        groups = ", ".join(f"{label}={_shown(value)}" for label, value in entry.group_labels.items())
        return f"{entry.slo.id} ({groups})" if groups else entry.slo.id

    @property
    def group(self) -> Sequence[str]:
        if self.alarm.claim.kind is AlertKind.NO_DATA:
            return ()  # as by the rules: of the whole SLO
        return [f"{label}={quote_plus(value)}" for label, value in self._entry.group_labels.items()]

    @property
    def left(self) -> str:
        left = self._entry.budget.left
        if left is None:
            return "an unknown share left"
        if left < -99:
            return f"overspent by {-left:.0f} times the budget"
        return f"overspent by {_percent(-left)}" if left < 0 else f"{_percent(left)} left"

    @property
    def since(self) -> str:
        if self.alarm.claim.kind is AlertKind.NO_DATA:
            last = self._entry.last
            return "the start" if last is None else format_date_time(last)
        return format_date_time(self.alarm.began)

    def shown(self, text: str) -> str:
        claim = self.alarm.claim
        return expand_template(text, claim.expression_labels(self.style), claim.value)

    def burn(self, lookback: int) -> str:
        rate = self._entry.burn_over(lookback).burn_rate
        if rate is None:
            return "an unknown number of times"
        return f"{rate:.3g}x" if rate < 100 else f"{rate:.0f}x"

    def exceeded(self, row: PolicyRow) -> str:
        entry = self._entry
        threshold = alert_threshold(row, entry.slo.window.seconds, entry.slo.budget)
        long, short = (entry.burn_over(lookback).error_ratio for lookback in (row.long, row.short))
        return ": both above" if is_firing(long, short, threshold) else ""

    def gone_in(self, lookback: int) -> str:
        left, rate = self._entry.budget.left, self._entry.burn_over(lookback).burn_rate
        if left is None or left <= 0 or not rate:
            return ""
        return f", gone in {humanize_duration(left * self._entry.slo.window.seconds / rate)} at this rate"

    def began(self, before: int) -> str:
        return f"{1000 * (int(self.alarm.began) - before)}"

    @property
    def _entry(self) -> SloState:
        return self.alarm.claim.entry


def _said(claim: Claim, numbers: _Numbers) -> tuple[Labels, int]:
    """What the rules say, and the seconds before the alert that it speaks about."""
    slo = claim.entry.slo
    match claim.kind:
        case AlertKind.PAGE | AlertKind.TICKET:
            rows = [row.policy_row for row in _alert(claim).rows]
            return wording.burn_text(slo, rows, numbers), wording.longest_lookback(rows)
        case AlertKind.EXHAUSTED:
            row = exhaustion_row(slo.alerting.policy)
            return wording.exhausted_text(slo, row, numbers), slo.window.seconds
        case AlertKind.EXHAUSTING:
            steady = _steady(slo)
            return wording.exhausting_text(slo, steady, numbers), steady.long
        case AlertKind.NO_DATA:
            return wording.no_data_text(slo, numbers), wording.NO_DATA_RANGE


def _added(claim: Claim) -> Iterable[str]:
    """What no rule knows."""
    entry = claim.entry
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
        shares = f"{_percent(each.share_of_errors)} of errors, {_percent(each.share_of_traffic)} of traffic"
        yield f"- {each.label}={_shown(each.value)}: {shares} over {format_duration(each.lookback)}"


def _alert(claim: Claim) -> AlertEvaluation:
    alert = claim.entry.alert_for(claim.kind.severity)
    assert alert is not None, "the claim came from this alert"  # noqa: S101 - holds by construction
    return alert


def _steady(slo: Slo) -> PolicyRow:
    row = exhaustion_row(slo.alerting.policy)
    assert row is not None, "no claim without such a row"  # noqa: S101 - holds by construction
    return row


def _percent(share: float) -> str:
    """As humanizePercentage of Prometheus's templates."""
    return f"{100 * share:.4g}%"


def _shown(value: str) -> str:
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in value)
    return plain if len(plain) <= _LONGEST_VALUE else f"{plain[:_LONGEST_VALUE]}…"
