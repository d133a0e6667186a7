"""Where each service stands on the error budget policies that hold for it."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from msgspec import Struct

from sloctl.formatting import format_objective, format_percent
from sloctl.problems import escape_unprintable
from sloctl.slo.budget_policy import BudgetPolicy, BudgetStep, policies_of_service
from sloctl.status.slo_status import GateResult, SloStatus, StatusReport
from sloctl.table import format_table

Json: TypeAlias = dict[str, Any]


class PolicyStanding(Struct, frozen=True):
    """One service under one policy; *worst* is its SLO or group with the least left, None where unknown."""

    service: str
    policy: BudgetPolicy
    worst: SloStatus | None
    step: BudgetStep | None


def judge_services(
    status: StatusReport, policies: tuple[BudgetPolicy, ...], asked: Sequence[str] = ()
) -> tuple[PolicyStanding, ...]:
    """Judge every service of *status*, and those that a policy names and nobody knows of.

    Where only some SLOs were *asked* for, services without any of them are not judged.
    """
    services = {slo.service for slo in status.slos}
    if not asked:
        services |= {service for policy in policies for service in policy.services}
    standings = []
    for service in sorted(services):
        known = [slo for slo in status.slos if slo.service == service and slo.budget_left is not None]
        worst = min(known, key=lambda slo: slo.budget_left or 0.0, default=None)
        left = None if worst is None else worst.budget_left
        standings += [
            PolicyStanding(service, policy, worst, policy.step_at(left))
            for policy in policies_of_service(policies, service)
        ]
    return tuple(standings)


def evaluate_policies(standings: Sequence[PolicyStanding]) -> GateResult:
    """Fail where a service is below a step; unknown where nothing is known of any."""
    if any(standing.step is not None for standing in standings):
        return GateResult.FAILING
    return GateResult.FINE if any(standing.worst for standing in standings) else GateResult.UNKNOWN


def render_standings(standings: Sequence[PolicyStanding]) -> str:
    """Render a table of services, with the consequence that holds for each."""
    rows = [("service", "policy", "least left", "SLO", "below", "consequence", "owners")]
    for standing in standings:
        worst, step = standing.worst, standing.step
        rows.append(
            (
                standing.service,
                standing.policy.name,
                format_percent(None if worst is None else worst.budget_left),
                "unknown" if worst is None else worst.name,
                "" if step is None else format_objective(step.below),
                "" if step is None else escape_unprintable(step.consequence),
                "" if step is None else escape_unprintable(", ".join(step.owners)),
            )
        )
    return format_table(rows)


def standing_document(standing: PolicyStanding) -> Json:
    """Return one standing for JSON; null is unknown, or above all steps."""
    worst, step = standing.worst, standing.step
    return {
        "service": standing.service,
        "policy": standing.policy.name,
        "slo": None if worst is None else worst.id,
        "group": None if worst is None else dict(worst.group),
        "budgetLeft": None if worst is None else worst.budget_left,
        "step": None
        if step is None
        else {
            "below": float(step.below),
            "consequence": step.consequence,
            "owners": list(step.owners),
        },
    }
