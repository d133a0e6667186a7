"""What a sidecar costs, measured on this machine: a Markdown table on standard output.

Run as `make bench-sidecar`; takes six minutes. Each measurement is a module of its own, which says what it
includes.
"""

import json
import os
import platform
import subprocess
import sys
from typing import Any, Final

SECONDS: Final = 60


def main() -> None:
    machine = f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    print(f"Python {platform.python_version()}, {machine};")
    print(f"load before: {os.getloadavg()[0]:.1f}.", end="\n\n")
    print("| what | figure | limit |", "|---|---|---|", sep="\n")
    scale(100, memory=60, cores=0.02)
    scale(10_000, memory=400, cores=0.5)
    start(1000)
    for module in ("sidecar_http", "sidecar_scrape"):
        print(flush=True)
        subprocess.run([sys.executable, "-m", f"bench.{module}"], check=True)


def scale(slos: int, *, memory: int, cores: float) -> None:
    """*memory* in MB."""
    one = measured("sidecar_scale", str(slos), str(SECONDS))
    row(f"{slos:,} SLOs, resident memory", f"{one['resident'] / 1e6:.0f} MB", f"{memory} MB")
    row(f"{slos:,} SLOs, memory at most", f"{one['peak'] / 1e6:.0f} MB", "")
    row(f"{slos:,} SLOs, processor at a tick of 5 s", f"{one['cores']:.1%} of a core", f"{cores:.0%}")
    row(f"{slos:,} SLOs, longest tick", f"{one['tick'] * 1000:,.0f} ms", "")
    row(f"{slos:,} SLOs, longest flush", f"{one['flush'] * 1000:,.0f} ms", "")
    row(f"{slos:,} SLOs, store", f"{one['stored'] / 1e6:.1f} MB", "")


def start(slos: int) -> None:
    one = measured("sidecar_start", str(slos))
    row(f"{slos:,} SLOs, start to ready", f"{one['seconds']:.1f} s", "3 s")
    row(f"{slos:,} SLOs, of that the store", f"{one['loading']:.2f} s", "2 s")


def measured(module: str, *arguments: str) -> dict[str, Any]:
    """What *module*, in a process of its own, says about itself."""
    command = [sys.executable, "-m", f"bench.{module}", *arguments]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    answer: dict[str, Any] = json.loads(said)
    return answer


def row(what: str, figure: str, limit: str) -> None:
    print(f"| {what} | {figure} | {limit} |", flush=True)


if __name__ == "__main__":
    main()
