"""Rules put on trial by `promtool test rules`, the rule engine of Prometheus itself.

promtool evaluates every group at one interval and ignores the groups' own: a minute suits the fast group;
what the slow group adds up is five times too much then, its ratios are right.
"""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.real import promtool

SCRAPE = "15s"


@dataclass(frozen=True, slots=True)
class Expectation:
    """At a minute, *expr* (without labels) gives this value, or nothing at all."""

    minute: int
    expr: str
    value: float | None


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of the rules over some series, from minute 0, a sample every *scrape*."""

    name: str
    series: Mapping[str, str]
    expectations: Sequence[Expectation]
    scrape: str = SCRAPE


def full_window(*groups: str, slo_id: str = "shop/checkout") -> dict[str, str]:
    """A record of a first rollup 30 days before; *groups* are matchers of each group's labels."""
    return {
        f"slo:rollups:since_seconds{{{', '.join((identity, *filter(None, [group])))}}}": "-2592000+0x4000"
        for identity in [f'slo_id="{slo_id}", slo_part="before"']
        for group in groups or ("",)
    }


def group_order(rules: str) -> list[str]:
    """The groups as the file has them: promtool takes any order at an instant unless it is told one."""
    return re.findall(r'^ *- name: "?([^"\n]+)"?$', rules, re.MULTILINE)


def run_trials(directory: Path, rules: str, trials: Sequence[Trial], *, evaluated: str = "1m") -> str:
    """ "SUCCESS" when every expectation holds, else what promtool says of those that do not."""
    (directory / "rules.yaml").write_text(rules)
    case = directory / "tests.yaml"
    case.write_text(
        json.dumps(
            {
                "rule_files": ["rules.yaml"],
                "group_eval_order": group_order(rules),
                "evaluation_interval": evaluated,
                "tests": [_test(it) for it in trials],
            }
        )
    )
    done = subprocess.run(
        [promtool(), "test", "rules", str(case)], capture_output=True, text=True, check=False
    )
    return "SUCCESS" if done.returncode == 0 else f"{done.stdout}{done.stderr}"


def _test(trial: Trial) -> dict[str, object]:
    return {
        "name": trial.name,
        "interval": trial.scrape,
        "input_series": [{"series": name, "values": values} for name, values in trial.series.items()],
        "promql_expr_test": [
            {
                "expr": it.expr,
                "eval_time": f"{it.minute}m",
                "exp_samples": [] if it.value is None else [{"labels": "{}", "value": it.value}],
            }
            for it in trial.expectations
        ],
    }
