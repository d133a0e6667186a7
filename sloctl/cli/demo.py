"""Watch an incident burn an error budget, live, in this terminal and on a page.

Starts a made-up payments service and a sidecar that scrapes it over HTTP. Time runs 60 times faster: after
eight seconds a third of all requests fail for six, the page fires, and clears within the minute. Needs no
Prometheus. Ctrl-C ends it.

example:
  sloctl demo --duration 60s
"""

import argparse
import asyncio
import contextlib
import shutil
import sys
import time
from collections.abc import Sequence
from importlib.resources import files
from random import Random
from typing import Final

from sloctl import formatting, timestamps
from sloctl.cli.arguments import argument_type
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun, require_sidecar_extra
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts
from sloctl.compiler import compile_artefacts
from sloctl.duration import MINUTE, humanize_duration, parse_duration
from sloctl.model import Severity, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.slo.policy import alert_threshold, detection_time, rows_of_severity

with require_sidecar_extra():
    from sloctl.demo import history, service
    from sloctl.demo.incident_timeline import IncidentRecorder, IncidentTimeline
    from sloctl.demo.traffic import IncidentSchedule
    from sloctl.prometheus.credentials import ClientOptions
    from sloctl.sidecar import terminal
    from sloctl.sidecar.build import build_sidecar
    from sloctl.sidecar.clock import start_clock
    from sloctl.sidecar.config.read import Settings
    from sloctl.sidecar.engine.snapshot import Snapshot
    from sloctl.sidecar.engine.tick_loop import SnapshotFeed
    from sloctl.sidecar.http.application import build_application
    from sloctl.sidecar.http.server import serve_application
    from sloctl.sidecar.runtime import wait_for_stop_signal
    from sloctl.sidecar.sources.counting.plan import plan_counting
    from sloctl.sidecar.sources.scrape.source import ScrapeOptions
    from sloctl.sidecar.sources.scrape.targets import ScrapeTarget

_SPEED: Final = 60
_OWN_SPEC: Final = files("sloctl.demo").joinpath("payments-api.yaml")
_DEMO_SERVICE: Final = "payments-api"
_DEMO_SLO: Final = "payments-api/availability"
_LABELS: Final = {"job": "payments-api"}
_LOOPBACK: Final = "127.0.0.1"
# Demo time: a scrape each quarter of a real second, the first incident after eight real seconds.
_INTERVAL: Final = 15.0
_FIRST_INCIDENT: Final = 8.0 * MINUTE
# Real seconds.
_TIMEOUT: Final = 5.0
_QUIET_LINE_EVERY: Final = 20
_SEED: Final = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "specs",
        nargs="*",
        metavar="SPEC",
        help=f"what to compile; {_DEMO_SERVICE} is played. Default: one of ours",
    )
    parser.add_argument(
        "--duration",
        metavar="DURATION",
        type=argument_type(lambda text: float(parse_duration(text))),
        help="end after that long, such as 60s",
    )
    parser.add_argument(
        "--port", metavar="PORT", type=int, default=0, help="of the page; a free one by default"
    )


def run(arguments: argparse.Namespace) -> int:
    texts = (
        read_spec_texts(arguments.specs) if arguments.specs else [(_OWN_SPEC.name, _OWN_SPEC.read_bytes())]
    )
    sound = parse_valid_slos(texts)
    if sound is None:
        return PROBLEMS_FOUND
    compiled = compile_artefacts(sound, NATIVE_STYLE)
    print(f"compiled {len(sound)} SLOs into {len(compiled)} files, in memory", file=sys.stderr)
    slos = [slo for slo in sound if slo.service == _DEMO_SERVICE]
    played = next((slo for slo in slos if slo.id == _DEMO_SLO), None)
    if played is None:
        raise CouldNotRun(f"the demo plays {_DEMO_SLO}, which the specs do not have")
    asyncio.run(_run_demo(slos, played, port=arguments.port, duration=arguments.duration))
    return FINE


