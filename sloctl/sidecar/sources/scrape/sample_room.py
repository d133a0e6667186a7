"""The samples that are remembered of all targets, shared out so that none takes those of the others."""

import asyncio
from collections.abc import Collection
from typing import Generic, TypeVar

_Holder = TypeVar("_Holder")


class SampleRoom(Generic[_Holder]):
    """Room for *most* samples: a holder may take what others leave, and at least an even share.

    Who parses a large answer holds *parsing*: one does at a time.
    """

    def __init__(self, most: int) -> None:
        self.parsing = asyncio.Lock()
        self._most = most
        self._taken: dict[_Holder, int] = {}

    def most_for(self, holder: _Holder) -> int:
        """Return how many samples *holder* may have now."""
        others = sum(self._taken.values()) - self._taken.get(holder, 0)
        share = self._most // len(self._taken.keys() | {holder})
        return max(self._most - others, share)

    def note_taken(self, holder: _Holder, samples: int) -> None:
        """Note how many *holder* has."""
        self._taken[holder] = samples

    def keep_only(self, holders: Collection[_Holder]) -> None:
        """Give back the room of all others."""
        self._taken = {holder: taken for holder, taken in self._taken.items() if holder in holders}
