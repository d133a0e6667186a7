"""The example of docs/exclusions.md, with its numbers."""

import re
from pathlib import Path
from typing import Final

from sloctl.backtest.evaluation import backtest_budget
from sloctl.duration import DAY, MINUTE
from sloctl.model import Slo
from sloctl.slo.event_series import EventSeries
from sloctl.slo.exclusions import parse_moment
from sloctl.spec import read_specs

DOCUMENT: Final = Path("docs/exclusions.md").read_text(encoding="utf-8")
EXAMPLE: Final = re.findall(r"^```yaml\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE)[0]
SPEC: Final = """
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: payments-api}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator: {ratio: {error: 'requests_total{code=~"5.."}', total: requests_total}}
"""


def example() -> Slo:
    specs = read_specs([("exclusions.yaml", EXAMPLE.encode()), ("spec.yaml", SPEC.encode())])
    assert specs.problems == ()
    return specs.slos[0]


def month() -> EventSeries:
    """The thirty days up to the end of November, a minute a step."""
    end, start, stop = (
        parse_moment(text) or 0
        for text in ("2026-12-01T00:00:00Z", "2026-11-21T10:00:00Z", "2026-11-21T10:40:00Z")
    )
    ends = range(end - 30 * DAY + MINUTE, end + 1, MINUTE)
    errors = [100.0 if start < at <= stop else 0.05 for at in ends]
    return EventSeries(end - 30 * DAY, MINUTE, events=[100.0] * len(ends), errors=errors)


def test_the_example_says_what_comes_out() -> None:
    backtest = backtest_budget(example(), {}, month())

    with_it, without = backtest.with_excluded, backtest.own_period
    rows = [
        f"| {name} | {100 * (period.error_ratio or 0):.3g} % | {100 * (period.spent or 0):.0f} % spent |"
        for name, period in (("as it was", with_it), ("without the incident", without))
        if period is not None
    ]
    assert rows == [row for row in DOCUMENT.splitlines() if row.endswith("spent |")]


def test_the_pages_of_the_incident_are_gone() -> None:
    excluded, whole = example(), read_specs([("spec.yaml", SPEC.encode())]).slos[0]

    assert len(backtest_budget(whole, {}, month()).replay.alerts) > 0
    assert backtest_budget(excluded, {}, month()).replay.alerts == ()


def test_its_reasons_are_told() -> None:
    assert backtest_budget(example(), {}, month()).excluded == (
        "The database is moved. (first Sunday of a month 02:00 to 04:00 (Europe/Berlin))",
        "The card network was down, see its report. (2026-11-21 10:00 UTC to 2026-11-21 10:40 UTC)",
    )
