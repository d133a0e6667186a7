"""The source that scrapes, over real HTTP: many targets, counts by label, the state of each target."""

import asyncio
from fractions import Fraction

import pytest
from aiohttp import web
from msgspec.structs import replace

from sloctl.model import TimeSlice, WhenAbsent
from sloctl.sidecar.sources import SourceUnavailable
from sloctl.sidecar.sources.scrape.source import ScrapeOptions
from sloctl.sidecar.sources.scrape.targets import ScrapeTarget, TargetState
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.http_servers import answering
from tests.sidecar.sources.scraped_shop import SHOP, START, TICK, Shop, indicator_of, scraping, served
from tests.sidecar.specimens import slo


async def test_counts_are_summed_over_targets_each_with_a_baseline_of_its_own() -> None:
    one, other = Shop(served(100, 1)), Shop(served(9000, 40))
    async with answering(one.expose) as a, answering(other.expose) as b, scraping(a, b) as shop:
        first = await shop.tick()
        one.text, other.text = served(103, 2), served(9010, 40)

        assert first == {}
        assert await shop.ungrouped() == EventCounts(error=1, total=14)


async def test_a_target_that_fails_hides_none_of_the_others_and_is_caught_up_with() -> None:
    one, other = Shop(served(100)), Shop(served(200))
    async with answering(one.expose) as a, answering(other.expose) as b, scraping(a, b) as shop:
        await shop.tick()
        one.text, other.text, other.response = served(103), served(204), {"status": 500}
        during = await shop.ungrouped()
        down = shop.source.target_states
        other.text, other.response = served(208), {}
        after = await shop.ungrouped()

    assert (during, after) == (EventCounts(error=0, total=3), EventCounts(error=0, total=8))
    assert [(state.up, state.error) for state in down] == [(True, None), (False, "answered 500")]
    assert [state.error for state in shop.source.target_states] == [None, None]


async def test_an_slo_none_of_whose_targets_answers_is_missing_and_not_zero() -> None:
    one, other = Shop(served(100)), Shop("other_total 1\n", status=503)
    async with answering(one.expose) as a, answering(other.expose) as b, scraping(a, b) as shop:
        await shop.tick()
        one.response, other.response = {"status": 503}, {}

        assert await shop.tick() == {}


async def test_when_all_targets_fail_the_reasons_are_given_but_not_all_of_a_hundred() -> None:
    broken = Shop(status=404)
    async with (
        answering(broken.expose) as url,
        scraping(*(f"{url}/{number}" for number in range(5))) as shop,
    ):
        with pytest.raises(SourceUnavailable) as raised:
            await shop.tick()

    assert str(raised.value) == (
        f"{url}/0: answered 404; {url}/1: answered 404; {url}/2: answered 404; and 2 more"
    )


async def test_the_state_of_a_target_shows_no_password() -> None:
    target = Shop(served(1, 2))
    async with (
        answering(target.expose) as url,
        scraping(ScrapeTarget.from_url(url.replace("//", "//ali:sesame@"), {"job": "shop"})) as shop,
    ):
        before = shop.source.target_states
        await shop.tick()
        (state,) = shop.source.target_states

    instance = url.removeprefix("http://")
    assert before == ()
    assert state.seconds is not None
    assert state == TargetState(
        f"{url}/metrics",
        {"instance": instance, "job": "shop"},
        up=True,
        error=None,
        scraped_at=START + TICK,
        seconds=state.seconds,
        samples=2,
    )


async def test_no_more_targets_are_asked_at_once_than_allowed() -> None:
    here = most = 0

    async def slowly(_: web.Request) -> web.Response:
        nonlocal here, most
        here += 1
        most = max(most, here)
        await asyncio.sleep(0.02)
        here -= 1
        return web.Response(text=served(1))

    async with (
        answering(slowly) as url,
        scraping(*(f"{url}/{number}" for number in range(12)), concurrency=3) as shop,
    ):
        await shop.tick()

    assert most == 3


def test_a_target_given_twice_is_refused() -> None:
    with pytest.raises(ValueError, match=r"http://shop:1/metrics is given twice and would count twice"):
        ScrapeOptions(
            (
                ScrapeTarget.from_url("http://ali:sesame@shop:1", {}),
                ScrapeTarget.from_url("http://ali:sesame@shop:1", {}),
            )
        )


