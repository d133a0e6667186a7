"""How the incidents went: when each began, when it should have paged, and when it did."""

from dataclasses import dataclass, replace

from sloctl.demo.ground_truth import GroundTruth
from sloctl.demo.traffic import Incident, IncidentSchedule
from sloctl.model import Severity, Slo
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.slo.health import AlertState


@dataclass(frozen=True, slots=True)
class IncidentTimeline:
    """One incident as the sidecar saw it; None is not yet."""

    incident: Incident
    page_due: float | None = None
    page_fired: float | None = None
    page_cleared: float | None = None


class IncidentRecorder:
    """Follows one SLO from board to board."""

    def __init__(self, slo: Slo, script: IncidentSchedule, truth: GroundTruth) -> None:
        self.slo = slo
        self._script = script
        self._truth = truth
        self.timelines: list[IncidentTimeline] = []

    def record_snapshot(self, board: Snapshot) -> None:
        incident = None if board.at is None else self._script.latest_incident(board.at)
        if incident is None:
            return
        if not self.timelines or self.timelines[-1].incident != incident:
            self.timelines.append(IncidentTimeline(incident))
        self.timelines[-1] = self._update_timeline(self.timelines[-1], board)

    def slo_state(self, board: Snapshot) -> SloState:
        return next(entry for entry in board.states if entry.slo == self.slo)

    def _update_timeline(self, course: IncidentTimeline, board: Snapshot) -> IncidentTimeline:
        if course.page_due is None:
            course = replace(course, page_due=self._truth.page_due(self.slo, course.incident.begins))
        entry = self.slo_state(board)
        alert = entry.alert_for(Severity.PAGE)
        if alert is None or entry.last != board.at:
            return course
        if alert.state is AlertState.FIRING and course.page_fired is None:
            return replace(course, page_fired=alert.since)
        if (
            alert.state is AlertState.INACTIVE
            and course.page_fired is not None
            and course.page_cleared is None
        ):
            return replace(course, page_cleared=board.at)
        return course