async def _run_demo(slos: Sequence[Slo], played: Slo, *, port: int, duration: float | None) -> None:
    clock = start_clock(since=time.time(), speed=_SPEED)
    script = IncidentSchedule(first_start=clock.now() + _FIRST_INCIDENT)
    payments = service.DemoService(script, time=clock, random=Random(_SEED))  # noqa: S311 - traffic, not a secret
    chronicle = IncidentRecorder(played, script, payments.truth)
    async with serve_application(service.build_application(payments), _LOOPBACK, 0) as target:
        scraped = ScrapeOptions(
            (ScrapeTarget.from_url(target, _LABELS),), ClientOptions(timeout_seconds=_TIMEOUT)
        )
        sidecar = build_sidecar(slos, Settings(_INTERVAL, scraped), time=clock)
        history.backfill_history(
            plan_counting(slos),
            sidecar.engine,
            payments.truth,
            labels=_LABELS,
            until=clock.now(),
            interval=_INTERVAL,
        )
        try:
            async with serve_application(build_application(sidecar), _LOOPBACK, port) as url:
                await _show_until_stopped(sidecar.feed, chronicle, url, duration)
        except OSError as error:
            raise CouldNotRun(f"cannot listen on port {port}: {error.strerror}") from error
    for course in chronicle.timelines:
        print("", *_incident_summary(course, played), sep="\n")


async def _show_until_stopped(
    feed: SnapshotFeed, chronicle: IncidentRecorder, url: str, duration: float | None
) -> None:
    show = _redraw_table if sys.stdout.isatty() else _print_changes
    showing = asyncio.create_task(show(feed, chronicle, url), name="terminal")
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(wait_for_stop_signal(), duration)
    finally:
        showing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await showing


async def _redraw_table(feed: SnapshotFeed, chronicle: IncidentRecorder, url: str) -> None:
    """The whole picture in place, at each tick."""
    while True:
        board = await feed.next_snapshot()
        chronicle.record_snapshot(board)
        table = terminal.snapshot_table(board, shutil.get_terminal_size().columns)
        picture = [*_heading_lines(board, url), table, "", *map(_so_far, chronicle.timelines[-1:])]
        print("\x1b[H\x1b[J" + "\n".join(picture), flush=True)


async def _print_changes(feed: SnapshotFeed, chronicle: IncidentRecorder, url: str) -> None:
    """A line whenever an alert changes, and now and then."""
    print("\n".join(_heading_lines(await feed.next_snapshot(), url)), flush=True)
    before, lines_ago = None, 0
    while True:
        board = await feed.next_snapshot()
        chronicle.record_snapshot(board)
        entry = chronicle.slo_state(board)
        states = [alert.state for alert in entry.alerts]
        if states != before or lines_ago >= _QUIET_LINE_EVERY:
            print(f"{timestamps.format_clock_time(board.at)} {terminal.slo_line(entry)}", flush=True)
            before, lines_ago = states, 0
        lines_ago += 1


def _heading_lines(board: Snapshot, url: str) -> tuple[str, ...]:
    return (
        f"sloctl demo: {_DEMO_SERVICE} under made-up traffic. Time runs {_SPEED}× faster than yours;",
        f"the 30 days before are made up too. Demo time: {timestamps.format_clock_time(board.at)} UTC.",
        f"Page: {url}   Ctrl-C ends.",
        "",
    )


def _so_far(course: IncidentTimeline) -> str:
    incident = course.incident
    return (
        f"{formatting.format_percent(incident.error_ratio)} of requests fail "
        f"from {timestamps.format_clock_time(incident.begins)} "
        f"to {timestamps.format_clock_time(incident.ends)}\n"
        f"page due by the maths {timestamps.format_clock_time(course.page_due)}, "
        f"fired {timestamps.format_clock_time(course.page_fired)}, "
        f"cleared {timestamps.format_clock_time(course.page_cleared)}"
    )


def _incident_summary(course: IncidentTimeline, slo: Slo) -> tuple[str, ...]:
    """The incident so far, and how long the formula says it takes to page."""
    incident = course.incident
    by_formula = min(
        detection_time(row, alert_threshold(row, slo.window.seconds, slo.budget), incident.error_ratio)
        for row in rows_of_severity(slo.alerting.policy, Severity.PAGE)
    )
    return (
        f"incident     {timestamps.format_clock_time(incident.begins)} "
        f"to {timestamps.format_clock_time(incident.ends)}: "
        f"{formatting.format_percent(incident.error_ratio)} fail, "
        f"which pages a clean record in {humanize_duration(by_formula)}",
        f"maths says   {timestamps.format_clock_time(course.page_due)}: page due, "
        "by the true counts of the traffic",
        f"page fired   {timestamps.format_clock_time(course.page_fired)}{_lateness(course)}",
        f"page cleared {timestamps.format_clock_time(course.page_cleared)}",
    )


def _lateness(course: IncidentTimeline) -> str:
    if course.page_fired is None or course.page_due is None:
        return ""
    return f": {(course.page_fired - course.page_due) / _INTERVAL:.1f} ticks after it was due"
