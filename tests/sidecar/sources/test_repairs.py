"""Repairs of the rules, read by the sidecar: in the end it has the counts of the rules."""

from collections.abc import Iterable, Iterator

import pytest

from sloctl.duration import HOUR
from sloctl.naming import NATIVE_STYLE
from sloctl.prometheus.credentials import ClientOptions
from sloctl.rules.backfill_queries import backfill_rollups
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.history_backfill import backfill_history
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.sources import IntervalCounts
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.source import PrometheusSource
from sloctl.slo.resolutions import EventCounts
from tests.real import Prometheus, backfill, running_prometheus
from tests.sidecar.sources.prometheus_server import Minutes, PrometheusServer, open_source
from tests.sidecar.specimens import slo

SHOP = slo()
# On a whole hour.
START = 1_700_002_800
COUNTED = (1.0, 100.0)


def minutes(*numbers: int) -> Minutes:
    return {START + 60 * number: COUNTED for number in numbers}


def hole(*, raw: Minutes | None = None, repair: tuple[float, float] = (500.0, 500.0)) -> PrometheusServer:
    """Rules with nothing from minute 10 to 14, and a repair of them at minute 31."""
    return PrometheusServer(
        recorded={SHOP.id: minutes(*range(-400, 10), *range(15, 80))},
        raw={SHOP.id: raw or {}},
        # Read with the coarse step that ends at minute 35.
        repaired={SHOP.id: {START + 60 * 35: repair}},
        scraped=tuple(START + 60 * number for number in (*range(-400, 10), *range(15, 80))),
    )


async def read_minutes(source: PrometheusSource, first: int, last: int) -> list[IntervalCounts]:
    return [
        each
        for number in range(first, last + 1)
        for each in await source.read_counts(START + 60 * number + 30)
    ]


def summed(readings: Iterable[IntervalCounts]) -> EventCounts:
    found = [counts for each in readings for read in each.slos.values() for counts in read.groups.values()]
    return EventCounts(sum(each.error for each in found), sum(each.total for each in found))


async def test_a_repair_counts_in_the_minutes_that_lack() -> None:
    server = hole()

    async with open_source(server, SHOP) as source:
        readings = await read_minutes(source, 1, 60)
    repairs = [each for each in readings if each.begin is not None]

    assert summed(readings) == EventCounts(error=55 + 500, total=55 * 100 + 500)
    assert [(each.begin, each.at) for each in repairs] == [
        (START + 60 * 9, START + 60 * 10),
        (START + 60 * 10, START + 60 * 14),
    ]
    assert summed(repairs[:1]) == EventCounts(error=100, total=100)


async def test_a_repair_adds_nothing_to_raw_minutes() -> None:
    # The first rollup after raw minutes shares events with them, and is left out.
    server = hole(raw=minutes(10, 11, 12, 13, 14), repair=(5.0, 500.0))

    async with open_source(server, SHOP) as source:
        readings = await read_minutes(source, 1, 60)

    assert summed(readings) == EventCounts(error=60, total=6000)


async def test_later_repairs_add_what_is_theirs() -> None:
    server = hole(raw=minutes(10, 11, 12, 13, 14), repair=(2.0, 200.0))
    server.repaired[SHOP.id][START + 60 * 65] = (50.0, 900.0)

    async with open_source(server, SHOP) as source:
        readings = await read_minutes(source, 1, 70)

    assert summed(readings) == EventCounts(error=70 - 1 + 52 - 4, total=7000 - 100 + 1100 - 400)


async def test_a_repair_that_cannot_be_read_comes_later() -> None:
    server = hole()

    async with open_source(server, SHOP) as source:
        before = await read_minutes(source, 1, 34)
        server.refuses = "increase5m"
        with pytest.raises(Exception, match="many-to-many"):
            await source.read_counts(START + 60 * 35 + 30)
        server.refuses = None
        after = await read_minutes(source, 36, 60)

    assert summed([*before, *after]) == EventCounts(error=555, total=6000)


async def test_a_prometheus_that_scraped_nothing_covers_nothing() -> None:
    server = hole()
    engine = Engine([SHOP], interval=60)
    covered = {}

    async with open_source(server, SHOP) as source:
        for number in range(1, 60):
            readings = await source.read_counts(START + 60 * number + 30)
            (state,) = engine.record_tick(START + 60 * number + 30, readings).states
            covered[number] = state.budget.covered_seconds

    assert (covered[9], covered[14], covered[16], covered[34], covered[36]) == tuple(
        60 * number for number in (9, 9, 11, 29, 36)
    )


async def test_pods_that_are_gone_at_night_are_no_gap() -> None:
    server = hole()
    server.scraped = tuple(START + 60 * number for number in range(-400, 80))
    engine = Engine([SHOP], interval=60)

    async with open_source(server, SHOP) as source:
        readings = await read_minutes(source, 1, 30)
    (state,) = engine.record_tick(START + 60 * 30 + 30, readings).states

    assert state.budget.covered_seconds == 30 * 60


# --- a real Prometheus, that was down for 210 s with the rules in it ---

SCRAPE = 15
DOWN_FROM, DOWN_TO = START + 1800, START + 2010
REPAIRED_AT = START + HOUR + 47
PHASE = 17


