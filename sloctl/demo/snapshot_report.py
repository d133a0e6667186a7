"""The sidecar's snapshot as a status report, so that the demo's terminal reads as `sloctl status`."""

from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.status.slo_status import STATUS_LOOKBACKS, AlertStatus, SloStatus, StatusReport


def report_snapshot(snapshot: Snapshot) -> StatusReport:
    """Convert all SLOs, in the snapshot's own order, so that lines stay where they are."""
    return StatusReport(snapshot.at, tuple(map(report_slo, snapshot.states)))


def report_slo(state: SloState) -> SloStatus:
    """Convert one SLO, or one group of it."""
    alerts = {alert.severity.value: AlertStatus(alert.state, alert.since) for alert in state.alerts}
    rates = {burn.lookback: burn.burn_rate for burn in state.burns}
    return SloStatus(
        service=state.slo.service,
        name=state.slo.name,
        group=state.group_labels,
        health=state.health,
        stale=state.stale,
        page=alerts.get("page"),
        ticket=alerts.get("ticket"),
        budget_left=state.budget.left,
        burn_rates={lookback: rates.get(lookback) for lookback in STATUS_LOOKBACKS},
        time_to_exhaustion=state.budget.time_to_exhaustion,
    )
