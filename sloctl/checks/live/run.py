"""All live checks over all SLOs."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sloctl.checks.live import count_checks, series_checks, server_checks
from sloctl.checks.live.results import LiveCheck, LiveQuestion, LiveResult, unknown
from sloctl.checks.live.server import LiveServer
from sloctl.naming import LabelStyle
from sloctl.prometheus.errors import QueryFailed
from sloctl.spec.reader import LocatedSlo

LIVE_CHECKS: Final[dict[str, LiveCheck]] = {
    "series": series_checks.check_series,
    "bucket": series_checks.check_bucket,
    "group labels": series_checks.check_group_labels,
    "scrape interval": series_checks.check_scrape_interval,
    "processes": series_checks.check_same_processes,
    "subset": count_checks.check_subset,
    "ratio": count_checks.check_ratio,
    "minus": count_checks.check_minus,
    "traffic": count_checks.check_traffic,
    "cost": series_checks.check_series_cost,
    "retention": server_checks.check_retention,
    "features": server_checks.check_features,
    "rules": server_checks.check_loaded_rules,
}


def run_live_checks(
    located: Sequence[LocatedSlo],
    server: LiveServer,
    style: LabelStyle,
    *,
    report_progress: Callable[[int], None] = lambda _: None,
) -> Iterator[LiveResult]:
    """Run every check on every SLO; what the server refuses to answer is unknown.

    Raises RequestFailed where nobody answers.
    """
    for number, each in enumerate(located, start=1):
        question = LiveQuestion(each, server, style)
        for name, check in LIVE_CHECKS.items():
            try:
                yield from check(question)
            except QueryFailed as refused:
                yield unknown(question, name, str(refused))
        report_progress(number)
