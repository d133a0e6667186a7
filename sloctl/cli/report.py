"""Tell how the SLOs of a month, or of any span, fared: met or missed, budget spent, incidents, trend.

Counted from the rollups that the compiled rules recorded in a Prometheus, per service, team and tier; SLOs
without data and those due for a review (reviewBy) are named. Always exits with 0: a missed objective is news,
not a failure.

example:
  sloctl report slos --prometheus http://127.0.0.1:9090 --month 2026-10 -o html > october.html
  sloctl report slos --from 2026-10-01 --until 2026-10-15 -o csv
"""

import argparse
import sys
import time
from datetime import UTC, datetime
from typing import Final

from sloctl.cli.arguments import (
    add_label_style,
    add_output_format,
    add_slo_choice,
    add_specs,
    argument_type,
)
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.server_arguments import add_prometheus_url, add_server_options, read_client_options
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts, select_slos
from sloctl.naming import LABEL_STYLES
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.errors import PrometheusError
from sloctl.prometheus.plain_client import PrometheusClient
from sloctl.report import documents, page
from sloctl.report.recorded import read_recorded
from sloctl.report.summary import build_report, report_slo
from sloctl.slo.resolutions import COARSE_STEP
from sloctl.timestamps import format_day

_RENDERERS: Final = {
    "text": documents.render_text,
    "json": documents.render_json,
    "csv": documents.render_csv,
    "markdown": documents.render_markdown,
    "html": page.render_html,
}
_TIMEOUT_SECONDS: Final = 60.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_slo_choice(parser)
    add_prometheus_url(parser, help_text="that runs the compiled rules")
    parser.add_argument(
        "--month", metavar="2026-10", type=argument_type(parse_month), help="of the calendar, in UTC"
    )
    parser.add_argument(
        "--from",
        dest="start",
        metavar="2026-10-01",
        type=argument_type(parse_moment),
        help="a day, or a time",
    )
    parser.add_argument(
        "--until", metavar="2026-10-15", type=argument_type(parse_moment), help="where it ends; default now"
    )
    add_label_style(parser)
    add_output_format(parser, _RENDERERS)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    slos = parse_valid_slos(read_spec_texts(arguments.specs))
    if slos is None:
        return PROBLEMS_FOUND
    chosen, style = select_slos(slos, arguments.slo), LABEL_STYLES[arguments.label_style]
    now = int(time.time())
    span, before = choose_spans(arguments, now)
    options = read_client_options(arguments, arguments.prometheus, timeout_seconds=_TIMEOUT_SECONDS)
    reports = []
    try:
        ask = PrometheusClient(arguments.prometheus, options).query_range
        for number, slo in enumerate(chosen, start=1):
            # So that lookbacks are full when the span begins.
            lead = max((row.long for row in slo.alerting.policy), default=0)
            start = span.start - -(-lead // COARSE_STEP) * COARSE_STEP
            recorded = read_recorded(slo, style, QueryRange(start, span.end), before, ask=ask)
            reports += [report_slo(slo, dict(group), counts, span) for group, counts in recorded.items()]
            if not recorded:
                reports.append(report_slo(slo, {}, None, span))
            if sys.stderr.isatty():
                end = "\n" if number == len(chosen) else ""
                print(f"\r{number} of {len(chosen)} SLOs", end=end, file=sys.stderr, flush=True)
    except PrometheusError as failed:
        raise CouldNotRun(str(failed)) from failed
    sys.stdout.write(_RENDERERS[arguments.output](build_report(span, reports, today=format_day(now))))
    return FINE


def choose_spans(arguments: argparse.Namespace, now: int) -> tuple[QueryRange, QueryRange]:
    """Return the span of the report, cut at *now*, and the one before it; raises CouldNotRun."""
    if (arguments.month is None) == (arguments.start is None):
        raise CouldNotRun("name either --month 2026-10, or --from and --until")
    if arguments.month is not None:
        (start, end), (before, _) = arguments.month
    else:
        start = arguments.start
        end = now if arguments.until is None else arguments.until
        before = start - (end - start)
    start, end, before = (at // COARSE_STEP * COARSE_STEP for at in (start, min(end, now), before))
    if end <= start:
        raise CouldNotRun(f"the report would begin at {format_day(start)}, which is not before its end")
    return QueryRange(start, end), QueryRange(before, start)


def parse_month(text: str) -> tuple[tuple[int, int], tuple[int, int]]:
    """Parse a month of the calendar: its start and end, and those of the month before; Unix seconds."""
    try:
        first = datetime.strptime(text, "%Y-%m").replace(tzinfo=UTC)
        year, month = first.year, first.month
        after = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
        before = datetime(year - (month == 1), (month - 2) % 12 + 1, 1, tzinfo=UTC)
    except ValueError:
        raise ValueError(f"a month is like 2026-10, got {text!r}") from None
    start = int(first.timestamp())
    return (start, int(after.timestamp())), (int(before.timestamp()), start)


def parse_moment(text: str) -> int:
    """Parse a day in UTC, or a moment with its offset, into Unix seconds."""
    is_day, seconds = len(text) == len("2026-10-01"), 0.0
    try:
        moment = datetime.fromisoformat(f"{text}T00:00:00Z" if is_day else text)
        seconds = moment.timestamp()
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError(f"a day is like 2026-10-01, a time like 2026-10-01T06:00:00Z; got {text!r}")
    return int(seconds)
