"""The tests of all SLOs of a service, as files."""

from collections.abc import Iterable, Sequence
from typing import Final

from sloctl.duration import MINUTE, format_duration
from sloctl.model import (
    LabelMatcher,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    RatioIndicator,
    Selector,
    Slo,
)
from sloctl.naming import LabelStyle
from sloctl.rule_tests.alerting import alerting_tests
from sloctl.rule_tests.counting import counting_tests
from sloctl.rule_tests.promtool import merge_tests, render_tests
from sloctl.rule_tests.series import find_label_value
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
    counting = [test for each in tested for test in counting_tests(each)]
    minutes = [*counting, *merge_tests(test for each in tested for test in alerting_tests(each))]
    groups = [group.name for slo in slos for group in rule_groups(slo, style)]
    files = {"": render_tests(rule_file, groups, minutes, evaluated=MINUTE)}
    for window in sorted({slo.window.seconds for slo in slos}):
        of_window = [each for each in tested if each.slo.window.seconds == window]
        tests = merge_tests(test for each in of_window for test in window_tests(each))
        files[f"-{format_duration(window)}"] = render_tests(rule_file, groups, tests, evaluated=window)
    return files


def _tested_group(slo: Slo) -> dict[str, str]:
    """Return a value of each label of groupBy: one that all selectors let through, or any."""
    match slo.indicator:
        case RatioIndicator(_, numerator, total, minus=minus):
            selectors = [*numerator, *minus, *total]
        case LatencyIndicator(histogram) | NativeLatencyIndicator(histogram):
            selectors = [histogram]
        case ProbeIndicator(gauge):
            selectors = [gauge]
        case _:
            selectors = []
    by_label = {label: _matchers_of(label, selectors) for label in slo.group_by}
    return {label: _found_value(matchers) for label, matchers in by_label.items()}


def _matchers_of(label: str, selectors: Iterable[Selector]) -> list[LabelMatcher]:
    return [matcher for selector in selectors for matcher in selector.matchers if matcher.label == label]


def _found_value(matchers: list[LabelMatcher]) -> str:
    try:
        return find_label_value(matchers, preferred=_GROUP) or _GROUP
    except LookupError:
        return _GROUP
