"""The alerts that stand, board after board. Pure: the time is an argument.

An alert begins with the first board that claims it and ends a minute after the last one. What is not known
in between (stale data, no traffic, a loop that hangs) keeps it as it is, but no longer than its lookback:
after that nothing it rests on is left. So a page outlives the target that stops answering in the middle of an
outage, which is when it is needed most; from its own limit on the no-data alert stands beside it.
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

# What Alertmanager knows an alert by.
AlertIdentity: TypeAlias = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class ActiveAlert:
    """One alert as Alertmanager is to know it; Unix seconds.

    *claim* is the newest that fired; *heard* when something last spoke for it; *ended* None while it fires.
    *identity* is the labels, as a key.
    """

    candidate: AlertCandidate
    labels: Labels
    started_at: float
    last_confirmed: float
    identity: AlertIdentity
    ended_at: float | None = None


class ActiveAlerts:
    """What fires, and what ended not more than *remembered* seconds ago.

    Bounded by the board: at most one alarm per entry and kind of alert, and one more that just ended.
    """

    def __init__(self, style: LabelStyle, external: Labels, *, remembered: float) -> None:
        self._style = style
        self._external_labels = external
        self._ended_retention = remembered
        self._unread_since: dict[str, float] = {}
        self._firing: dict[AlertKey, ActiveAlert] = {}
        self._ended: dict[AlertIdentity, ActiveAlert] = {}

    def __iter__(self) -> Iterator[ActiveAlert]:
        yield from self._firing.values()
        yield from self._ended.values()

    @property
    def firing(self) -> tuple[ActiveAlert, ...]:
        return tuple(self._firing.values())

    def update(self, board: Snapshot, now: float) -> bool:
        """Whether an alarm began or ended."""
        unread = {entry.slo.id for entry in board.states if entry.last is None}
        self._unread_since = {slo: self._unread_since.get(slo, now) for slo in unread}
        changes = [
            self._apply_candidate(claim, now) for claim in alert_candidates(board, now, self._unread_since)
        ]
        silent = [
            key for key, alarm in self._firing.items() if now - alarm.last_confirmed > KEEP_FIRING_SECONDS
        ]
        for key in silent:
            self._end_alert(key, now)
        for identity in [it for it, alarm in self._ended.items() if self._is_old(alarm, now)]:
            del self._ended[identity]
        return any(changes) or bool(silent)

    def _apply_candidate(self, claim: AlertCandidate, now: float) -> bool:
        known = self._firing.get(claim.key)
        if claim.state is AlertState.UNKNOWN:
            if known is not None and now <= known.candidate.valid_until:
                self._firing[claim.key] = replace(known, last_confirmed=now)
            return False
        if now > claim.valid_until:
            return False
        if known is not None and known.candidate.slo_state.slo == claim.slo_state.slo:
            self._firing[claim.key] = replace(known, candidate=claim, last_confirmed=now)
            return False
        return self._start_alert(claim, now)

    def _start_alert(self, claim: AlertCandidate, now: float) -> bool:
        """Also when the spec has changed, and with it perhaps the labels."""
        labels = {**self._external_labels, **claim.alert_labels(self._style)}
        known = self._firing.get(claim.key)
        if known is not None and known.labels != labels:
            self._end_alert(claim.key, now)
            known = None
        began = known.started_at if known is not None else now if claim.since is None else claim.since
        alarm = ActiveAlert(
            claim, labels, started_at=began, last_confirmed=now, identity=frozenset(labels.items())
        )
        self._ended.pop(alarm.identity, None)
        self._firing[claim.key] = alarm
        return known is None

    def _end_alert(self, key: AlertKey, now: float) -> None:
        alarm = replace(self._firing.pop(key), ended_at=now)
        self._ended[alarm.identity] = alarm

    def _is_old(self, alarm: ActiveAlert, now: float) -> bool:
        return alarm.ended_at is not None and now - alarm.ended_at > self._ended_retention
