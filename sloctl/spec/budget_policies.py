"""A document of kind BudgetPolicy: what is agreed to happen when little of a budget is left."""

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from msgspec import Meta, field

from sloctl.slo.budget_policy import BudgetPolicy, BudgetStep
from sloctl.spec import values
from sloctl.spec.field_types import Fields, Name, Percentage
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node

KIND: Final = "BudgetPolicy"
_OWNERS: Final = "Who sees to it, as people or teams are called."


class PolicyStep(Fields, frozen=True, kw_only=True):
    """A consequence, and below which share of the budget left it holds."""

    below: Annotated[
        Percentage,
        Meta(description="Less of the budget is left; 0% is overspent.", examples=["20%"]),
    ]
    consequence: Annotated[str, Meta(description="What happens then, in a sentence.", min_length=1)]
    owners: Annotated[list[str], Meta(description=f"{_OWNERS} By default those of the policy.")] = field(
        default_factory=list
    )


class BudgetPolicySpec(Fields, frozen=True, kw_only=True):
    """For whom the policy holds, and its steps."""

    services: Annotated[list[Name], Meta(description="By name; without any it is for all.")] = field(
        default_factory=list
    )
    owners: Annotated[list[str], Meta(description=_OWNERS)] = field(default_factory=list)
    steps: Annotated[list[PolicyStep], Meta(description="In any order.", min_length=1)]


class BudgetPolicyMetadata(Fields, frozen=True, kw_only=True):
    """The name of the policy."""

    name: Annotated[Name, Meta(description="What people call it.", examples=["standard"])]


class BudgetPolicyDocument(Fields, frozen=True, kw_only=True):
    """An error budget policy."""

    api_version: Annotated[Literal["sloctl.dev/v1"], Meta(description="The version of this format.")]
    kind: Annotated[Literal["BudgetPolicy"], Meta(description="What this document is.")]
    metadata: BudgetPolicyMetadata
    spec: BudgetPolicySpec


def read_budget_policies(documents: Iterable[Node], findings: Findings) -> tuple[BudgetPolicy, ...]:
    """Read policies; those with errors are left out after a problem, and so is a second one of a name."""
    policies: dict[str, BudgetPolicy] = {}
    for document in documents:
        policy = read_budget_policy(document, findings)
        if policy is None:
            continue
        if policy.name in policies:
            message = f"there is another budget policy {policy.name}: rename one of them"
            findings.add_violation(Violation("duplicate-policy", message), document.at("metadata", "name"))
            continue
        policies[policy.name] = policy
    return tuple(policies.values())


def read_budget_policy(document: Node, findings: Findings) -> BudgetPolicy | None:
    """Read one policy; None after noting what is wrong with it."""
    errors = findings.error_count
    conforming, node = convert_node(document, BudgetPolicyDocument, findings)
    if conforming is None:
        return None
    name, spec = conforming.metadata.name, conforming.spec
    findings.accept_value(values.parse_name(name, of="a policy name"), node.at("metadata", "name"))
    steps: dict[str, BudgetStep] = {}
    for step, item in zip(spec.steps, node.at("spec", "steps").items, strict=True):
        below = findings.accept_value(values.parse_budget_left(step.below), item.at("below"))
        if below is None:
            continue
        if any(below == other.below for other in steps.values()):
            message = f"another step is below {step.below} already: join the two"
            findings.add_violation(Violation("budget-step", message), item.at("below"))
        steps[step.below] = BudgetStep(below, step.consequence, tuple(step.owners or spec.owners))
    if findings.error_count > errors:
        return None
    in_order = sorted(steps.values(), key=lambda step: step.below, reverse=True)
    return BudgetPolicy(name, tuple(spec.services), tuple(in_order))
