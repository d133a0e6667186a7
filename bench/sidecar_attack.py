"""Sidecars under attack beside one that is left alone, all real processes, while a service burns.

    python -m bench.sidecar_attack [--seconds N] [--tick SECONDS]

Each has 256 descriptors, and 192 MiB of private memory by RLIMIT_DATA (an allocation beyond fails), which
needs no privilege; the memory it held at most is read from the kernel as well. One scrapes: a hundred
targets that never answer, others that drip, never end, answer 30 MiB, a gzip bomb, or new series each time;
labels made for backtracking; a FIFO among its specs and a flood of SIGHUP. One takes OTLP: bombs, bodies that
stall, instances that are invented. Both: connections that are held, pages and /metrics that nobody reads.
They must page within five seconds of the one left alone, answer every probe within one, and have counted
exactly in the end.
"""

import argparse
import asyncio
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
from aiohttp import web

from bench.attackers import export, requests_total, send_otlp

MEMORY_BYTES: Final = 192 * 1024**2
_DESCRIPTORS: Final = 256
# What a thread reserves counts as memory.
_STACK_BYTES: Final = 1024**2
_SLOS: Final = 100
_SPEC_HEAD: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  slos:
"""
_SPEC_SLO: Final = """\
    - name: slo-{n}
      objective: 99.9%
      window: 30d
      indicator:
        ratio:
          error: '{metric}{{status=~"5..", uri!~".*/api/.*/v1/.*/pay.*"}}'
          total: '{metric}{{status=~"...", uri!~".*/api/.*/v1/.*/pay.*"}}'
