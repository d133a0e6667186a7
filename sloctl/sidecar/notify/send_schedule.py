"""What one Alertmanager has yet to be told. Pure.

States, not messages: after an hour without an answer only what is true then goes out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sloctl.sidecar.notify.active_alerts import ActiveAlert, AlertIdentity

# Alertmanager forgets an alert that is not renewed: Prometheus too allows for three lost renewals.
RESENDS_UNTIL_EXPIRY: Final = 4
# An end is told several times, for the replicas behind one address, and quickly: told late it would end the
# alert of a Prometheus that has seen it begin again.
END_SENDS: Final = 3
END_RESEND_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _SendRecord:
    """*lasts_until* counts from the newest attempt, for it may have arrived; *at* is the newest that did."""

    expires_at: float
    sent_at: float | None = None
    end_sends: int = 0


class SendSchedule:
    """Alarms due at one Alertmanager, renewed every *resend* seconds."""

    def __init__(self, resend: float) -> None:
        self._resend = resend
        self._sent: dict[AlertIdentity, _SendRecord] = {}

    def due_alerts(self, alarms: Iterable[ActiveAlert], now: float) -> list[ActiveAlert]:
        """What to tell now; what is no longer an alarm is forgotten."""
        current = {alarm.identity: alarm for alarm in alarms}
        self._sent = {identity: told for identity, told in self._sent.items() if identity in current}
        return [
            alarm
            for identity, alarm in current.items()
            if self._needs_send(alarm, self._sent.get(identity), now)
        ]

    def mark_attempted(self, alarms: Iterable[ActiveAlert], now: float) -> None:
        """From here on Alertmanager may know them."""
        for alarm in alarms:
            if alarm.ended_at is None:
                told = self._sent.get(alarm.identity)
                at = told.sent_at if told is not None and not told.end_sends else None
                self._sent[alarm.identity] = _SendRecord(now + RESENDS_UNTIL_EXPIRY * self._resend, at)

    def mark_sent(self, alarms: Iterable[ActiveAlert], now: float) -> None:
        """Alertmanager said that it has them."""
        for alarm in alarms:
            told = self._sent[alarm.identity]
            ends = told.end_sends + 1 if alarm.ended_at is not None else 0
            self._sent[alarm.identity] = _SendRecord(told.expires_at, now, ends)

    def _needs_send(self, alarm: ActiveAlert, told: _SendRecord | None, now: float) -> bool:
        if alarm.ended_at is None:
            return (
                told is None
                or told.sent_at is None
                or told.end_sends > 0
                or now - told.sent_at >= self._resend
            )
        # What was never told, or has run out there by itself, needs no end.
        if told is None or now >= told.expires_at or told.end_sends >= END_SENDS:
            return False
        return not told.end_sends or told.sent_at is None or now - told.sent_at >= END_RESEND_SECONDS
