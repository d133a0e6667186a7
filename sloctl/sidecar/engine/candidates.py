"""Alert candidates: the alerts of a snapshot that fire, or cannot be decided, as the rules would say."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TypeAlias

from sloctl import naming
from sloctl.duration import DAY
from sloctl.model import AlertKind, Labels, Severity, SpentStep
from sloctl.naming import LabelStyle
from sloctl.rules.alert_templates import expand_template
from sloctl.sidecar.engine.evaluation import worst_state
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.sources import Group
from sloctl.slo.health import AlertState
from sloctl.slo.policy import exhaustion_row, rows_by_pending
from sloctl.slo.service_hours import next_start, started_at

# SLO id, group, kind, and what alerts of one kind differ by: the pending time of a burn alert, the share of
# a budget that is spent.
AlertKey: TypeAlias = tuple[str, Group, AlertKind, int | None, Fraction | None]


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
    step: SpentStep | None = None

    @property
    def key(self) -> AlertKey:
        share = None if self.step is None else self.step.share
        return self.slo_state.slo.id, self.slo_state.group, self.kind, self.pending, share

    def expression_labels(self, style: LabelStyle) -> Labels:
        """Give the labels that the rules' expression leaves; Prometheus has no empty ones."""
        if self.kind is AlertKind.NO_DATA and not self.slo_state.group:
            return style.id_label(self.slo_state.slo)
        return {label: value for label, value in self.slo_state.group_labels.items() if value}

    def alert_labels(self, style: LabelStyle) -> Labels:
        """Give the alert's labels, exactly as Prometheus would send them without `external_labels`."""
        own = self.expression_labels(style)
        slo = self.slo_state.slo
        written = style.alert_labels(slo, self.kind, self.pending, step=self.step)
        shown = {label: expand_template(text, own, self.value) for label, text in written.items()}
        labels = {**own, **shown, "alertname": naming.alert_name(slo.alerting, self.kind, self.step)}
        return {label: value for label, value in labels.items() if value}


def alert_candidates(
    snapshot: Snapshot, now: float, unread_since: Mapping[str, float], *, awake_since: float = 0.0
) -> Iterator[AlertCandidate]:
    """Give all candidates of *snapshot*; *unread_since* has, by id, the SLOs that were never read.

    Before *awake_since* the machine slept, and nobody could have read anything.
    """
    by_slo: dict[str, list[tuple[SloState, float]]] = {}
    for state in snapshot.states:
        # What was read last may page, and the hours have ended since.
        is_outside = next_start(state.slo.active_hours, now) is not None
        for burn in _burn_candidates(state):
            if not (is_outside and burn.kind is AlertKind.PAGE):
                yield burn
        yield from _budget_candidates(state)
        # What no sidecar watched tells nothing of the service.
        last = unread_since[state.slo.id] if state.last is None else state.last + state.unwatched_seconds
        # Nor does a time in which the service may be down.
        quiet_until = 0.0 if state.excluded is None else state.excluded.quiet_until
        begun = started_at(state.slo.active_hours, now)
        by_slo.setdefault(state.slo.id, []).append((state, max(last, awake_since, quiet_until, begun)))
    for states in by_slo.values():
        if states[0][0].slo.alerting.no_data is not None:
            yield from _no_data_candidates(states, now)


def _no_data_candidates(states: Sequence[tuple[SloState, float]], now: float) -> Iterator[AlertCandidate]:
    """Give the groups of one SLO whose data are gone, with when they last had some; else the SLO itself.

    As by the rules, a group that had no events for a day is no group any more. Where none is left, or nothing
    groups, the alert is that of the SLO.
    """
    after = states[0][0].slo.alerting.no_data_after
    groups = [(state, last) for state, last in states if state.group and not state.is_overflow]
    alive = [(state, last) for state, last in groups if _is_known_group(state, now - last, after)]
    newest, last = max(states, key=lambda each: each[1])
    silent = [(state, last) for state, last in alive if now > last + after]
    if not alive and now > last + after:
        silent = [(replace(newest, group=()), last)]
    for state, last in silent:
        yield AlertCandidate(
            AlertKind.NO_DATA, state, AlertState.FIRING, last + after, value=1.0, valid_until=now
        )


def _is_known_group(state: SloState, age: float, after: int) -> bool:
    """Tell whether a group, with data *age* seconds ago, has some or had events within the day before now."""
    day = min(state.burns, key=lambda burn: abs(burn.lookback - DAY))
    return age <= after or (age <= day.lookback and day.error_ratio is not None)


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
    budget, alerting, window = state.budget, state.slo.alerting, state.slo.window.longest
    found: list[tuple[AlertKind, bool | None, int, SpentStep | None]] = [
        (AlertKind.SPENT, state.has_spent(step), window, step) for step in alerting.spent_steps
    ]
    if alerting.exhausted is not None:
        found.append((AlertKind.EXHAUSTED, budget.is_exhausted, window, None))
    # Without a row nothing decides how long the budget lasts, and the rules have no such alert either.
    if alerting.exhausting is not None and (row := exhaustion_row(alerting.policy)) is not None:
        soon = budget.exhausts_within(alerting.exhausting_within)
        found.append((AlertKind.EXHAUSTING, soon, row.long, None))
    for kind, fires, lookback, step in found:
        if fires is not False:
            yield AlertCandidate(
                kind,
                state,
                AlertState.UNKNOWN if fires is None else AlertState.FIRING,
                since=None,
                value=budget.left or 0.0,
                valid_until=(state.last or 0.0) + lookback,
                step=step,
            )
