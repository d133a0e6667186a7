"""The active alerts, snapshot after snapshot. Pure: the time is an argument.

An alert begins with the first snapshot in which it fires and ends a minute after the last one. What is not
known in between (stale data, no traffic, a loop that hangs) keeps it as it is, but no longer than its
lookback: after that no data it rests on are left. So a page outlives the target that stops answering in the
middle of an outage, when it is needed most; from its own limit on the no-data alert stands beside it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from sloctl.model import Labels
from sloctl.naming import LabelStyle
from sloctl.sidecar.engine.candidates import AlertCandidate, AlertKey, alert_candidates
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import FINE_STEP

# The rules look once a minute: one that ends sooner would end Prometheus's alert too, only for it to be
# raised again at its next resend. It also keeps a ratio that dances on its threshold from flapping.
KEEP_FIRING_SECONDS: Final = FINE_STEP

# The labels as a key, by which Alertmanager knows an alert.
AlertIdentity: TypeAlias = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """One alert as Alertmanager is to know it; times in Unix seconds.

    *candidate* is the newest that fired; *last_confirmed* when it fired last, or could not be decided;
    *ended_at* is None while the alert is active.
    """

    candidate: AlertCandidate
    labels: Labels
    started_at: float
    last_confirmed: float
    identity: AlertIdentity
    ended_at: float | None = None


class ActiveAlerts:
    """The active alerts, and those that ended not more than *ended_retention* seconds ago.

    Bounded by the snapshot: at most one for each SLO state and kind of alert, and one more that just ended.
    """

    def __init__(self, style: LabelStyle, external_labels: Labels, *, ended_retention: float) -> None:
        self._style = style
        self._external_labels = external_labels
        self._ended_retention = ended_retention
        self._unread_since: dict[str, float] = {}
        self._firing: dict[AlertKey, ActiveAlert] = {}
        self._ended: dict[AlertIdentity, ActiveAlert] = {}

    def __iter__(self) -> Iterator[ActiveAlert]:
        yield from self._firing.values()
        yield from self._ended.values()

    @property
    def firing(self) -> tuple[ActiveAlert, ...]:
        return tuple(self._firing.values())

    def update(self, snapshot: Snapshot, now: float, *, awake_since: float = 0.0) -> bool:
        """Apply a snapshot at Unix time *now*; return whether an alert began or ended.

        The machine has been awake since *awake_since*.
        """
        unread = {state.slo.id for state in snapshot.states if state.last is None}
        self._unread_since = {slo: self._unread_since.get(slo, now) for slo in unread}
        candidates = alert_candidates(snapshot, now, self._unread_since, awake_since=awake_since)
        changes = [self._apply_candidate(candidate, now) for candidate in candidates]
        silent = [
            key for key, alert in self._firing.items() if now - alert.last_confirmed > KEEP_FIRING_SECONDS
        ]
        for key in silent:
            self._end_alert(key, now)
        self._ended = {
            identity: alert
            for identity, alert in self._ended.items()
            if alert.ended_at is None or now - alert.ended_at <= self._ended_retention
        }
        return any(changes) or bool(silent)

    def _apply_candidate(self, candidate: AlertCandidate, now: float) -> bool:
        """Start or confirm the alert of *candidate*; return whether it began."""
        known = self._firing.get(candidate.key)
        if candidate.state is AlertState.UNKNOWN:
            if known is not None and now <= known.candidate.valid_until:
                self._firing[candidate.key] = replace(known, last_confirmed=now)
            return False
        if now > candidate.valid_until:
            return False
        if known is not None and known.candidate.slo_state.slo == candidate.slo_state.slo:
            self._firing[candidate.key] = replace(known, candidate=candidate, last_confirmed=now)
            return False
        return self._start_alert(candidate, now)

    def _start_alert(self, candidate: AlertCandidate, now: float) -> bool:
        """Start an alert, or go on with it under the labels of a spec that changed."""
        labels = {**self._external_labels, **candidate.alert_labels(self._style)}
        known = self._firing.get(candidate.key)
        if known is not None and known.labels != labels:
            self._end_alert(candidate.key, now)
            known = None
        started_at = now if candidate.since is None else candidate.since
        alert = ActiveAlert(
            candidate,
            labels,
            started_at=started_at if known is None else known.started_at,
            last_confirmed=now,
            identity=frozenset(labels.items()),
        )
        self._ended.pop(alert.identity, None)
        self._firing[candidate.key] = alert
        return known is None

    def _end_alert(self, key: AlertKey, now: float) -> None:
        alert = replace(self._firing.pop(key), ended_at=now)
        self._ended[alert.identity] = alert
