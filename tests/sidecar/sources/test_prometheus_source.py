"""Reading a Prometheus minute by minute: from rollups or raw series, through its faults."""

from collections.abc import Iterable

import pytest
from aiohttp import web

from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    LabelMatcher,
    MatchOp,
    ProbeIndicator,
    RatioIndicator,
    Selector,
    Slo,
    WhenAbsent,
    WindowQuery,
)
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.sources import Group, IntervalCounts, SourceUnavailable
from sloctl.sidecar.sources.prometheus.minutes import ReadPosition, StepCounts, advance_position
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.source import PrometheusSource
from sloctl.slo.resolutions import EventCounts
from tests.real import free_port
from tests.sidecar.sources.prometheus_server import Minutes, PrometheusServer, open_source
from tests.sidecar.specimens import slo

# A whole minute; the source settles for 5 s, a scrape takes 15 s.
START = 1_700_000_040
COUNTED = (1.0, 100.0)


def named(name: str) -> Slo:
    metric = f"{name}_total"
    failed = Selector(metric, (LabelMatcher("status", MatchOp.MATCH, "5.."),))
    return slo(RatioIndicator(CountedSide.ERROR, (failed,), (Selector(metric),)), name=name)


CART, PAY = named("cart"), named("pay")


def minutes(first: int, last: int, counted: tuple[float, float] = COUNTED) -> Minutes:
    """From the *first* to the *last* minute after START."""
    return {START + 60 * number: counted for number in range(first, last + 1)}


def counted(intervals: Iterable[IntervalCounts], watched: Slo = CART) -> dict[int, EventCounts]:
    """By the number of the minute after START."""
    return {
        int(each.at - START) // 60: each.slos[watched.id].groups[()]
        for each in intervals
        if watched.id in each.slos
    }


async def test_each_minute_is_given_once_and_oldest_first() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9)})

    async with open_source(server, CART) as source:
        reads = [await source.read_counts(START + seconds) for seconds in (10, 30, 64, 66, 200, 200)]

    assert [[(each.at - START) / 60 for each in read] for read in reads] == [[0], [], [], [1], [2, 3], []]


async def test_where_no_rule_runs_the_raw_series_are_read_once_their_scrapes_have_ended() -> None:
    server = PrometheusServer(raw={CART.id: minutes(0, 9, (2.0, 50.0))})

    async with open_source(server, CART) as source:
        early = await source.read_counts(START + 19)
        ready = await source.read_counts(START + 20)

    assert counted(early) == {}
    assert counted(ready) == {0: EventCounts(error=2, total=50)}


async def test_an_slo_of_which_there_is_nothing_is_missing() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9)})

    async with open_source(server, CART, PAY) as source:
        (read,) = await source.read_counts(START + 30)

    assert set(read.slos) == {CART.id}


@pytest.mark.parametrize(("partial_response", "read"), [(True, [0]), (False, [])])
async def test_an_answer_in_part_counts_where_it_is_asked_for(
    partial_response: bool, read: list[int]
) -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9)}, warnings=("store 3 is away",))

    async with open_source(server, CART, partial_response=partial_response) as source:
        try:
            found = list(counted(await source.read_counts(START + 10)))
        except SourceUnavailable:
            found = []

    assert found == read


@pytest.mark.parametrize(
    ("indicator", "reads_raw"),
    [
        (CART.indicator, True),
        (ProbeIndicator(Selector("cart_total")), True),
        (ConditionIndicator("cart_total > 0", WhenAbsent.IGNORE), True),
        (ConditionIndicator("max(cart_total) > 0", WhenAbsent.IGNORE), False),
        (ConditionIndicator("cart_total > 0", WhenAbsent.BAD), False),
        (ErrorRatioIndicator(WindowQuery("avg(avg_over_time(cart_total[$window]))")), False),
    ],
)
async def test_raw_series_are_read_where_they_tell_clusters_apart(
    indicator: Indicator, reads_raw: bool
) -> None:
    server = PrometheusServer()
    watched = slo(indicator, name="cart")

    async with open_source(server, watched, cluster_labels=("cluster",)) as source:
        await source.read_counts(START + 30)

    raw = [query["query"] for query in server.queries if "slo:sli_" not in query["query"]]
    assert any("cart_total" in query for query in raw) is reads_raw
    assert [each.group_by for each in source.slos] == [("cluster",)]


async def test_many_slos_share_two_queries() -> None:
    slos = [named(f"slo-{number}") for number in range(150)]
    server = PrometheusServer(recorded={each.id: minutes(0, 9) for each in slos})

    async with open_source(server, *slos) as source:
        (read,) = await source.read_counts(START + 10)

    assert len(read.slos) == 150
    assert len(server.queries) == 2
    assert server.queries[0]["query"].startswith(
        'sum_over_time(slo:sli_total:increase1m{slo_id=~"shop/slo-0|shop/slo-1|'
    )


