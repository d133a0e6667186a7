"""A status as JSON; null is unknown."""

from datetime import UTC, datetime
from math import isinf
from typing import Any, TypeAlias

from sloctl.duration import format_duration
from sloctl.status.slo_status import AlertStatus, FailOn, GateResult, SloStatus, StatusReport

Json: TypeAlias = dict[str, Any]


def status_document(status: StatusReport, fail_on: FailOn, verdict: GateResult) -> Json:
    return {
        "at": _time(status.at),
        "failOn": fail_on.name.lower(),
        "verdict": verdict.value,
        "slos": [_slo_document(line) for line in status.slos],
    }


def _slo_document(line: SloStatus) -> Json:
    seconds = line.time_to_exhaustion
    is_burning = None if seconds is None else not isinf(seconds)
    return {
        "id": line.id,
        "service": line.service,
        "name": line.name,
        "group": dict(line.group),
        "state": line.health.name.lower(),
        "stale": line.stale,
        "page": _alert_document(line.page),
        "ticket": _alert_document(line.ticket),
        "budgetLeft": line.budget_left,
        "burnRates": {format_duration(lookback): rate for lookback, rate in line.burn_rates.items()},
        "burning": is_burning,
        "secondsToExhaustion": seconds if is_burning else None,
    }


def _alert_document(alarm: AlertStatus | None) -> Json | None:
    return None if alarm is None else {"state": alarm.state.value, "since": _time(alarm.since)}


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
