"""A sidecar that scrapes one target: the parts, put together."""

from collections.abc import Iterable

from sloctl.model import Slo
from sloctl.sidecar.app import Sidecar
from sloctl.sidecar.board import Board
from sloctl.sidecar.client import ClientOptions
from sloctl.sidecar.clock import Time
from sloctl.sidecar.ledger import Ledger
from sloctl.sidecar.poller import Feed, Poller
from sloctl.sidecar.sources.scrape import ScrapeOptions, Target, open_source, plan


def scraping(
    slos: Iterable[Slo], target: Target, *, time: Time, interval: float, timeout_seconds: float
) -> Sidecar:
    """Watches what a scrape can count; the other SLOs stand on the board with the reason."""
    scraped = plan(slos)
    feed = Feed(Board.unread(scraped.slos, scraped.refusals))
    ledger = Ledger(scraped.slos, interval=interval, refusals=scraped.refusals)

    options = ScrapeOptions((target,), ClientOptions(timeout_seconds=timeout_seconds))
    poller = Poller(ledger, feed, time=time, interval=interval)
    return Sidecar(lambda: open_source(options, scraped), poller, feed, ledger, time=time, interval=interval)
