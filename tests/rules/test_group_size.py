"""Mimir takes twenty rules a group, unless its limits are raised."""

from fractions import Fraction
from typing import Final

import pytest
from msgspec.structs import replace

from sloctl.duration import HOUR, MINUTE
from sloctl.model import LatencyIndicator, PolicyRow, Severity
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.rules.groups import MAX_GROUP_RULES, rule_groups
from sloctl.rules.rule import AlertRule
from sloctl.slo.policy import WORKBOOK_POLICY
from tests.rules.specimens import ALERTING, shop


def test_the_default_policy_of_a_latency_fits_three_groups() -> None:
    latency = LatencyIndicator(read_selector("seconds"), Fraction("0.3"))

    groups = rule_groups(shop(indicator=latency), NATIVE_STYLE)

    assert [group.name.rpartition(":")[2] for group in groups] == ["fast", "slow", "repair"]
    assert max(len(group.rules) for group in groups) <= MAX_GROUP_RULES


_THIRD: Final = PolicyRow(Severity.PAGE, budget_share=Fraction(3, 100), long=3 * HOUR, short=15 * MINUTE)


_FOURTH: Final = PolicyRow(Severity.PAGE, budget_share=Fraction(1, 100), long=30 * MINUTE, short=2 * MINUTE)


def test_alerts_of_the_budget_make_room_for_a_fourth_page_row() -> None:
    slo = shop(alerting=replace(ALERTING, policy=(*WORKBOOK_POLICY, _THIRD, _FOURTH), min_errors=3))

    groups = {group.name.rpartition(":")[2]: group for group in rule_groups(slo, NATIVE_STYLE)}

    assert list(groups) == ["fast", "objective", "budget", "slow", "repair"]
    assert max(len(group.rules) for group in groups.values()) <= MAX_GROUP_RULES
    assert [rule.alert for rule in groups["budget"].rules if isinstance(rule, AlertRule)] == [
        "SLOErrorBudgetExhausted",
        "SLOErrorBudgetExhausting",
        "SLONoData",
    ]


@pytest.mark.parametrize("rows", [(), (_THIRD,)], ids=["recorded births", "and a third page row"])
def test_the_twenty_first_rule_moves_constants_away(rows: tuple[PolicyRow, ...]) -> None:
    slo = shop(alerting=replace(ALERTING, policy=(*WORKBOOK_POLICY, *rows)))

    groups = rule_groups(slo, NATIVE_STYLE)

    assert [group.name.rpartition(":")[2] for group in groups] == ["fast", "objective", "slow", "repair"]
    assert max(len(group.rules) for group in groups) <= MAX_GROUP_RULES