async def test_a_tenant_and_the_refusal_of_partial_answers_go_with_every_query() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9)})

    async with open_source(server, CART, client=ClientOptions(headers={"X-Scope-OrgID": "shop"})) as source:
        await source.read_counts(START + 10)

    assert {query["partial_response"] for query in server.queries} == {"false"}
    assert {headers["X-Scope-OrgID"] for headers in server.headers} == {"shop"}


async def test_rules_that_appear_and_go_count_no_event_twice() -> None:
    # Rollups 3 to 5: the third shares events with minute 2, which was read from the raw series.
    server = PrometheusServer(
        recorded={CART.id: minutes(3, 5, (1.0, 10.0))}, raw={CART.id: minutes(0, 9, (2.0, 20.0))}
    )

    async with open_source(server, CART) as source:
        reads = [await source.read_counts(START + 60 * number + 30) for number in range(8)]

    assert {number: counts.total for read in reads for number, counts in counted(read).items()} == {
        0: 20,
        1: 20,
        2: 20,
        4: 10,
        5: 10,
        6: 20,
        7: 20,
    }


def test_a_late_rollup_is_waited_for_until_the_raw_series_are_complete() -> None:
    found: dict[Group, EventCounts] = {(): EventCounts(0, 1)}
    recorded: StepCounts = {60: found, 180: found}

    waiting = advance_position(ReadPosition(0), recorded, {}, end=180, raw_end=60)
    without = advance_position(ReadPosition(0), recorded, {120: found}, end=180, raw_end=120)

    assert (waiting.position, list(waiting.steps)) == (ReadPosition(60), [60])
    assert (without.position, list(without.steps)) == (ReadPosition(180), [60, 120])


def answer(status: int, body: str) -> web.Response:
    return web.Response(status=status, text=body)


FAULTS = {
    "500": (answer(500, "oh no"), "answered 500"),
    "refusal": (
        answer(422, '{"status":"error","errorType":"execution","error":"too many samples"}'),
        "too many samples",
    ),
    "error in a 200": (answer(200, '{"status":"error","error":"no store"}'), "no store"),
    "garbage": (answer(200, "<html>"), "answered what no Prometheus answers"),
    "nothing": (answer(200, ""), "answered what no Prometheus answers"),
    "another result": (
        answer(200, '{"status":"success","data":{"resultType":"vector","result":[]}}'),
        "answered what no Prometheus answers",
    ),
    "huge": (answer(200, " " * 200_000), "answered more than"),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_after_a_fault_it_catches_up_without_counting_twice(fault: str) -> None:
    broken, reason = FAULTS[fault]
    server = PrometheusServer(recorded={CART.id: minutes(0, 99)})

    async with open_source(server, CART, client=ClientOptions(max_bytes=100_000)) as source:
        before = await source.read_counts(START + 10)
        server.broken = broken
        with pytest.raises(SourceUnavailable, match=rf"^http://127\.0\.0\.1:\d+: {reason}"):
            await source.read_counts(START + 130)
        server.broken = None
        after = await source.read_counts(START + 190)

    assert (list(counted(before)), list(counted(after))) == ([0], [1, 2, 3])


async def test_a_prometheus_that_answers_in_part_is_not_believed() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9)}, warnings=("store gateway 3 is away",))

    async with open_source(server, CART) as source:
        with pytest.raises(SourceUnavailable, match="answered in part: store gateway 3 is away"):
            await source.read_counts(START + 10)


async def test_a_slow_prometheus_does_not_hold_up_the_tick() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9)}, hangs=True)

    async with open_source(server, CART, read_seconds=2) as source:
        with pytest.raises(SourceUnavailable, match=r"not everything was answered within 2 s"):
            await source.read_counts(START + 10)
        server.hangs = False
        after = await source.read_counts(START + 70)

    assert list(counted(after)) == [0, 1]


async def test_a_prometheus_that_went_down_is_caught_up_with_when_it_is_back() -> None:
    server, port = PrometheusServer(recorded={CART.id: minutes(0, 99)}), free_port()

    options = PrometheusOptions(f"http://127.0.0.1:{port}", settle_seconds=5)

    async with PrometheusSource(options, [CART], jitter=lambda: 0.0).open_source() as source:
        async with serve_application(server.application(), "127.0.0.1", port):
            before = await source.read_counts(START + 10)
        for seconds in (70, 130):
            with pytest.raises(SourceUnavailable, match="cannot connect"):
                await source.read_counts(START + seconds)
        async with serve_application(server.application(), "127.0.0.1", port):
            after = await source.read_counts(START + 190)

    assert (list(counted(before)), list(counted(after))) == ([0], [1, 2, 3])


