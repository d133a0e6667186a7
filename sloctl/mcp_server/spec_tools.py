"""Tools about specs, which ask no server: what one means, what is wrong with it, what an outage would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isinf
from typing import Annotated, Final, TypeAlias

from pydantic import Field

from sloctl.checks.review import review_specs
from sloctl.explain.text_report import render_text
from sloctl.explain.timeline import DelayRange, OutageAlert, explain_slo
from sloctl.mcp_server import answers
from sloctl.mcp_server.answers import (
    Explanation,
    OutageAlertAnswer,
    OutageAnswer,
    Simulation,
    ToolRefused,
    Validation,
    answer_problems,
    plain_text,
)
from sloctl.mcp_server.live_tools import Name
from sloctl.model import Slo
from sloctl.problems import ProblemLevel
from sloctl.simulate.outage import OutageSimulation, simulate_slo
from sloctl.simulate.shapes import DEFAULT_SHAPES, parse_shape
from sloctl.spec import ParsedSpecs, ReadingOptions, read_specs

# What a text is called in problems: no tool reads a file.
_TEXT_NAME: Final = "spec.yaml"
_MOST_LETTERS: Final = 200_000
GivenText: TypeAlias = Annotated[
    str, Field(max_length=_MOST_LETTERS, description="the YAML itself, never a path")
]
SpecText: TypeAlias = Annotated[
    str, Field(max_length=_MOST_LETTERS, description="the YAML itself, never a path; empty: the server's own")
]
WantedSlo: TypeAlias = Annotated[
    Name, Field(description="SERVICE/NAME; may be empty where there is only one")
]


@dataclass(frozen=True, slots=True)
class SpecTools:
    """The tools over the SLOs that the server was started with; *today* is a day as in `2027-01-01`."""

    slos: Sequence[Slo]
    today: str

    def validate_spec(self, spec: GivenText) -> Validation:
        """Check a spec and say, at the right line, what is wrong with it."""
        specs = self._read_text(spec)
        problems = review_specs(specs, {_TEXT_NAME: spec.encode()}, today=self.today)
        return Validation(
            is_valid=not any(problem.level is ProblemLevel.ERROR for problem in problems),
            slos=[plain_text(slo.id) for slo in specs.slos[: answers.MOST_SLOS]],
            problems=answer_problems(problems),
            left_out=max(0, len(problems) - answers.MOST_PROBLEMS),
        )

    def explain_slo(self, slo: WantedSlo = "", spec: SpecText = "") -> Explanation:
        """Say in plain words what an SLO means: its events, its budget, when each alert fires."""
        found = self.find_slo(slo, spec)
        explanation = explain_slo(found)
        return Explanation(
            slo=plain_text(found.id),
            objective=float(found.objective),
            budget=float(found.budget),
            full_outage_seconds=explanation.full_outage_seconds,
            text=render_text(explanation)[: answers.MOST_TEXT],
        )

    def simulate(
        self,
        slo: WantedSlo = "",
        outages: Annotated[
            list[Annotated[str, Field(max_length=40)]],
            Field(max_length=6, description="of 50%, ramp:1h, flap:2m/10m; empty: six of them"),
        ] = [],  # noqa: B006 - the SDK reads the default, and nothing changes it
        spec: SpecText = "",
    ) -> Simulation:
        """Play outages to an SLO: when each alert fires, what is spent by then, when it is quiet again."""
        found = self.find_slo(slo, spec)
        try:
            shapes = tuple(map(parse_shape, outages)) or DEFAULT_SHAPES
        except ValueError as wrong:
            raise ToolRefused(plain_text(str(wrong))) from None
        return Simulation(
            plain_text(found.id), [_answer_outage(each) for each in simulate_slo(found, shapes).outages]
        )

    def find_slo(self, name: str, spec: str) -> Slo:
        """Find an SLO by its id in *spec*, else in the server's own; raise ToolRefused."""
        slos = self._valid_slos(spec) if spec else self.slos
        if not slos:
            raise ToolRefused("give the spec as text: the server was started without specs")
        found = slos if not name and len(slos) == 1 else [slo for slo in slos if slo.id == name]
        if len(found) != 1:
            known = ", ".join(plain_text(slo.id) for slo in slos[: answers.MOST_SLOS])
            raise ToolRefused(f"name one SLO of these: {known}")
        return found[0]

    def _valid_slos(self, spec: str) -> Sequence[Slo]:
        specs = self._read_text(spec)
        errors = [problem for problem in specs.problems if problem.level is ProblemLevel.ERROR]
        if errors:
            raise ToolRefused(
                f"the spec is wrong, validate_spec says where; first: {plain_text(str(errors[0]))}"
            )
        return specs.slos

    def _read_text(self, spec: str) -> ParsedSpecs:
        return read_specs([(_TEXT_NAME, spec.encode())], ReadingOptions(today=self.today))


def _answer_outage(outage: OutageSimulation) -> OutageAnswer:
    gone = outage.exhausted_after
    return OutageAnswer(
        outage.shape.describe(),
        None if isinf(gone) else gone,
        [_answer_alert(each) for each in outage.alerts],
    )


def _answer_alert(alert: OutageAlert) -> OutageAlertAnswer:
    fires = alert.fires_after
    return OutageAlertAnswer(
        alert=alert.alert_name,
        severity=alert.severity.value,
        fires_after_seconds=_latest(fires),
        budget_spent_by_then=None if fires.is_never else alert.budget_spent[1],
        resolves_after_seconds=None if alert.resolves_after is None else _latest(alert.resolves_after),
    )


def _latest(delay: DelayRange) -> float | None:
    return None if delay.is_never else delay.latest
