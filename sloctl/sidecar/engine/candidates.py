"""Alert candidates: the alerts of a snapshot that fire, or cannot be decided, as the rules would say."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from sloctl import naming
from sloctl.model import AlertKind, Labels, Severity
from sloctl.naming import LabelStyle
from sloctl.rules.alert_templates import expand_template
from sloctl.sidecar.engine.evaluation import worst_state
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.sources import Group
from sloctl.slo.health import AlertState
from sloctl.slo.policy import exhaustion_row, rows_by_pending

# SLO id, group, kind, and the pending time where burn alerts of a severity differ by it.
AlertKey: TypeAlias = tuple[str, Group, AlertKind, int | None]


@dataclass(frozen=True, slots=True)
class AlertCandidate:
    """One alert that fires, or that cannot be decided; an inactive one is no candidate.

    *since* is when it began, where the snapshot knows; *value* is what the rules' expression would give. With
    no newer data it is valid *until* then (Unix seconds): after that nothing it rests on is in its lookback.
    """

    kind: AlertKind
    slo_state: SloState
    state: AlertState
    since: float | None
    value: float
    valid_until: float
    pending: int | None = None

    @property
    def key(self) -> AlertKey:
        # Where no series is left there are no groups: one alert for the SLO, as by the rules.
        group = () if self.kind is AlertKind.NO_DATA else self.slo_state.group
        return self.slo_state.slo.id, group, self.kind, self.pending

    def expression_labels(self, style: LabelStyle) -> Labels:
        """Give the labels that the rules' expression leaves; Prometheus has no empty ones."""
        if self.kind is AlertKind.NO_DATA:
            return style.id_label(self.slo_state.slo)
        return {label: value for label, value in self.slo_state.group_labels.items() if value}

    def alert_labels(self, style: LabelStyle) -> Labels:
        """Give the alert's labels, exactly as Prometheus would send them without `external_labels`."""
        own = self.expression_labels(style)
        slo = self.slo_state.slo
        written = style.alert_labels(slo, self.kind, self.pending)
        shown = {label: expand_template(text, own, self.value) for label, text in written.items()}
        labels = {**own, **shown, "alertname": naming.alert_name(slo.alerting, self.kind)}
        return {label: value for label, value in labels.items() if value}


def alert_candidates(
    snapshot: Snapshot, now: float, unread_since: Mapping[str, float]
) -> Iterator[AlertCandidate]:
    """Give all candidates of *snapshot*; *unread_since* has, by id, the SLOs that were never read."""
    newest: dict[str, tuple[SloState, float]] = {}
    for state in snapshot.states:
        yield from _burn_candidates(state)
        yield from _budget_candidates(state)
        # What no sidecar watched tells nothing of the service.
        last = unread_since[state.slo.id] if state.last is None else state.last + state.unwatched_seconds
        known = newest.get(state.slo.id)
        if known is None or last > known[1]:
            newest[state.slo.id] = state, last
    for state, last in newest.values():
        since = last + state.slo.alerting.no_data_after
        if state.slo.alerting.no_data is not None and now > since:
            yield AlertCandidate(
                AlertKind.NO_DATA, state, AlertState.FIRING, since, value=1.0, valid_until=now
            )


def _burn_candidates(state: SloState) -> Iterator[AlertCandidate]:
    """Give page and ticket: the first firing row has the value, the longest lookback of one the validity."""
    kinds = {Severity.PAGE: AlertKind.PAGE, Severity.TICKET: AlertKind.TICKET}
    for alert in state.alerts:
        by_pending = rows_by_pending([row.policy_row for row in alert.rows])
        for pending, policy_rows in by_pending.items():
            rows = [row for row in alert.rows if row.policy_row in policy_rows]
            worst = worst_state(rows)
            if worst is AlertState.INACTIVE:
                continue
            firing = [row for row in rows if row.state is AlertState.FIRING]
            ratio = firing[0].long.error_ratio if firing else None
            lookback = max((row.policy_row.long for row in firing), default=0)
            yield AlertCandidate(
                kind=kinds[alert.severity],
                slo_state=state,
                state=worst,
                since=alert.since if pending is None else None,
                value=ratio or 0.0,
                valid_until=(state.last or 0.0) + lookback,
                pending=pending,
            )


def _budget_candidates(state: SloState) -> Iterator[AlertCandidate]:
    budget, alerting, window = state.budget, state.slo.alerting, state.slo.window.seconds
    found: list[tuple[AlertKind, bool | None, int]] = []
    if alerting.exhausted is not None:
        found.append((AlertKind.EXHAUSTED, budget.is_exhausted, window))
    # Without a row nothing decides how long the budget lasts, and the rules have no such alert either.
    if alerting.exhausting is not None and (row := exhaustion_row(alerting.policy)) is not None:
        found.append((AlertKind.EXHAUSTING, budget.exhausts_within(alerting.exhausting_within), row.long))
    for kind, fires, lookback in found:
        if fires is not False:
            yield AlertCandidate(
                kind,
                state,
                AlertState.UNKNOWN if fires is None else AlertState.FIRING,
                since=None,
                value=budget.left or 0.0,
                valid_until=(state.last or 0.0) + lookback,
            )
