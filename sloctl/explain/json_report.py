"""Explanations as JSON: the same numbers, exact; null is never, or not known."""

from collections.abc import Iterable
from math import isinf
from typing import Any, TypeAlias

import msgspec

from sloctl.duration import format_duration
from sloctl.explain.timeline import (
    DelayRange,
    OutageAlert,
    SimulatedOutage,
    SloExplanation,
    ThresholdExplanation,
)

Json: TypeAlias = dict[str, Any]


def render_json(explanations: Iterable[SloExplanation]) -> str:
    """A list, one of each SLO."""
    told = msgspec.json.encode([_slo_document(each) for each in explanations])
    return msgspec.json.format(told, indent=2).decode() + "\n"


def _slo_document(explanation: SloExplanation) -> Json:
    slo, meaning = explanation.slo, explanation.event_definition
    return {
        "id": slo.id,
        "description": slo.description,
        "objective": float(slo.objective),
        "window": format_duration(slo.window.seconds),
        "groupBy": slo.group_by,
        "event": {
            "is": meaning.event_text,
            "of": meaning.event_queries,
            "bad": meaning.bad_text,
            "badOf": meaning.bad_queries,
            "silence": meaning.no_data_text,
        },
        "budget": {
            "share": float(slo.budget),
            "totalOutageSeconds": explanation.full_outage_seconds,
            "events": None
            if explanation.window_events is None
            else float(slo.budget) * explanation.window_events,
        },
        "alerts": [_threshold(threshold) for threshold in explanation.thresholds],
        "outages": [_outage(outage) for outage in explanation.outages],
    }


def _threshold(threshold: ThresholdExplanation) -> Json:
    row = threshold.policy_row
    return {
        "severity": row.severity.value,
        "long": format_duration(row.long),
        "short": format_duration(row.short),
        "factor": float(threshold.factor),
        "errorRatio": float(threshold.error_ratio),
        "budgetShare": float(row.budget_share),
        "enoughBadEvents": threshold.enough_bad_events,
        "whereFewerEventsThan": threshold.below_events,
    }


def _outage(outage: SimulatedOutage) -> Json:
    return {
        "bad": float(outage.error_ratio),
        "budgetGoneAfterSeconds": _seconds(outage.exhausted_after),
        "alerts": [_alert_document(firing) for firing in outage.alerts],
    }


def _alert_document(firing: OutageAlert) -> Json:
    row = firing.policy_row
    return {
        "alert": firing.alert_name,
        "severity": firing.severity.value,
        "long": None if row is None else format_duration(row.long),
        "short": None if row is None else format_duration(row.short),
        "afterSeconds": _delay_bounds(firing.fires_after),
        "budgetSpent": None if firing.fires_after.is_never else firing.budget_spent,
        "endsAfterSeconds": None if firing.resolves_after is None else _delay_bounds(firing.resolves_after),
    }


def _delay_bounds(stretch: DelayRange) -> tuple[float, float] | None:
    return None if stretch.is_never else (stretch.earliest, stretch.latest)


def _seconds(seconds: float) -> float | None:
    return None if isinf(seconds) else seconds
