"""From outage to page: the sidecar at a one-second scrape beside Prometheus with the compiled rules.

Run as `make bench-sidecar-speed`. Ten services break one after another, each at another phase of everybody's
clocks; both sides watch the same ten. A Markdown table on standard output.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Final

from aiohttp import web

from sloctl import naming
from sloctl.compiler import compile_rules
from sloctl.demo.ground_truth import GroundTruth
from sloctl.model import Severity, Slo
from sloctl.prometheus.credentials import ClientOptions
from sloctl.sidecar.build import build_sidecar
from sloctl.sidecar.clock import start_clock
from sloctl.sidecar.config.read import Settings
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.http.application import build_application
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.sources.scrape.source import ScrapeOptions
from sloctl.sidecar.sources.scrape.targets import ScrapeTarget
from sloctl.slo.health import AlertState
from sloctl.spec import read_specs
from tests.real import Prometheus, running_prometheus

REPETITIONS: Final = 10
SIDECAR_INTERVAL: Final = 1.0
# Long enough that every group of rules has had two turns; then one service breaks every seven seconds.
WARM_UP: Final = 150.0
BETWEEN: Final = 7.0
GIVE_UP: Final = 240.0
BATCH_SECONDS: Final = 0.1
BATCH: Final = 5

SPEC: Final = """
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {{name: {job}}}
spec:
  scrapeInterval: 15s
  slos:
    - name: availability
      objective: 99.9%
      indicator:
        ratio:
          error: 'requests_total{{job="{job}", code="500"}}'
          total: 'requests_total{{job="{job}"}}'
"""


@dataclass
class Shop:
    """A service of fifty requests a second, all of which fail once it is broken; Unix times."""

    job: str
    slo: Slo
    broken_at: float | None = None
    truth: GroundTruth = field(default_factory=GroundTruth)
    counted: dict[str, int] = field(default_factory=lambda: {"200": 0, "500": 0})

    async def serve_customers(self) -> None:
        while True:
            await asyncio.sleep(BATCH_SECONDS)
            code = "200" if self.broken_at is None else "500"
            self.counted[code] += BATCH
            self.truth.record_requests(time.time(), errors=BATCH if code == "500" else 0, total=BATCH)

    def application(self) -> web.Application:
        async def expose(_: web.Request) -> web.Response:
            lines = (f'requests_total{{code="{code}"}} {n}\n' for code, n in self.counted.items() if n)
            return web.Response(text="".join(lines))

        app = web.Application()
        app.router.add_get("/metrics", expose)
        return app


@dataclass(frozen=True)
class Outcome:
    """One repetition; seconds. *due* is counted from the outage, the pages from when they were due."""

    due: float
    sidecar: float
    prometheus: float


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        outcomes = asyncio.run(compared(Path(directory)))
    print("\n".join(table(outcomes)))


async def compared(directory: Path) -> list[Outcome]:
    shops = [shop(f"shop-{number}") for number in range(REPETITIONS)]
    async with AsyncExitStack() as stack:
        targets = [
            await stack.enter_async_context(serve_application(it.application(), "127.0.0.1", 0))
            for it in shops
        ]
        feeds = [
            await stack.enter_async_context(watched(it, url)) for it, url in zip(shops, targets, strict=True)
        ]
        prometheus = stack.enter_context(
            running_prometheus(
                directory,
                config=scrape_config(zip(shops, targets, strict=True)),
                rules={"slo.yaml": compile_rules([it.slo for it in shops], naming.NATIVE_STYLE)},
            )
        )
        customers = [asyncio.create_task(it.serve_customers()) for it in shops]
        await asyncio.sleep(WARM_UP)
        by_rules = asyncio.create_task(asyncio.to_thread(paged_by_rules, prometheus, len(shops)))
        by_sidecar = [asyncio.create_task(paged_by_sidecar(feed)) for feed in feeds]
        for it in shops:
            it.broken_at = time.time()
            await asyncio.sleep(BETWEEN)
        await asyncio.wait([by_rules, *by_sidecar], timeout=GIVE_UP)
        for task in customers:
            task.cancel()
    rules_paged = by_rules.result()
    return [
        outcome(it, page.result(), rules_paged[it.slo.id]) for it, page in zip(shops, by_sidecar, strict=True)
    ]


def shop(job: str) -> Shop:
    [slo] = read_specs([("spec.yaml", SPEC.format(job=job).encode())]).slos
    return Shop(job, slo)


@asynccontextmanager
async def watched(it: Shop, url: str) -> AsyncIterator[SnapshotFeed]:
    """A sidecar of its own, serving as it would in a cluster."""
    scraped = ScrapeOptions(
        (ScrapeTarget.from_url(url, {"job": it.job}),), ClientOptions(timeout_seconds=SIDECAR_INTERVAL)
    )
    settings = Settings(SIDECAR_INTERVAL, scraped)
    sidecar = build_sidecar([it.slo], settings, time=start_clock(since=time.time()))
    async with serve_application(build_application(sidecar), "127.0.0.1", 0):
        yield sidecar.feed


async def paged_by_sidecar(feed: SnapshotFeed) -> float:
    """When the first board that shows the page was published."""
    while True:
        board = await feed.next_snapshot()
        page = board.states[0].alert_for(Severity.PAGE)
        if page is not None and page.state is AlertState.FIRING:
            return time.time()


def paged_by_rules(prometheus: Prometheus, expected: int) -> dict[str, float]:
    """When each SLO's page was first seen firing, looked for four times a second."""
    seen: dict[str, float] = {}
    while len(seen) < expected:
        firing = prometheus.instant('ALERTS{alertstate="firing", slo_severity="page"}')
        for sample in firing:
            seen.setdefault(sample.labels["slo_id"], time.time())
        time.sleep(0.25)
    return seen


def outcome(it: Shop, sidecar: float, prometheus: float) -> Outcome:
    assert it.broken_at is not None
    due = it.truth.page_due(it.slo, it.broken_at)
    assert due is not None
    return Outcome(due - it.broken_at, sidecar - due, prometheus - due)


def scrape_config(shops: Iterable[tuple[Shop, str]]) -> str:
    jobs = (
        f"  - {{job_name: {it.job}, scrape_interval: 15s, "
        f"static_configs: [{{targets: ['{url.removeprefix('http://')}']}}]}}"
        for it, url in shops
    )
    return "\n".join(["scrape_configs:", *jobs])


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    yield "| repetition | page due, s after the outage | sidecar at 1 s | compiled rules at 15 s/1m |"
    yield "|---|---|---|---|"
    for number, it in enumerate(outcomes, start=1):
        yield f"| {number} | {it.due:.1f} | +{it.sidecar:.1f} s | +{it.prometheus:.1f} s |"
    sidecar = [it.sidecar for it in outcomes]
    prometheus = [it.prometheus for it in outcomes]
    yield (
        f"| median; worst | | +{median(sidecar):.1f} s; +{max(sidecar):.1f} s "
        f"| +{median(prometheus):.1f} s; +{max(prometheus):.1f} s |"
    )


if __name__ == "__main__":
    main()
