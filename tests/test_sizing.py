"""What docs/sizing.md says of one SLO is what its rules record."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from sloctl import compiler
from sloctl.model import CountedSide, Indicator, LatencyIndicator, RatioIndicator
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import shop

PAGE: Final = Path(__file__).parents[1] / "docs" / "sizing.md"
RATIO: Final = RatioIndicator(CountedSide.ERROR, (read_selector('r{code="500"}'),), (read_selector("r"),))
LATENCY: Final = LatencyIndicator(read_selector("h"), Fraction("0.3"))
RECORDED: Final = 'count({__name__=~"slo:.+|slo_.+"})'


def raw_series(groups: int) -> dict[str, str]:
    """Two raw series of a ratio and three of a histogram for each group."""
    series: dict[str, str] = {}
    for number in range(groups):
        labels = f'route="/{number}", instance="i"'
        series |= {
            f'r{{{labels}, code="200"}}': "0+27x900",
            f'r{{{labels}, code="500"}}': "0+3x900",
            f"h_count{{{labels}}}": "0+30x900",
            f'h_bucket{{{labels}, le="0.3"}}': "0+27x900",
            f'h_bucket{{{labels}, le="+Inf"}}': "0+30x900",
        }
    return series


@pytest.mark.parametrize("indicator", [RATIO, LATENCY], ids=["ratio", "latency"])
@pytest.mark.parametrize(
    ("group_by", "groups", "series"), [((), 1, 27), (("route",), 2, 50), (("route",), 5, 119)]
)
def test_an_slo_records_as_many_series_as_the_page_says(
    indicator: Indicator, group_by: Sequence[str], groups: int, *, series: int, tmp_path: Path
) -> None:
    slo = shop(indicator=indicator, group_by=tuple(group_by))
    trial = Trial("three hours", raw_series(groups), [Expectation(200, RECORDED, series)])

    assert run_trials(tmp_path, compiler.compile_rules([slo], NATIVE_STYLE), [trial]) == "SUCCESS"
    assert f" {series}" in PAGE.read_text()


def test_the_rules_of_an_slo_are_as_many_as_the_page_says() -> None:
    groups = rule_groups(shop(indicator=RATIO), NATIVE_STYLE)

    rules = [rule for group in groups for rule in group.rules]
    recording = [rule for rule in rules if isinstance(rule, RecordingRule)]
    assert (len(groups), len(recording), len(rules) - len(recording)) == (4, 28, 5)
