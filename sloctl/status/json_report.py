"""A status as JSON; null is unknown."""

from math import isinf
from typing import Any, TypeAlias

from sloctl.duration import format_duration
from sloctl.status.slo_status import AlertStatus, FailOn, SloStatus, StatusReport, evaluate_gate
from sloctl.timestamps import format_optional_rfc3339

Json: TypeAlias = dict[str, Any]


def status_document(status: StatusReport, fail_on: FailOn) -> Json:
    """Return the report and the result of a gate that fails on *fail_on*."""
    return {
        "at": format_optional_rfc3339(status.at),
        "failOn": fail_on.name.lower(),
        "result": evaluate_gate(status, fail_on).value,
        "slos": [_slo_document(slo) for slo in status.slos],
    }


def _slo_document(slo: SloStatus) -> Json:
    seconds = slo.time_to_exhaustion
    is_burning = None if seconds is None else not isinf(seconds)
    return {
        "id": slo.id,
        "service": slo.service,
        "name": slo.name,
        "group": dict(slo.group),
        "state": slo.health.key,
        "stale": slo.stale,
        "page": _alert_document(slo.page),
        "ticket": _alert_document(slo.ticket),
        "budgetLeft": slo.budget_left,
        "budgetLeftWithExcluded": slo.budget_left_with_excluded,
        "excluded": list(slo.excluded),
        "outsideServiceHoursUntil": format_optional_rfc3339(slo.outside_until),
        "coveredSeconds": slo.covered_seconds,
        "burnRates": {format_duration(lookback): rate for lookback, rate in slo.burn_rates.items()},
        "burning": is_burning,
        "timeToExhaustion": seconds if is_burning else None,
    }


def _alert_document(alert: AlertStatus | None) -> Json | None:
    if alert is None:
        return None
    return {
        "state": alert.state.value,
        "since": format_optional_rfc3339(alert.since),
        "stoppedAt": format_optional_rfc3339(alert.stopped_at),
        "clearsAt": format_optional_rfc3339(alert.clears_at),
    }
