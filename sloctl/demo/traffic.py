"""Made-up traffic: what is requested, what fails, how long it takes. Randomness is an argument."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import sin, tau
from random import Random
from typing import Final

from sloctl.duration import DAY, HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class RequestKind:
    """Requests that a metric counts alike; each takes *seconds*."""

    uri: str
    status: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Incident:
    """A time in which *error_ratio* of all requests fail after a time-out; Unix seconds."""

    begins: float
    ends: float
    error_ratio: float


ROUTE_SHARES: Final = {
    "/v1/authorisations/{id}": 0.5,
    "/v1/authorisations/{id}/capture": 0.3,
    "/v1/authorisations/{id}/refund": 0.05,
    "/v1/payments/{id}": 0.15,
}
# By the seconds that a request takes.
LATENCY_SHARES: Final = {0.08: 0.93, 0.2: 0.0675, 0.45: 0.002, 1.6: 0.0005}
EVERYDAY_ERROR_RATIO: Final = 0.0001
MEAN_RATE: Final = 20.0
_TIMED_OUT: Final = 2.5
_BUSIEST_TIME: Final = 15 * HOUR


def request_rate(at: float) -> float:
    """Return the requests a second: fewest at three in the morning (UTC), most twelve hours later."""
    return MEAN_RATE * (1 + 0.6 * sin(tau * ((at - _BUSIEST_TIME) / DAY + 0.25)))


def traffic_mix(error_ratio: float) -> Iterator[tuple[RequestKind, float]]:
    """Yield every kind of request with its share of the traffic; the shares add up to one."""
    for uri, popularity in ROUTE_SHARES.items():
        yield RequestKind(uri, "503", _TIMED_OUT), popularity * error_ratio
        for seconds, share in LATENCY_SHARES.items():
            yield RequestKind(uri, "200", seconds), popularity * share * (1 - error_ratio)


def generate_requests(
    at: float, seconds: float, *, error_ratio: float, random: Random
) -> Iterator[tuple[RequestKind, int]]:
    """Yield how many of each kind come in *seconds* up to *at*, rounded up or down by chance."""
    for kind, share in traffic_mix(error_ratio):
        yield kind, int(request_rate(at) * seconds * share + random.random())


@dataclass(frozen=True, slots=True)
class IncidentSchedule:
    """An incident at *first_start*, and the same again every *period* seconds."""

    first_start: float
    length: float = 6 * MINUTE
    error_ratio: float = 0.35
    period: float = 90 * MINUTE

    def latest_incident(self, at: float) -> Incident | None:
        """Return the newest incident that has begun by *at*; None before the first."""
        if at < self.first_start:
            return None
        begins = self.first_start + (at - self.first_start) // self.period * self.period
        return Incident(begins, begins + self.length, self.error_ratio)

    def error_ratio_at(self, at: float) -> float:
        incident = self.latest_incident(at)
        return incident.error_ratio if incident and at < incident.ends else EVERYDAY_ERROR_RATIO
