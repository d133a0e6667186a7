"""The part of `validate` that asks a Prometheus: the questions, the progress, the table of results."""

import argparse
import sys
from collections.abc import Sequence

from sloctl.checks.live.results import LiveResult, Outcome
from sloctl.checks.live.run import run_live_checks
from sloctl.checks.live.server import LiveServer
from sloctl.cli.exit_codes import CouldNotRun
from sloctl.cli.server_arguments import read_client_options
from sloctl.naming import LABEL_STYLES
from sloctl.problems import escape_unprintable
from sloctl.prometheus.errors import PrometheusError
from sloctl.prometheus.plain_client import PlainHttpClient, PrometheusClient
from sloctl.spec import ParsedSpecs
from sloctl.table import format_table

# A day of the raw series of many pods takes its time.
_TIMEOUT_SECONDS = 60.0


def ask_prometheus(specs: ParsedSpecs, arguments: argparse.Namespace) -> tuple[LiveResult, ...]:
    """Run the live checks against --prometheus; raises CouldNotRun where nobody answers."""
    url = arguments.prometheus
    options = read_client_options(arguments, url, timeout_seconds=_TIMEOUT_SECONDS)
    try:
        server = LiveServer(
            PrometheusClient(url, options).query,
            PlainHttpClient(url, options).get_body,
            limit=arguments.max_queries,
        )
        # The first question shows whether anybody answers at all.
        server.query("vector(1)")
        results = tuple(
            run_live_checks(
                specs.located,
                server,
                LABEL_STYLES[arguments.label_style],
                report_progress=lambda done: _show_progress(done, len(specs.located)),
            )
        )
    except PrometheusError as failed:
        raise CouldNotRun(str(failed)) from failed
    print(f"{server.asked} questions asked", file=sys.stderr)
    return results


def render_results(results: Sequence[LiveResult]) -> str:
    """Render a table of all checks, those that found something first within each SLO."""
    order = [Outcome.FAILED, Outcome.UNKNOWN, Outcome.PASSED]
    rows = [
        (
            each.slo_id,
            each.check,
            each.outcome.value,
            each.certainty.value if each.outcome is not Outcome.UNKNOWN else "",
            escape_unprintable(each.seen),
        )
        for each in sorted(results, key=lambda each: (each.slo_id, order.index(each.outcome)))
    ]
    return format_table([("SLO", "check", "result", "sure", "seen"), *rows]) + "\n" if rows else ""


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\r{done} of {total} SLOs asked about", end=end, file=sys.stderr, flush=True)
