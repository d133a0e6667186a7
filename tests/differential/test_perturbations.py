"""The differential test has teeth: no constant of the rules can be changed without Python disagreeing."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from sloctl.duration import HOUR
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import Rule, RuleGroup
from tests.differential.kinds import RATIO
from tests.differential.running import disagreeing, engine
from tests.differential.streams import Child, Target

SLO: Final = RATIO.slo()
_THEN_SILENT: Final = (3,) * 60 + (0,) * 180
_BUSY_THEN_SILENT: Final = Child(
    "/pay",
    ok=(0, 12, 5, 31) * 15 + (0,) * 60,
    bad=(0, 1, 0, 4) * 15 + (0,) * 60,
    head=(900, 90),
    hidden_errors=frozenset({147}),
)
# Whose errors are born late, and hidden for a scrape; a pod that comes with old ones; and one whose series
# are renamed before anything marks the old ones as stale.
STREAM: Final = (
    Target("a", (_BUSY_THEN_SILENT, Child("/refund", ok=(0,), bad=(0,) * 90 + (2,) + (0,) * 200))),
    Target("b", (Child("/pay", ok=(3,), bad=(0, 0, 1), head=(5000, 40)),), phase=10, first=150),
    Target(
        "c", (Child("/old", ok=_THEN_SILENT, bad=(0,), head=(5000, 0)),), unseen=frozenset(range(100, 400))
    ),
    Target("c", (Child("/new", ok=_THEN_SILENT, bad=(0,), head=(7000, 60)),), first=101),
)


@dataclass(frozen=True, slots=True)
class Perturbation:
    """Text of a rule, and what stands there instead."""

    compiled: str
    changed: str


PERTURBATIONS: Final = {
    "R": Perturbation("[1m15s]", "[1m]"),
    "K": Perturbation("* 60 / 75", "* 60 / 60"),
    "W - step/2, to W + step/2": Perturbation("[4m30s]", "[5m30s]"),
    "W - step/2, to W - 3/2 step": Perturbation("[4m30s]", "[3m30s]"),
    "that a new series came with those that went on": Perturbation(") - 1 <= on", ") - 1000 <= on"),
    "that its target was there before": Perturbation(
        "timestamp(requests_total) and requests_total offset 1m", "timestamp(requests_total)"
    ),
    "that it was not there a minute ago": Perturbation(
        "(requests_total offset 1m or requests_total offset 5m)",
        "requests_total offset 5m",
    ),
    "that it was not there five minutes ago": Perturbation(
        "(requests_total offset 1m or requests_total offset 5m)",
        "requests_total offset 1m",
    ),
    "> 0": Perturbation(" > 0)", ")"),
}


def test_untouched_rules_agree(tmp_path: Path) -> None:
    assert _found(tmp_path, rule_groups(SLO, NATIVE_STYLE)) == []


@pytest.mark.parametrize("constant", PERTURBATIONS)
def test_a_change_is_found_of(constant: str, tmp_path: Path) -> None:
    rules = _perturbed(PERTURBATIONS[constant])

    assert _found(tmp_path, rules) != []


def test_a_lookback_written_in_full_reads_a_rollup_too_many_on_prometheus_2(tmp_path: Path) -> None:
    found = _found(tmp_path, _perturbed(Perturbation("[4m30s]", "[5m]")))

    assert bool(found) == engine().closed


def _found(directory: Path, rules: Sequence[RuleGroup]) -> list[str]:
    return disagreeing(directory, RATIO, STREAM, slo=SLO, horizon=HOUR, rules=rules)


def _perturbed(perturbation: Perturbation) -> list[RuleGroup]:
    groups = rule_groups(SLO, NATIVE_STYLE)
    perturbed = [replace(it, rules=tuple(_changed(rule, perturbation) for rule in it.rules)) for it in groups]
    assert perturbed != list(groups)
    return perturbed


def _changed(rule: Rule, perturbation: Perturbation) -> Rule:
    return replace(rule, expr=rule.expr.replace(perturbation.compiled, perturbation.changed))
