"""The demo's incident, as whoever is on call sees it."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import Figure
from tests.page.browsing import SCREENS, Tab, browsing, tab

ROOT = Path(__file__).parents[2]
DETAIL = "/slo/payments-api/availability"


@pytest.fixture
def demo() -> Iterator[str]:
    """The URL of a demo that has just begun."""
    with subprocess.Popen(
        [sys.executable, "-m", "sloctl", "demo"], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as playing:
        assert playing.stdout
        answer = iter(playing.stdout.readline, "")
        yield next(found[1] for line in answer if (found := re.search(r"Page: (\S+)", line)))
        playing.terminate()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


def photographed(shown: Tab, name: str, directory: Path) -> list[str]:
    """On every screen: what overflows, and what axe finds."""
    wrong: list[str] = []
    for width, scheme in SCREENS:
        shown.look(width, scheme)
        shown.page.screenshot(path=directory / f"{name}-{width}-{scheme}.png", full_page=True)
        wrong += [f"{shown.overflow} pixels too wide at {width}"] if shown.overflow > 0 else []
        wrong += shown.violations()
    return wrong


def is_not_reloaded(shown: Tab) -> bool:
    """Whether the document is still the one that was marked."""
    return bool(shown.page.evaluate("document.documentElement.dataset.marked === 'yes'"))


def test_an_incident_is_seen_from_the_list_to_the_detail_without_a_reload(
    demo: str, browser: Browser, tmp_path: Path, figure: Figure
) -> None:
    figure(f"screenshots in {tmp_path}")
    shown = tab(browser, demo)
    shown.page.goto(demo)
    shown.page.evaluate("document.documentElement.dataset.marked = 'yes'")
    shown.page.get_by_label("Text").focus()
    shown.page.keyboard.type("availab")
    expect(shown.page.locator(".slo.paging h3")).to_have_text("payments-api/availability")

    expect(shown.page.get_by_label("Text")).to_be_focused()
    expect(shown.page.get_by_label("Text")).to_have_value("availab")
    assert is_not_reloaded(shown)
    assert shown.page.title() == "1 paging · error budgets"
    assert photographed(shown, "list", tmp_path) == []

    shown.page.locator(".slo.paging h3 a").click()
    expect(shown.page.locator("h1")).to_have_text("payments-api/availability")
    expect(shown.page.locator(".alerts .page.firing")).to_contain_text("pages above 14.4×: firing")
    assert "http_response_status_code = " not in shown.page.inner_text("main")
    read = shown.page.locator("#as-of").inner_text()
    expect(shown.page.locator("#as-of")).not_to_have_text(read)

    assert photographed(shown, "detail", tmp_path) == []
    assert shown.complaints == []


@pytest.mark.full
def test_the_page_is_seen_to_clear(demo: str, browser: Browser) -> None:
    shown = tab(browser, demo)
    shown.page.goto(demo + DETAIL)
    expect(shown.page.locator(".alerts .page.firing")).to_be_visible()
    expect(shown.page.locator(".alerts .page.inactive")).to_be_visible()

    assert shown.complaints == []


def test_filters_stand_in_the_url_and_come_back_from_it(demo: str, browser: Browser) -> None:
    shown = tab(browser, demo)
    shown.page.goto(demo)
    shown.page.get_by_label("Text").fill("refund")
    shown.page.get_by_label("Label").fill("team=payments")
    shown.page.get_by_role("button", name="Show").click()
    expect(shown.page.locator(".slo")).to_have_count(1)

    assert "text=refund&label=team%3Dpayments" in shown.page.url

    again = tab(browser, demo)
    again.page.goto(shown.page.url)
    expect(again.page.locator(".slo")).to_have_count(1)
    expect(again.page.get_by_label("Text")).to_have_value("refund")
    again.page.get_by_label("Text").fill("no such thing")
    again.page.keyboard.press("Enter")
    expect(again.page.locator(".empty")).to_have_text("No SLO is like this.")
    again.page.get_by_label("Text").fill("")
    again.page.get_by_label("Sort").select_option("name")
    expect(again.page.locator(".slo h3").first).to_have_text("payments-api/authorisation-latency")

    assert shown.complaints + again.complaints == []
