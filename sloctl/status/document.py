"""A status as JSON; null is unknown."""

from datetime import UTC, datetime
from math import isinf
from typing import Any, TypeAlias

from sloctl.duration import format_duration
from sloctl.status.line import Alarm, FailOn, Line, Status, Verdict

Json: TypeAlias = dict[str, Any]


def document(status: Status, fail_on: FailOn, verdict: Verdict) -> Json:
    return {
        "at": _time(status.at),
        "failOn": fail_on.name.lower(),
        "verdict": verdict.value,
        "slos": [_line(line) for line in status.lines],
    }


def _line(line: Line) -> Json:
    seconds = line.gone_in
    is_burning = None if seconds is None else not isinf(seconds)
    return {
        "id": line.id,
        "service": line.service,
        "name": line.name,
        "group": dict(line.group),
        "standing": line.standing.name.lower(),
        "stale": line.stale,
        "page": _alarm(line.page),
        "ticket": _alarm(line.ticket),
        "budgetLeft": line.left,
        "burnRates": {format_duration(lookback): rate for lookback, rate in line.burn.items()},
        "burning": is_burning,
        "secondsToExhaustion": seconds if is_burning else None,
    }


def _alarm(alarm: Alarm | None) -> Json | None:
    return None if alarm is None else {"state": alarm.state.value, "since": _time(alarm.since)}


def _time(at: float | None) -> str | None:
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
