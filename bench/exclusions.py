"""Cost of exclusions: samples read and evaluation time of the rules of one SLO on a real Prometheus.

Over 30 days of rollups of as many groups as asked for, all rules that sum windows are evaluated at one
moment, with 0, 1, 10 and 100 exclusions of an hour each and with a nightly one. Samples are those of a
minute: a rule of the slow group has a fifth of its own. `python -m bench.exclusions --groups 1 20`
"""

import argparse
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from bench.rule_bills import bill_a_minute
from sloctl import naming
from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import Exclusion, FixedTime, RecurringTime, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule, RuleGroup
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP
from sloctl.table import format_table
from tests.real import Prometheus, backfill, running_prometheus
from tests.rules.specimens import shop

END: Final = 1_790_000_000 // DAY * DAY
BEGIN: Final = END - 30 * DAY
PHASE: Final = 37
_BEST_OF: Final = 3


def history(slo: Slo, groups: int) -> Iterator[tuple[str, float, float]]:
    """The rollups of a month, errors and events of each group."""
    for group in range(groups):
        labels = f'{{slo_id="{slo.id}", path="/{group}"}}' if slo.group_by else f'{{slo_id="{slo.id}"}}'
        for step in (FINE_STEP, COARSE_STEP):
            for at in range(BEGIN + PHASE, END, step):
                # Of the fine ones those that are read, as promtool takes minutes for a month of them.
                if step == FINE_STEP and at < END - 7 * HOUR and not is_excluded(at):
                    continue
                yield naming.event_count_metric(step) + labels, 100 * step // MINUTE, at
                yield naming.error_count_metric(step) + labels, step // MINUTE, at


@cache
def hours(number: int) -> tuple[Exclusion, ...]:
    """So many exclusions of an hour, spread over the month."""
    apart = 30 * DAY // max(number, 1)
    starts = [BEGIN + HOUR + apart * index for index in range(number)]
    return tuple(Exclusion(f"Number {start}.", FixedTime(start, start + HOUR)) for start in starts)


def is_excluded(at: int) -> bool:
    return any(
        each.time.start < at < each.time.end + 5 * MINUTE
        for number in (1, 10, 100)
        for each in hours(number)
        if isinstance(each.time, FixedTime) and each.time.start is not None
    )


def cost(server: Prometheus, groups: tuple[RuleGroup, ...]) -> tuple[float, float, int]:
    """Samples and milliseconds of all window sums a minute, and characters of the rules."""
    sums = [
        (rule, group.interval)
        for group in groups
        for rule in group.rules
        if isinstance(rule, RecordingRule) and "increase" in rule.expr and "repair" not in group.name
        if not rule.record.endswith(("increase1m", "increase5m"))
    ]
    samples, milliseconds = bill_a_minute(server, sums, at=END, best_of=_BEST_OF)
    return samples, milliseconds, sum(len(rule.expr) for group in groups for rule in group.rules)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", type=int, nargs="+", default=[1, 20])
    parser.add_argument("--cases", nargs="+", help="some of the kinds of exclusions; default all")
    arguments = parser.parse_args()
    nightly = (Exclusion("Nightly.", RecurringTime((), 2 * HOUR, 2 * HOUR, "Europe/Berlin")),)
    cases = {
        **{f"{number} of an hour": hours(number) for number in (0, 1, 10, 100)},
        "nightly": nightly,
        "a reset": (Exclusion("Reset.", FixedTime(None, END - 10 * DAY)),),
    }
    cases = {name: case for name, case in cases.items() if name in (arguments.cases or cases)}
    rows = [("groups", "exclusions", "samples a minute", "ms a minute", "characters of rules")]
    for groups in arguments.groups:
        slo = shop(group_by=("path",)) if groups > 1 else shop()
        with tempfile.TemporaryDirectory() as directory:
            backfill(Path(directory), history(slo, groups))
            with running_prometheus(Path(directory)) as server:
                for name, exclusions in cases.items():
                    found = cost(server, rule_groups(replace(slo, exclusions=exclusions), NATIVE_STYLE))
                    samples, milliseconds, characters = found
                    rows.append(
                        (str(groups), name, f"{samples:,.0f}", f"{milliseconds:,.1f}", f"{characters:,}")
                    )
                    print(rows[-1], flush=True)
    print(format_table(rows))


if __name__ == "__main__":
    main()
