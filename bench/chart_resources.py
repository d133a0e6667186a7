"""What a pod of the chart needs: resident memory and processor time of `sloctl sidecar` as a process.

Run as `python -m bench.chart_resources`; takes two minutes and prints a Markdown table, from which the
chart's `resources` come. Each row is a real process that scrapes every five seconds a service which exposes
twenty series for each SLO, keeps a store, and is scraped itself and looked at every 15 seconds. It is young:
a month of history adds what `make bench-sidecar` measures.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Final

from aiohttp import web

from sloctl.sidecar.http.server import serve_application

SECONDS: Final = 30
_SERIES: Final = 10
_HEAD: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
"""
_SLO: Final = """\
    - name: route-{number}
      objective: 99.9%
      indicator:
        ratio:
          error: requests_total{{route="/{number}", code="500"}}
          total: requests_total{{route="/{number}"}}
"""


def main() -> None:
    print("| SLOs | memory | memory at most | processor |", "|---|---|---|---|", sep="\n")
    for slos in (10, 100, 1000):
        resident, peak, cores = asyncio.run(measured(slos))
        print(
            f"| {slos:,} | {resident / 2**20:.0f} MiB | {peak / 2**20:.0f} MiB | {cores * 1000:.0f}m |",
            flush=True,
        )


async def measured(slos: int) -> tuple[int, int, float]:
    """Resident bytes after SECONDS, and at most; processor seconds per second once it runs."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        async with serve_application(_service(slos), "127.0.0.1", 0) as target:
            command = _configured(directory, slos, f"{target}/metrics")
            process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
            assert process.stderr is not None
            url = (await process.stderr.readline()).decode().split()[-1]
            await asyncio.sleep(10)
            used, began = _used(process.pid), time.monotonic()
            while (passed := time.monotonic() - began) < SECONDS:
                for path in ("/", "/metrics"):
                    await asyncio.to_thread(_read, f"{url}{path}")
                await asyncio.sleep(min(15, SECONDS - passed))
            cores = (_used(process.pid) - used) / passed
            resident, peak = _memory(process.pid)
            process.send_signal(signal.SIGTERM)
            await process.wait()
            return resident, peak, cores


def _service(slos: int) -> web.Application:
    scrapes = 0

    async def expose(_: web.Request) -> web.Response:
        nonlocal scrapes
        scrapes += 1
        lines = [
            f'requests_total{{route="/{route}",code="{code}",pod="{pod}"}} {scrapes * many}'
            for route in range(slos)
            for pod in range(_SERIES)
            for code, many in (("200", 100), ("500", route % 10 == 0))
        ]
        return web.Response(text="\n".join([*lines, ""]))

    app = web.Application()
    app.router.add_get("/metrics", expose)
    return app


def _configured(directory: Path, slos: int, target: str) -> list[str]:
    (directory / "shop.yaml").write_text(
        _HEAD + "".join(_SLO.format(number=number) for number in range(slos))
    )
    (directory / "sidecar.json").write_text(
        json.dumps(
            {
                "apiVersion": "sloctl.dev/v1",
                "kind": "SidecarConfiguration",
                "source": {"scrape": {"targets": [{"url": target}]}},
                "store": {"path": str(directory / "slo.db")},
                "web": {"listen": "127.0.0.1:0"},
            }
        )
    )
    sidecar = [sys.executable, "-m", "sloctl", "sidecar", str(directory / "shop.yaml")]
    return [*sidecar, "--config", str(directory / "sidecar.json")]


def _read(url: str) -> None:
    with urllib.request.urlopen(url) as answer:
        answer.read()


def _used(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> tuple[int, int]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    status = dict(line.split(":", 1) for line in lines)
    resident, peak = (int(status[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))
    return resident, peak


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
