"""Trouble is said: on the page and in the API within two ticks, with the same tallies everywhere."""

import re

import pytest

from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    LabelMatcher,
    MatchOp,
    RatioIndicator,
    Selector,
    WhenAbsent,
)
from tests.sidecar.http_client import ask
from tests.sidecar.running_sidecar import RunningSidecar, run_sidecar
from tests.sidecar.specimens import slo

SERVED = 'requests_total{status="200"} %d\n'


async def text_of_page(running: RunningSidecar, path: str = "/") -> str:
    answer = await ask(f"{running.url}{path}")
    words = re.sub(r"<[^>]+>", " ", answer.body.decode())
    return " ".join(words.replace("&#34;", '"').split())


def ratio(metric: str, *matchers: LabelMatcher) -> RatioIndicator:
    selector = Selector(metric, matchers)
    return RatioIndicator(CountedSide.ERROR, numerator=(selector,), total=(selector,))


async def test_a_dead_target_is_on_the_page_at_the_next_tick() -> None:
    async with run_sidecar() as running:
        await running.tick(SERVED % 200)
        healthy = await text_of_page(running)
        running.shop.status = 503
        await running.tick()
        dead = await ask(f"{running.url}/")

    assert "cannot be read" not in healthy
    assert "answered 503" in dead.body.decode()
    assert 'class="dot down"' in dead.body.decode()


async def test_what_another_component_says_is_on_the_page() -> None:
    said = {"specs": "the specs as they were before are still watched"}
    async with run_sidecar(issues=lambda: said) as running:
        text = await text_of_page(running)

    assert "Not everything works here. specs : the specs as they were before are still watched" in text


@pytest.mark.parametrize(
    ("indicator", "why"),
    [
        (
            ratio("request_total"),
            "nothing matches request_total: no target exposes request_total; there is requests_total",
        ),
        (
            ratio("requests_total", LabelMatcher("job", MatchOp.EQUAL, "shp")),
            'nothing matches requests_total{job="shp"}: job is "shop"',
        ),
    ],
)
async def test_a_selector_that_matches_nothing_is_named_with_the_nearest(
    indicator: RatioIndicator, why: str
) -> None:
    async with run_sidecar(slo(indicator), slo(ratio("requests_total"), name="all")) as running:
        await running.tick(SERVED % 200)
        text = await text_of_page(running)

    assert f"selectors : shop/availability: {why}" in text


async def test_the_page_counts_what_status_counts() -> None:
    condition = ConditionIndicator("up == 1", WhenAbsent.BAD)
    async with run_sidecar(slo(), slo(condition, name="condition")) as running:
        await running.tick(SERVED % 200)
        text = await text_of_page(running)
        states = (await ask(f"{running.url}/api/v1/status")).json["states"]

    assert "1 unknown" in text
    assert "1 fine" in text
    assert (states["unknown"], states["fine"]) == (1, 1)
