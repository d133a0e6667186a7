"""Durations: text with units in, whole seconds or exact fractions out; a bare number is no duration."""

import re
from fractions import Fraction
from functools import lru_cache
from itertools import pairwise
from typing import Final

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY

_UNITS: Final = {
    "y": Fraction(365 * DAY),
    "w": Fraction(WEEK),
    "d": Fraction(DAY),
    "h": Fraction(HOUR),
    "m": Fraction(MINUTE),
    "s": Fraction(1),
    "ms": Fraction(1, 1000),
}
# Prometheus's own grammar: each unit at most once, from the largest to the smallest.
_DURATION: Final = re.compile(
    "".join(f"(?:(?P<{unit}>[0-9]{{1,9}}){unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms"))
)

# Down to picoseconds, after any larger units.
_FINE_DURATION: Final = re.compile(
    r"(?P<whole>.*)(?<!ms)(?<![0-9.])(?P<milliseconds>[0-9]{1,9}\.[0-9]{1,9})ms"
)


@lru_cache(maxsize=1024)  # the same few in all SLOs
def parse_duration(text: str) -> Fraction:
    """Return the seconds of a Prometheus duration such as `1h30m` or `300ms`.

    Raises ValueError, with what to write instead, for anything else (also for a bare number).
    """
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"a duration is a number with a unit, like 30d, 5m or 300ms; got {text!r}")
    return sum(
        (int(number) * _UNITS[unit] for unit, number in match.groupdict().items() if number),
        start=Fraction(0),
    )


def parse_bound(text: str) -> Fraction:
    """Return the seconds of a duration whose milliseconds may have decimals, such as `268.435456ms`.

    Bounds of histograms are what their clients chose. Raises ValueError for anything else.
    """
    match = _FINE_DURATION.fullmatch(text)
    if match is None:
        return parse_duration(text)
    whole = parse_duration(match["whole"]) if match["whole"] else Fraction(0)
    return whole + Fraction(match["milliseconds"]) / 1000


@lru_cache(maxsize=1024)  # a handful of lookbacks, printed hundreds of times per SLO
def format_duration(seconds: int) -> str:
    """Write whole seconds as Prometheus does: `1h30m`, `30d`; years and weeks only where whole (`4w`)."""
    if seconds == 0:
        return "0s"
    for unit in ("y", "w"):
        whole, rest = divmod(seconds, int(_UNITS[unit]))
        if rest == 0:
            return f"{whole}{unit}"
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, seconds = divmod(seconds, int(_UNITS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)


def humanize_duration(seconds: float) -> str:
    """Write seconds as people say them, in the largest unit that fits and the next: `2d 4h`, `3m 20s`."""
    left = max(0, round(seconds))
    units = (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", 1))
    for (unit, size), (smaller, part) in pairwise(units):
        if left >= size:
            rest = left % size // part
            return f"{left // size}{unit} {rest}{smaller}" if rest else f"{left // size}{unit}"
    return f"{left}s"
