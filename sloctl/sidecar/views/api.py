"""The board as JSON. Null is unknown; times are RFC 3339 in UTC, durations Prometheus's, numbers exact."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import isinf
from typing import TypeAlias

from sloctl.duration import format_duration
from sloctl.sidecar.board import Board, Entry
from sloctl.sidecar.verdict import Alert, Budget, Burn, RowVerdict

Json: TypeAlias = Mapping[str, "Json"] | list["Json"] | str | int | float | bool | None


def board(shown: Board) -> Json:
    return {
        "at": _time(shown.at),
        "trouble": shown.trouble,
        "slos": [_entry(entry) for entry in shown.worst_first()],
        "refused": [{"id": refusal.slo.id, "reason": refusal.reason} for refusal in shown.refusals],
    }


def _entry(entry: Entry) -> Json:
    slo = entry.slo
    return {
        "id": slo.id,
        "service": slo.service,
        "name": slo.name,
        "description": slo.description,
        "labels": dict(slo.labels),
        "group": dict(entry.group_labels),
        "overflow": entry.is_overflow,
        "objective": float(slo.objective),
        "window": format_duration(slo.window.seconds),
        "standing": entry.standing.name.lower(),
        "stale": entry.stale,
        "since": _time(entry.since),
        "lastData": _time(entry.last),
        "budget": _budget(entry.budget, slo.alerting.exhausting_within),
        "lookbacks": [_burn(burn) for burn in entry.burns],
        "alerts": [_alert(alert) for alert in entry.alerts],
    }


def _budget(budget: Budget, exhausting_within: int) -> Json:
    seconds = budget.time_to_exhaustion
    burning = seconds is not None and not isinf(seconds)
    return {
        "left": budget.left,
        "eventsLeft": budget.events_left,
        "exhausted": budget.exhausted,
        "exhausting": budget.exhausting(exhausting_within),
        # False with no seconds: at this burn it lasts for ever.
        "burning": None if seconds is None else burning,
        "secondsToExhaustion": seconds if burning else None,
    }


def _burn(burn: Burn) -> Json:
    return {
        "lookback": format_duration(burn.lookback),
        "errors": burn.counts.error if burn.counts else None,
        "events": burn.counts.total if burn.counts else None,
        "errorRatio": burn.error_ratio,
        "burnRate": burn.burn_rate,
    }


def _alert(alert: Alert) -> Json:
    return {
        "severity": alert.severity.value,
        "state": alert.state.value,
        "since": _time(alert.since),
        "rows": [_row(row) for row in alert.rows],
    }


def _row(verdict: RowVerdict) -> Json:
    return {
        "state": verdict.state.value,
        "factor": float(verdict.factor),
        "long": format_duration(verdict.row.long),
        "longBurnRate": verdict.long.burn_rate,
        "short": format_duration(verdict.row.short),
        "shortBurnRate": verdict.short.burn_rate,
    }


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
