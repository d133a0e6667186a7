"""What a sidecar's API says of its SLOs. Reads only what it shows, so that versions may differ."""

from collections.abc import Callable, Iterator
from datetime import datetime
from math import inf
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.slo.health import AlertState, Health
from sloctl.status.slo_status import STATUS_LOOKBACKS, AlertStatus, SloStatus, StatusReport, sort_worst_first

# A path and its query → the body of the answer.
HttpGet: TypeAlias = Callable[..., bytes]
_SLOS_PATH: Final = "/api/v1/slos"
_PAGE_SIZE: Final = 1000


class _Alert(Struct):
    severity: str
    state: str
    since: datetime | None = None


class _Burn(Struct, rename="camel"):
    lookback: str
    burn_rate: float | None = None


class _Budget(Struct, rename="camel"):
    left: float | None = None
    burning: bool | None = None
    time_to_exhaustion: float | None = None


class _Slo(Struct, rename="camel"):
    service: str
    name: str
    group: dict[str, str]
    state: str
    stale: bool
    budget: _Budget
    lookbacks: list[_Burn]
    alerts: list[_Alert]


class _UnsupportedSlo(Struct):
    id: str


class _SidecarStatus(Struct):
    unsupported: list[_UnsupportedSlo]


class _SloPage(Struct):
    slos: list[_Slo]
    at: datetime | None = None
    next: str | None = None


def read_sidecar_status(get: HttpGet) -> StatusReport:
    """All SLOs; raises msgspec.DecodeError for what is no sidecar's answer."""
    pages = list(_fetch_pages(get))
    lines = [_slo_status(slo) for page in pages for slo in page.slos]
    refused = msgspec.json.decode(get("/api/v1/status"), type=_SidecarStatus).unsupported
    return StatusReport(_unix_seconds(pages[-1].at), sort_worst_first([*lines, *map(_unwatched, refused)]))


def _unwatched(refused: _UnsupportedSlo) -> SloStatus:
    """Of an SLO that its source cannot count nothing is ever known."""
    service, _, name = refused.id.partition("/")
    return SloStatus(
        service=service,
        name=name,
        group={},
        health=Health.UNKNOWN,
        stale=False,
        page=None,
        ticket=None,
        budget_left=None,
        burn_rates=dict.fromkeys(STATUS_LOOKBACKS),
        time_to_exhaustion=None,
    )


def _fetch_pages(get: HttpGet) -> Iterator[_SloPage]:
    after: str | None = None
    while True:
        body = (
            get(_SLOS_PATH, limit=_PAGE_SIZE)
            if after is None
            else get(_SLOS_PATH, limit=_PAGE_SIZE, after=after)
        )
        page = msgspec.json.decode(body, type=_SloPage)
        yield page
        if page.next is None or page.next == after:
            return
        after = page.next


def _slo_status(slo: _Slo) -> SloStatus:
    alarms = {alert.severity: _alarm(alert) for alert in slo.alerts}
    return SloStatus(
        service=slo.service,
        name=slo.name,
        group=slo.group,
        health=_parse_health(slo),
        stale=slo.stale,
        page=alarms.get("page"),
        ticket=alarms.get("ticket"),
        budget_left=slo.budget.left,
        burn_rates=_burn(slo),
        time_to_exhaustion=inf if slo.budget.burning is False else slo.budget.time_to_exhaustion,
    )


def _parse_health(slo: _Slo) -> Health:
    """One that a newer sidecar has and we do not know is not fine."""
    name = slo.state.upper()
    return Health[name] if name in Health.__members__ else Health.UNKNOWN


def _alarm(alert: _Alert) -> AlertStatus:
    known = alert.state in {state.value for state in AlertState}
    return AlertStatus(AlertState(alert.state) if known else AlertState.UNKNOWN, _unix_seconds(alert.since))


def _burn(slo: _Slo) -> dict[int, float | None]:
    rates = {burn.lookback: burn.burn_rate for burn in slo.lookbacks}
    return {lookback: rates.get(format_duration(lookback)) for lookback in STATUS_LOOKBACKS}


def _unix_seconds(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
