"""The page in a real browser: phone and desk, light and dark."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Literal

import pytest
from playwright.async_api import Browser, Page, Request, async_playwright

from tests import real
from tests.sidecar.served import Watched, watching
from tests.sidecar.specimens import LATENCY, slo

CHROMIUM_FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
LONG: Final = "/v1/" + "authorisations-of-everything" * 4
SLOS: Final = (slo(), slo(LATENCY, name="latency", group_by=("route",)))


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=real.chromium(), args=CHROMIUM_FLAGS)
        yield browser
        await browser.close()


async def in_an_outage(watched: Watched) -> None:
    """Errors, one slow route, and a route with nothing but its name."""
    quiet = f'request_seconds_count{{route="{LONG}"}} 0\nrequest_seconds_bucket{{route="{LONG}",le="1"}} 0\n'
    route = 'request_seconds_count{{route="/pay"}} {0}\nrequest_seconds_bucket{{route="/pay",le="1"}} {1}\n'
    await watched.tick('requests_total{status="200"} 100\n' + quiet + route.format(1, 1))
    await watched.tick('requests_total{status="200"} 150\n' + quiet + route.format(1001, 1001))
    await watched.tick('requests_total{status="503"} 90\n' + quiet + route.format(2001, 1994))


def elsewhere(request: Request, url: str) -> list[str]:
    return [] if request.url.startswith(url) else [request.url]


async def opened(
    browser: Browser, url: str, *, width: int, scheme: Literal["light", "dark"]
) -> tuple[Page, list[str]]:
    """The page, and everything its console or its network complained about."""
    page = await browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.extend(elsewhere(request, url)))
    await page.goto(url)
    return page, complaints


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_page_fits_its_screen_asks_nobody_else_and_the_browser_has_no_complaint(
    browser: Browser, tmp_path: Path, width: int, scheme: Literal["light", "dark"]
) -> None:
    async with watching(*SLOS) as watched:
        await in_an_outage(watched)
        page, complaints = await opened(browser, watched.url, width=width, scheme=scheme)
        await page.screenshot(path=tmp_path / f"{width}-{scheme}.png", full_page=True)

        assert complaints == []
        assert await page.evaluate("document.documentElement.scrollWidth") == width


async def test_the_worst_comes_first_and_says_so_in_words(browser: Browser) -> None:
    async with watching(*SLOS) as watched:
        await in_an_outage(watched)
        page, _ = await opened(browser, watched.url, width=1440, scheme="light")

        standings = await page.locator(".standing").all_inner_texts()
        names = await page.locator(".slo h3").all_inner_texts()

        assert [" ".join(text.split()) for text in standings] == ["■ paging", "▲ ticket", "? unknown"]
        assert [name.split()[0] for name in names] == ["shop/availability", "shop/latency", "shop/latency"]
        assert await page.title() == "1 paging · error budgets"


async def test_no_data_is_shown_as_no_data(browser: Browser) -> None:
    async with watching(slo()) as watched:
        page, _ = await opened(browser, watched.url, width=360, scheme="dark")
        text = await page.inner_text("main")

    assert "unknown" in text
    assert "– budget left" in text
    assert "%" not in text.replace("99.9 % over 30d", "")
