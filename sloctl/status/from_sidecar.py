"""The status of SLOs from a sidecar's API; only what is shown is read, so that versions may differ."""

from collections.abc import Callable
from datetime import datetime
from math import inf
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from sloctl.duration import format_duration, parse_duration
from sloctl.model import FixedTime
from sloctl.slo.exclusions import describe_time
from sloctl.slo.health import AlertState, Health
from sloctl.status.slo_status import (
    STATUS_LOOKBACKS,
    AlertStatus,
    SloStatus,
    StatusContributor,
    StatusReport,
    sort_worst_first,
)

# A path and its query → the body of the answer.
HttpGet: TypeAlias = Callable[..., bytes]
_SLOS_PATH: Final = "/api/v1/slos"
_PAGE_SIZE: Final = 1000


class _Alert(Struct, rename="camel"):
    severity: str
    state: str
    since: datetime | None = None
    stopped_at: datetime | None = None
    clears_at: datetime | None = None


class _Burn(Struct, rename="camel"):
    lookback: str
    burn_rate: float | None = None
    errors: float | None = None
    events: float | None = None


class _Period(Struct, rename="camel"):
    remaining_seconds: float


class _Budget(Struct, rename="camel"):
    left: float | None = None
    covered_seconds: float | None = None
    burning: bool | None = None
    time_to_exhaustion: float | None = None
    period: _Period | None = None


class _ExcludedTime(Struct):
    reason: str
    end: datetime
    start: datetime | None = None


class _Exclusions(Struct, rename="camel"):
    times: list[_ExcludedTime]
    budget_left_with_excluded: float | None = None


class _Slo(Struct, rename="camel"):
    service: str
    name: str
    group: dict[str, str]
    state: str
    stale: bool
    budget: _Budget
    lookbacks: list[_Burn]
    alerts: list[_Alert]
    window: str = ""
    exclusions: _Exclusions | None = None
    outside_service_hours_until: datetime | None = None
    contributors: tuple[StatusContributor, ...] | None = None


class _UnsupportedSlo(Struct):
    id: str


class _SidecarStatus(Struct):
    unsupported: list[_UnsupportedSlo]


class _SloPage(Struct):
    slos: list[_Slo]
    at: datetime | None = None
    next: str | None = None


def read_sidecar_status(get: HttpGet) -> StatusReport:
    """Read all SLOs; raise msgspec.DecodeError for what is no sidecar's answer."""
    pages = [msgspec.json.decode(get(_SLOS_PATH, limit=_PAGE_SIZE), type=_SloPage)]
    while (after := pages[-1].next) is not None and (len(pages) < 2 or after != pages[-2].next):
        pages.append(msgspec.json.decode(get(_SLOS_PATH, limit=_PAGE_SIZE, after=after), type=_SloPage))
    unsupported = msgspec.json.decode(get("/api/v1/status"), type=_SidecarStatus).unsupported
    slos = [_convert_slo(slo) for page in pages for slo in page.slos]
    for slo_id in (slo.id for slo in unsupported):
        # Of an SLO that its source cannot count nothing is ever known.
        service, _, name = slo_id.partition("/")
        unread = _Slo(service, name, {}, "unknown", stale=False, budget=_Budget(), lookbacks=[], alerts=[])
        slos.append(_convert_slo(unread))
    at = pages[-1].at
    return StatusReport(None if at is None else at.timestamp(), sort_worst_first(slos))


def _convert_slo(slo: _Slo) -> SloStatus:
    """Convert the API's form; a state that a newer sidecar has and we do not know is unknown, not fine."""
    health = slo.state.upper()
    alert_states = {state.value: state for state in AlertState}
    alerts = {
        alert.severity: AlertStatus(
            alert_states.get(alert.state, AlertState.UNKNOWN),
            *(
                None if moment is None else moment.timestamp()
                for moment in (alert.since, alert.stopped_at, alert.clears_at)
            ),
        )
        for alert in slo.alerts
    }
    rates = {burn.lookback: burn.burn_rate for burn in slo.lookbacks}
    counted = {burn.lookback: (burn.errors, burn.events) for burn in slo.lookbacks}
    errors, events = counted.get(format_duration(STATUS_LOOKBACKS[0]), (None, None))
    outside_until = slo.outside_service_hours_until
    return SloStatus(
        service=slo.service,
        name=slo.name,
        group=slo.group,
        health=Health[health] if health in Health.__members__ else Health.UNKNOWN,
        stale=slo.stale,
        page=alerts.get("page"),
        ticket=alerts.get("ticket"),
        budget_left=slo.budget.left,
        burn_rates={lookback: rates.get(format_duration(lookback)) for lookback in STATUS_LOOKBACKS},
        covered_seconds=_partial_seconds(slo),
        period="" if slo.budget.period is None else slo.window,
        excluded=tuple(map(_describe_excluded, slo.exclusions.times)) if slo.exclusions else (),
        budget_left_with_excluded=slo.exclusions.budget_left_with_excluded if slo.exclusions else None,
        outside_until=None if outside_until is None else outside_until.timestamp(),
        time_to_exhaustion=inf if slo.budget.burning is False else slo.budget.time_to_exhaustion,
        errors=errors,
        events=events,
        contributors=slo.contributors,
    )


def _describe_excluded(time: _ExcludedTime) -> str:
    start = None if time.start is None else int(time.start.timestamp())
    return f"{time.reason} ({describe_time(FixedTime(start, int(time.end.timestamp())))})"


def _partial_seconds(slo: _Slo) -> float | None:
    """Return how much of the window is known; None where it is all of it, or the sidecar does not say."""
    covered = slo.budget.covered_seconds
    if covered is None or not slo.window or slo.budget.period is not None:
        return None
    return None if covered >= parse_duration(slo.window) else covered
