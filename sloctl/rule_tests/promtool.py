"""Tests as values, and the text of promtool's file of them."""

import json
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.model import PromQL
from sloctl.promql import format_number
from sloctl.targets.prometheus import HEADER


class RuleExpectation(Struct, frozen=True):
    """What *query* gives at a time in seconds: one value without labels, or nothing where it is None."""

    at: int
    query: PromQL
    value: float | None


class RuleTest(Struct, frozen=True):
    """One run of the rules over some series, a sample every *interval* seconds.

    *about* is the SLO under test, and *name* what is tried with it.
    """

    about: str
    name: str
    interval: int
    series: Mapping[str, str]
    expectations: tuple[RuleExpectation, ...]


def merge_tests(tests: Iterable[RuleTest]) -> list[RuleTest]:
    """Run what is tried with several SLOs at once: each test evaluates the rules of all of them.

    For tests whose series are of one SLO alone.
    """
    merged: dict[tuple[str, int], RuleTest] = {}
    for test in tests:
        known = merged.get((test.name, test.interval))
        merged[test.name, test.interval] = (
            test
            if known is None
            else RuleTest(
                f"{known.about}, {test.about}",
                test.name,
                test.interval,
                {**known.series, **test.series},
                (*known.expectations, *test.expectations),
            )
        )
    return list(merged.values())


def render_tests(rule_file: str, groups: Sequence[str], tests: Sequence[RuleTest], *, evaluated: int) -> str:
    """Write the whole text of a test file, whose rules are evaluated every *evaluated* seconds.

    promtool evaluates *groups* in the order given; without one, in any that it happens to find.
    """
    lines = [
        HEADER,
        f"rule_files: {json.dumps([rule_file])}\n",
        f"group_eval_order: {json.dumps(list(groups))}\n",
        f"evaluation_interval: {format_duration(evaluated)}\n",
        "tests:\n" if tests else "tests: []\n",
    ]
    for test in tests:
        name = json.dumps(f"{test.about}: {test.name}")
        lines.append(f"  - name: {name}\n    interval: {format_duration(test.interval)}\n")
        lines.append("    input_series:\n" if test.series else "    input_series: []\n")
        lines += [
            f"      - {{series: {json.dumps(name)}, values: {json.dumps(values)}}}\n"
            for name, values in test.series.items()
        ]
        lines.append("    promql_expr_test:\n")
        for each in test.expectations:
            sample = "" if each.value is None else f"{{labels: '{{}}', value: {format_number(each.value)}}}"
            lines.append(f"      - expr: {json.dumps(each.query)}\n")
            lines.append(f"        eval_time: {format_duration(each.at)}\n        exp_samples: [{sample}]\n")
    return "".join(lines)
