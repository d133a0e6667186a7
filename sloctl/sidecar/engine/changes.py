"""What was changed when, as whoever deploys says it: marks on the charts. In memory alone, and bounded."""

from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MOST_CHANGES: Final = 1000


@dataclass(frozen=True, slots=True, order=True)
class ServiceChange:
    """A deployment, a flag, a configuration at *at* (Unix seconds), of *service*; empty, of all."""

    at: float
    text: str
    service: str = ""


class ChangeLog:
    """The newest changes, the oldest first."""

    def __init__(self) -> None:
        self.changes: list[ServiceChange] = []

    def record_change(self, change: ServiceChange) -> None:
        """Add a change in its place; of more than a thousand the oldest is forgotten."""
        insort(self.changes, change)
        del self.changes[:-_MOST_CHANGES]

    def between(self, begin: float, end: float, service: str) -> Sequence[ServiceChange]:
        """List the changes of *service*, and of all, from *begin* to *end*."""
        return [each for each in self.changes if begin <= each.at <= end and each.service in {"", service}]
