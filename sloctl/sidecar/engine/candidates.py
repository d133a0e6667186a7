"""What a board says of each alert that the rules would have. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.model import AlertMetadata, Labels, Severity, Slo
from sloctl.naming import LabelStyle
from sloctl.rules.alert_templates import expand_template
from sloctl.sidecar.engine.evaluation import AlertEvaluation
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.sources import Group
from sloctl.slo.health import AlertState
from sloctl.slo.policy import exhaustion_row


class AlertKind(Enum):
    """The alerts the rules have: name and severity."""

    PAGE = (naming.BURN_ALERT, Severity.PAGE)
    TICKET = (naming.BURN_ALERT, Severity.TICKET)
    EXHAUSTED = (naming.EXHAUSTED_ALERT, Severity.TICKET)
    EXHAUSTING = (naming.EXHAUSTING_ALERT, Severity.TICKET)
    NO_DATA = (naming.NO_DATA_ALERT, Severity.TICKET)

    @property
    def alertname(self) -> str:
        return self.value[0]

    @property
    def severity(self) -> Severity:
        return self.value[1]


# SLO id, group and kind.
AlertKey: TypeAlias = tuple[str, Group, AlertKind]
_BURN_KINDS: Final = {Severity.PAGE: AlertKind.PAGE, Severity.TICKET: AlertKind.TICKET}


@dataclass(frozen=True, slots=True)
class AlertCandidate:
    """One alert that fires, or of which nothing is known; an inactive one makes no claim.

    *since* is when it began, where the board knows; *value* is what the rules' expression would give. With no
    newer data the claim holds *until* then (Unix seconds): after that nothing it rests on is in its lookback.
    """

    kind: AlertKind
    slo_state: SloState
    state: AlertState
    since: float | None
    value: float
    valid_until: float

    @property
    def key(self) -> AlertKey:
        # Where no series is left there are no groups: one alert for the SLO, as by the rules.
        group = () if self.kind is AlertKind.NO_DATA else self.slo_state.group
        return self.slo_state.slo.id, group, self.kind

    @property
    def alert_text(self) -> AlertMetadata:
        """What the spec adds to this kind of alert."""
        text = _texts(self.slo_state.slo)[self.kind]
        assert text is not None, "a disabled alert makes no claim"  # noqa: S101 - holds by construction
        return text

    def expression_labels(self, style: LabelStyle) -> Labels:
        """What the rules' expression leaves of labels; Prometheus has no empty ones."""
        if self.kind is AlertKind.NO_DATA:
            return style.id_label(self.slo_state.slo)
        return {label: value for label, value in self.slo_state.group_labels.items() if value}

    def alert_labels(self, style: LabelStyle) -> Labels:
        """The alert's labels, exactly as Prometheus would send them without `external_labels`."""
        own = self.expression_labels(style)
        written = style.alert_labels(self.slo_state.slo, self.kind.severity, self.alert_text)
        shown = {label: expand_template(text, own, self.value) for label, text in written.items()}
        labels = {**own, **shown, "alertname": self.kind.alertname}
        return {label: value for label, value in labels.items() if value}


def alert_candidates(
    board: Snapshot, now: float, unread_since: Mapping[str, float]
) -> Iterator[AlertCandidate]:
    """All that *board* claims; an SLO that was never read is in *unread_since*, by its id."""
    newest: dict[str, tuple[SloState, float]] = {}
    for entry in board.states:
        yield from _burn_candidates(entry)
        yield from _budget_candidates(entry)
        last = unread_since[entry.slo.id] if entry.last is None else entry.last
        known = newest.get(entry.slo.id)
        if known is None or last > known[1]:
            newest[entry.slo.id] = entry, last
    for entry, last in newest.values():
        yield from _no_data(entry, last, now)


def _burn_candidates(entry: SloState) -> Iterator[AlertCandidate]:
    for alert in entry.alerts:
        if alert.state is not AlertState.INACTIVE:
            value, lookback = _evidence(alert)
            yield AlertCandidate(
                kind=_BURN_KINDS[alert.severity],
                slo_state=entry,
                state=alert.state,
                since=alert.since,
                value=value,
                valid_until=(entry.last or 0.0) + lookback,
            )


def _evidence(alert: AlertEvaluation) -> tuple[float, int]:
    """The long error ratio of the first row that fires, and the longest lookback that does."""
    firing = [row for row in alert.rows if row.state is AlertState.FIRING]
    ratio = firing[0].long.error_ratio if firing else None
    return ratio or 0.0, max((row.policy_row.long for row in firing), default=0)


def _budget_candidates(entry: SloState) -> Iterator[AlertCandidate]:
    budget, alerting, window = entry.budget, entry.slo.alerting, entry.slo.window.seconds
    if alerting.exhausted is not None and (gone := budget.is_exhausted) is not False:
        yield _budget_candidate(AlertKind.EXHAUSTED, entry, is_so=gone, lookback=window)
    going = alerting.exhausting is not None and budget.exhausts_within(alerting.exhausting_within)
    # Without a row nothing tells how long the budget lasts, and the rules have no such alert either.
    if going is not False and (row := exhaustion_row(alerting.policy)) is not None:
        yield _budget_candidate(AlertKind.EXHAUSTING, entry, is_so=going, lookback=row.long)


def _budget_candidate(
    kind: AlertKind, entry: SloState, *, is_so: bool | None, lookback: int
) -> AlertCandidate:
    state = AlertState.UNKNOWN if is_so is None else AlertState.FIRING
    until = (entry.last or 0.0) + lookback
    return AlertCandidate(kind, entry, state, since=None, value=entry.budget.left or 0.0, valid_until=until)


def _no_data(entry: SloState, last: float, now: float) -> Iterator[AlertCandidate]:
    alerting = entry.slo.alerting
    since = last + alerting.no_data_after
    if alerting.no_data is not None and now > since:
        yield AlertCandidate(AlertKind.NO_DATA, entry, AlertState.FIRING, since, value=1.0, valid_until=now)


def _texts(slo: Slo) -> dict[AlertKind, AlertMetadata | None]:
    alerting = slo.alerting
    return {
        AlertKind.PAGE: alerting.page,
        AlertKind.TICKET: alerting.ticket,
        AlertKind.EXHAUSTED: alerting.exhausted,
        AlertKind.EXHAUSTING: alerting.exhausting,
        AlertKind.NO_DATA: alerting.no_data,
    }
