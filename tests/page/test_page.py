"""The page against a real sidecar: its order, its words, what it does when the sidecar falls silent."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Final

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, expect

from sloctl.model import LabelMatcher, MatchOp, ProbeIndicator, Selector, Slo
from tests.conftest import Figure
from tests.page.browsing import SCREENS, browsing, tab
from tests.sidecar.running_sidecar import run_sidecar
from tests.sidecar.specimens import LATENCY, slo

SCRIPT: Final = "<script>document.title='taken'</script>"
HOSTILE: Final = f"""{SCRIPT}'"><img src=x onerror=alert(1)>\u202eevol{{{{ 7 * 7 }}}}"""
LONG: Final = "/v1/" + "authorisations-of-everything" * 18
ROUTES: Final = slo(LATENCY, name="latency", group_by=("route",))
HEALTHY: Final = 'requests_total{status="200"} 100\n'


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@dataclass
class Played:
    """A sidecar in a thread of its own, since the browser's interface waits for its answers here."""

    url: str
    end: Callable[[], None]


@pytest.fixture
def played(request: pytest.FixtureRequest) -> Iterator[Played]:
    """What the test `plays`."""
    slos, exposed = request.param
    found: Queue[Played] = Queue()
    thread = Thread(target=lambda: asyncio.run(play(slos, exposed, found)), daemon=True)
    thread.start()
    playing = found.get(timeout=60)
    yield playing
    playing.end()
    thread.join(timeout=60)


def plays(slos: tuple[Slo, ...], exposed: tuple[str, ...]) -> pytest.MarkDecorator:
    """A sidecar of *slos*, after a tick for each exposition, a minute apart."""
    return pytest.mark.parametrize("played", [(slos, exposed)], ids=["played"], indirect=True)


async def play(slos: tuple[Slo, ...], exposed: tuple[str, ...], found: "Queue[Played]") -> None:
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    async with run_sidecar(*slos) as running:
        for exposition in exposed:
            await running.tick(exposition, seconds=60)
        found.put(Played(running.url, lambda: _end(loop, ended)))
        await ended.wait()


def _end(loop: asyncio.AbstractEventLoop, ended: asyncio.Event) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(ended.set)


def routes(name: str, served: int, fast: int) -> str:
    labels = f'route="{name}",pod="{name}"'
    return f'request_seconds_count{{{labels}}} {served}\nrequest_seconds_bucket{{{labels},le="1"}} {fast}\n'


def requests(served: int, failed: int) -> str:
    return f'requests_total{{status="200"}} {served}\nrequests_total{{status="503"}} {failed}\n'


OUTAGE: Final = (
    requests(100, 0) + routes("/pay", 1, 1) + routes("/quiet", 0, 0),
    requests(150, 0) + routes("/pay", 1001, 1001) + routes("/quiet", 0, 0),
    requests(150, 90) + routes("/pay", 2001, 1994) + routes("/quiet", 0, 0),
)


