"""Error budget policies: what is agreed to happen when little of a budget is left."""

from fractions import Fraction

from msgspec import Struct


class BudgetStep(Struct, frozen=True):
    """A consequence that holds while less than *below*, a share, is left of a budget."""

    below: Fraction
    consequence: str
    owners: tuple[str, ...]


class BudgetPolicy(Struct, frozen=True):
    """Steps from the highest threshold down; *services* are those it holds for, all where there are none."""

    name: str
    services: tuple[str, ...]
    steps: tuple[BudgetStep, ...]

    def step_at(self, budget_left: float | None) -> BudgetStep | None:
        """Return the lowest step that *budget_left* is below; None above all, and where it is unknown."""
        if budget_left is None:
            return None
        below = [step for step in self.steps if budget_left < float(step.below)]
        return min(below, key=lambda step: step.below, default=None)


def policies_of_service(policies: tuple[BudgetPolicy, ...], service: str) -> tuple[BudgetPolicy, ...]:
    """Return the policies that name *service*, else those for all services."""
    named = tuple(policy for policy in policies if service in policy.services)
    return named or tuple(policy for policy in policies if not policy.services)
