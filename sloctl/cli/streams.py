"""The standard streams: UTF-8 for programs, never a traceback, and one way to fail.

Whoever reads a file or a pipe of ours reads YAML or JSON, which are UTF-8 whatever the locale says. A
terminal keeps its encoding, and sees escapes for what it cannot show.
"""

import os
import sys
from io import TextIOWrapper
from typing import Final, TextIO

from sloctl.cli.exit_codes import CouldNotRun

_ESCAPE: Final = "backslashreplace"


class StandardOutput(TextIOWrapper):
    """Standard output: where it cannot be written, that is CouldNotRun in every command alike."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError as failed:
            raise _give_up_output(self, failed) from failed

    def flush(self) -> None:
        try:
            super().flush()
        except OSError as failed:
            raise _give_up_output(self, failed) from failed


class StandardError(TextIOWrapper):
    """Standard error: what it cannot take is lost, and the exit code still tells the truth."""

    def write(self, text: str, /) -> int:
        try:
            return super().write(text)
        except OSError:
            _discard_output(self)
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            _discard_output(self)


def open_standard_streams() -> None:
    """Put streams that escape and fail as told above in place of Python's, also of closed ones."""
    if sys.stdin is None:
        # Write-only, so that reading it fails: nothing is not an empty spec.
        sys.stdin = open(_occupy_descriptor(0, os.O_WRONLY), encoding="utf-8")  # noqa: SIM115 - until the end
    if sys.stdout is None:
        sys.stdout = open(_occupy_descriptor(1, os.O_RDONLY), "w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(_occupy_descriptor(2, os.O_WRONLY), "w", encoding="utf-8")  # noqa: SIM115
    sys.stdout = _wrap_stream(sys.stdout, StandardOutput)
    sys.stderr = _wrap_stream(sys.stderr, StandardError)


def _wrap_stream(stream: TextIO, wrapper: type[TextIOWrapper]) -> TextIO:
    if not isinstance(stream, TextIOWrapper):
        return stream
    stream.flush()
    encoding, line_buffering = stream.encoding, stream.line_buffering
    write_through = stream.write_through
    is_terminal = stream.isatty()
    return wrapper(
        stream.detach(),
        encoding=encoding if is_terminal else "utf-8",
        errors=_ESCAPE,
        line_buffering=line_buffering,
        write_through=write_through,
    )


def _occupy_descriptor(number: int, flags: int) -> int:
    """Open the null device as descriptor *number*, so that no file or socket gets it; returns *number*."""
    opened = os.open(os.devnull, flags)
    if opened != number:
        os.dup2(opened, number)
        os.close(opened)
    return number


def _give_up_output(stream: TextIOWrapper, failed: OSError) -> CouldNotRun:
    _discard_output(stream)
    return CouldNotRun(f"cannot write to standard output: {failed.strerror}")


def _discard_output(stream: TextIOWrapper) -> None:
    """Send what is still buffered nowhere: Python flushes it once more at exit, and would fail there."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
