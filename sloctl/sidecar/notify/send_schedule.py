"""The alerts that one Alertmanager is to be sent next. Pure: the time is an argument.

It keeps states, not messages: after an hour without an answer only what is true then goes out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sloctl.sidecar.notify.active_alerts import ActiveAlert, AlertIdentity

# Alertmanager forgets an alert that is not renewed: Prometheus too allows for three lost renewals.
RESENDS_UNTIL_EXPIRY: Final = 4
# An end is sent several times, for the replicas behind one address, and quickly: sent late it would end the
# alert of a Prometheus that has seen it begin again.
END_SENDS: Final = 3
END_RESEND_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class _SendRecord:
    """The sends of one alert so far.

    *expires_at* counts from the newest attempt, which may have arrived; *sent_at* is the newest that did.
    """

    expires_at: float
    sent_at: float | None = None
    end_sends: int = 0


class SendSchedule:
    """The schedule of one Alertmanager, which renews every active alert each *resend* seconds."""

    def __init__(self, resend: float) -> None:
        self._resend = resend
        self._sent: dict[AlertIdentity, _SendRecord] = {}

    def due_alerts(self, alerts: Iterable[ActiveAlert], now: float) -> list[ActiveAlert]:
        """Select what to send at *now*, and forget what is not among *alerts* any more."""
        current = {alert.identity: alert for alert in alerts}
        self._sent = {identity: record for identity, record in self._sent.items() if identity in current}
        return [
            alert
            for identity, alert in current.items()
            if self._needs_send(alert, self._sent.get(identity), now)
        ]

    def mark_attempted(self, alerts: Iterable[ActiveAlert], now: float) -> None:
        """Note that Alertmanager may know these active alerts from *now* on."""
        for alert in alerts:
            if alert.ended_at is None:
                record = self._sent.get(alert.identity)
                sent_at = record.sent_at if record is not None and not record.end_sends else None
                self._sent[alert.identity] = _SendRecord(now + RESENDS_UNTIL_EXPIRY * self._resend, sent_at)

    def mark_sent(self, alerts: Iterable[ActiveAlert], now: float) -> None:
        """Note that Alertmanager has accepted these."""
        for alert in alerts:
            record = self._sent[alert.identity]
            end_sends = record.end_sends + 1 if alert.ended_at is not None else 0
            self._sent[alert.identity] = _SendRecord(record.expires_at, now, end_sends)

    def _needs_send(self, alert: ActiveAlert, record: _SendRecord | None, now: float) -> bool:
        if alert.ended_at is None:
            return (
                record is None
                or record.sent_at is None
                or record.end_sends > 0
                or now - record.sent_at >= self._resend
            )
        # What was never sent, or has expired there by itself, needs no end.
        if record is None or now >= record.expires_at or record.end_sends >= END_SENDS:
            return False
        return not record.end_sends or record.sent_at is None or now - record.sent_at >= END_RESEND_SECONDS
