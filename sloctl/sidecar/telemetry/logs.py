"""Logs on stderr, as text or as one JSON object a line.

No line holds a secret: ours never do, and what a library writes of a URL or a header is redacted.
"""

import json
import logging
import re
import sys
import traceback
from enum import Enum
from textwrap import indent
from typing import Final, TextIO

from opentelemetry.trace import format_span_id, format_trace_id, get_current_span

from sloctl.problems import escape_unprintable
from sloctl.timestamps import format_rfc3339

# User and password of a URL, and what follows the name of an authentication scheme.
_SECRET_PATTERNS: Final = (
    (re.compile(r"(://)[^/@\s]+@"), r"\1…@"),
    (re.compile(r"\b(basic|bearer)(\s+)[\w.~+/=-]{6,}", re.IGNORECASE), r"\1\2…"),
)
# Of one kind: the same logger and the same beginning of the text, before values are filled in.
_MOST_LINES_A_MINUTE: Final = 30
_KIND_LENGTH: Final = 40
_MOST_KINDS: Final = 1_000


class LogFormat(Enum):
    """The format of a log line: `text` for people, `json` for collectors."""

    TEXT = "text"
    JSON = "json"


def configure_logging(form: LogFormat, *, stream: TextIO | None = None) -> None:
    """Send all logging of the process to *stream* (stderr): ours from INFO on, others' warnings."""
    handler = logging.StreamHandler(sys.stderr if stream is None else stream)
    handler.setFormatter(_JsonFormatter() if form is LogFormat.JSON else _TextFormatter())
    handler.addFilter(RepeatFilter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("sloctl").setLevel(logging.INFO)
    logging.captureWarnings(capture=True)


class RepeatFilter(logging.Filter):
    """A limit of lines a minute for each kind of line; the first one after it says how many were left out.

    Where descriptors run out, asyncio alone logs a thousand tracebacks a second.
    """

    def __init__(self, most_a_minute: int = _MOST_LINES_A_MINUTE) -> None:
        super().__init__()
        self._most = most_a_minute
        # The minute, the lines in it, and how many were left out.
        self._seen: dict[tuple[str, str], tuple[int, int, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        minute = int(record.created // 60)
        kind = record.name, str(record.msg)[:_KIND_LENGTH]
        begun, lines, left_out = self._seen.get(kind, (minute, 0, 0))
        if begun == minute and lines >= self._most:
            self._seen[kind] = begun, lines, left_out + 1
            return False
        if len(self._seen) >= _MOST_KINDS:
            self._seen.clear()
        self._seen[kind] = (minute, 1, 0) if begun != minute else (minute, lines + 1, 0)
        if left_out:
            record.msg, record.args = f"{record.getMessage()} ({left_out} more such lines were left out)", ()
        return True


class _TextFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        # What a server answered may hold line breaks, and so lines that look like ours.
        message = escape_unprintable(record.getMessage())
        line = f"{format_rfc3339(record.created)} {record.levelname} {record.name}: {message}"
        stack = indent(_format_stack(record), "    ", lambda _: True)
        return _redact_secrets(f"{line}\n{stack}".rstrip())


class _JsonFormatter(logging.Formatter):
    """A formatter with time, level, logger and message; trace_id and span_id in a span; any exception."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": format_rfc3339(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": _redact_secrets(record.getMessage()),
        }
        span = get_current_span().get_span_context()
        if span.is_valid:
            line |= {"trace_id": format_trace_id(span.trace_id), "span_id": format_span_id(span.span_id)}
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = {
                "type": type(record.exc_info[1]).__qualname__,
                "message": _redact_secrets(str(record.exc_info[1])),
                "stack": _redact_secrets(_format_stack(record)),
            }
        # Escaped to ASCII: a lone surrogate in a message must not cost the line.
        return json.dumps(line)


def _format_stack(record: logging.LogRecord) -> str:
    if not record.exc_info or record.exc_info[1] is None:
        return ""
    return "".join(traceback.format_exception(record.exc_info[1]))


def _redact_secrets(text: str) -> str:
    for secret, stands_in in _SECRET_PATTERNS:
        text = secret.sub(stands_in, text)
    return text
