"""File descriptors, shared out in advance: nothing that strangers open may take the last ones.

Half of them are for connections to targets, five sixteenths for those of clients, one for those that are just
being accepted; the rest is for the store, for specs and for Alertmanagers.
"""

import resource
from typing import Final

# Beyond it memory ends first.
_MOST: Final = 16_384


def raise_descriptor_limit() -> None:
    """Take as many descriptors as the process may have, as programs in Go do."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST if hard == resource.RLIM_INFINITY else min(hard, _MOST)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def outgoing_connections() -> int:
    """Return how many targets may be asked at once."""
    return _descriptor_limit() // 2


def incoming_connections() -> int:
    """Return how many clients may be connected at once."""
    return _descriptor_limit() * 5 // 16


def accepted_at_once() -> int:
    """Return how many connections may be taken up before it is decided which of them stay."""
    return max(1, _descriptor_limit() // 16)


def _descriptor_limit() -> int:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _MOST if soft == resource.RLIM_INFINITY else min(soft, _MOST)
