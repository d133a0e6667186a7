"""The health of an SLO and the state of an alert, as every part of the project names them."""

from enum import Enum, IntEnum
from typing import Final


class Health(IntEnum):
    """The state of an SLO, the worst first; it is burning where `burn.is_burning` and no alert fires."""

    PAGING = 0
    TICKETED = 1
    EXHAUSTED = 2
    EXHAUSTING = 3
    BURNING = 4
    UNKNOWN = 5
    FINE = 6

    @property
    def key(self) -> str:
        """The word for programs: in JSON, in URLs, as a CSS class."""
        return self.name.lower()

    @property
    def label(self) -> str:
        """The words for a person: on the page, in a terminal."""
        return _HEALTH_LABELS[self]


_HEALTH_LABELS: Final = {
    Health.PAGING: "paging",
    Health.TICKETED: "ticket",
    Health.EXHAUSTED: "budget gone",
    Health.EXHAUSTING: "budget going",
    Health.BURNING: "burning",
    Health.UNKNOWN: "unknown",
    Health.FINE: "fine",
}


class AlertState(Enum):
    """The state of an alert; one that cannot be decided is unknown, neither inactive nor firing."""

    INACTIVE = "inactive"
    FIRING = "firing"
    UNKNOWN = "unknown"
