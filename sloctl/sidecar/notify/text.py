"""What an alert says: the words of the rules' annotations with the numbers in them, and what else is known.

Final text, no templates. Label values come from whoever is scraped: control characters are taken out of them,
and what is long is cut, so that no value can look like a line of ours.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from sloctl.burn import alert_factor, steady_row
from sloctl.decimals import decimal
from sloctl.duration import DAY, HOUR, format_duration
from sloctl.model import BurnAlert, Labels, Severity, Slo
from sloctl.naming import LabelStyle
from sloctl.rules.annotations import expanded
from sloctl.sidecar.board import Entry
from sloctl.sidecar.notify.alarms import Alarm
from sloctl.sidecar.notify.claims import AlertKind, Claim
from sloctl.sidecar.verdict import Alert
from sloctl.sidecar.views.words import moment

_VERB: Final = {Severity.PAGE: "Pages", Severity.TICKET: "Opens a ticket"}
_LONGEST_VALUE: Final = 120


def annotations(alarm: Alarm, style: LabelStyle) -> Labels:
    """Summary and description as the rules word them; the spec's own come on top, as there."""
    claim = alarm.claim
    slo, own = claim.entry.slo, claim.expression_labels(style)
    written = {**slo.annotations, **claim.text.annotations}
    return {
        "summary": _summary(claim),
        "description": "\n".join(line for line in _description(alarm) if line),
        **{name: expanded(text, own, claim.value) for name, text in written.items()},
    }


def _summary(claim: Claim) -> str:
    entry = claim.entry
    left = _left(entry)
    match claim.kind:
        case AlertKind.PAGE | AlertKind.TICKET:
            newest = min((row.row for row in _alert(claim).rows), key=lambda row: row.short)
            speed = f"burns {_rate(entry, newest.short)} as fast as it may"
            return f"{_subject(entry)}: error budget {speed}, {left} left{_gone_in(entry, newest.long)}"
        case AlertKind.EXHAUSTED:
            return f"{_subject(entry)}: error budget is spent, {left} left"
        case AlertKind.EXHAUSTING:
            within = format_duration(entry.slo.alerting.exhausting_within)
            gone = _gone_in(entry, _steady(entry.slo).long)
            return f"{_subject(entry)}: error budget will be gone within {within}, {left} left{gone}"
        case AlertKind.NO_DATA:
            after = format_duration(entry.slo.alerting.no_data_after)
            return f"{entry.slo.id}: no data for {after}, so nobody knows whether its objective is met"


def _description(alarm: Alarm) -> Iterable[str]:
    claim, entry = alarm.claim, alarm.claim.entry
    yield _objective(entry.slo)
    match claim.kind:
        case AlertKind.PAGE | AlertKind.TICKET:
            alert = _alert(claim)
            yield f"{_VERB[alert.severity]} when both lookbacks of a line burn faster than its threshold:"
            yield from (_arithmetic(entry, row.row, row.factor) for row in alert.rows)
        case AlertKind.EXHAUSTED:
            window = format_duration(entry.slo.window.seconds)
            yield f"More events failed in the last {window} than the objective allows."
        case AlertKind.EXHAUSTING:
            row = _steady(entry.slo)
            yield _arithmetic(entry, row, alert_factor(row, entry.slo.window.seconds))
        case AlertKind.NO_DATA:
            yield "The sidecar read no series of the indicator. Is the target up, and do the selectors match?"
            yield f"Last data: {moment(entry.last)}." if entry.last is not None else "It never read any."
            return
    yield f"Since {moment(alarm.began)}."
    yield from _what_burns(entry)
    if entry.stale:
        yield f"No data since {moment(entry.last)}: it may be over, nobody knows."


def _what_burns(entry: Entry) -> Iterable[str]:
    if entry.burning:
        whole = " (of the whole SLO, not of this group alone)" if entry.group else ""
        yield f"What burns{whole}:"
    for each in entry.burning:
        shares = f"{_percent(each.share_of_errors)} of errors, {_percent(each.share_of_traffic)} of traffic"
        yield f"- {each.label}={_shown(each.value)}: {shares} over {format_duration(each.lookback)}"


def _alert(claim: Claim) -> Alert:
    alert = claim.entry.alert(claim.kind.severity)
    assert alert is not None, "the claim came from this alert"  # noqa: S101 - holds by construction
    return alert


def _steady(slo: Slo) -> BurnAlert:
    row = steady_row(slo.alerting.policy)
    assert row is not None, "no claim without such a row"  # noqa: S101 - holds by construction
    return row


def _subject(entry: Entry) -> str:
    groups = ", ".join(f"{label}={_shown(value)}" for label, value in entry.group_labels.items())
    return f"{entry.slo.id} ({groups})" if groups else entry.slo.id


def _objective(slo: Slo) -> str:
    promise = f"Objective: {decimal(100 * slo.objective)}% over {format_duration(slo.window.seconds)}."
    return f"{slo.description} {promise}" if slo.description else promise


def _arithmetic(entry: Entry, row: BurnAlert, factor: Fraction) -> str:
    lookbacks = (f"{format_duration(it)} {_rate(entry, it)}" for it in (row.long, row.short))
    return f"- {', '.join(lookbacks)}; threshold {decimal(factor)}x"


def _rate(entry: Entry, lookback: int) -> str:
    rate = entry.burn(lookback).burn_rate
    return "an unknown number of times" if rate is None else f"{rate:.3g}x"


def _left(entry: Entry) -> str:
    left = entry.budget.left
    return "an unknown share" if left is None else _percent(left)


def _percent(share: float) -> str:
    """As humanizePercentage of Prometheus's templates."""
    return f"{100 * share:.4g}%"


def _gone_in(entry: Entry, lookback: int) -> str:
    """At the burn of *lookback*; silent where nothing is left or nothing burns."""
    left, rate = entry.budget.left, entry.burn(lookback).burn_rate
    if left is None or left <= 0 or not rate:
        return ""
    seconds = left * entry.slo.window.seconds / rate
    amount = f"{seconds / HOUR:.3g} hours" if seconds < 2 * DAY else f"{seconds / DAY:.3g} days"
    return f", gone in {amount} at this rate"


def _shown(value: str) -> str:
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in value)
    return plain if len(plain) <= _LONGEST_VALUE else f"{plain[:_LONGEST_VALUE]}…"
