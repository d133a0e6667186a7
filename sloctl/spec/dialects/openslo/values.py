"""Numbers and durations of OpenSLO, in whatever form they are written."""

import re
from fractions import Fraction
from typing import Final

from msgspec import Struct

from sloctl.duration import DAY, HOUR, MINUTE, WEEK
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node

_SHORTHAND: Final = re.compile("([1-9][0-9]{0,5})([mhdwMQY])")
_NUMBER: Final = re.compile(r"[-+]?[0-9]{0,18}(?:\.[0-9]{0,18})?(?:[eE][-+]?[0-9]{1,2})?")
_UNITS: Final = {
    "m": MINUTE,
    "h": HOUR,
    "d": DAY,
    "w": WEEK,
    "M": 30 * DAY,
    "Q": 90 * DAY,
    "Y": 365 * DAY,
}
# Units whose length a calendar decides.
_CALENDAR_UNITS: Final = frozenset("MQY")


class ShorthandDuration(Struct, frozen=True):
    """A duration in seconds; *is_average* where its unit is a month, a quarter or a year."""

    seconds: int
    unit: str

    @property
    def is_average(self) -> bool:
        return self.unit in _CALENDAR_UNITS


def read_duration(node: Node, findings: Findings) -> ShorthandDuration | None:
    """Read a duration like 5m or 4w; None after noting that it is none."""
    match = _SHORTHAND.fullmatch(node.text)
    if match is None:
        message = (
            f"a duration is a whole number and one of m, h, d, w, M, Q and Y, got {quote_value(node.text)}"
        )
        return findings.accept_value(Violation("openslo-duration", message), node)
    return ShorthandDuration(int(match[1]) * _UNITS[match[2]], match[2])


def read_number(node: Node, *, of: str, findings: Findings) -> Fraction | None:
    """Read a number that is a number or text of one; None after noting that it is none."""
    if _NUMBER.fullmatch(node.text) and any(char.isdigit() for char in node.text):
        return Fraction(node.text)
    return findings.accept_value(
        Violation("openslo-number", f"{of} is a number, got {quote_value(node.text)}"), node
    )
