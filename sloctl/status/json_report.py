"""A status as JSON; null is unknown."""

from math import isinf
from typing import Any, TypeAlias

from sloctl.duration import format_duration
from sloctl.status.slo_status import AlertStatus, FailOn, GateResult, SloStatus, StatusReport
from sloctl.timestamps import format_optional_rfc3339

Json: TypeAlias = dict[str, Any]


def status_document(status: StatusReport, fail_on: FailOn, verdict: GateResult) -> Json:
    return {
        "at": format_optional_rfc3339(status.at),
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
        "state": line.health.key,
        "stale": line.stale,
        "page": _alert_document(line.page),
        "ticket": _alert_document(line.ticket),
        "budgetLeft": line.budget_left,
        "burnRates": {format_duration(lookback): rate for lookback, rate in line.burn_rates.items()},
        "burning": is_burning,
        "secondsToExhaustion": seconds if is_burning else None,
    }


def _alert_document(alarm: AlertStatus | None) -> Json | None:
    return (
        None if alarm is None else {"state": alarm.state.value, "since": format_optional_rfc3339(alarm.since)}
    )
