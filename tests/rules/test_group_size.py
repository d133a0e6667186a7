"""Mimir takes twenty rules a group, unless its limits are raised."""

from fractions import Fraction

from msgspec.structs import replace

from sloctl.duration import HOUR, MINUTE
from sloctl.model import PolicyRow, Severity
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import MAX_GROUP_RULES, rule_groups
from sloctl.slo.policy import WORKBOOK_POLICY
from tests.rules.specimens import ALERTING, shop


def test_the_default_policy_fits_three_groups() -> None:
    groups = rule_groups(shop(), NATIVE_STYLE)

    assert [group.name.rpartition(":")[2] for group in groups] == ["fast", "slow", "repair"]
    assert max(len(group.rules) for group in groups) <= MAX_GROUP_RULES


def test_a_third_page_row_moves_constants_away() -> None:
    third = PolicyRow(Severity.PAGE, budget_share=Fraction(3, 100), long=3 * HOUR, short=15 * MINUTE)
    slo = shop(alerting=replace(ALERTING, policy=(*WORKBOOK_POLICY, third)))

    groups = rule_groups(slo, NATIVE_STYLE)

    assert [group.name.rpartition(":")[2] for group in groups] == ["fast", "objective", "slow", "repair"]
    assert max(len(group.rules) for group in groups) <= MAX_GROUP_RULES
