"""The tests of all SLOs of a service, as files."""

from collections.abc import Sequence
from typing import Final

from sloctl.duration import MINUTE, format_duration
from sloctl.model import (
    LatencyIndicator,
    MatchOp,
    NativeLatencyIndicator,
    ProbeIndicator,
    RatioIndicator,
    Slo,
)
from sloctl.naming import LabelStyle
from sloctl.rule_tests.alerting import alerting_tests
from sloctl.rule_tests.counting import counting_tests
from sloctl.rule_tests.promtool import render_tests
from sloctl.rule_tests.tested_slo import TestedSlo
from sloctl.rule_tests.windows import window_tests
from sloctl.rules.groups import rule_groups

_GROUP: Final = "a"


def service_tests(rule_file: str, slos: Sequence[Slo], style: LabelStyle) -> dict[str, str]:
    """Return the text of each test file of a service's SLOs by what is added to its name.

    promtool evaluates all rules of a file at one interval: a minute for most tests, a whole window for the
    ratios of long lookbacks.
    """
    tested = [TestedSlo(slo, style, _tested_group(slo)) for slo in slos]
    minutes = [test for each in tested for test in (*counting_tests(each), *alerting_tests(each))]
    groups = [group.name for slo in slos for group in rule_groups(slo, style)]
    files = {"": render_tests(rule_file, groups, minutes, evaluated=MINUTE)}
    for window in sorted({slo.window.seconds for slo in slos}):
        tests = [test for each in tested if each.slo.window.seconds == window for test in window_tests(each)]
        files[f"-{format_duration(window)}"] = render_tests(rule_file, groups, tests, evaluated=window)
    return files


def _tested_group(slo: Slo) -> dict[str, str]:
    """Return a value of each label of groupBy: the one that selectors leave, or any."""
    match slo.indicator:
        case RatioIndicator(_, numerator, total):
            selectors = [*numerator, *total]
        case LatencyIndicator(histogram) | NativeLatencyIndicator(histogram):
            selectors = [histogram]
        case ProbeIndicator(gauge):
            selectors = [gauge]
        case _:
            selectors = []
    fixed = {
        matcher.label: matcher.value
        for selector in selectors
        for matcher in selector.matchers
        if matcher.op is MatchOp.EQUAL
    }
    return {label: fixed.get(label, _GROUP) for label in slo.group_by}
