"""The example of service hours in docs/windows.md, with its numbers."""

import re
from pathlib import Path
from typing import Final

from sloctl.duration import DAY, MINUTE
from sloctl.model import Slo
from sloctl.slo.event_series import EventSeries
from sloctl.slo.exclusions import parse_moment
from sloctl.slo.resolutions import EventCounts
from sloctl.slo.service_hours import counts_within_hours, is_within_hours
from sloctl.spec import read_specs

SECTION: Final = Path("docs/windows.md").read_text(encoding="utf-8").split("## Service hours")[1]
EXAMPLE: Final = re.findall(r"^```yaml\n(.*?)^```$", SECTION, re.DOTALL | re.MULTILINE)[0]


def example() -> Slo:
    specs = read_specs([("spec.yaml", EXAMPLE.encode())])
    assert specs.problems == ()
    return specs.slos[0]


def four_weeks(slo: Slo) -> EventSeries:
    """A minute a step: more in the hours, and in the weekend's outage all of them bad."""
    end, start, stop = (
        parse_moment(text) or 0
        for text in ("2026-11-21T00:00:00+01:00", "2026-11-14T02:00:00+01:00", "2026-11-16T08:20:00+01:00")
    )
    ends = range(end - 28 * DAY + MINUTE, end + 1, MINUTE)
    events = [100.0 if is_within_hours(slo.active_hours, at - MINUTE, at) else 10.0 for at in ends]
    errors = [total if start < at <= stop else total / 2000 for at, total in zip(ends, events, strict=True)]
    return EventSeries(end - 28 * DAY, MINUTE, events=events, errors=errors)


def row(name: str, counts: EventCounts) -> str:
    ratio = counts.error_ratio or 0.0
    percent = f"{100 * ratio:.3g} % | {100_000 * ratio:,.0f} % spent"
    return f"| {name} | {counts.total:,.0f} | {counts.error:,.0f} | {percent} |"


def test_the_example_says_what_comes_out() -> None:
    slo = example()
    whole = four_weeks(slo)
    counted = whole.change_counts(lambda at, counts: counts_within_hours(slo, at, counts, step=MINUTE))

    rows = [
        row(name, series.counts_between(0, len(series)))
        for name, series in (("if everything counted", whole), ("with the hours", counted))
    ]
    assert rows == [line for line in SECTION.splitlines() if line.endswith("spent |")]
