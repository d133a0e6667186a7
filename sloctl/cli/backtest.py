"""Replay an SLO's alerts over the past: every page and ticket it would have raised, and what it cost.

Counts come from a Prometheus, by the expressions that the rules evaluate, so it needs no rules there. Each
day is asked for once and kept in --cache; after Ctrl-C the same command goes on. Or they come from files: a
CSV with the columns time, total, errors (or good) and, as needed, slo and the labels of groupBy, or the
OpenMetrics files that `sloctl backfill` writes.

example:
  sloctl backtest slos/shop.yaml --prometheus http://127.0.0.1:9090 --from 30d -o html > backtest.html
  sloctl backtest slos/shop.yaml --from 30d --objective 99.5%,99.9% --policy calmer.yaml
  sloctl backtest slos --from 14d --against main -o markdown         for a pull request
  sloctl backtest slos/shop.yaml --counts counts.csv
"""

import argparse
import sys
import time
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

from sloctl.backtest import html_report, reports
from sloctl.backtest.count_cache import CountCache
from sloctl.backtest.count_files import FileCounts
from sloctl.backtest.evaluation import BudgetBacktest, backtest_budget
from sloctl.backtest.fetch import GroupKey, fetch_counts
from sloctl.cli.arguments import add_output_format, add_slo_choice, add_specs, argument_type
from sloctl.cli.exit_codes import FINE, PROBLEMS_FOUND, CouldNotRun
from sloctl.cli.past_arguments import DayProgress, add_cache, add_past, cache_directory
from sloctl.cli.server_arguments import add_prometheus_url, add_server_options, read_client_options
from sloctl.cli.spec_arguments import parse_valid_slos, read_spec_texts, select_slos
from sloctl.cli.spec_revisions import read_revision
from sloctl.duration import DAY
from sloctl.model import Alerting, Slo
from sloctl.problems import escape_unprintable
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.errors import PrometheusError, redact_url
from sloctl.prometheus.plain_client import PrometheusClient
from sloctl.slo.event_series import EventSeries
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP
from sloctl.spec.findings import Violation
from sloctl.spec.policy_file import read_policy_file
from sloctl.spec.values import parse_objective
from sloctl.table import format_markdown_table, format_table

_FORMATS: Final = ("text", "json", "markdown", "html")
# A day of raw series of many pods takes its time.
_TIMEOUT_SECONDS: Final = 120.0
_CACHE: Final = "backtest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_specs(parser)
    add_slo_choice(parser)
    add_prometheus_url(parser, help_text="that holds the raw series", required=False)
    add_past(
        parser,
        default=30 * DAY,
        most=366 * DAY,
        bounds="an hour and a year, like 30d",
        help_text="how far back; default 30d",
    )
    parser.add_argument(
        "--counts", metavar="FILE", type=Path, action="append", help="counts of files in place of a server"
    )
    parser.add_argument(
        "--objective",
        metavar="99.5%,99.9%",
        type=argument_type(_parse_objectives),
        default=(),
        help="also say what these objectives would have fired",
    )
    parser.add_argument(
        "--policy",
        metavar="FILE",
        type=Path,
        action="append",
        help="also say what this policy would have fired: what stands below alerting in a spec",
    )
    parser.add_argument("--against", metavar="REV", help="compare with the specs at a revision of git")
    add_cache(parser, _CACHE)
    add_output_format(parser, _FORMATS)
    add_server_options(parser)


def run(arguments: argparse.Namespace) -> int:
    slos = parse_valid_slos(read_spec_texts(arguments.specs))
    before: tuple[Slo, ...] | None = ()
    if arguments.against is not None:
        texts = read_revision(arguments.against, arguments.specs)
        if texts is None:
            raise CouldNotRun(f"{escape_unprintable(arguments.against)} is no git revision")
        before = parse_valid_slos(texts)
    if slos is None or before is None:
        return PROBLEMS_FOUND
    chosen = select_slos(slos, arguments.slo)
    earlier = [slo for slo in before if not arguments.slo or slo.id in arguments.slo]
    policies = read_policies(arguments.policy or (), chosen)
    if policies is None:
        return PROBLEMS_FOUND
    read_counts = read_count_files if arguments.counts else fetch_all_counts
    counted = read_counts(arguments, chosen)
    counted_before = read_counts(arguments, earlier) if earlier else {}
    if counted is None or counted_before is None:
        return PROBLEMS_FOUND
    backtests = backtest_slos(chosen, counted, objectives=arguments.objective, policies=policies)
    others = None if arguments.against is None else backtest_slos(earlier, counted_before)
    sys.stdout.write(render_backtests(arguments.output, backtests, others))
    if empty := [backtest.title for backtest in backtests if not any(backtest.series.known)]:
        print(
            f"nothing was counted of {len(empty)} of {len(backtests)}: {', '.join(empty[:5])}",
            file=sys.stderr,
        )
    return FINE


