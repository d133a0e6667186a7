"""The timeline of each incident: when it began, when it should have paged, and when it did."""

from dataclasses import dataclass, replace

from sloctl.demo.ground_truth import GroundTruth
from sloctl.demo.traffic import Incident, IncidentSchedule
from sloctl.model import Severity, Slo
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.slo.health import AlertState


@dataclass(frozen=True, slots=True)
class IncidentTimeline:
    """The moments of one incident, as the sidecar saw it; None is not yet."""

    incident: Incident
    page_due: float | None = None
    page_fired: float | None = None
    page_cleared: float | None = None


class IncidentRecorder:
    """The timelines of one SLO, followed from snapshot to snapshot."""

    def __init__(self, slo: Slo, schedule: IncidentSchedule, truth: GroundTruth) -> None:
        self.slo = slo
        self._schedule = schedule
        self._truth = truth
        self.timelines: list[IncidentTimeline] = []

    def record_snapshot(self, snapshot: Snapshot) -> None:
        """Note what has happened to the incident by *snapshot*; nothing before the first incident."""
        incident = None if snapshot.at is None else self._schedule.latest_incident(snapshot.at)
        if incident is None:
            return
        if not self.timelines or self.timelines[-1].incident != incident:
            self.timelines.append(IncidentTimeline(incident))
        timeline = self.timelines[-1]
        if timeline.page_due is None:
            timeline = replace(timeline, page_due=self._truth.page_due(self.slo, incident.begins))
        state = self.slo_state(snapshot)
        alert = state.alert_for(Severity.PAGE)
        if alert is not None and state.last == snapshot.at:
            if alert.state is AlertState.FIRING and timeline.page_fired is None:
                timeline = replace(timeline, page_fired=alert.since)
            elif alert.state is AlertState.INACTIVE and timeline.page_fired is not None:
                timeline = replace(timeline, page_cleared=timeline.page_cleared or snapshot.at)
        self.timelines[-1] = timeline

    def slo_state(self, snapshot: Snapshot) -> SloState:
        return next(state for state in snapshot.states if state.slo == self.slo)
