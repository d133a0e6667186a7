"""Half an hour of `sloctl sidecar` with everything on: does its memory stay, does it leave cleanly?

Run as `make bench-sidecar-soak`, ARGS="--minutes N" for another time. 200 SLOs at a one-second tick, with a
store, readers of the stream, the API and /metrics, and a reload each minute. A Markdown table on standard
output.
"""

import argparse
import asyncio
import itertools
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web

from sloctl.sidecar.http.server import serve_application
from tests.real import free_port

SLOS: Final = 200
LOOK_SECONDS: Final = 10.0
SETTLED_AFTER: Final = 5 * 60.0
STREAMS: Final = 10
LEAVES_WITHIN: Final = 5.0

SPEC_HEAD: Final = """
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
"""
SLO: Final = """
    - name: route-{number}
      objective: 99.9%
      indicator:
        ratio:
          error: 'requests_total{{route="/{number}", code="500"}}'
          total: 'requests_total{{route="/{number}"}}'
"""
CONFIGURATION: Final = """
apiVersion: sloctl.dev/v1
kind: SidecarConfiguration
interval: 1s
source: {{scrape: {{targets: [{{url: "{target}"}}]}}}}
store: {{path: {store}}}
web: {{listen: "127.0.0.1:{port}"}}
"""


@dataclass(frozen=True)
class Look:
    """The sidecar's process at some moment, seconds after its start."""

    after: float
    resident_mib: float
    cpu_seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description="A soak of the sidecar.")
    parser.add_argument("--minutes", type=float, default=30)
    minutes = parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as directory:
        looks, left = asyncio.run(soaked(Path(directory), minutes * 60))
    print("\n".join(table(looks, left)))


async def soaked(directory: Path, seconds: float) -> tuple[list[Look], Mapping[str, str]]:
    port = free_port()
    async with AsyncExitStack() as stack:
        target = await stack.enter_async_context(serve_application(shop(), "127.0.0.1", 0))
        write(directory, target, port)
        process = started(directory)
        url = f"http://127.0.0.1:{port}"
        session = await stack.enter_async_context(aiohttp.ClientSession())
        await ready(session, url)
        readers = [asyncio.create_task(follow(session, url)) for _ in range(STREAMS)]
        readers.append(asyncio.create_task(browse(session, url)))
        readers.append(asyncio.create_task(change(directory, process)))
        looks = [look async for look in looked(process.pid, seconds)]
        for reader in readers[STREAMS:]:
            reader.cancel()
        left = await asyncio.to_thread(stopped, process)
        await asyncio.gather(*readers, return_exceptions=True)
    return looks, left


def shop() -> web.Application:
    """Counters that grow with every scrape; one route in ten fails now and then."""
    scrapes = itertools.count(1)

    async def expose(_: web.Request) -> web.Response:
        return web.Response(text="".join(exposition(next(scrapes))))

    app = web.Application()
    app.router.add_get("/metrics", expose)
    return app


def exposition(scrape: int) -> Iterator[str]:
    for number in range(SLOS):
        yield f'requests_total{{route="/{number}",code="200"}} {scrape * 20}\n'
        yield f'requests_total{{route="/{number}",code="500"}} {scrape // 50 if number % 10 == 0 else 0}\n'


def write(directory: Path, target: str, port: int) -> None:
    (directory / "specs").mkdir()
    (directory / "specs" / "shop.yaml").write_text(specs("99.9%"))
    text = CONFIGURATION.format(target=target, store=directory / "slo.db", port=port)
    (directory / "sidecar.yaml").write_text(text)


def specs(objective: str) -> str:
    slos = "".join(SLO.format(number=number) for number in range(SLOS))
    return f"{SPEC_HEAD}{slos}".replace("99.9%", objective)


def started(directory: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-W", "default", "-m", "sloctl", "sidecar", str(directory / "specs")]
    command += ["--config", str(directory / "sidecar.yaml")]
    return subprocess.Popen(command, stderr=subprocess.PIPE, text=True)


async def ready(session: aiohttp.ClientSession, url: str) -> None:
    while True:
        try:
            async with session.get(f"{url}/readyz") as answer:
                if answer.status == 200:
                    return
        except aiohttp.ClientConnectionError:
            pass
        await asyncio.sleep(0.2)


async def follow(session: aiohttp.ClientSession, url: str) -> None:
    """A reader of the stream until the sidecar leaves."""
    timeout = aiohttp.ClientTimeout(total=None)
    async with session.get(f"{url}/live", timeout=timeout) as stream:
        async for _ in stream.content:
            pass


async def browse(session: aiohttp.ClientSession, url: str) -> None:
    for path in itertools.cycle(("/", "/api/v1/slos", "/metrics", "/api/v1/alerts", "/api/v1/status")):
        async with session.get(f"{url}{path}") as answer:
            await answer.read()
        await asyncio.sleep(0.5)


async def change(directory: Path, process: subprocess.Popen[str]) -> None:
    """Another objective each minute."""
    for objective in itertools.cycle(("99.5%", "99.9%")):
        await asyncio.sleep(60)
        (directory / "specs" / "shop.yaml").write_text(specs(objective))
        process.send_signal(signal.SIGHUP)


async def looked(pid: int, seconds: float) -> AsyncIterator[Look]:
    began = time.monotonic()
    while (after := time.monotonic() - began) < seconds:
        yield Look(after, resident_mib(pid), cpu_seconds(pid))
        await asyncio.sleep(LOOK_SECONDS)


def resident_mib(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1024**2


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stopped(process: subprocess.Popen[str]) -> dict[str, str]:
    asked = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, output = process.communicate(timeout=60)
    complaints = [
        line
        for line in output.splitlines()
        if any(word in line for word in ("never", "pending", "Error", "Warning"))
    ]
    return {
        "left after SIGTERM within": f"{time.monotonic() - asked:.1f} s (wanted {LEAVES_WITHIN:.0f})",
        "exit code": str(process.returncode),
        "tasks or resources left behind": "; ".join(complaints) or "none",
    }


def table(looks: Iterable[Look], left: Mapping[str, str]) -> Iterator[str]:
    every = list(looks)
    settled = [look for look in every if look.after >= SETTLED_AFTER] or every
    first, last = settled[0], settled[-1]
    pace = (last.cpu_seconds - first.cpu_seconds) / max(last.after - first.after, 1)
    yield f"| {SLOS} SLOs at 1 s for {every[-1].after / 60:.0f} min | |"
    yield "|---|---|"
    yield f"| memory after {first.after / 60:.0f} min | {first.resident_mib:.1f} MiB |"
    yield f"| memory at the end | {last.resident_mib:.1f} MiB |"
    yield f"| most since | {max(look.resident_mib for look in settled):.1f} MiB |"
    yield f"| of a core | {pace:.1%} |"
    for what, figure in left.items():
        yield f"| {what} | {figure} |"


if __name__ == "__main__":
    main()
