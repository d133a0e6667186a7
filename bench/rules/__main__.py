"""The compiled rules beside the peers', on a real Prometheus: Markdown on standard output, talk on stderr.

Run as `make bench-rules`; `ARGS=--full` takes an hour or two and is what docs/benchmarks.md shows.
"""

import argparse
import os
import platform
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from importlib.metadata import version

from bench.rules.first_day import first_day
from bench.rules.large import PROFILE as LARGE
from bench.rules.large import measure_large
from bench.rules.measurement import Measured, measure
from bench.rules.profile import PROFILES
from bench.rules.table import (
    accuracy_table,
    alert_table,
    cost_table,
    first_day_table,
    large_table,
    rule_table,
    summary,
)

# Seeds of the full run; none is cost alone.
_FULL = {profile.name: tuple(range(1, 6)) for profile in PROFILES} | {"1000 series": ()}
# The seeds on which the full run judges the peers too, where that takes them long or tells little more.
_PEERS = {profile.name: (1,) for profile in PROFILES} | {
    "20 series": (1, 2, 3, 4, 5),
    "a request a minute": (1, 2, 3, 4, 5),
    "200 series": (1, 2),
}
_BACKFILLED = ("200 series", "a request a minute")
_QUICK = {"20 series": (1,), "200 series": ()}


def main() -> None:
    arguments = _parser().parse_args()
    if arguments.backfill:
        print("\n".join([*_header(), "", *_first_days()]))
        return
    seeds = _FULL if arguments.full else _QUICK
    chosen = [profile for profile in PROFILES if profile.name in (arguments.profile or seeds)]
    print("\n".join(_header()), flush=True)
    measured = []
    for profile in chosen:
        of = seeds.get(profile.name, (1,)) if arguments.seeds is None else range(1, arguments.seeds + 1)
        measured.append(measure(profile, tuple(of), _say, peers=_PEERS[profile.name]))
        print("\n".join(["", *_judgement(measured[-1])]), flush=True)
        # What the end tells of all profiles together, now already: a run that is stopped loses nothing.
        _say("\n".join([*cost_table(measured[-1:]), *_shares(measured[-1:]), "", *summary(measured[-1:])]))
    print("\n".join(["", "### Cost", "", *cost_table(measured), *_shares(measured)]), flush=True)
    if arguments.full and not arguments.profile:
        print("\n".join(["", f"### {LARGE.name}", "", *large_table(measure_large(_say))]))
    print("\n".join(["", "### In short", "", *summary(measured)]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench-rules", description=__doc__)
    parser.add_argument("--full", action="store_true", help="every profile, five seeds")
    parser.add_argument("--backfill", action="store_true", help="only the first day of a new SLO")
    parser.add_argument("--seeds", type=int, help="this many seeds for every profile; 0 measures cost alone")
    parser.add_argument(
        "--profile", action="append", choices=[profile.name for profile in PROFILES], help="only this one"
    )
    return parser


def _header() -> Iterator[str]:
    yield (
        f"sloctl {version('sloctl')}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.machine()}, {os.cpu_count()} cores, {datetime.now(UTC):%Y-%m-%d}."
    )


def _judgement(of: Measured) -> Iterator[str]:
    seeds = f"seeds {_listed(of.seeds)}" if of.seeds else "cost alone"
    if of.peers != list(of.seeds):
        seeds += f", the peers on {_listed(of.peers)}"
    yield f"### {of.profile.name} ({seeds}; Prometheus {of.prometheus})"
    if of.judged:
        yield from ("", *accuracy_table(of.judged, of.profile), "", *alert_table(of.judged))


def _listed(seeds: Iterable[int]) -> str:
    return ", ".join(map(str, seeds))


def _first_days() -> Iterator[str]:
    chosen = [profile for profile in PROFILES if profile.name in _BACKFILLED]
    measured = [first_day(profile, 1, _say) for profile in chosen]
    yield f"### The first day, a month of history (seed 1; Prometheus {measured[0].prometheus})"
    yield from ("", *first_day_table(measured))


def _shares(measured: Iterable[Measured]) -> Iterator[str]:
    for of in measured:
        yield from ("", f"Where sloctl's samples go, {of.profile.name}:", "")
        yield from rule_table(of.costs["sloctl (compiled)"])


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
