"""A real browser, which keeps what its console and its network complained about."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Final, Literal, TypeAlias

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests import real

Scheme: TypeAlias = Literal["light", "dark"]

# Phone and desk, day and night.
SCREENS: Final[tuple[tuple[int, Scheme], ...]] = (
    (360, "light"),
    (360, "dark"),
    (1440, "light"),
    (1440, "dark"),
)
_FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Milliseconds.
_PATIENCE: Final = 60_000


@dataclass
class Tab:
    """One page of the browser on *url*'s host; everything it asks elsewhere is a complaint."""

    page: Page
    url: str
    complaints: list[str] = field(default_factory=list)

    @property
    def overflow(self) -> int:
        """How many pixels are wider than the screen."""
        wide: int = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
        return wide

    def violations(self) -> list[str]:
        """What axe finds wrong with the page as it stands, its readers and its keyboard considered."""
        self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text())
        found = self.page.evaluate("axe.run().then(found => found.violations)")
        return [f"{each['id']}: {node['html']}" for each in found for node in each["nodes"]]

    def look(self, width: int, scheme: Scheme) -> None:
        self.page.set_viewport_size({"width": width, "height": 900})
        self.page.emulate_media(color_scheme=scheme)


@contextmanager
def browsing() -> Iterator[Browser]:
    expect.set_options(timeout=_PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=real.chromium(), args=_FLAGS)
        yield browser
        browser.close()


def tab(browser: Browser, url: str, *, javascript: bool = True) -> Tab:
    """Not yet on any page."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, java_script_enabled=javascript)
    page.set_default_timeout(_PATIENCE)
    opened = Tab(page, url)
    page.on("console", lambda message: opened.complaints.append(message.text))
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("dialog", lambda dialog: opened.complaints.append(dialog.message))
    page.on("request", lambda request: _complain_of_others(opened, request.url))
    return opened


def _complain_of_others(opened: Tab, asked: str) -> None:
    if not asked.startswith(opened.url):
        opened.complaints.append(asked)
