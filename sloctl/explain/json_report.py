"""Explanations as JSON: the same numbers, exact; null is never, or not known."""

from collections.abc import Iterable
from math import isinf
from typing import Any, TypeAlias

import msgspec

from sloctl.duration import format_duration
from sloctl.explain.timeline import DelayRange, OutageAlert, SloExplanation
from sloctl.naming import window_name
from sloctl.slo.exclusions import describe_time
from sloctl.slo.service_hours import describe_hours

Json: TypeAlias = dict[str, Any]


def render_json(explanations: Iterable[SloExplanation]) -> str:
    """Render an indented list with one document for each SLO."""
    documents = msgspec.json.encode([_slo_document(explanation) for explanation in explanations])
    return msgspec.json.format(documents, indent=2).decode() + "\n"


def _slo_document(explanation: SloExplanation) -> Json:
    slo, event, events = explanation.slo, explanation.event_definition, explanation.window_events
    return {
        "id": slo.id,
        "description": slo.description,
        "objective": float(slo.objective),
        "window": window_name(slo.window),
        "groupBy": slo.group_by,
        "activeHours": describe_hours(slo.active_hours) or None,
        "excluded": [{"reason": each.reason, "time": describe_time(each.time)} for each in slo.exclusions],
        "event": {
            "is": event.event_text,
            "of": event.event_queries,
            "bad": event.bad_text,
            "badOf": event.bad_queries,
            "badLess": event.less_queries,
            "silence": event.no_data_text,
        },
        "budget": {
            "share": float(slo.budget),
            "totalOutageSeconds": explanation.full_outage_seconds,
            "events": None if events is None else float(slo.budget) * events,
        },
        "alerts": [
            {
                "severity": threshold.policy_row.severity.value,
                "long": format_duration(threshold.policy_row.long),
                "short": format_duration(threshold.policy_row.short),
                "for": format_duration(threshold.policy_row.pending),
                "factor": float(threshold.factor),
                "errorRatio": float(threshold.error_ratio),
                "budgetShare": float(threshold.policy_row.budget_share),
                "enoughBadEvents": threshold.enough_bad_events,
                "whereFewerEventsThan": threshold.below_events,
            }
            for threshold in explanation.thresholds
        ],
        "outages": [
            {
                "bad": float(outage.error_ratio),
                "budgetGoneAfterSeconds": None if isinf(outage.exhausted_after) else outage.exhausted_after,
                "alerts": [_alert_document(alert) for alert in outage.alerts],
            }
            for outage in explanation.outages
        ],
    }


def _alert_document(alert: OutageAlert) -> Json:
    row = alert.policy_row
    return {
        "alert": alert.alert_name,
        "severity": alert.severity.value,
        "long": None if row is None else format_duration(row.long),
        "short": None if row is None else format_duration(row.short),
        "afterSeconds": _delay_bounds(alert.fires_after),
        "budgetSpent": None if alert.fires_after.is_never else alert.budget_spent,
        "endsAfterSeconds": None if alert.resolves_after is None else _delay_bounds(alert.resolves_after),
    }


def _delay_bounds(delay: DelayRange) -> tuple[float, float] | None:
    return None if delay.is_never else (delay.earliest, delay.latest)
