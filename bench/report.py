"""A report of the benchmark's month beside its truth: Markdown on standard output.

Run as `python -m bench.report [PROFILE …]`. The month is loaded into a Prometheus, the compiled rules record
their rollups over all of it, repairs included, and `sloctl report` is asked for its last thirty days.
"""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from bench.rules import designs
from bench.rules.evaluation import evaluate
from bench.rules.history import Month
from bench.rules.measurement import PHASES, load
from bench.rules.profile import END, FAULTS, PROFILES, Profile
from bench.rules.rule_file import needed
from bench.rules.server import Server, server
from bench.rules.traffic import seeded
from bench.rules.truth import Truth
from sloctl.duration import DAY, MINUTE

_SPAN: Final = 30 * DAY
_NAME: Final = "report"


def main() -> None:
    names = sys.argv[1:] or ["20 series"]
    for profile in (profile for profile in PROFILES if profile.name in names):
        with tempfile.TemporaryDirectory() as directory:
            print("\n".join(report_month(profile, Path(directory))), flush=True)


def report_month(profile: Profile, directory: Path) -> Iterator[str]:
    """Measure one profile on its first seed."""
    with server(directory / "prometheus") as running:
        truth = load(running, Month(profile, seeded(1)))
        print(f"{profile.name}: loaded", file=sys.stderr, flush=True)
        record_rollups(running, profile, directory)
        print(f"{profile.name}: rollups recorded", file=sys.stderr, flush=True)
        slo = ask_report(running, directory)
        yield f"### {profile.name}, the last {_SPAN // DAY} days (seed 1; Prometheus {running.version})\n"
    yield from compare_sums(slo, profile, truth)
    yield ""
    yield from compare_incidents(slo, truth)


def record_rollups(running: Server, profile: Profile, directory: Path) -> None:
    """Evaluate what the ratio of the whole window is made of, at every instant of the month."""
    design = designs.sloctl(profile, _NAME, PHASES, directory)
    window = design.readings[-1].rule
    rules = [rule for rule in needed(design.rules, [window]) if rule is not window]
    evaluate(running, rules, lambda rule: [(rule.before(END - 1) - _SPAN - 2 * DAY, END - 1)])


class _Incident(msgspec.Struct):
    severity: str
    began: datetime = msgspec.field(name="from")
    ended: datetime = msgspec.field(name="until")
    errors: float


class _Slo(msgspec.Struct, rename="camel"):
    errors: float
    events: float
    budget_spent: float
    met: bool
    incidents: list[_Incident]


class _Report(msgspec.Struct):
    slos: list[_Slo]


def ask_report(running: Server, directory: Path) -> _Slo:
    start, end = (datetime.fromtimestamp(at, UTC).isoformat() for at in (END - _SPAN, END))
    spec = str(directory / f"{_NAME}.yaml")
    command = ["report", spec, "--prometheus", running.url, "--from", start, "--until", end, "-o", "json"]
    done = subprocess.run([sys.executable, "-m", "sloctl", *command], check=True, capture_output=True)
    [slo] = msgspec.json.decode(done.stdout, type=_Report).slos
    return slo


def compare_sums(slo: _Slo, profile: Profile, truth: Truth) -> Iterator[str]:
    """Set what the report says of the whole span beside the truth."""
    true = truth.counts(END, _SPAN)
    found = (slo.errors, slo.events, slo.errors / slo.events, slo.budget_spent)
    ratio = true.error / true.total
    rows = zip(
        ("errors", "events", "error ratio", "budget spent"),
        (true.error, true.total, ratio, ratio / float(profile.budget)),
        found,
        strict=True,
    )
    yield "| | truth | report | apart |"
    yield "|---|---|---|---|"
    for name, expected, value in rows:
        yield f"| {name} | {expected:,.6g} | {value:,.6g} | {100 * (value / expected - 1):+.2f} % |"
    yield f"| {'met' if ratio <= profile.budget else 'missed'} | | {'met' if slo.met else 'missed'} | |"


def compare_incidents(slo: _Slo, truth: Truth) -> Iterator[str]:
    """Set each incident beside the faults within it, and its errors beside those of its time in truth."""
    yield "| incident | severity | from | to | errors | truth of that time | faults in it |"
    yield "|---|---|---|---|---|---|---|"
    missing = [fault.name for fault in FAULTS if fault.end > END - _SPAN]
    for number, incident in enumerate(slo.incidents, start=1):
        began, ended = (int(at.timestamp()) for at in (incident.began, incident.ended))
        inside = [fault.name for fault in FAULTS if fault.start < ended and began < fault.end]
        missing = [name for name in missing if name not in inside]
        errors, true = incident.errors, truth.counts(ended, ended - began).error
        yield (
            f"| {number} | {incident.severity} | {clock(began)} | {clock(ended)} | {errors:,.0f} "
            f"| {true:,.0f} | {', '.join(inside)} |"
        )
    yield f"\nFaults that are in no incident: {', '.join(missing) or 'none'}."


def clock(at: int) -> str:
    return f"{datetime.fromtimestamp(at // MINUTE * MINUTE, UTC):%d %b %H:%M}"


if __name__ == "__main__":
    main()