async def test_errors_are_broken_down_by_label_value_and_by_target() -> None:
    def pod(ok: int, failed: int) -> str:
        return (
            f'requests_total{{route="/pay",status="200"}} {ok}\n'
            f'requests_total{{route="/pay",status="500"}} {failed}\n'
            f'requests_total{{route="/",status="200"}} {ok}\n'
        )

    good, bad = Shop(pod(0, 0)), Shop(pod(0, 0))
    async with answering(good.expose) as a, answering(bad.expose) as b:
        targets = [
            ScrapeTarget.from_url(a, {"instance": "good"}),
            ScrapeTarget.from_url(b, {"instance": "bad"}),
        ]
        async with scraping(*targets) as shop:
            await shop.tick()
            good.text = pod(10, 0)
            quiet = await shop.by_label()
            good.text, bad.text = pod(20, 0), pod(7, 3)
            failing = await shop.by_label()
            good.text = pod(30, 0)
            after = await shop.by_label()

    assert quiet == {}
    assert failing == {
        ("instance", "bad"): EventCounts(error=3, total=17),
        ("route", "/pay"): EventCounts(error=3, total=20),
    }
    assert after == {("route", "/pay"): EventCounts(error=0, total=10)}


async def test_errors_can_be_broken_down_by_some_labels_only() -> None:
    target = Shop(served(0, 0))
    async with answering(target.expose) as url, scraping(url, contributor_labels=("instance",)) as shop:
        await shop.tick()
        target.text = served(1, 1)

        assert [label for label, _ in await shop.by_label()] == ["instance"]


async def test_other_slos_are_counted_from_now_on_without_inventing_events() -> None:
    target = Shop(served(100) + "till_total 500\n")
    async with answering(target.expose) as url, scraping(url) as shop:
        await shop.tick()
        shop.source.replace_slos([SHOP, slo(indicator_of("till_total"), name="till")])
        target.text = served(104) + "till_total 501\n"
        first = await shop.tick()
        target.text = served(104) + "till_total 503\n"
        second = await shop.tick()

    assert first == {"availability": {(): EventCounts(error=0, total=4)}}
    assert second["till"] == {(): EventCounts(error=2, total=2)}


async def test_what_is_counted_while_an_indicator_changes_is_not_counted_for_the_new_one() -> None:
    began, go = asyncio.Event(), asyncio.Event()

    async def slowly(_: web.Request) -> web.Response:
        began.set()
        await go.wait()
        return web.Response(text=target.text)

    target = Shop(served(100) + "till_total 500\n")
    till = slo(indicator_of("till_total"), name="till")
    changed = slo(indicator_of("requests_total"), name="till")
    async with answering(slowly) as url, scraping(url, slos=[SHOP, till]) as shop:
        go.set()
        await shop.tick()
        go.clear()
        began.clear()
        target.text = served(104) + "till_total 507\n"
        tick = asyncio.ensure_future(shop.tick())
        await began.wait()
        shop.source.replace_slos([SHOP, changed])
        go.set()
        during = await tick
        target.text = served(105) + "till_total 508\n"
        after = await shop.tick()

    assert during == {"availability": {(): EventCounts(error=0, total=4)}}
    assert after["till"] == {(): EventCounts(error=1, total=1)}


@pytest.mark.parametrize(
    ("given", "scraped"),
    [
        ("http://shop:8080", "http://shop:8080/metrics"),
        ("https://shop/actuator/prometheus?a=b", "https://shop/actuator/prometheus?a=b"),
    ],
)
def test_a_target_without_a_path_is_scraped_where_metrics_usually_are(given: str, scraped: str) -> None:
    assert str(ScrapeTarget.from_url(given, {}).url) == scraped


def test_a_target_has_prometheus_own_instance_label_unless_told_otherwise() -> None:
    assert ScrapeTarget.from_url("http://shop:8080", {"job": "shop"}).labels == {
        "instance": "shop:8080",
        "job": "shop",
    }
    assert ScrapeTarget.from_url("https://shop", {"instance": "one"}).labels == {"instance": "one"}


@pytest.mark.parametrize(
    "url", ["shop:8080", "file:///etc/passwd", "http://", "ali:sesame@shop", "http://ali:sesame@:x"]
)
def test_what_is_no_url_of_a_target_is_refused_without_showing_a_password(url: str) -> None:
    with pytest.raises(ValueError, match="a target is a URL like") as raised:
        ScrapeTarget.from_url(url, {})

    assert "sesame" not in str(raised.value)


async def test_a_slice_counts_once_it_has_ended_and_is_broken_down_by_nothing() -> None:
    sliced = replace(SHOP, time_slice=TimeSlice(Fraction(99, 100), 60, WhenAbsent.IGNORE))
    one = Shop(served(100, 1))
    async with answering(one.expose) as url, scraping(url, slos=[sliced]) as shop:
        await shop.tick()
        one.text = served(150, 2)
        during = await shop.ungrouped()
        one.text = served(250, 2)
        # The minute of the clock ends thirty seconds on, and an error of 51 is more than one of a hundred.
        ended = await shop.ungrouped(40)
        next_one = await shop.ungrouped(60)

        assert await shop.by_label() == {}

    assert during == EventCounts(error=0, total=0)
    assert (ended, next_one) == (EventCounts(error=1, total=1), EventCounts(error=0, total=1))
