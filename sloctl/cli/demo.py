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
from collections.abc import Coroutine, Sequence
from importlib.resources import files
from random import Random
from typing import Final

from sloctl.cli.arguments import argument_type
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun, require_extra
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts, reading_options
from sloctl.compiler import compile_artefacts
from sloctl.duration import MINUTE, humanize_duration, parse_duration
from sloctl.files import SpecText
from sloctl.formatting import format_percent
from sloctl.model import Severity, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.slo.policy import alert_threshold, detection_time, rows_of_severity
from sloctl.status.text_report import render_line, render_table
from sloctl.timestamps import format_clock_time

with require_extra("sidecar"):
    from sloctl.demo import history, service
    from sloctl.demo.incident_timeline import IncidentRecorder, IncidentTimeline
    from sloctl.demo.snapshot_report import report_slo, report_snapshot
    from sloctl.demo.traffic import IncidentSchedule
    from sloctl.prometheus.credentials import ClientOptions
    from sloctl.sidecar.build import build_sidecar
    from sloctl.sidecar.clock import start_clock
    from sloctl.sidecar.config.read import Settings
    from sloctl.sidecar.engine.snapshot import Snapshot
    from sloctl.sidecar.engine.tick_loop import SnapshotFeed
    from sloctl.sidecar.http.application import build_application
    from sloctl.sidecar.http.server import serve_application
    from sloctl.sidecar.runtime import cancel_tasks, wait_for_stop_signal
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
    own: list[SpecText] = [(_OWN_SPEC.name, _OWN_SPEC.read_bytes())]
    slos = parse_valid_slos(
        read_spec_texts(arguments.specs) if arguments.specs else own, reading_options(arguments)
    )
    if slos is None:
        return PROBLEMS_FOUND
    compiled = compile_artefacts(slos, NATIVE_STYLE)
    print(f"compiled {len(slos)} SLOs into {len(compiled)} files, in memory", file=sys.stderr)
    watched = next((slo for slo in slos if slo.id == _DEMO_SLO), None)
    if watched is None:
        raise CouldNotRun(f"the demo plays {_DEMO_SLO}, which the specs do not have")
    served = [slo for slo in slos if slo.service == _DEMO_SERVICE]
    asyncio.run(_run_demo(served, watched, port=arguments.port, duration=arguments.duration))
    return FINE


async def _run_demo(slos: Sequence[Slo], watched: Slo, *, port: int, duration: float | None) -> None:
    """Run service and sidecar until a signal, or for *duration* seconds, and print how each incident went."""
    clock = start_clock(since=time.time(), speed=_SPEED)
    schedule = IncidentSchedule(first_start=clock.now() + _FIRST_INCIDENT)
    payments = service.DemoService(schedule, time=clock, random=Random(_SEED))  # noqa: S311 - traffic, not a secret
    recorder = IncidentRecorder(watched, schedule, payments.truth)
    async with serve_application(service.build_application(payments), _LOOPBACK, 0) as target:
        targets = (ScrapeTarget.from_url(target, _LABELS),)
        options = ScrapeOptions(targets, ClientOptions(timeout_seconds=_TIMEOUT))
        sidecar = build_sidecar(slos, Settings(_INTERVAL, options), time=clock)
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
                show = _redraw_table if sys.stdout.isatty() else _print_changes
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(_show_until_stopped(show(sidecar.feed, recorder, url)), duration)
        except OSError as error:
            raise CouldNotRun(f"cannot listen on port {port}: {error.strerror}") from error
    for timeline in recorder.timelines:
        print("", *_incident_lines(timeline, watched), sep="\n")


async def _show_until_stopped(showing: Coroutine[None, None, None]) -> None:
    """Show until a signal comes; raises what *showing* raises, such as CouldNotRun for a reader that left."""
    tasks = [asyncio.create_task(work) for work in (showing, wait_for_stop_signal())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancel_tasks(tasks)
    for task in done:
        task.result()


async def _redraw_table(feed: SnapshotFeed, recorder: IncidentRecorder, url: str) -> None:
    """Draw the whole picture anew, in place, at each tick."""
    while True:
        snapshot = await feed.next_snapshot()
        recorder.record_snapshot(snapshot)
        table = render_table(report_snapshot(snapshot), shutil.get_terminal_size().columns)
        incident = [line for it in recorder.timelines[-1:] for line in _incident_lines(it, recorder.slo)]
        picture = [*_heading_lines(snapshot, url), table, "", *incident]
        print("\x1b[H\x1b[J" + "\n".join(picture), flush=True)


async def _print_changes(feed: SnapshotFeed, recorder: IncidentRecorder, url: str) -> None:
    """Print a line whenever an alert changes, and now and then."""
    print("\n".join(_heading_lines(await feed.next_snapshot(), url)), flush=True)
    before, lines_ago = None, 0
    while True:
        snapshot = await feed.next_snapshot()
        recorder.record_snapshot(snapshot)
        state = recorder.slo_state(snapshot)
        alert_states = [alert.state for alert in state.alerts]
        if alert_states != before or lines_ago >= _QUIET_LINE_EVERY:
            line = render_line(report_slo(state), state.last)
            print(f"{format_clock_time(snapshot.at)} {line}", flush=True)
            before, lines_ago = alert_states, 0
        lines_ago += 1


def _heading_lines(snapshot: Snapshot, url: str) -> tuple[str, ...]:
    return (
        f"sloctl demo: {_DEMO_SERVICE} under made-up traffic. Time runs {_SPEED}× faster than yours;",
        f"the 30 days before are made up too. Demo time: {format_clock_time(snapshot.at)} UTC.",
        f"Page: {url}   Ctrl-C ends.",
        "",
    )


def _incident_lines(timeline: IncidentTimeline, slo: Slo) -> tuple[str, ...]:
    """Tell an incident so far, and how long it takes to page by the formula."""
    incident = timeline.incident
    by_formula = min(
        detection_time(row, alert_threshold(row, slo.window.seconds, slo.budget), incident.error_ratio)
        for row in rows_of_severity(slo.alerting.policy, Severity.PAGE)
    )
    due, fired = timeline.page_due, timeline.page_fired
    late = "" if due is None or fired is None else f": {(fired - due) / _INTERVAL:.1f} ticks after it was due"
    return (
        f"incident     {format_clock_time(incident.begins)} to {format_clock_time(incident.ends)}: "
        f"{format_percent(incident.error_ratio)} fail, "
        f"which pages a clean record in {humanize_duration(by_formula)}",
        f"maths says   {format_clock_time(due)}: page due, by the true counts of the traffic",
        f"page fired   {format_clock_time(fired)}{late}",
        f"page cleared {format_clock_time(timeline.page_cleared)}",
    )