"""
_RUDE: Final = {"silent": 100, "large": 8, "drip": 4, "endless": 2, "bomb": 2, "new": 2}


class Shop:
    """The service that burns: exposed to be scraped, and sent by OTLP."""

    def __init__(self) -> None:
        self.errors = 0
        self.is_burning = False
        self._started = time.time()

    async def expose(self, _: web.Request) -> web.Response:
        long = "/api/v1" * 2_000
        lines = [
            f'requests_total{{status="500"}} {self.errors}',
            'requests_total{status="200"} 1000',
            f'requests_total{{status="500",uri="/pay{long}"}} 0',
        ]
        return web.Response(text="\n".join([*lines, ""]))

    async def burn(self) -> None:
        while True:
            self.errors += 20 * self.is_burning
            await asyncio.sleep(1)

    async def send(self, session: aiohttp.ClientSession, url: str) -> None:
        """Send the counters each second; a sender with an SDK tries again as well."""
        while True:
            values = {"500": float(self.errors), "200": 1000.0}
            with suppress(aiohttp.ClientError, TimeoutError):
                await send_otlp(session, url, export("a", requests_total(values, self._started)))
            await asyncio.sleep(1)


@dataclass
class Watched:
    """One sidecar: when it paged, its probes, and the memory it held at most."""

    name: str
    url: str
    process: asyncio.subprocess.Process
    paged_at: float | None = None
    probes: list[float] = field(default_factory=list)
    failed_probes: list[str] = field(default_factory=list)

    async def watch(self) -> None:
        """Probe as a kubelet does, by a connection of its own each time, and look for the page."""
        while True:
            began = time.monotonic()
            try:
                async with asyncio.timeout(10):
                    assert await self.get("/healthz") == "ticking\n"
            except (aiohttp.ClientError, TimeoutError, AssertionError) as failure:
                self.failed_probes.append(repr(failure))
            self.probes.append(time.monotonic() - began)
            with suppress(aiohttp.ClientError, TimeoutError):
                if self.paged_at is None and '"severity":"page"' in await self.get("/api/v1/alerts"):
                    self.paged_at = time.monotonic()
            await asyncio.sleep(0.5)

    async def get(self, path: str) -> str:
        timeout = aiohttp.ClientTimeout(total=10)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{self.url}{path}") as answer,
        ):
            return await answer.text()

    async def counted(self) -> float:
        """The errors counted."""
        lines = (await self.get("/metrics")).splitlines()
        counts = [float(line.split()[-1]) for line in lines if line.startswith("slo_error_events_total{")]
        return max(counts, default=0.0)

    def peak_bytes(self) -> int:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def limit_resources() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    resource.setrlimit(resource.RLIMIT_STACK, (_STACK_BYTES, _STACK_BYTES))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))


async def start_sidecar(
    folder: Path, name: str, source: Mapping[str, object], *, tick: float, stack: AsyncExitStack
) -> Watched:
    specs = folder / name
    specs.mkdir()
    # One is attacked; the others are for answers of /metrics that are large.
    slos = "".join(
        _SPEC_SLO.format(n=number, metric="quiet_total" if number else "requests_total")
        for number in range(_SLOS)
    )
    (specs / "shop.yaml").write_text(_SPEC_HEAD + slos)
    os.mkfifo(specs / "fifo.yaml")
    config = {
        "apiVersion": "sloctl.dev/v1",
        "kind": "SidecarConfiguration",
        "interval": f"{tick:g}s",
        "source": source,
        "web": {"listen": "127.0.0.1:0"},
    }
    (folder / f"{name}.json").write_text(json.dumps(config))
    log_file = folder / f"{name}.log"
    log = log_file.open("wb")
    stack.callback(log.close)
    command = (
        sys.executable,
        "-m",
        "sloctl",
        "sidecar",
        str(specs),
        "--config",
        str(folder / f"{name}.json"),
    )
    process = await asyncio.create_subprocess_exec(*command, stderr=log, preexec_fn=limit_resources)
    stack.push_async_callback(end_process, process)
    for _ in range(600):
        if told := [line for line in log_file.read_text().splitlines() if "watching" in line]:
            return Watched(name, told[0].split()[-1], process)
        await asyncio.sleep(0.1)
    raise SystemExit(f"{name} does not start: {log_file.read_text()}")


async def end_process(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        await process.wait()


async def start_attackers(stack: AsyncExitStack, *arguments: str) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "bench.attackers", *arguments)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    stack.push_async_callback(end_process, process)
    return process


async def flood_signals(process: asyncio.subprocess.Process) -> None:
    while process.returncode is None:
        process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.3)


@dataclass(frozen=True)
class AttackOutcome:
    """What one sidecar did, beside the truth; the page in seconds after the burn began."""

    name: str
    page_seconds: float | None
    slowest_probe: float
    failed_probes: Sequence[str]
    peak_bytes: int
    counted: float
    truth: float
    log_bytes: int

    def failures(self, alone: "AttackOutcome") -> list[str]:
        held = {
            "pages within 5 s of the one left alone": self.page_seconds is not None
            and alone.page_seconds is not None
            and self.page_seconds - alone.page_seconds <= 5,
            "answers every probe within 1 s": self.slowest_probe <= 1 and not self.failed_probes,
            "holds less than 192 MiB": self.peak_bytes < MEMORY_BYTES,
            "logs less than 1 MB": self.log_bytes < 1e6,
            "counts exactly": self.counted == self.truth,
        }
        return [f"{self.name}: {name}" for name, is_held in held.items() if not is_held]


async def serve_shop(shop: Shop, stack: AsyncExitStack) -> str:
    app = web.Application()
    app.router.add_get("/metrics", shop.expose)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}/metrics"


async def rude_targets(stack: AsyncExitStack) -> list[dict[str, str]]:
    targets = await start_attackers(stack, "targets")
    assert targets.stdout is not None
    url = (await targets.stdout.readline()).decode().strip()
    return [{"url": f"{url}/{name}/{n}"} for name, many in _RUDE.items() for n in range(many)]


async def attack(seconds: float, tick: float, *, patience: float = 0.0) -> list[AttackOutcome]:
    """Attack for *seconds*, of which the service burns the last two thirds.

    For what has not come by then there are *patience* seconds more, for machines that are busy otherwise.
    """
    shop = Shop()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        session = await stack.enter_async_context(aiohttp.ClientSession())
        good, bad = {"url": await serve_shop(shop, stack)}, await rude_targets(stack)
        sources: dict[str, Mapping[str, object]] = {
            "alone": {"scrape": {"targets": [good]}},
            "scraping": {"scrape": {"targets": [*bad, good]}},
            "otlp": {"otlp": {}},
        }
        starting = [
            start_sidecar(folder, name, source, tick=tick, stack=stack) for name, source in sources.items()
        ]
        sidecars = await asyncio.gather(*starting)
        _, scraping, otlp = sidecars
        for each in (scraping, otlp):
            await start_attackers(stack, "clients", each.url)
        works = [shop.burn(), shop.send(session, otlp.url), flood_signals(scraping.process)]
        tasks = [asyncio.create_task(work) for work in (*works, *(each.watch() for each in sidecars))]
        stack.callback(lambda: [task.cancel() for task in tasks])
        # The honest sender is known before others are invented.
        await asyncio.sleep(2 * tick)
        await start_attackers(stack, "senders", otlp.url)
        await asyncio.sleep(seconds / 3)
        shop.is_burning, began = True, time.monotonic()
        await asyncio.sleep(seconds * 2 / 3)
        for _ in range(int(patience)):
            if all(each.paged_at is not None for each in sidecars):
                break
            await asyncio.sleep(1)
        shop.is_burning = False
        await asyncio.sleep(4 * tick)
        for _ in range(int(patience)):
            if {await each.counted() for each in sidecars} == {float(shop.errors)}:
                break
            await asyncio.sleep(1)
        return [
            AttackOutcome(
                each.name,
                None if each.paged_at is None else each.paged_at - began,
                max(each.probes),
                each.failed_probes,
                each.peak_bytes(),
                await each.counted(),
                float(shop.errors),
                (folder / f"{each.name}.log").stat().st_size,
            )
            for each in sidecars
        ]


def print_table(outcomes: Sequence[AttackOutcome]) -> None:
    print("| sidecar | page after s | slowest probe s | failed probes | peak MiB | errors counted | log kB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for each in outcomes:
        page = "none" if each.page_seconds is None else f"{each.page_seconds:.1f}"
        print(
            f"| {each.name} | {page} | {each.slowest_probe:.2f} | {len(each.failed_probes)} | "
            f"{each.peak_bytes / 1024**2:.0f} | {each.counted:g} of {each.truth:g} | "
            f"{each.log_bytes / 1000:.0f} |"
        )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tick", type=float, default=2.0)
    arguments = parser.parse_args()
    outcomes = asyncio.run(attack(arguments.seconds, arguments.tick))
    print_table(outcomes)
    failed = [failure for each in outcomes for failure in each.failures(outcomes[0])]
    for name in failed:
        print(f"did not hold: {name}", file=sys.stderr)
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
