"""Log lines, as text and as JSON."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from sloctl.sidecar.telemetry.logs import LogFormat, configure_logging

LOG = logging.getLogger("sloctl.sidecar.test")


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, ours = root.handlers, root.level, logging.getLogger("sloctl").level
    yield
    root.handlers = handlers
    root.setLevel(level)
    logging.getLogger("sloctl").setLevel(ours)
    logging.captureWarnings(capture=False)


@pytest.fixture
def lines() -> io.StringIO:
    written = io.StringIO()
    configure_logging(LogFormat.JSON, stream=written)
    return written


def only(lines: io.StringIO) -> dict[str, Any]:
    (line,) = lines.getvalue().splitlines()
    read: dict[str, Any] = json.loads(line)
    return read


def test_a_line_is_one_object(lines: io.StringIO) -> None:
    LOG.warning("%s takes no alerts:\n%s", "am", "down")

    line = only(lines)
    time = line.pop("time")
    assert line == {
        "level": "WARNING",
        "logger": "sloctl.sidecar.test",
        "message": "am takes no alerts:\ndown",
    }
    assert time.endswith("Z")
    assert len(time) == len("2026-11-21T14:45:05.123Z")


def test_an_exception_is_type_message_and_stack(lines: io.StringIO) -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError:
        LOG.exception("a tick failed")

    exception = only(lines)["exception"]
    assert (exception["type"], exception["message"]) == ("ZeroDivisionError", "division by zero")
    assert "test_logs.py" in exception["stack"]


def test_a_line_within_a_span_names_it(lines: io.StringIO) -> None:
    context = SpanContext(0xABC, 0xDEF, is_remote=False, trace_flags=TraceFlags(1))

    with use_span(NonRecordingSpan(context)):
        LOG.info("flushed")

    line = only(lines)
    assert line["trace_id"] == "00000000000000000000000000000abc"
    assert line["span_id"] == "0000000000000def"


@pytest.mark.parametrize(
    ("message", "written"),
    [
        ("GET http://me:secret@shop/metrics failed", "GET http://…@shop/metrics failed"),
        ("Authorization: Bearer abc.def-ghi", "Authorization: Bearer …"),
        ("authorization: basic bWU6c2VjcmV0", "authorization: basic …"),
        ("the bearer is tired", "the bearer is tired"),
    ],
)
def test_no_secret_gets_into_a_line(message: str, written: str, lines: io.StringIO) -> None:
    LOG.error(message)

    assert only(lines)["message"] == written


def test_a_secret_in_an_exception_stays_out_too(lines: io.StringIO) -> None:
    url = "http://me:hidden@shop"
    try:
        int(url)
    except ValueError:
        LOG.exception("cannot ask")

    assert only(lines)["exception"]["message"].endswith("'http://…@shop'")
    assert "hidden" not in lines.getvalue()


def test_whatever_a_message_holds_it_is_a_line(lines: io.StringIO) -> None:
    record = LOG.makeRecord(LOG.name, logging.ERROR, "here", 1, "\ud800\x00\u2028 %s", (object,), None)
    # Past the logger: pytest would keep the message, and what runs tests side by side could not send it.
    logging.getLogger().handlers[0].handle(record)

    assert only(lines)["message"] == "\ud800\x00\u2028 <class 'object'>"


def test_a_person_reads_text() -> None:
    written = io.StringIO()
    configure_logging(LogFormat.TEXT, stream=written)

    LOG.info("watching %d SLOs", 3)

    assert written.getvalue().endswith("Z INFO sloctl.sidecar.test: watching 3 SLOs\n")


def test_libraries_are_heard_from_warnings_on(lines: io.StringIO) -> None:
    logging.getLogger("aiohttp.access").info("GET /")
    logging.getLogger("aiohttp.server").warning("odd")

    assert only(lines)["message"] == "odd"


def test_no_text_forges_a_line() -> None:
    written = io.StringIO()
    configure_logging(LogFormat.TEXT, stream=written)
    forged = "down\n2026-11-30T00:00:00.000Z INFO sloctl: all is well\x1b[2J"
    LOG.error("Prometheus says: %s", forged, exc_info=RuntimeError(forged))

    first, *stack = written.getvalue().splitlines()
    assert first.endswith(r"Prometheus says: down\n2026-11-30T00:00:00.000Z INFO sloctl: all is well\x1b[2J")
    assert all(line.startswith("    ") for line in stack)


def test_a_storm_of_lines_is_a_few_and_a_count(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    configure_logging(LogFormat.TEXT, stream=written)
    minutes = iter([0.0] * 1000 + [60.0])
    monkeypatch.setattr("time.time", lambda: next(minutes))
    for number in range(1000):
        LOG.error("cannot accept %d", number)
    LOG.error("cannot accept %d", 1000)

    lines = written.getvalue().splitlines()
    assert len(lines) == 31
    assert lines[-1].endswith("cannot accept 1000 (970 more such lines were left out)")
