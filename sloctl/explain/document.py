"""Explanations as JSON: the same numbers, exact; null is never, or not known."""

from collections.abc import Iterable
from math import isinf
from typing import Any, TypeAlias

import msgspec

from sloctl.duration import format_duration
from sloctl.explain.course import Explanation, Firing, Outage, Stretch, Threshold

Json: TypeAlias = dict[str, Any]


def document(explanations: Iterable[Explanation]) -> str:
    """A list, one of each SLO."""
    told = msgspec.json.encode([_explanation(each) for each in explanations])
    return msgspec.json.format(told, indent=2).decode() + "\n"


def _explanation(explanation: Explanation) -> Json:
    slo, meaning = explanation.slo, explanation.meaning
    return {
        "id": slo.id,
        "description": slo.description,
        "objective": float(slo.objective),
        "window": format_duration(slo.window.seconds),
        "groupBy": slo.group_by,
        "event": {
            "is": meaning.event,
            "of": meaning.of,
            "bad": meaning.bad,
            "badOf": meaning.bad_of,
            "silence": meaning.silence,
        },
        "budget": {
            "share": float(slo.budget),
            "totalOutageSeconds": explanation.outage_seconds,
            "events": None if explanation.events is None else float(slo.budget) * explanation.events,
        },
        "alerts": [_threshold(threshold) for threshold in explanation.thresholds],
        "outages": [_outage(outage) for outage in explanation.outages],
    }


def _threshold(threshold: Threshold) -> Json:
    row = threshold.row
    return {
        "severity": row.severity.value,
        "long": format_duration(row.long),
        "short": format_duration(row.short),
        "factor": float(threshold.factor),
        "errorRatio": float(threshold.ratio),
        "budgetShare": float(row.budget_share),
        "enoughBadEvents": threshold.enough,
        "whereFewerEventsThan": threshold.below,
    }


def _outage(outage: Outage) -> Json:
    return {
        "bad": float(outage.bad),
        "budgetGoneAfterSeconds": _seconds(outage.gone_after),
        "alerts": [_firing(firing) for firing in outage.firings],
    }


def _firing(firing: Firing) -> Json:
    row = firing.row
    return {
        "alert": firing.alert,
        "severity": firing.severity.value,
        "long": None if row is None else format_duration(row.long),
        "short": None if row is None else format_duration(row.short),
        "afterSeconds": _stretch(firing.after),
        "budgetSpent": None if firing.after.is_never else firing.spent,
        "endsAfterSeconds": None if firing.ends is None else _stretch(firing.ends),
    }


def _stretch(stretch: Stretch) -> tuple[float, float] | None:
    return None if stretch.is_never else (stretch.earliest, stretch.latest)


def _seconds(seconds: float) -> float | None:
    return None if isinf(seconds) else seconds
