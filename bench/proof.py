"""The proof of `sloctl migrate --prove` on the benchmark's month: Markdown on standard output.

Run as `python -m bench.proof [PROFILE …]`, in which Sloth's and Pyrra's specs of the benchmark are proved.
The month is loaded into a Prometheus, so that the period's own ratio can be set beside the truth.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import yaml

from bench.rules.history import Month
from bench.rules.measurement import load
from bench.rules.peers import pyrra_spec, sloth_spec
from bench.rules.profile import END, PROFILES, Profile
from bench.rules.server import Server, server
from bench.rules.traffic import seeded
from sloctl.duration import DAY

_SPAN: Final = 30 * DAY
_SPECS: Final = {"Sloth": sloth_spec, "Pyrra": pyrra_spec}


def main() -> None:
    names = sys.argv[1:] or ["20 series"]
    for profile in (profile for profile in PROFILES if profile.name in names):
        with tempfile.TemporaryDirectory() as directory:
            for line in prove_month(profile, Path(directory)):
                print(line, flush=True)


def prove_month(profile: Profile, directory: Path) -> Iterator[str]:
    """Prove the specs of both peers on one profile's first seed."""
    with server(directory / "prometheus") as running:
        truth = load(running, Month(profile, seeded(1)))
        true = truth.ratio(END, _SPAN)
        yield f"### {profile.name} (seed 1; Prometheus {running.version}): in truth {100 * true:.4f} % failed"
        for tool, spec in _SPECS.items():
            path = directory / f"{tool}.yaml"
            path.write_text(yaml.safe_dump(spec(profile, "availability")))
            yield f"\n{tool}:\n\n```\n{prove(path, running)}```"


def prove(spec: Path, running: Server) -> str:
    """Run the command over the last thirty days, without a limit on what it reads."""
    until = datetime.fromtimestamp(END, UTC).isoformat()
    options = ["--from", f"{_SPAN // DAY}d", "--until", until, "--max-samples", str(10**13)]
    command = ["migrate", str(spec), "--prove", "--prometheus", running.url, *options]
    done = subprocess.run(
        [sys.executable, "-m", "sloctl", *command, "--cache", str(spec.parent / "cache")],
        check=False,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout


if __name__ == "__main__":
    main()