@plays((slo(), ROUTES), OUTAGE)
def test_the_worst_comes_first_and_says_so_in_words(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    shown.page.goto(played.url)

    assert shown.page.locator(".slo .state").all_inner_texts() == ["■ paging", "? unknown"]
    assert shown.page.locator(".slo h3").all_inner_texts() == ["shop/availability", "shop/latency"]
    expect(shown.page.locator(".slo.paging .alert").first).to_contain_text(
        "64.3 % of events fail: 90 of 140 over 5m"
    )
    assert shown.page.title() == "1 paging · error budgets"


@plays((slo(), ROUTES), OUTAGE)
def test_groups_stand_under_the_worst_of_them(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    shown.page.goto(played.url)
    row = shown.page.locator(".slo.unknown")

    assert row.locator(".group").inner_text() == "route = /quiet"
    assert row.locator(".more").inner_text() == "+ 1 group"

    shown.page.goto(f"{played.url}/?text=/pay")

    assert shown.page.locator(".slo .group").all_inner_texts() == ["route = /pay"]


FLEET: Final = tuple(slo(name=f"availability-{number:02}") for number in range(40))


@plays(FLEET, (HEALTHY, requests(150, 0)))
def test_a_screen_holds_twenty_slos(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    shown.page.goto(played.url)
    rows = shown.page.locator(".slo").all()

    boxes = [row.bounding_box() for row in rows]

    assert sum(box is not None and box["y"] + box["height"] <= 900 for box in boxes) >= 20


MANY: Final = tuple(
    replace(slo(name=f"availability-{number % 6}"), service=f"service-{number // 6:02}")
    for number in range(300)
)
MANY_ROUTES: Final = tuple(
    f"/v1/route-{number:02}/{'of-a-long-path/' * (number % 3)}" for number in range(50)
)


def fifty_routes(served: int, slow: int) -> str:
    """Return what fifty routes show, of which every tenth is slow."""
    return "".join(
        routes(name, served, served - (0 if number % 10 else slow)) for number, name in enumerate(MANY_ROUTES)
    )


@plays(
    (*MANY, ROUTES),
    (
        HEALTHY + fifty_routes(1000, 0),
        requests(150, 0) + fifty_routes(2000, 0),
        requests(150, 90) + fifty_routes(3000, 400),
    ),
)
def test_three_hundred_slos_and_fifty_groups_stay_readable(
    browser: Browser, played: Played, tmp_path: Path, figure: Figure
) -> None:
    shown = tab(browser, played.url)
    wrong: list[str] = []
    for name, path in (("list", "/"), ("groups", "/slo/shop/latency"), ("services", "/services")):
        shown.page.goto(f"{played.url}{path}")
        for width, scheme in SCREENS:
            shown.look(width, scheme)
            shown.page.screenshot(path=tmp_path / f"{name}-{width}-{scheme}.png")
            wrong += [f"{name}: {shown.overflow} pixels too wide at {width}"] if shown.overflow > 0 else []
        wrong += shown.violations()
    figure(f"screenshots in {tmp_path}")

    assert wrong + shown.complaints == []
    shown.page.goto(f"{played.url}/slo/shop/latency")
    assert shown.page.locator(".groups li").count() == 50


@plays(FLEET, (HEALTHY, requests(150, 0)))
def test_what_is_typed_filters_at_once(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    shown.page.goto(played.url)
    shown.page.keyboard.press("/")
    shown.page.keyboard.type("availability-07")

    expect(shown.page.locator(".slo")).to_have_count(1)
    expect(shown.page.get_by_label("Text")).to_be_focused()
    assert shown.page.url.endswith("/?text=availability-07")
    assert shown.complaints == []


@plays((slo(), ROUTES), OUTAGE)
def test_a_heading_sorts(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    shown.page.goto(played.url)
    shown.page.locator(".columns").get_by_role("link", name="Burn").click()

    assert shown.page.url.endswith("/?sort=burn")
    assert shown.page.locator(".columns [aria-current]").inner_text() == "Burn"


@plays((slo(), ROUTES), OUTAGE)
def test_services_come_with_their_worst(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    shown.page.goto(f"{played.url}/services")
    [row] = shown.page.locator("tbody tr").all()

    assert row.locator("th").inner_text() == "shop"
    assert row.locator("td").first.inner_text() == "2"
    assert row.locator("td.paging").inner_text() == "1"
    assert shown.violations() == []

    row.get_by_role("link", name="availability").click()

    expect(shown.page.locator("h1")).to_have_text("shop/availability")


@plays((slo(),), ())
def test_no_data_is_shown_as_no_data(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    for path in ("/", "/slo/shop/availability"):
        shown.page.goto(played.url + path)
        text = shown.page.inner_text("main")

        assert "unknown" in text
        assert "No data yet" in text
        assert "%" not in text.replace("99.9 % over 30d", "")


@plays((slo(), ROUTES), OUTAGE)
def test_it_can_be_read_without_javascript(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url, javascript=False)
    shown.page.goto(played.url)
    expect(shown.page.get_by_role("link", name="Refresh")).to_be_visible()
    shown.page.get_by_label("State").select_option("fine")
    shown.page.get_by_role("button", name="Show").click()
    expect(shown.page.locator(".slo")).to_have_count(1)
    shown.page.locator(".slo h3 a").click()

    expect(shown.page.locator(".group")).to_have_text("route = /pay")
    assert shown.complaints == []


@plays((slo(),), (HEALTHY,))
def test_a_sidecar_that_falls_silent_is_told_of(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    shown.page.clock.install()
    shown.page.goto(played.url)
    expect(shown.page.locator("#live.stopped")).to_have_count(0)

    played.end()
    shown.page.clock.fast_forward(60_000)

    expect(shown.page.locator("#live.stopped")).to_contain_text("No news since then")
    expect(shown.page.get_by_role("link", name="Refresh")).to_be_visible()


@plays((slo(), ROUTES), OUTAGE)
def test_the_keyboard_alone_reaches_everything(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    shown.page.goto(played.url)
    shown.page.keyboard.press("Tab")
    expect(shown.page.get_by_role("link", name="Skip to the content")).to_be_focused()
    shown.page.keyboard.press("Enter")
    shown.page.locator(".slo h3 a").first.focus()
    shown.page.keyboard.press("Enter")
    chart = shown.page.get_by_role("img", name="Error ratio")
    chart.focus()
    shown.page.keyboard.press("ArrowLeft")

    expect(shown.page.locator("[data-readout]").first).to_contain_text("events bad")

    shown.page.get_by_role("button", name="Copy").first.focus()
    shown.page.keyboard.press("Enter")

    expect(shown.page.locator("[data-copy]").first).to_have_text("Copied")
    assert shown.page.evaluate("getSelection().toString()") == 'requests_total{status=~"5.."}'


@plays((slo(),), OUTAGE)
def test_one_cursor_reads_all_charts_and_a_span_that_is_dragged_over_is_shown(
    browser: Browser, played: Played
) -> None:
    shown = tab(browser, played.url)
    shown.look(1440, "light")
    shown.page.goto(f"{played.url}/slo/shop/availability?range=1h")
    chart = shown.page.get_by_role("img", name="Traffic")
    chart.focus()
    shown.page.keyboard.press("ArrowLeft")

    readouts = shown.page.locator("[data-readout]").all_inner_texts()
    assert [text.partition(": ")[0] for text in readouts] == [readouts[0].partition(": ")[0]] * 3
    assert "spent evenly" in readouts[2]

    box = chart.bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    shown.page.mouse.move(box["x"] + box["width"] / 2, middle)
    shown.page.mouse.down()
    shown.page.mouse.move(box["x"] + box["width"] - 1, middle, steps=5)
    shown.page.mouse.up()
    shown.page.wait_for_url("**from=*")

    expect(shown.page.get_by_role("link", name="later")).to_be_visible()
    expect(shown.page.get_by_role("link", name="now", exact=True)).to_be_visible()
    assert shown.complaints == []


@plays((slo(),), OUTAGE)
def test_two_clicks_lead_from_the_list_to_a_past_incident(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url, javascript=False)
    shown.page.goto(played.url)
    shown.page.locator(".slo h3 a").first.click()
    shown.page.locator(".past a").first.click()

    assert "from=2023-11-14T21" in shown.page.url
    expect(shown.page.locator(".firing.page").first).to_be_attached()
    assert shown.complaints == []


HOSTILE_SLO: Final = replace(
    slo(LATENCY, name="latency", group_by=("route",)),
    description=HOSTILE,
    labels={"team": HOSTILE},
    annotations={"runbook_url": f"javascript:{HOSTILE}", "note": HOSTILE, "wiki_url": "https://wiki/\"'>"},
)
HOSTILE_SELECTOR: Final = slo(
    ProbeIndicator(Selector("up", (LabelMatcher("job", MatchOp.EQUAL, HOSTILE),))), name="probe"
)
HOSTILE_ROUTE: Final = HOSTILE.replace('"', '\\"')
HOSTILE_OUTAGE: Final = tuple(
    routes(HOSTILE_ROUTE, served, 1) + routes(LONG, served, served) for served in (1, 100, 200)
)


@plays((HOSTILE_SLO, HOSTILE_SELECTOR), HOSTILE_OUTAGE)
def test_hostile_text_is_text_wherever_it_stands(browser: Browser, played: Played) -> None:
    shown = tab(browser, played.url)
    shown.look(360, "dark")
    shown.page.goto(played.url)
    assert f"route = {HOSTILE}" in shown.page.locator(".group").all_text_contents()
    assert shown.overflow <= 0

    shown.page.locator(".slo h3 a").first.click()
    expect(shown.page.locator(".group").first).to_have_text(f"route = {HOSTILE}")
    assert shown.page.locator(".promise").text_content() == f"{HOSTILE} Objective: 99.9 % over 30d."
    assert f"team={HOSTILE}" in shown.page.locator(".labels a").all_text_contents()
    assert f"note: {HOSTILE}" in shown.page.locator("p.small").all_text_contents()
    assert f"pod = {HOSTILE}" in shown.page.locator(".tables th").all_text_contents()
    assert shown.page.locator(".next a.go").all_inner_texts() == ["Wiki"]
    assert shown.overflow <= 0

    shown.page.goto(f"{played.url}/slo/shop/probe")
    quoted = HOSTILE.replace('"', '\\"')
    expect(shown.page.locator("pre code").first).to_have_text(f'up{{job="{quoted}"}}')

    shown.page.goto(f"{played.url}/?state=fine")
    shown.page.locator(".slo h3 a").last.click()
    expect(shown.page.locator(".title .group")).to_have_text(f"route = {LONG}")
    assert shown.overflow <= 0
    assert shown.page.title() != "taken"
    assert shown.complaints == []
