"""What a sidecar's API says of its SLOs. Reads only what it shows, so that versions may differ."""

from collections.abc import Callable, Iterator
from datetime import datetime
from math import inf
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.status.line import LOOKBACKS, Alarm, Line, Standing, State, Status, worst_first

# A path and its query → the body of the answer.
Get: TypeAlias = Callable[..., bytes]
_PATH: Final = "/api/v1/slos"
_AT_ONCE: Final = 1000


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
    seconds_to_exhaustion: float | None = None


class _Slo(Struct, rename="camel"):
    service: str
    name: str
    group: dict[str, str]
    standing: str
    stale: bool
    budget: _Budget
    lookbacks: list[_Burn]
    alerts: list[_Alert]


class _Refused(Struct):
    id: str


class _Sidecar(Struct):
    refused: list[_Refused]


class _Page(Struct):
    slos: list[_Slo]
    at: datetime | None = None
    next: str | None = None


def status(get: Get) -> Status:
    """All SLOs; raises msgspec.DecodeError for what is no sidecar's answer."""
    pages = list(_pages(get))
    lines = [_line(slo) for page in pages for slo in page.slos]
    refused = msgspec.json.decode(get("/api/v1/status"), type=_Sidecar).refused
    return Status(_unix(pages[-1].at), worst_first([*lines, *map(_unwatched, refused)]))


def _unwatched(refused: _Refused) -> Line:
    """Of an SLO that its source cannot count nothing is ever known."""
    service, _, name = refused.id.partition("/")
    return Line(
        service=service,
        name=name,
        group={},
        standing=Standing.UNKNOWN,
        stale=False,
        page=None,
        ticket=None,
        left=None,
        burn=dict.fromkeys(LOOKBACKS),
        gone_in=None,
    )


def _pages(get: Get) -> Iterator[_Page]:
    after: str | None = None
    while True:
        body = get(_PATH, limit=_AT_ONCE) if after is None else get(_PATH, limit=_AT_ONCE, after=after)
        page = msgspec.json.decode(body, type=_Page)
        yield page
        if page.next is None or page.next == after:
            return
        after = page.next


def _line(slo: _Slo) -> Line:
    alarms = {alert.severity: _alarm(alert) for alert in slo.alerts}
    return Line(
        service=slo.service,
        name=slo.name,
        group=slo.group,
        standing=_standing(slo),
        stale=slo.stale,
        page=alarms.get("page"),
        ticket=alarms.get("ticket"),
        left=slo.budget.left,
        burn=_burn(slo),
        gone_in=inf if slo.budget.burning is False else slo.budget.seconds_to_exhaustion,
    )


def _standing(slo: _Slo) -> Standing:
    """One that a newer sidecar has and we do not know is not fine."""
    name = slo.standing.upper()
    return Standing[name] if name in Standing.__members__ else Standing.UNKNOWN


def _alarm(alert: _Alert) -> Alarm:
    known = alert.state in {state.value for state in State}
    return Alarm(State(alert.state) if known else State.UNKNOWN, _unix(alert.since))


def _burn(slo: _Slo) -> dict[int, float | None]:
    rates = {burn.lookback: burn.burn_rate for burn in slo.lookbacks}
    return {lookback: rates.get(format_duration(lookback)) for lookback in LOOKBACKS}


def _unix(at: datetime | None) -> float | None:
    return None if at is None else at.timestamp()
