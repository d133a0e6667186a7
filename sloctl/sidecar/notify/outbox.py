"""What one Alertmanager has yet to be told. Pure.

States, not messages: after an hour without an answer only what is true then goes out.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sloctl.sidecar.notify.alarms import Alarm, Identity

# Alertmanager forgets an alert that is not renewed: Prometheus too allows for three lost renewals.
LASTS: Final = 4
# An end is told several times, for the replicas behind one address, and quickly: told late it would end the
# alert of a Prometheus that has seen it begin again.
END_TOLD: Final = 3
END_TOLD_EVERY: Final = 5.0


@dataclass(frozen=True, slots=True)
class _Told:
    """*lasts_until* counts from the newest attempt, for it may have arrived; *at* is the newest that did."""

    lasts_until: float
    at: float | None = None
    ends: int = 0


class Outbox:
    """Alarms due at one Alertmanager, renewed every *resend* seconds."""

    def __init__(self, resend: float) -> None:
        self._resend = resend
        self._told: dict[Identity, _Told] = {}

    def due(self, alarms: Iterable[Alarm], now: float) -> list[Alarm]:
        """What to tell now; what is no longer an alarm is forgotten."""
        current = {alarm.identity: alarm for alarm in alarms}
        self._told = {identity: told for identity, told in self._told.items() if identity in current}
        return [
            alarm for identity, alarm in current.items() if self._is_due(alarm, self._told.get(identity), now)
        ]

    def try_telling(self, alarms: Iterable[Alarm], now: float) -> None:
        """From here on Alertmanager may know them."""
        for alarm in alarms:
            if alarm.ended is None:
                told = self._told.get(alarm.identity)
                at = told.at if told is not None and not told.ends else None
                self._told[alarm.identity] = _Told(now + LASTS * self._resend, at)

    def told(self, alarms: Iterable[Alarm], now: float) -> None:
        """Alertmanager said that it has them."""
        for alarm in alarms:
            told = self._told[alarm.identity]
            ends = told.ends + 1 if alarm.ended is not None else 0
            self._told[alarm.identity] = _Told(told.lasts_until, now, ends)

    def _is_due(self, alarm: Alarm, told: _Told | None, now: float) -> bool:
        if alarm.ended is None:
            return told is None or told.at is None or told.ends > 0 or now - told.at >= self._resend
        # What was never told, or has run out there by itself, needs no end.
        if told is None or now >= told.lasts_until or told.ends >= END_TOLD:
            return False
        return not told.ends or told.at is None or now - told.at >= END_TOLD_EVERY
