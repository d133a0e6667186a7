"""What is measured: services of several sizes, and the month that each of them lives through."""

from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from typing import Final

from sloctl.duration import DAY, HOUR, MINUTE

# A Monday, 00:00 UTC.
START: Final = 1767571200
DAYS: Final = 33
END: Final = START + DAYS * DAY
# Errors per request while nothing is wrong.
BASE_ERRORS: Final = 0.0003


@dataclass(frozen=True, slots=True)
class Profile:
    """A service: pods x routes x codes series; *peak* is all its requests per second on a weekday's noon."""

    name: str
    pods: int
    routes: int
    codes: tuple[str, ...]
    peak: float
    scrape: int
    window: int
    objective: Fraction

    @property
    def series(self) -> int:
        return self.pods * self.routes * len(self.codes)

    @property
    def budget(self) -> Fraction:
        return 1 - self.objective


@dataclass(frozen=True, slots=True)
class Fault:
    """A share of all requests fails from *start* on, Unix time, for *length* seconds."""

    name: str
    start: int
    length: int
    share: float

    @property
    def end(self) -> int:
        return self.start + self.length


class Sight(Enum):
    """What Prometheus can see of the targets."""

    SCRAPED = "scraped"
    UNREACHABLE = "unreachable"
    DOWN = "Prometheus is down"


def _at(day: int, hour: int) -> int:
    return START + day * DAY + hour * HOUR


DOWN: Final = (_at(22, 12), _at(22, 14))
UNREACHABLE: Final = (_at(25, 4), _at(25, 4) + 20 * MINUTE)
HIDDEN: Final = Fault("10 min 10 %, Prometheus down", _at(22, 13), 10 * MINUTE, 0.1)
SLOW_BURN: Final = Fault("36 h 0.25 %", _at(17, 0), 36 * HOUR, 0.0025)
# Seen by Prometheus, and short enough that a page is the question.
OUTAGES: Final = (
    Fault("5 min 100 % at peak", _at(10, 13), 5 * MINUTE, 1.0),
    Fault("1 h 20 % at peak", _at(15, 13), HOUR, 0.2),
    Fault("1 h 20 % at night", _at(20, 3), HOUR, 0.2),
    Fault("5 min 100 % in the afternoon", _at(27, 15), 5 * MINUTE, 1.0),
    Fault("5 min 100 % at night", _at(29, 2), 5 * MINUTE, 1.0),
    Fault("4 h 0.8 %", _at(30, 8), 4 * HOUR, 0.008),
    Fault("30 min 3 %", _at(31, 10), 30 * MINUTE, 0.03),
)
FAULTS: Final = (*OUTAGES, HIDDEN, SLOW_BURN)

_TWO: Final = ("200", "500")
_FOUR: Final = ("200", "404", "500", "503")
_THREE_NINES: Final = Fraction(999, 1000)
_MONTH: Final = 30 * DAY

# The order in which they are measured.
PROFILES: Final = (
    Profile("200 series", 10, 5, _FOUR, 60, 15, _MONTH, _THREE_NINES),
    Profile("a request a minute", 2, 1, _TWO, 0.028, 15, _MONTH, Fraction(99, 100)),
    Profile("20 series", 5, 2, _TWO, 60, 15, _MONTH, _THREE_NINES),
    Profile("1000 series", 25, 10, _FOUR, 300, 15, _MONTH, _THREE_NINES),
    Profile("20 series, 30 s", 5, 2, _TWO, 60, 30, _MONTH, _THREE_NINES),
    Profile("20 series, 60 s", 5, 2, _TWO, 60, 60, _MONTH, _THREE_NINES),
    Profile("20 series, 28d", 5, 2, _TWO, 60, 15, 28 * DAY, _THREE_NINES),
)
