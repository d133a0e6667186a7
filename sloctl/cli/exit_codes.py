"""The three exit codes, and the exception that becomes the third."""

from typing import Final

FINE: Final = 0
PROBLEMS_FOUND: Final = 1
COULD_NOT_RUN: Final = 2


class CouldNotRun(Exception):
    """The world is broken (a file, a port, a server): the message says what and what to do."""
