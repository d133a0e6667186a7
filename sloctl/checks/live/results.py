"""What a live check returns."""

from collections.abc import Callable, Iterator
from enum import Enum
from typing import TypeAlias

from msgspec import Struct

from sloctl.checks.findings import CheckFinding
from sloctl.checks.live.server import LiveServer
from sloctl.naming import LabelStyle
from sloctl.problems import ProblemLevel
from sloctl.spec.reader import LocatedSlo
from sloctl.spec.yaml_nodes import Node


class Certainty(Enum):
    """How much an answer proves: the data do, most likely, or a rule of thumb."""

    CERTAIN = "certain"
    LIKELY = "likely"
    GUESS = "a guess"


class Outcome(Enum):
    """What a check has come to; unknown is not passed."""

    PASSED = "ok"
    FAILED = "failed"
    UNKNOWN = "unknown"


class LiveResult(Struct, frozen=True):
    """What one check saw; *finding* is the problem of one that failed."""

    slo_id: str
    check: str
    outcome: Outcome
    certainty: Certainty
    seen: str
    finding: CheckFinding | None = None


class LiveQuestion(Struct, frozen=True):
    """An SLO to be checked, whom to ask, and under which labels its rules are compiled."""

    located: LocatedSlo
    server: LiveServer
    style: LabelStyle


LiveCheck: TypeAlias = Callable[[LiveQuestion], Iterator[LiveResult]]


def passed(
    question: LiveQuestion, check: str, seen: str, certainty: Certainty = Certainty.CERTAIN
) -> LiveResult:
    return LiveResult(question.located.slo.id, check, Outcome.PASSED, certainty, seen)


def unknown(question: LiveQuestion, check: str, why: str) -> LiveResult:
    return LiveResult(question.located.slo.id, check, Outcome.UNKNOWN, Certainty.GUESS, why)


def failed(  # noqa: PLR0913 - a finding in all its parts
    question: LiveQuestion,
    check: str,
    seen: str,
    *,
    node: Node,
    code: str,
    certainty: Certainty = Certainty.CERTAIN,
    level: ProblemLevel = ProblemLevel.WARNING,
    part: str = "",
) -> LiveResult:
    """Make the result of a check that failed, with its problem at *node*, which says how sure it is."""
    finding = CheckFinding(node, code, f"{seen} ({certainty.value})", level, part)
    return LiveResult(question.located.slo.id, check, Outcome.FAILED, certainty, seen, finding)
