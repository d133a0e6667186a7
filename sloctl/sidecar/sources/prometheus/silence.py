"""Find the time in which Prometheus itself scraped nothing: then nobody counted, whatever is missing.

An SLO without counts in a minute may as well have no pods at night. Where there is no `up` either, of
whatever target, nothing was scraped.
"""

from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias

from sloctl.model import Slo
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.async_client import RangeQueries
from sloctl.prometheus.errors import PrometheusError
from sloctl.sidecar.sources.prometheus.minutes import ReadOutcome, ReadPosition
from sloctl.slo.resolutions import FINE_STEP

# Scrapes are a minute apart at most.
_ANY_SCRAPE: Final = "count(count_over_time(up[90s]))"

# Begin and end, Unix seconds.
Span: TypeAlias = tuple[float, float]


async def read_silent_spans(
    ranges: RangeQueries, jobs: Sequence[tuple[Slo, ReadPosition]], outcome: ReadOutcome
) -> list[Span]:
    """Return the spans, among the minutes of *outcome*, in which nothing was scraped."""
    empty, filled = set[int](), set[int]()
    for slo, position in jobs:
        if (progress := outcome.progress.get(slo.id)) is not None:
            empty.update(progress.empty_minutes(position.read_until))
            filled |= progress.steps.keys() | progress.left_out.keys()
    if not (unknown := sorted(empty - filled)):
        return []
    try:
        span = QueryRange(unknown[0] - FINE_STEP, unknown[-1])
        rows = await ranges.query_range(_ANY_SCRAPE, span, step=FINE_STEP)
    except PrometheusError:
        return []
    scraped = {at for row in rows for at in row.points}
    return list(join_minutes([minute for minute in unknown if minute not in scraped]))


def join_minutes(minutes: Sequence[int]) -> Iterator[Span]:
    begin: int | None = None
    for number, minute in enumerate(minutes):
        begin = minute - FINE_STEP if begin is None else begin
        if number + 1 == len(minutes) or minutes[number + 1] != minute + FINE_STEP:
            yield float(begin), float(minute)
            begin = None
