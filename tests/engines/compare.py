"""What two engines recorded of the same shop, held beside each other."""

from dataclasses import dataclass
from typing import Final

from tests.engines.fleet import Engine
from tests.real import Series

KINDS: Final = ("ratio", "latency", "condition", "probe", "query", "errorratio", "grouped")
# Of the fast group: within ten minutes the slow one has two turns, and where those fall decides its ratios.
LOOKBACKS: Final = ("5m", "30m", "1h", "6h")
# Seconds that two engines may be apart: a turn, and half a minute to wait for series that arrive late.
APART: Final = 90


@dataclass(frozen=True, slots=True)
class Difference:
    """Of one kind of indicator: the largest difference of any error ratio, of budget, and of the page's time.

    *ratio* is in shares of the events; *events* the engine's sum of events as a multiple of the reference's;
    *page_seconds* how much later the page fired, None where one of them never did.
    """

    kind: str
    ratio: float
    at_lookback: str
    samples: int
    events: float
    page_seconds: float | None


def compare_engines(reference: Engine, engine: Engine, span: tuple[float, float]) -> list[Difference]:
    """Compare every kind of indicator from the start to the end of *span*, Unix seconds."""
    return [_compare_kind(reference, engine, kind, span) for kind in KINDS]


def _compare_kind(reference: Engine, engine: Engine, kind: str, span: tuple[float, float]) -> Difference:
    start, end = span
    worst, at_lookback, samples = 0.0, "", 0
    for lookback in LOOKBACKS:
        query = f'max(slo:sli_error:ratio_rate{lookback}{{slo_id="shop/{kind}"}})'
        expected, found = (_by_step(each, query, start, end) for each in (reference, engine))
        for at in expected.keys() & found.keys():
            samples += 1
            # The outage goes on, and engines evaluate up to a turn apart from each other.
            near = [expected[it] for it in range(at - APART, at + APART + 1, 30) if it in expected]
            difference = max(min(near) - found[at], found[at] - max(near), 0.0)
            if difference > worst:
                worst, at_lookback = difference, lookback
    counted = f'sum(sum_over_time(slo:sli_total:increase1m{{slo_id="shop/{kind}"}}[{int(end - start)}s]))'
    totals = [each.queries.instant(counted, at=end)[0].value for each in (reference, engine)]
    pages = [_first_page(each, kind, start, end) for each in (reference, engine)]
    late = None if None in pages else (pages[1] or 0.0) - (pages[0] or 0.0)
    return Difference(kind, worst, at_lookback, samples, totals[1] / totals[0], late)


def _by_step(engine: Engine, query: str, start: float, end: float) -> dict[int, float]:
    rows: list[Series] = engine.queries.range(query, start=start, end=end, step=30)
    return {round(at - start): value for row in rows for at, value in row.points}


def _first_page(engine: Engine, kind: str, start: float, end: float) -> float | None:
    query = f'ALERTS{{slo_id="shop/{kind}", slo_severity="page", slo_alert="burn", alertstate="firing"}}'
    rows = engine.queries.range(query, start=start, end=end, step=5)
    return min((row.points[0][0] for row in rows), default=None)


def differences_table(engine: str, differences: list[Difference]) -> str:
    """Write the differences as rows of Markdown."""
    return "".join(
        f"| {it.kind} | {engine} | {it.ratio:.4f} ({it.at_lookback}) | {100 * (it.events - 1):+.2f} % | "
        f"{'no page' if it.page_seconds is None else f'{it.page_seconds:+.0f} s'} |\n"
        for it in differences
    )
