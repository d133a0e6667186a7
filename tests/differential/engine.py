"""Compiled rule groups on Prometheus's own rule engine, each group at its own interval, every value read out.

promtool evaluates all groups at one interval. Here each rule therefore also asks what time it is, and gives
nothing between the turns of its group. What promtool computed it says only of expectations that fail, to the
last digit: so every expectation here is one that cannot hold.
"""

import json
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from msgspec.structs import replace

from sloctl.duration import MINUTE
from sloctl.rules.rule import RuleGroup
from sloctl.targets import prometheus
from tests.differential.scraped import TICK, Scraped
from tests.real import promtool

# While this series is there, nothing is evaluated.
DOWN: Final = "evaluation_is_down"
_RECORDED: Final = '{__name__=~"slo:.+|ALERTS"}'
_GOT: Final = re.compile(r"^ +got:(.*)$", re.MULTILINE)
_SAMPLE: Final = re.compile(r'\{((?:\w+="(?:[^"\\]|\\.)*"(?:, )?)*)\} ([^ ,]+)')
_LABEL: Final = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


@dataclass(frozen=True, slots=True)
class Recorded:
    """One sample of one recorded series."""

    labels: Mapping[str, str]
    value: float


# By second.
Recording: TypeAlias = Mapping[int, Sequence[Recorded]]


@dataclass(frozen=True, slots=True)
class Story:
    """Series scraped from second 0 to *horizon*, and the moments at which to read what was recorded."""

    series: Sequence[Scraped]
    horizon: int
    read_at: Sequence[int]


def record(
    directory: Path,
    groups: Iterable[RuleGroup],
    stories: Sequence[Story],
    *,
    evaluated: int = MINUTE,
    phases: Mapping[str, int] = {},
    skipped: Mapping[str, Set[int]] = {},
) -> list[Recording]:
    """What the rules record of each story; *evaluated* is the seconds between two looks at the clock.

    By group name: *phases* are seconds by which its turns come later, *skipped* turns that it does not get.
    """
    in_order = [_gated(group, phases.get(group.name, 0), skipped.get(group.name, ())) for group in groups]
    (directory / "rules.yaml").write_text(prometheus.render_rules(in_order))
    case = {
        "rule_files": ["rules.yaml"],
        "group_eval_order": [group.name for group in in_order],
        "evaluation_interval": f"{evaluated}s",
        "tests": [_test(story) for story in stories],
    }
    (directory / "case.yaml").write_text(json.dumps(case))
    command = [promtool(), "test", "rules", str(directory / "case.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    answers = _GOT.findall(done.stdout + done.stderr)
    asked = sum(len(story.read_at) for story in stories)
    assert len(answers) == asked, f"{done.stdout}{done.stderr}"[-3000:]
    told = iter(answers)
    return [{at: tuple(_samples(next(told))) for at in story.read_at} for story in stories]


def _gated(group: RuleGroup, phase: int, skipped: Iterable[int]) -> RuleGroup:
    turn = f"(vector(time() % {group.interval}) == {phase})"
    missed = "".join(f"\nunless on () (vector(time()) == {at})" for at in skipped)
    return replace(
        group,
        rules=tuple(
            replace(rule, expr=f"(\n{rule.expr}\n)\nand on () {turn}\nunless on () {DOWN}{missed}")
            for rule in group.rules
        ),
    )


def _test(story: Story) -> dict[str, object]:
    return {
        "interval": f"{TICK}s",
        "input_series": [{"series": it.series, "values": it.notation(story.horizon)} for it in story.series],
        "promql_expr_test": [
            {"expr": _RECORDED, "eval_time": f"{at}s", "exp_samples": [{"labels": "never", "value": 0}]}
            for at in story.read_at
        ],
    }


def _samples(answer: str) -> Iterator[Recorded]:
    for labels, value in _SAMPLE.findall(answer):
        yield Recorded(dict(_LABEL.findall(labels)), float(value))
