"""A sidecar under attack beside one that is left alone, both real processes, while a service burns.

    python -m bench.sidecar_attack [--seconds N]

The attacked one has 256 descriptors: a hundred targets that never answer, eight that answer 30 MiB, labels
made for backtracking, idle connections without end, and readers that never read. It must page within five
seconds of the other, answer its probe within one, stay under 192 MiB, and have counted exactly in the end.
"""

import argparse
import asyncio
import json
import resource
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web

_MEMORY_BYTES: Final = 192 * 1024**2
_SPEC: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
    - name: availability
      objective: 99.9%
      window: 30d
      indicator:
        ratio:
          error: 'requests_total{status=~"5..", uri!~".*/api/.*/v1/.*/pay.*"}'
          total: 'requests_total{uri!~".*/api/.*/v1/.*/pay.*"}'
"""


class Shop:
    """The service that burns, and the eight large ones and the silent ones beside it."""

    def __init__(self) -> None:
        self.errors = 0
        self.is_burning = False

    async def expose(self, _: web.Request) -> web.Response:
        long = "/api/v1" * 3_000
        lines = [
            f'requests_total{{status="500"}} {self.errors}',
            'requests_total{status="200"} 1000',
            f'requests_total{{status="500",uri="/pay{long}"}} 0',
        ]
        return web.Response(text="\n".join([*lines, ""]))

    async def expose_largely(self, _: web.Request) -> web.Response:
        return web.Response(body=b"# nothing to see\n" * (30 * 1024**2 // 17))

    async def keep_silent(self, _: web.Request) -> web.Response:
        await asyncio.sleep(3600)
        return web.Response()

    async def burn(self) -> None:
        while True:
            self.errors += 20 * self.is_burning
            await asyncio.sleep(1)


class Watched:
    """One sidecar: when it paged, its slowest probe, and the memory it held at most."""

    def __init__(self, url: str, process: asyncio.subprocess.Process) -> None:
        self.url = url
        self.process = process
        self.paged_at: float | None = None
        self.slowest_probe = 0.0

    async def watch(self, session: aiohttp.ClientSession) -> None:
        while True:
            began = time.monotonic()
            with suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"{self.url}/healthz") as answer:
                    await answer.read()
                self.slowest_probe = max(self.slowest_probe, time.monotonic() - began)
                if self.paged_at is None and 'slo_severity="page"} 1' in await self.read_metrics(session):
                    self.paged_at = time.monotonic()
            await asyncio.sleep(0.5)

    async def read_metrics(self, session: aiohttp.ClientSession) -> str:
        async with session.get(f"{self.url}/metrics") as answer:
            return (await answer.text()).replace('severity="page"', 'slo_severity="page"')

    def peak_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])


async def start_sidecar(folder: Path, name: str, targets: list[str]) -> Watched:
    (folder / "shop.yaml").write_text(_SPEC)
    config = {
        "apiVersion": "sloctl.dev/v1",
        "kind": "SidecarConfiguration",
        "interval": "2s",
        "source": {"scrape": {"targets": [{"url": url} for url in targets]}},
        "web": {"listen": "127.0.0.1:0"},
    }
    (folder / f"{name}.json").write_text(json.dumps(config))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "sloctl", "sidecar", str(folder / "shop.yaml")),
        *("--config", str(folder / f"{name}.json")),
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256)),
    )
    assert process.stderr is not None
    while b"watching" not in (line := await process.stderr.readline()):
        if not line:
            raise SystemExit(f"{name} did not start")
    return Watched(line.decode().split()[-1], process)


async def hold_connections(url: str) -> None:
    """Open idle connections and readers that never read, without end."""
    host, port = url.removeprefix("http://").split(":")
    held: list[asyncio.StreamWriter] = []
    while True:
        with suppress(OSError):
            _, writer = await asyncio.open_connection(host, int(port))
            held.append(writer)
            if len(held) % 4 == 0:
                writer.write(b"GET /live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        if len(held) > 300:
            held.pop(0).close()
        await asyncio.sleep(0.02)


async def attack(seconds: float) -> list[str]:  # noqa: PLR0915 - one story, told in its order
    """Return what did not hold."""
    shop = Shop()
    app = web.Application()
    app.router.add_get("/metrics", shop.expose)
    app.router.add_get("/large/{n}", shop.expose_largely)
    app.router.add_get("/silent/{n}", shop.keep_silent)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    rude = [f"{url}/silent/{n}" for n in range(100)] + [f"{url}/large/{n}" for n in range(8)]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10))
        )
        alone = await start_sidecar(folder, "alone", [f"{url}/metrics"])
        attacked = await start_sidecar(folder, "attacked", [*rude, f"{url}/metrics"])
        works = [shop.burn(), alone.watch(session), attacked.watch(session), hold_connections(attacked.url)]
        tasks = [asyncio.create_task(work) for work in works]
        await asyncio.sleep(seconds / 3)
        shop.is_burning, began = True, time.monotonic()
        await asyncio.sleep(seconds * 2 / 3)
        shop.is_burning = False
        await asyncio.sleep(8)
        metrics = await attacked.read_metrics(session)
        peak = attacked.peak_bytes()
        for task in tasks:
            task.cancel()
        for watched in (alone, attacked):
            watched.process.terminate()
            await watched.process.wait()
    await runner.cleanup()
    counted = [line for line in metrics.splitlines() if line.startswith("slo_error_events_total")]
    pages = [None if each.paged_at is None else each.paged_at - began for each in (alone, attacked)]
    print(f"page after {pages[0]} s alone, {pages[1]} s attacked")
    print(f"slowest probe {attacked.slowest_probe:.2f} s, peak {peak / 1024**2:.0f} MiB")
    print(f"errors {shop.errors}, counted {counted}")
    held = {
        "it pages within 5 s": None not in pages and (pages[1] or 0) - (pages[0] or 0) <= 5,
        "probes are answered within 1 s": attacked.slowest_probe <= 1,
        "memory stays under 192 MiB": peak < _MEMORY_BYTES,
        "it counts exactly": len(counted) == 1 and float(counted[0].split()[-1]) == shop.errors,
    }
    return [name for name, is_held in held.items() if not is_held]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=90.0)
    failed = asyncio.run(attack(parser.parse_args().seconds))
    for name in failed:
        print(f"did not hold: {name}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
