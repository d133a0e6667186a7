"""The three exit codes, and the exception that becomes the third."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from sloctl.problems import escape_unprintable

FINE: Final = 0
PROBLEMS_FOUND: Final = 1
COULD_NOT_RUN: Final = 2


class CouldNotRun(Exception):
    """The world is broken (a file, a port, a server): the message says what and what to do."""


def describe_os_error(error: OSError) -> str:
    """Say on one line which file failed, where one is known, and why."""
    reason = error.strerror or str(error)
    return escape_unprintable(reason if error.filename is None else f"{error.filename}: {reason}")


@contextmanager
def require_extra(extra: str) -> Iterator[None]:
    """Raise CouldNotRun, with the way to install *extra*, for an import inside that is missing."""
    try:
        yield
    except ModuleNotFoundError as missing:
        if missing.name is None or missing.name.startswith("sloctl"):
            raise
        raise CouldNotRun(f"{missing.name} is not installed: pip install 'sloctl[{extra}]'") from missing