def render_backtests(
    output: str, backtests: Sequence[BudgetBacktest], before: Sequence[BudgetBacktest] | None
) -> str:
    """Render in one of the formats; *before* is another version to compare with."""
    comparison = None if before is None else reports.comparison_rows(before, backtests)
    match output:
        case "json":
            return reports.render_json(backtests, before)
        case "html":
            return html_report.render_html(backtests, comparison)
        case "markdown":
            table = "" if comparison is None else f"{format_markdown_table(comparison)}\n\n"
            return f"{table}{reports.render_markdown(backtests)}"
        case _:
            table = "" if comparison is None else f"\n{format_table(comparison)}\n"
            return f"{reports.render_text(backtests)}{table}"


def backtest_slos(
    slos: Sequence[Slo],
    counted: Mapping[str, Mapping[GroupKey, EventSeries]],
    *,
    objectives: Sequence[Fraction] = (),
    policies: Mapping[str, Mapping[str, Alerting]] | None = None,
) -> list[BudgetBacktest]:
    return [
        backtest_budget(
            slo, dict(group), series, objectives=objectives, policies=(policies or {}).get(slo.id, {})
        )
        for slo in slos
        for group, series in counted[slo.id].items()
    ]


def read_policies(files: Sequence[Path], slos: Sequence[Slo]) -> dict[str, dict[str, Alerting]] | None:
    """Read each policy for each SLO, by id and file name; None after printing what is wrong with one."""
    policies: dict[str, dict[str, Alerting]] = {slo.id: {} for slo in slos}
    problems = {}
    for file in files:
        try:
            content = file.read_bytes()
        except OSError as failure:
            raise CouldNotRun(f"cannot read {file}: {failure.strerror}") from None
        for slo in slos:
            alerting, found = read_policy_file(str(file), content, slo)
            problems.update(dict.fromkeys(map(str, found)))
            if alerting is not None:
                policies[slo.id][file.name] = alerting
    for problem in problems:
        print(problem, file=sys.stderr)
    return None if any(len(found) < len(files) for found in policies.values()) else policies


def read_count_files(
    arguments: argparse.Namespace, slos: Sequence[Slo]
) -> dict[str, dict[GroupKey, EventSeries]] | None:
    """Read the counts of every SLO from files, by id and group; None after printing what is wrong there."""
    files = FileCounts(slos)
    for file in arguments.counts:
        try:
            files.read_file(str(file), file.read_text(encoding="utf-8-sig"))
        except OSError as failure:
            raise CouldNotRun(f"cannot read {file}: {failure.strerror}") from None
        except UnicodeDecodeError:
            raise CouldNotRun(f"{file} is not UTF-8 text") from None
    if files.problems:
        print(*files.problems, sep="\n", file=sys.stderr)
        return None
    nothing = EventSeries(0, FINE_STEP, events=(), errors=())
    return {slo.id: files.build_series(slo) or {(): nothing} for slo in slos}


def fetch_all_counts(
    arguments: argparse.Namespace, slos: Sequence[Slo]
) -> dict[str, dict[GroupKey, EventSeries]]:
    """Fetch the counts of every SLO, by id and group; raises CouldNotRun."""
    url, now = arguments.prometheus, int(time.time())
    if url is None:
        raise CouldNotRun("counts come from --prometheus URL or --counts FILE: name one")
    end = now // COARSE_STEP * COARSE_STEP
    span = QueryRange(end - arguments.past_seconds, end)
    options = read_client_options(arguments, url, timeout_seconds=_TIMEOUT_SECONDS)
    directory = cache_directory(arguments, _CACHE)
    store, progress = CountCache(directory, redact_url(url)), DayProgress(len(slos) * _count_days(span))
    unknown = EventSeries.from_points(span.start, span.end, step=FINE_STEP, events={}, errors={})
    counted = {}
    try:
        ask = PrometheusClient(url, options).query_range
        for slo in slos:
            series = fetch_counts(slo, span, ask=ask, store=store, now=now, tell=progress.advance)
            counted[slo.id] = series or {(): unknown}
    except PrometheusError as failed:
        raise CouldNotRun(str(failed)) from failed
    except KeyboardInterrupt:
        raise CouldNotRun(f"interrupted; what was fetched is kept in {directory}") from None
    return counted


def _count_days(span: QueryRange) -> int:
    return sum(1 for _ in QueryRange(span.start // DAY * DAY, span.end).split_days())


def _parse_objectives(text: str) -> tuple[Fraction, ...]:
    objectives = []
    for part in text.split(","):
        objective = parse_objective(part.strip())
        if isinstance(objective, Violation):
            raise ValueError(objective.message)  # noqa: TRY004 - a violation is a value, not a wrong type
        objectives.append(objective)
    return tuple(objectives)
