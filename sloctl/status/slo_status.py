"""The status of SLOs, whichever the source, and the result of a gate on it."""

from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from sloctl.duration import HOUR, MINUTE
from sloctl.model import Labels
from sloctl.slo.health import AlertState, Health

# What a person watches while an incident goes on; the time to exhaustion is that of the first.
STATUS_LOOKBACKS: Final = (5 * MINUTE, 30 * MINUTE, HOUR, 6 * HOUR)


class AlertStatus(Struct, frozen=True):
    """A page or a ticket; *since* is Unix time, None where it does not fire or that is unknown.

    *stopped_at* says since when nothing is above its threshold, *clears_at* when it ends if that lasts; None
    while it goes on, or where that is unknown.
    """

    state: AlertState
    since: float | None = None
    stopped_at: float | None = None
    clears_at: float | None = None


class StatusContributor(Struct, frozen=True, rename="camel"):
    """A label value with more of the errors than of the traffic over *lookback*; shares from 0 to 1."""

    label: str
    value: str
    lookback: str
    share_of_errors: float
    share_of_traffic: float


class SloStatus(Struct, frozen=True):
    """One SLO, or one group of it; None is unknown.

    *budget_left* is a share, negative when overspent, and *covered_seconds* the part of the window that is
    known where it is not all of it; *period* is that of a calendar window; *burn_rates* are by lookback in
    seconds; *time_to_exhaustion* is that of the burn over the last five minutes, by
    `burn.time_to_exhaustion`. *excluded* are the exclusions that the numbers are without, in words, and
    *budget_left_with_excluded* is what would be left with them. *outside_until* is when the service hours
    begin again, None within them. Of *events* of the last five minutes *errors*
    were bad; *contributors* are those of the whole SLO, None where the source does not know them. What is
    *stale* was true when there were last data.
    """

    service: str
    name: str
    group: Labels
    health: Health
    stale: bool
    page: AlertStatus | None
    ticket: AlertStatus | None
    budget_left: float | None
    burn_rates: Mapping[int, float | None]
    time_to_exhaustion: float | None
    covered_seconds: float | None = None
    period: str = ""
    excluded: tuple[str, ...] = ()
    budget_left_with_excluded: float | None = None
    outside_until: float | None = None
    errors: float | None = None
    events: float | None = None
    contributors: tuple[StatusContributor, ...] | None = None

    @property
    def id(self) -> str:
        return f"{self.service}/{self.name}"


class StatusReport(Struct, frozen=True):
    """All SLOs in the order to show; *at* is Unix time, None before the source first had data."""

    at: float | None
    slos: tuple[SloStatus, ...]

    def select_slos(self, names: Sequence[str]) -> "StatusReport":
        """Keep the SLOs, or services, of these names; raise KeyError with a name that nothing has."""
        if not names:
            return self
        known = {slo.id for slo in self.slos} | {slo.service for slo in self.slos}
        if unknown := [name for name in names if name not in known]:
            raise KeyError(unknown[0])
        return StatusReport(self.at, tuple(it for it in self.slos if it.id in names or it.service in names))


def merge_reports(reports: Mapping[str, StatusReport]) -> StatusReport:
    """Put the reports of several servers, by URL, into one: an SLO of each has its server as a group.

    The time is the oldest, so that nothing seems newer than it is.
    """
    if len(reports) == 1:
        return next(iter(reports.values()))
    slos = [
        replace(slo, group={"prometheus": url.partition("//")[2], **slo.group})
        for url, report in reports.items()
        for slo in report.slos
    ]
    known = [report.at for report in reports.values() if report.at is not None]
    return StatusReport(min(known, default=None), sort_worst_first(slos))


class FailOn(IntEnum):
    """The level at which a gate fails; each includes those before it."""

    PAGE = 0
    TICKET = 1
    EXHAUSTED = 2
    UNKNOWN = 3


class GateResult(Enum):
    """The result of a gate; unknown where nothing at all is known of any SLO."""

    FINE = "fine"
    FAILING = "failing"
    UNKNOWN = "unknown"


def sort_worst_first(slos: Sequence[SloStatus]) -> tuple[SloStatus, ...]:
    return tuple(
        sorted(
            slos,
            key=lambda slo: (
                slo.health,
                1.0 if slo.budget_left is None else slo.budget_left,
                slo.id,
                sorted(slo.group.items()),
            ),
        )
    )


def evaluate_gate(status: StatusReport, fail_on: FailOn) -> GateResult:
    """Decide whether a deployment may go on: not where nothing is known of any SLO."""
    for slo in status.slos:
        fails_by_level = (
            slo.page is not None and slo.page.state is AlertState.FIRING,
            slo.ticket is not None and slo.ticket.state is AlertState.FIRING,
            slo.budget_left is not None and slo.budget_left <= 0,
            slo.health is not Health.FINE,
        )
        if any(fails_by_level[: fail_on + 1]):
            return GateResult.FAILING
    all_unknown = all(slo.health is Health.UNKNOWN for slo in status.slos)
    return GateResult.UNKNOWN if all_unknown else GateResult.FINE
