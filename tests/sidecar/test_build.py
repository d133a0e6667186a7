"""All parts together, as `sloctl sidecar --config` puts them together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sloctl.duration import DAY
from sloctl.sidecar.build import build_sidecar
from sloctl.sidecar.config.read import Settings
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.http.application import Sidecar, build_application
from sloctl.sidecar.http.options import WebOptions
from sloctl.sidecar.http.server import serve_application
from sloctl.sidecar.reload import SpecFiles, SpecTexts
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.scrape.source import ScrapeOptions
from sloctl.sidecar.sources.scrape.targets import ScrapeTarget
from sloctl.spec import read_specs
from tests.real import free_port
from tests.sidecar.http_client import ask
from tests.sidecar.running_sidecar import ManualClock, Shop

SPEC = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
    - name: availability
      objective: 99%
      indicator: {ratio: {error: 'requests_total{status="500"}', total: requests_total}}
"""


@dataclass
class MountedSpecs:
    """The specs of a sidecar, as a ConfigMap holds them."""

    text: str = SPEC

    def read_texts(self) -> SpecTexts:
        return [("shop.yaml", self.text.encode())]


@dataclass
class RunningSidecar:
    """A sidecar that runs; *url* is its own."""

    url: str
    shop: Shop
    sidecar: Sidecar
    hours: ManualClock

    async def tick(self, *, good: int, bad: int = 0) -> Snapshot:
        """The snapshot after the next tick, which finds counters at these values."""
        self.shop.exposition = (
            f'requests_total{{status="200"}} {good}\nrequests_total{{status="500"}} {bad}\n'
        )
        self.hours.tick(5)
        return await asyncio.wait_for(self.sidecar.feed.next_snapshot(), 10)


@asynccontextmanager
async def running_sidecar(
    mounted: MountedSpecs,
    *,
    shop: Shop | None = None,
    hours: ManualClock | None = None,
    **changed: Any,  # noqa: ANN401 - what each setting takes
) -> AsyncIterator[RunningSidecar]:
    """After its first tick; *changed* are settings."""
    shop, hours = shop or Shop(), hours or ManualClock()
    async with serve_application(shop.application(), "127.0.0.1", 0) as target:
        scraped = ScrapeOptions((ScrapeTarget.from_url(target, {"job": "shop", "instance": "shop:80"}),))
        settings = replace(Settings(interval=5, source=scraped), **changed)
        files = SpecFiles(mounted.read_texts, mounted.read_texts())
        sidecar = build_sidecar(read_specs(files.loaded).slos, settings, time=hours.time(), files=files)
        first = asyncio.ensure_future(sidecar.feed.next_snapshot())
        async with serve_application(build_application(sidecar), "127.0.0.1", 0) as url:
            await asyncio.wait_for(first, 10)
            yield RunningSidecar(url, shop, sidecar, hours)


def only(snapshot: Snapshot) -> SloState:
    [entry] = snapshot.states
    return entry


async def test_a_restart_goes_on_with_the_budget_it_had(tmp_path: Path) -> None:
    shop, hours, store = Shop(), ManualClock(), tmp_path / "slo.db"
    async with running_sidecar(MountedSpecs(), shop=shop, hours=hours, store=store) as before:
        await before.tick(good=100)
        spent = only(await before.tick(good=199, bad=1)).budget.left

    async with running_sidecar(MountedSpecs(), shop=shop, hours=hours, store=store) as after:
        left = only(await after.tick(good=299, bad=1)).budget.left

    # Ten seconds of 1 %; then fifteen of 0.5 %.
    assert spent == pytest.approx(1 - 10 / (30 * DAY), abs=1e-9)
    assert left == pytest.approx(1 - 0.5 * 15 / (30 * DAY), abs=1e-9)


async def test_a_new_objective_measures_the_same_history(tmp_path: Path) -> None:
    mounted, token = MountedSpecs(), tmp_path / "token"
    token.write_text("secret\n")
    async with running_sidecar(mounted, web=WebOptions(token_file=token)) as it:
        await it.tick(good=100)
        await it.tick(good=199, bad=1)
        mounted.text = SPEC.replace("99%", "98%")
        reloaded = await ask(f"{it.url}/-/reload", "POST", Authorization="Bearer secret")
        entry = only(await it.tick(good=199, bad=1))

    assert (reloaded.status, reloaded.json["inForce"]) == (200, True)
    assert entry.budget.left == pytest.approx(1 - 0.5 * 10 / (30 * DAY))
    assert entry.events == 100


async def test_another_indicator_starts_another_history(tmp_path: Path) -> None:
    mounted, token = MountedSpecs(), tmp_path / "token"
    token.write_text("secret\n")
    async with running_sidecar(mounted, web=WebOptions(token_file=token)) as it:
        await it.tick(good=100)
        await it.tick(good=199, bad=1)
        mounted.text = SPEC.replace('status="500"', 'status=~"5.."')
        await ask(f"{it.url}/-/reload", "POST", Authorization="Bearer secret")
        first = only(await it.tick(good=199, bad=1))
        second = only(await it.tick(good=209, bad=1))

    assert first.events == 0
    assert (second.events, second.errors) == (10, 0)


async def test_a_broken_spec_keeps_the_old_one_and_shows_wherever_people_look(tmp_path: Path) -> None:
    mounted, token = MountedSpecs(), tmp_path / "token"
    token.write_text("secret\n")
    async with running_sidecar(mounted, web=WebOptions(token_file=token)) as it:
        await it.tick(good=100)
        mounted.text = SPEC.replace("99%", "100%")
        reloaded = await ask(f"{it.url}/-/reload", "POST", Authorization="Bearer secret")
        snapshot = await it.tick(good=200)
        status = await ask(f"{it.url}/api/v1/status", Authorization="Bearer secret")
        metrics = await ask(f"{it.url}/metrics", Authorization="Bearer secret")

    assert reloaded.json["problems"][0]["message"].startswith("objective must be below 100 %")
    assert only(snapshot).events == 100
    assert status.json["issues"]["specs"].startswith("the specs as they were before are still watched: ")
    assert b"sloctl_specs_last_reload_successful 0.0" in metrics.body


async def test_live_counts_go_on_when_the_past_cannot_be_read() -> None:
    nobody = PrometheusOptions(f"http://127.0.0.1:{free_port()}")
    async with running_sidecar(MountedSpecs(), history=nobody) as it:
        status = await ask(f"{it.url}/api/v1/status")
        while "history" not in status.json["issues"]:
            await asyncio.sleep(0.05)
            status = await ask(f"{it.url}/api/v1/status")
        await it.tick(good=100)
        snapshot = await it.tick(good=150)

    assert only(snapshot).events == 50
    assert status.json["issues"]["history"].startswith("the past was not read: ")
