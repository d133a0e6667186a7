"""How the incidents went: when each began, when it should have paged, and when it did."""

from dataclasses import dataclass, replace

from sloctl.demo.traffic import Incident, Script
from sloctl.demo.truth import Truth
from sloctl.model import Severity, Slo
from sloctl.sidecar.board import Board, Entry
from sloctl.sidecar.verdict import State


@dataclass(frozen=True, slots=True)
class Course:
    """One incident as the sidecar saw it; None is not yet."""

    incident: Incident
    due: float | None = None
    fired: float | None = None
    cleared: float | None = None


class Chronicle:
    """Follows one SLO from board to board."""

    def __init__(self, slo: Slo, script: Script, truth: Truth) -> None:
        self.slo = slo
        self._script = script
        self._truth = truth
        self.courses: list[Course] = []

    def see(self, board: Board) -> None:
        incident = None if board.at is None else self._script.incident(board.at)
        if incident is None:
            return
        if not self.courses or self.courses[-1].incident != incident:
            self.courses.append(Course(incident))
        self.courses[-1] = self._continued(self.courses[-1], board)

    def entry(self, board: Board) -> Entry:
        return next(entry for entry in board.entries if entry.slo == self.slo)

    def _continued(self, course: Course, board: Board) -> Course:
        if course.due is None:
            course = replace(course, due=self._truth.page_due(self.slo, course.incident.begins))
        entry = self.entry(board)
        alert = entry.alert(Severity.PAGE)
        if alert is None or entry.last != board.at:
            return course
        if alert.state is State.FIRING and course.fired is None:
            return replace(course, fired=alert.since)
        if alert.state is State.INACTIVE and course.fired is not None and course.cleared is None:
            return replace(course, cleared=board.at)
        return course
