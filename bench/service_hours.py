"""Cost of service hours: samples read and evaluation time of all rules of one SLO on a real Prometheus.

Over 30 days of rollups and 20 raw series, without hours and with some. Samples and milliseconds are those of
a minute: a rule of the slow group has a fifth of its own. `python -m bench.service_hours`
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bench.rule_bills import bill_a_minute
from sloctl import naming
from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import RecurringTime
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP
from sloctl.table import format_table
from tests.real import Prometheus, backfill, running_prometheus
from tests.rules.specimens import shop

# Noon of a weekday.
END: Final = 1_790_000_000 // DAY * DAY + 12 * HOUR
PHASE: Final = 37
_SERIES: Final = 20
_SCRAPE: Final = 15
_BEST_OF: Final = 7
_WEEKDAYS: Final = tuple((day, None) for day in range(5))
_BERLIN: Final = RecurringTime(_WEEKDAYS, 8 * HOUR, 10 * HOUR, "Europe/Berlin")
CASES: Final[dict[str, tuple[RecurringTime, ...]]] = {
    "none": (),
    "weekdays, UTC": (RecurringTime(_WEEKDAYS, 8 * HOUR, 10 * HOUR),),
    "weekdays, Europe/Berlin": (_BERLIN,),
    "and Saturdays": (_BERLIN, RecurringTime(((5, None),), 10 * HOUR, 4 * HOUR, "Europe/Berlin")),
}


def history() -> Iterator[tuple[str, float, float]]:
    """The rollups that windows read, and the last minutes of the raw series."""
    identity = f'{{slo_id="{shop().id}"}}'
    for step, seconds in ((FINE_STEP, 7 * HOUR), (COARSE_STEP, 30 * DAY)):
        for at in range((END - seconds) // step * step + PHASE, END, step):
            yield naming.event_count_metric(step) + identity, 100 * step // MINUTE, at
            yield naming.error_count_metric(step) + identity, step // MINUTE, at
    for number in range(_SERIES):
        labels = f'job="shop",instance="{number // 2}",code="{(200, 500)[number % 2]}"'
        for at in range(END - 10 * MINUTE, END, _SCRAPE):
            yield f"requests_total{{{labels}}}", at - END + DAY, at
    for at in range(END - 10 * MINUTE, END, MINUTE):
        yield naming.ROLLUPS_SINCE + identity, END - 30 * DAY, at


def rules_cost(server: Prometheus, hours: tuple[RecurringTime, ...]) -> tuple[float, float, int]:
    """Samples and milliseconds of all rules a minute, and their characters."""
    groups = rule_groups(shop(active_hours=hours), NATIVE_STYLE)
    rules = [(rule, group.interval) for group in groups for rule in group.rules]
    samples, milliseconds = bill_a_minute(server, rules, at=END, best_of=_BEST_OF)
    return samples, milliseconds, sum(len(rule.expr) for rule, _ in rules)


def main() -> None:
    rows = [("service hours", "samples a minute", "ms a minute", "characters of rules")]
    with tempfile.TemporaryDirectory() as directory:
        backfill(Path(directory), history())
        with running_prometheus(Path(directory)) as server:
            for name, hours in CASES.items():
                samples, milliseconds, characters = rules_cost(server, hours)
                rows.append((name, f"{samples:,.0f}", f"{milliseconds:,.1f}", f"{characters:,}"))
    print(format_table(rows))


if __name__ == "__main__":
    main()