def is_up(at: float) -> bool:
    return not DOWN_FROM < at < DOWN_TO


def raw_counters() -> Iterator[tuple[str, float, float]]:
    """Fifty errors a second while it is down, and one request in a second before and after."""
    good = bad = 0.0
    for at in range(START - HOUR, START + 2 * HOUR, SCRAPE):
        good += SCRAPE
        bad += 50 * SCRAPE * (not is_up(at))
        if is_up(at):
            for status, value in (("200", good), ("500", bad)):
                yield f'requests_total{{job="shop",instance="a:1",status="{status}"}}', value, at
            yield 'up{job="shop",instance="a:1"}', 1, at


def rollups(raw: Prometheus) -> Iterator[tuple[str, float, float]]:
    labels = ",".join(f'{name}="{value}"' for name, value in NATIVE_STYLE.identity_labels(SHOP).items())
    up_to = START + 2 * HOUR - 60
    for side, query in zip(("total", "error"), backfill_rollups(SHOP, NATIVE_STYLE), strict=True):
        (series,) = raw.range(query, start=START - HOUR + 120 + PHASE, end=up_to, step=60)
        for at, value in series.points:
            if is_up(at):
                yield f"slo:sli_{side}:increase1m{{{labels}}}", value, at
        for at in range(START - HOUR + 300, START + 2 * HOUR - 60, 300):
            if is_up(at):
                fives = [
                    value for moment, value in series.points if at - 300 < moment <= at and is_up(moment)
                ]
                yield f"slo:sli_{side}:increase5m{{{labels}}}", sum(fives), at
    for side in ("total", "error"):
        yield f'slo:sli_{side}:increase5m{{{labels},slo_part="repair"}}', 10_325, REPAIRED_AT


@pytest.fixture(scope="module")
def repaired(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    raw_directory, directory = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("repaired")
    backfill(raw_directory, raw_counters())
    with running_prometheus(raw_directory) as raw:
        recorded = list(rollups(raw))
    backfill(directory, [*raw_counters(), *recorded])
    with running_prometheus(directory) as prometheus:
        yield prometheus


def opened(url: str) -> PrometheusSource:
    options = PrometheusOptions(url, client=ClientOptions(timeout_seconds=60), settle_seconds=0)
    return PrometheusSource(options, [SHOP], jitter=lambda: 0.0)


def in_rollups(prometheus: Prometheus, metric: str, end: int) -> float:
    samples = prometheus.instant(f"sum(sum_over_time({metric}[2h]))", at=end)
    return sum(sample.value for sample in samples)


async def watch(source: PrometheusSource, engine: Engine, first: int, last: int) -> Snapshot:
    """Read the past before minute *first*, then every minute up to *last*."""
    now = float(START + 60 * first)
    await backfill_history(
        engine, lambda known, repaired: source.read_history(now, after=known, repaired=repaired), now
    )
    snapshot = engine.record_tick(now, ())
    for number in range(first + 1, last + 1):
        now = START + 60 * number
        snapshot = engine.record_tick(now, await source.read_counts(now))
    return snapshot


def errors_of_window(snapshot: Snapshot) -> float:
    (state,) = snapshot.states
    counts = state.burn_over(SHOP.window.seconds).counts
    return 0.0 if counts is None else counts.error


@pytest.mark.parametrize("first", [20, 40, 58, 75], ids=["before", "after", "between", "later"])
async def test_the_sidecar_shows_what_the_rules_count(repaired: Prometheus, first: int) -> None:
    engine = Engine([SHOP], interval=60)
    async with opened(repaired.url).open_source() as source:
        snapshot = await watch(source, engine, first, 90)

    end = START + 90 * 60
    by_rules = in_rollups(repaired, "slo:sli_error:increase1m", end) + 10_325
    assert errors_of_window(snapshot) == pytest.approx(by_rules, rel=0.01)


async def test_a_restart_counts_no_repair_twice(repaired: Prometheus) -> None:
    before, after = Engine([SHOP], interval=60), Engine([SHOP], interval=60)
    async with opened(repaired.url).open_source() as source:
        first = await watch(source, before, 20, 75)
    kept = [tracker.take_checkpoint() for *_, tracker in before.iter_trackers()]
    after.restore_checkpoints(
        SHOP, [each for each in kept if each is not None], START + 76 * 60.0, counters=True
    )
    async with opened(repaired.url).open_source() as source:
        second = await watch(source, after, 76, 90)

    assert errors_of_window(second) == pytest.approx(errors_of_window(first), rel=0.001)


async def test_a_repair_of_a_downtime_of_ours_counts(repaired: Prometheus) -> None:
    before, after = Engine([SHOP], interval=60), Engine([SHOP], interval=60)
    async with opened(repaired.url).open_source() as source:
        await watch(source, before, 20, 50)
    kept = [tracker.take_checkpoint() for *_, tracker in before.iter_trackers()]
    after.restore_checkpoints(
        SHOP, [each for each in kept if each is not None], START + 70 * 60.0, counters=True
    )
    async with opened(repaired.url).open_source() as source:
        snapshot = await watch(source, after, 70, 90)

    by_rules = in_rollups(repaired, "slo:sli_error:increase1m", START + 90 * 60) + 10_325
    assert errors_of_window(snapshot) == pytest.approx(by_rules, rel=0.01)
