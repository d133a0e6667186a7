"""Error budget policies: where a service stands, and the gate of `sloctl status`."""

import asyncio
import json
from fractions import Fraction
from pathlib import Path

import pytest

from sloctl.cli.main import main
from sloctl.slo.budget_policy import BudgetPolicy, BudgetStep
from sloctl.slo.health import Health
from sloctl.status.budget_gate import evaluate_policies, judge_services
from sloctl.status.slo_status import GateResult, SloStatus, StatusReport
from tests.sidecar.running_sidecar import run_sidecar
from tests.sidecar.specimens import slo

POLICY = """
apiVersion: sloctl.dev/v1
kind: BudgetPolicy
metadata: {name: standard}
spec:
  owners: [payments-leads]
  steps:
    - {below: 99.5%, consequence: Reliability work comes before features.}
    - {below: 97%, consequence: Only fixes are deployed., owners: [head-of-payments]}
"""
STANDARD = BudgetPolicy(
    "standard",
    (),
    (
        BudgetStep(Fraction(1, 2), "Reliability first.", ()),
        BudgetStep(Fraction(1, 5), "Only fixes.", ("leads",)),
        BudgetStep(Fraction(0), "Freeze.", ()),
    ),
)
STRICT = BudgetPolicy("strict", ("ledger",), (BudgetStep(Fraction(9, 10), "Only fixes.", ()),))
BAD = 'requests_total{status="200"} %d\nrequests_total{status="500"} %d\n'


def standing_of(service: str, left: float | None, name: str = "availability") -> SloStatus:
    return SloStatus(
        service,
        name,
        {},
        Health.FINE,
        stale=False,
        page=None,
        ticket=None,
        budget_left=left,
        burn_rates={},
        time_to_exhaustion=None,
    )


@pytest.mark.parametrize(
    ("left", "consequence"),
    [
        (0.5, None),
        (0.499, "Reliability first."),
        (0.2, "Reliability first."),
        (0.199, "Only fixes."),
        (0.0, "Only fixes."),
        (-0.1, "Freeze."),
    ],
)
def test_the_lowest_step_holds(left: float, consequence: str | None) -> None:
    step = STANDARD.step_at(left)

    assert (None if step is None else step.consequence) == consequence


def test_the_least_budget_of_a_service_decides() -> None:
    status = StatusReport(0.0, (standing_of("shop", 0.9), standing_of("shop", 0.1, "latency")))

    [standing] = judge_services(status, (STANDARD,))

    assert standing.worst is not None
    assert standing.worst.name == "latency"
    assert evaluate_policies([standing]) is GateResult.FAILING


def test_a_policy_that_names_a_service_comes_before_that_of_all() -> None:
    status = StatusReport(0.0, (standing_of("shop", 0.8), standing_of("ledger", 0.8)))

    standings = judge_services(status, (STANDARD, STRICT))

    assert [(it.service, it.policy.name, it.step is None) for it in standings] == [
        ("ledger", "strict", False),
        ("shop", "standard", True),
    ]


def test_an_unknown_budget_is_above_no_step() -> None:
    standings = judge_services(StatusReport(0.0, (standing_of("shop", None),)), (STANDARD, STRICT))

    assert [(it.service, it.worst, it.step) for it in standings] == [
        ("ledger", None, None),
        ("shop", None, None),
    ]
    assert evaluate_policies(standings) is GateResult.UNKNOWN


async def test_below_a_step_the_gate_is_shut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY)
    gate = ["--gate", str(tmp_path / "policy.yaml")]

    async with run_sidecar(slo(name="zero", min_errors=1000)) as watched:
        await watched.tick(BAD % (150, 50))
        await watched.tick(BAD % (200, 100), seconds=300)
        without = await asyncio.to_thread(main, ["status", "--sidecar", watched.url])
        capsys.readouterr()
        code = await asyncio.to_thread(main, ["status", "--sidecar", watched.url, *gate])
        text = capsys.readouterr().out
        await asyncio.to_thread(main, ["status", "--sidecar", watched.url, *gate, "-o", "json"])
        document = json.loads(capsys.readouterr().out)

    assert (without, code) == (0, 1)
    assert "shop     standard  96.1 %      zero  97 %   Only fixes are deployed.  head-of-payments" in text
    assert document["budgetPolicies"][0]["step"]["owners"] == ["head-of-payments"]


def test_a_policy_with_a_mistake_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "policy.yaml").write_text(POLICY.replace("97%", "197%"))

    assert main(["status", "--gate", str(tmp_path / "policy.yaml")]) == 1
    assert "below is at most 100 %, the whole budget, got 197% [budget-step]" in capsys.readouterr().err


def test_specs_without_a_policy_are_no_gate(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "--gate", "slos"]) == 2
    assert "slos: no document of kind BudgetPolicy" in capsys.readouterr().err
