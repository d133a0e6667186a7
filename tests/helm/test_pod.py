"""The pod as rendered, run here: unprivileged, on a read-only root."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError

from aiohttp import web

from sloctl.sidecar.http.server import serve_application
from tests.helm.chart import only
from tests.helm.pod import Pod, must_be_isolated
from tests.real import free_port

PATIENCE = 60.0
# Who is not root already has no other user to become.
USER = "65532" if os.geteuid() == 0 else str(os.geteuid())
SPEC = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator: {ratio: {error: 'requests_total{code="500"}', total: requests_total}}
"""


def chosen(target: str, **changed: Any) -> dict[str, Any]:  # noqa: ANN401 - values of the chart
    return {
        "image": {"repository": "registry.example.com/sloctl"},
        "specs": {"files": {"shop.yaml": SPEC}},
        "configuration": {"interval": "1s", "source": {"scrape": {"targets": [{"url": target}]}}},
        "web": {"port": free_port()},
        **changed,
    }


async def test_the_rendered_pod_serves_reloads_and_keeps_its_counts_over_a_restart(tmp_path: Path) -> None:
    must_be_isolated()
    async with service(errors=0) as target, asyncio.timeout(PATIENCE):
        pod = Pod(tmp_path, chosen(target))
        pod.prepare()
        async with pod.running() as process:
            await until(lambda: answers(pod, "readinessProbe"))
            assert answers(pod, "livenessProbe")
            assert privileges(process.pid) == (USER, "1", "0000000000000000", "ro")
            await until(lambda: events(pod) > 0)
            pod.configmap("sloctl-specs", {"shop.yaml": SPEC.replace("99.9%", "99%")})
            await until(lambda: shown(pod)["objective"] == 0.99)
            assert asked_as_helm_test_does(pod)["ready"] is True
            counted = events(pod)
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0

        async with pod.running() as successor:
            await until(lambda: answers(pod, "readinessProbe"))
            assert events(pod) >= counted
            successor.send_signal(signal.SIGTERM)
            assert await successor.wait() == 0


@asynccontextmanager
async def service(*, errors: int) -> AsyncIterator[str]:
    """The metrics of a service that answers ten requests between any two scrapes, some of them badly."""
    scrapes = 0

    async def expose(_: web.Request) -> web.Response:
        nonlocal scrapes
        scrapes += 1
        lines = [f'requests_total{{code="{code}"}} {scrapes * n}' for code, n in ((500, errors), (200, 10))]
        return web.Response(text="\n".join([*lines, ""]))

    app = web.Application()
    app.router.add_get("/metrics", expose)
    async with serve_application(app, "127.0.0.1", 0) as url:
        yield f"{url}/metrics"


async def until(is_so: Callable[[], bool]) -> None:
    while not await asyncio.to_thread(is_so):  # noqa: ASYNC110 - another process tells no event
        await asyncio.sleep(0.1)


def answers(pod: Pod, probe: str) -> bool:
    """Whether the kubelet's question would be answered with success."""
    container = pod.template()["spec"]["containers"][0]
    asked = container[probe]["httpGet"]
    assert asked["port"] == container["ports"][0]["name"]
    try:
        with urllib.request.urlopen(f"{url(pod)}{asked['path']}", timeout=5) as answer:
            return bool(answer.status == 200)
    except URLError:
        return False


def url(pod: Pod) -> str:
    return f"http://127.0.0.1:{pod.values['web']['port']}"


def shown(pod: Pod) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url(pod)}/api/v1/slos", timeout=5) as answer:
        (slo,) = json.load(answer)["slos"]
    assert isinstance(slo, dict)
    return slo


def events(pod: Pod) -> float:
    """All that is known of, in the longest lookback."""
    return max(lookback["events"] or 0.0 for lookback in shown(pod)["lookbacks"])


def asked_as_helm_test_does(pod: Pod) -> dict[str, Any]:
    """The test hook's own command; only where to ask is not known to any DNS here."""
    asking = only("Pod", pod.values)["spec"]["containers"][0]
    program = asking["command"]
    assert program[:2] == ["python", "-c"]
    status = f"{url(pod)}/api/v1/status"
    done = subprocess.run(
        [sys.executable, *program[1:]], env={"STATUS": status}, capture_output=True, text=True, check=True
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def privileges(pid: int) -> tuple[str, str, str, str]:
    """User, whether new privileges are out of reach, capabilities, and how the root is mounted."""
    status = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    mounts = [line.split() for line in Path(f"/proc/{pid}/mountinfo").read_text().splitlines()]
    (root,) = (fields[5] for fields in mounts if fields[4] == "/")
    return status["Uid"].split()[0], status["NoNewPrivs"], status["CapEff"], root.partition(",")[0]
