"""What strangers hand us, as functions of bytes that must never raise: the targets of `make fuzz`.

Each says what holds besides: problems have a place, what is read compiles, counts are counts.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from fractions import Fraction
from math import isfinite
from typing import Final, TypeAlias

from google.protobuf.message import DecodeError  # type: ignore[import-untyped] # has no types

from sloctl.checks.review import review_specs
from sloctl.compiler import compile_rules
from sloctl.explain.text_report import render_text
from sloctl.explain.timeline import explain_slo
from sloctl.model import NativeLatencyIndicator, Selector
from sloctl.naming import NATIVE_STYLE
from sloctl.problems import Problem
from sloctl.sidecar.config.read import read_configuration
from sloctl.sidecar.sources import SourceUnavailable
from sloctl.sidecar.sources.otlp.points import RejectedPoints
from sloctl.sidecar.sources.otlp.receiver import Overloaded
from sloctl.sidecar.sources.otlp.request_pieces import RequestReader
from sloctl.sidecar.sources.otlp.source import OtlpOptions, OtlpSource
from sloctl.sidecar.sources.scrape.exposition import ExpositionParser, process_start
from sloctl.spec import read_specs
from tests.sidecar.specimens import AVAILABILITY, LATENCY, slo

FuzzTarget: TypeAlias = Callable[[bytes], None]
PATH: Final = "fuzz.yaml"
# What separates two requests of one sender, or two scrapes of one target.
BETWEEN: Final = b"\xff\xfe-then-\xfe\xff"
SLOS: Final = (
    slo(AVAILABILITY),
    slo(LATENCY, name="latency", group_by=("uri",)),
    slo(NativeLatencyIndicator(Selector("request_latency"), Fraction(2)), name="native"),
)
METRICS: Final = ("requests_total", "request_seconds_bucket", "request_seconds_count")
START: Final = 1_700_000_000.0


def try_spec(data: bytes) -> None:
    """A spec, of ours or another tool's: what is read without an error compiles and is explained."""
    specs = read_specs([(PATH, data)])
    check_problems(data, specs.problems)
    check_problems(data, review_specs(specs, {PATH: data}, today="2027-01-01"))
    compile_rules(specs.slos, NATIVE_STYLE)
    for each in specs.slos:
        render_text(explain_slo(each, 1.0))


def try_configuration(data: bytes) -> None:
    """The sidecar's configuration: settings or problems, never both, never neither."""
    settings, problems = read_configuration(PATH, data)
    check_problems(data, problems)
    assert (settings is None) == bool(problems)


def try_exposition(data: bytes) -> None:
    """Answers of a target, one after the other: samples of what was asked for, or a ValueError."""
    parser = ExpositionParser(METRICS, {"job": "shop"})
    for body in data.split(BETWEEN):
        process_start(body)
        for openmetrics in (False, True):
            with suppress(ValueError):
                *_, samples = parser.parse_in_pieces(body, openmetrics=openmetrics, most_samples=50)
                assert samples is not None
                assert {sample.series.metric for sample in samples} <= set(METRICS)
                assert len(samples) <= 50


def try_otlp(data: bytes) -> None:
    """Requests of one sender, one after the other: errors lie within the events, and both are numbers."""
    now = START
    source = OtlpSource(OtlpOptions(), SLOS, now=lambda: now)
    for body in data.split(BETWEEN):
        now += 15.0
        with suppress(DecodeError, Overloaded):
            for _ in source.accept_request(RequestReader(body).read_pieces(), RejectedPoints(), "127.0.0.1"):
                pass
        for error, total in read_counts(source, now):
            assert isfinite(error)
            assert isfinite(total)
            assert 0 <= error <= total
    source.issues()


TARGETS: Final[Mapping[str, FuzzTarget]] = {
    "spec": try_spec,
    "configuration": try_configuration,
    "exposition": try_exposition,
    "otlp": try_otlp,
}


def check_problems(data: bytes, problems: tuple[Problem, ...]) -> None:
    """Every problem is one printable line, at a place in the file or just behind it."""
    # A break that YAML knows and Python does not is told as a problem of its own.
    last = len(data.decode(errors="replace").splitlines()) + 1
    for problem in problems:
        assert 1 <= problem.place.line <= last, problem
        assert problem.place.column >= 1, problem
        assert str(problem).isprintable()


def read_counts(source: OtlpSource, now: float) -> list[tuple[float, float]]:
    """Errors and events of every SLO and group; nothing where nobody sends."""
    reading = source.read_counts(now)
    try:
        # It waits for nothing.
        reading.send(None)
    except SourceUnavailable:
        return []
    except StopIteration as done:
        return [
            (counts.error, counts.total)
            for interval in done.value
            for each in interval.slos.values()
            for counts in each.groups.values()
        ]
    raise AssertionError("reading counts waited for something")