async def test_a_prometheus_that_is_not_there_is_named() -> None:
    options = PrometheusOptions(f"http://127.0.0.1:{free_port()}/prometheus?x=1")

    async with PrometheusSource(options, [CART], jitter=lambda: 0.0).open_source() as source:
        with pytest.raises(SourceUnavailable, match=r"^http://127\.0\.0\.1:\d+/prometheus: cannot connect"):
            await source.read_counts(START + 10)


@pytest.mark.parametrize("url", ["http://us:secret@127.0.0.1", "http://us:se/cret@shop", "us:secret@shop:1"])
def test_a_password_in_the_url_is_refused_and_not_shown(url: str) -> None:
    with pytest.raises(ValueError, match="a URL holds no user and no password") as raised:
        PrometheusOptions(url)

    assert "cret" not in str(raised.value)


async def test_an_slo_whose_query_fails_leaves_the_others_alone_and_catches_up() -> None:
    server = PrometheusServer(raw={CART.id: minutes(0, 9)}, recorded={PAY.id: minutes(0, 9)})

    async with open_source(server, CART, PAY) as source:
        server.refuses = "cart_total"
        first = await source.read_counts(START + 30)
        issues = source.issues()
        server.refuses = None
        second = await source.read_counts(START + 90)

    assert (counted(first), list(counted(first, PAY))) == ({}, [0])
    assert (list(counted(second)), list(counted(second, PAY))) == ([0, 1], [1])
    assert issues["prometheus"].endswith(": shop/cart: many-to-many matching not allowed")


async def test_after_a_long_outage_the_last_hour_is_caught_up() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 999)})

    async with open_source(server, CART) as source:
        await source.read_counts(START + 10)
        after = await source.read_counts(START + 300 * 60 + 10)

    assert list(counted(after)) == list(range(241, 301))


async def test_a_failure_in_part_is_an_issue() -> None:
    server = PrometheusServer(raw={CART.id: minutes(0, 9)}, recorded={PAY.id: minutes(0, 9)})
    server.refuses = "cart_total"

    async with open_source(server, CART, PAY) as source:
        await source.read_counts(START + 30)
        during = source.issues()
        server.refuses = None
        await source.read_counts(START + 90)

    assert during["prometheus"].endswith(": shop/cart: many-to-many matching not allowed")
    assert source.issues() == {}


async def test_other_slos_are_read_from_now_on() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9), PAY.id: minutes(0, 9)})

    async with open_source(server, CART) as source:
        await source.read_counts(START + 10)
        source.replace_slos([PAY, CART])
        after = await source.read_counts(START + 130)

    assert list(counted(after, CART)) == [1, 2]
    assert list(counted(after, PAY)) == [2]


async def test_labels_are_queried_only_of_slos_with_errors() -> None:
    server = PrometheusServer(
        recorded={CART.id: minutes(0, 0, (1.0, 9.0)) | minutes(1, 99, (0.0, 9.0))},
        raw={CART.id: minutes(0, 99)},
    )
    queries = []

    async with open_source(server, CART, contributor_labels=("route",)) as source:
        for number in (0, 1, 59, 60, 61):
            server.queries.clear()
            await source.read_counts(START + 60 * number + 10)
            queries.append(sum("slo_part" not in query["query"] for query in server.queries))

    assert queries == [4, 4, 4, 2, 2]


async def test_a_query_by_label_that_fails_costs_no_count() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9)}, refuses="by (route)")

    async with open_source(server, CART, contributor_labels=("route",)) as source:
        (read,) = await source.read_counts(START + 10)

    assert read.slos[CART.id].groups == {(): EventCounts(error=1, total=100)}
    assert read.slos[CART.id].by_label == {}


async def test_a_stumbling_prometheus_is_queried_again_within_the_tick() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9)}, stumbles=2)

    async with open_source(server, CART) as source:
        read = await source.read_counts(START + 10)

    assert list(counted(read)) == [0]
    assert len(server.queries) == 4


async def test_without_its_history_the_source_reads_on() -> None:
    server = PrometheusServer(recorded={CART.id: minutes(0, 9)}, refuses="increase5m")

    async with open_source(server, CART) as source:
        with pytest.raises(SourceUnavailable, match="many-to-many matching not allowed"):
            async for _ in source.read_history(START + 10, after={}, repaired={}):
                pass
        read = await source.read_counts(START + 10)

    assert list(counted(read)) == [0]
