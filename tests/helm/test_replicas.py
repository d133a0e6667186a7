"""Two replicas of the rendered pod tell a real Alertmanager of one outage: people hear of it once."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from sloctl.sidecar.http.server import serve_application
from tests.helm.pod import Pod, must_be_isolated
from tests.helm.test_pod import answers, chosen, service, until
from tests.real import Server, running_alertmanager

PATIENCE = 120.0
RESEND = 2
# Without news an alert runs out after four times so long.
RUNS_OUT = 4 * RESEND


@pytest.mark.full
async def test_two_replicas_page_once_and_go_on_when_one_is_killed(tmp_path: Path) -> None:
    must_be_isolated()
    heard: list[dict[str, Any]] = []
    async with webhook(heard) as url, service(errors=10) as target, asyncio.timeout(PATIENCE):
        with running_alertmanager(tmp_path / "alertmanager", config=paging(url)) as alertmanager:
            pods = [Pod(tmp_path / name, two_of(target, alertmanager)) for name in ("slo-0", "slo-1")]
            for pod in pods:
                pod.directory.mkdir()
                pod.prepare()
            async with pods[0].running() as killed, pods[1].running():
                await until(lambda: all(answers(pod, "readinessProbe") for pod in pods))
                await until(lambda: len(heard) > 0)
                # Long enough for the other one to have been told of too.
                await asyncio.sleep(RUNS_OUT)
                killed.kill()
                await killed.wait()
                await asyncio.sleep(2 * RUNS_OUT)

                standing = alertmanager.get("/api/v2/alerts", filter='slo_severity="page"')

    assert [(page["status"], len(page["alerts"])) for page in heard] == [("firing", 1)]
    assert len(json.loads(standing)) == 1


def two_of(target: str, alertmanager: Server) -> dict[str, Any]:
    """A StatefulSet; here each replica has a port of its own."""
    values = chosen(target, replicas=2, persistence={"enabled": True})
    values["configuration"] |= {"notify": {"urls": [alertmanager.url], "resend": f"{RESEND}s"}}
    return values


def paging(url: str) -> str:
    return (
        "route:\n  receiver: nobody\n  routes:\n"
        "    - {receiver: pager, matchers: [slo_severity=page], group_by: [slo_id], "
        "group_wait: 1s, group_interval: 1s, repeat_interval: 1h}\n"
        "receivers:\n  - name: nobody\n"
        f"  - {{name: pager, webhook_configs: [{{url: '{url}/page', send_resolved: true}}]}}\n"
    )


@asynccontextmanager
async def webhook(heard: list[dict[str, Any]]) -> AsyncIterator[str]:
    async def hear(request: web.Request) -> web.Response:
        heard.append(await request.json())
        return web.Response()

    app = web.Application()
    app.router.add_post("/page", hear)
    async with serve_application(app, "127.0.0.1", 0) as url:
        yield url
