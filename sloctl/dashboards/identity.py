"""Which panel is meant: ids that stay when neighbours come and go; a service's own uid is in links."""

from collections.abc import Iterable
from typing import Final
from zlib import crc32

# The exception, and everything that is not plain, for PromQL, which cannot say "not".
SHORTENED_SERVICE: Final = "overview|.{34,}|.*[^a-z0-9-].*"

_SLOTS: Final = 16
_ID_SPACE: Final = 2**24


def first_panel_ids(names: Iterable[str]) -> dict[str, int]:
    """For each SLO of a service the first of 16 panel ids, from its name alone.

    Two names meet with a probability of 1 : 16 million; then the later in the alphabet moves up.
    """
    taken: dict[int, str] = {}
    for name in sorted(names):
        place = crc32(name.encode()) % _ID_SPACE
        while place in taken:
            place = (place + 1) % _ID_SPACE
        taken[place] = name
    return {name: (place + 1) * _SLOTS for place, name in taken.items()}
