"""The whole sidecar as a process: an outage pages through a real Alertmanager, and SIGTERM ends no page."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from sloctl.sidecar.http.server import serve_application
from tests.real import Server, running_alertmanager
from tests.sidecar.telemetry.otlp import Collector, collecting

PATIENCE = 60.0
SPEC = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop, labels: {team: checkout}}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator: {ratio: {error: 'requests_total{code="500"}', total: requests_total}}
"""


@asynccontextmanager
async def outage() -> AsyncIterator[str]:
    """A service that fails ten requests between any two scrapes."""
    errors = 0

    async def expose(_: web.Request) -> web.Response:
        nonlocal errors
        errors += 10
        return web.Response(text=f'requests_total{{code="500"}} {errors}\n')

    app = web.Application()
    app.router.add_get("/metrics", expose)
    async with serve_application(app, "127.0.0.1", 0) as url:
        yield f"{url}/metrics"


def configuration(directory: Path, *, target: str, alertmanagers: list[str]) -> Path:
    written = directory / "sidecar.yaml"
    settings = {
        "apiVersion": "sloctl.dev/v1",
        "kind": "SidecarConfiguration",
        "interval": "1s",
        "source": {"scrape": {"targets": [{"url": target}]}},
        "notify": {"urls": alertmanagers},
        "web": {"listen": "127.0.0.1:0"},
    }
    written.write_text(json.dumps(settings))
    return written


@asynccontextmanager
async def sidecar(directory: Path, configured: Path, otlp: str) -> AsyncIterator[asyncio.subprocess.Process]:
    (directory / "shop.yaml").write_text(SPEC)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sloctl", "sidecar", str(directory / "shop.yaml")),
        *("--config", str(configured)),
        env={**os.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": otlp},
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def pages(alertmanager: Server) -> list[dict[str, Any]]:
    alerts = json.loads(alertmanager.get("/api/v2/alerts"))
    return [alert for alert in alerts if alert["labels"]["severity"] == "page"]


async def test_an_outage_pages_and_sigterm_leaves_the_page_standing(tmp_path: Path) -> None:
    deaf = Collector(deaf=True)
    with running_alertmanager(
        tmp_path / "alertmanager", config="route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
    ) as alertmanager:
        async with outage() as target, collecting(deaf) as otlp:
            configured = configuration(tmp_path, target=target, alertmanagers=[alertmanager.url])
            async with sidecar(tmp_path, configured, otlp) as process, asyncio.timeout(PATIENCE):
                while not pages(alertmanager):  # noqa: ASYNC110 - another process tells no event
                    await asyncio.sleep(0.1)
                process.send_signal(signal.SIGTERM)
                await process.communicate()

        assert process.returncode == 0
        (page,) = pages(alertmanager)
        assert page["labels"] == {
            "alertname": "SLOErrorBudgetBurn",
            "severity": "page",
            "slo_id": "shop/availability",
            "slo_name": "availability",
            "slo_service": "shop",
            "slo_severity": "page",
            "slo_alert": "burn",
            "team": "checkout",
        }
