"""Which dashboard and which panel is meant: ids that stay when neighbours come and go."""

import re
from collections.abc import Iterable
from typing import Final
from zlib import crc32

OVERVIEW_UID: Final = "sloctl-overview"
SERVICE_UID_PREFIX: Final = "sloctl-"
# What a uid may be in Grafana, without `_` (which marks a shortened one) and capitals (MySQL ignores case).
PLAIN_SERVICE: Final = "[a-z0-9-]{1,33}"
# The exception, and everything that is not plain, for PromQL, which cannot say "not".
SHORTENED_SERVICE: Final = "overview|.{34,}|.*[^a-z0-9-].*"

_DIGEST_LENGTH: Final = 12
_SLOTS: Final = 16
_ID_SPACE: Final = 2**24


def service_uid(service: str) -> str:
    """At most 40 characters; another for each service, and never the overview's."""
    if re.fullmatch(PLAIN_SERVICE, service) and service != "overview":
        return f"{SERVICE_UID_PREFIX}{service}"
    from hashlib import sha256  # noqa: PLC0415 - 10 ms at start-up that few services need

    digest = sha256(service.encode()).hexdigest()[:_DIGEST_LENGTH]
    readable = re.sub("[^a-z0-9]+", "-", service.lower())[:20]
    return f"{SERVICE_UID_PREFIX}{readable}_{digest}"


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
