"""Sheet → the answers of the API. Pure: what changes between two boards comes as an argument."""

from collections import Counter
from collections.abc import Iterable, Mapping

from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.engine.candidates import AlertCandidate, alert_candidates
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.api import convert, shapes
from sloctl.sidecar.http.api.encoded_snapshot import EncodedSnapshot
from sloctl.sidecar.http.api.query import Selection
from sloctl.sidecar.sources.scrape.targets import TargetState
from sloctl.slo.health import AlertState
from sloctl.timestamps import format_optional_rfc3339, format_rfc3339


def slo_page(sheet: EncodedSnapshot, selection: Selection) -> shapes.SloPage:
    return shapes.SloPage(
        at=format_optional_rfc3339(sheet.snapshot.at),
        issues=source_issues(sheet.snapshot),
        slos=sheet.encoded_slos(selection.indexes),
        next=selection.next_after,
    )


def slo_groups(sheet: EncodedSnapshot, slo_id: str) -> shapes.SloGroups | None:
    """None where no spec has such an SLO."""
    board = sheet.snapshot
    places = sheet.group_indexes(slo_id)
    refused = next((refusal.reason for refusal in board.unsupported if refusal.slo.id == slo_id), None)
    if not places and refused is None:
        return None
    return shapes.SloGroups(
        format_optional_rfc3339(board.at), source_issues(board), sheet.encoded_slos(places), refused
    )


def firing_alerts(board: Snapshot, *, now: float, watched_since: float) -> shapes.FiringAlerts:
    """What never had data counts as without since *watched_since*; Unix seconds."""
    unread = {entry.slo.id: watched_since for entry in board.states if entry.last is None}
    firing = [claim for claim in alert_candidates(board, now, unread) if claim.state is AlertState.FIRING]
    alerts = sorted(map(_firing_alert, firing), key=_by_severity)
    return shapes.FiringAlerts(format_optional_rfc3339(board.at), tuple(alerts))


def sidecar_status(
    board: Snapshot, *, version: str, started: float, issues: Mapping[str, str]
) -> shapes.Status:
    standings = Counter(entry.health for entry in board.states)
    return shapes.Status(
        version=version,
        started_at=format_rfc3339(started),
        at=format_optional_rfc3339(board.at),
        ready=board.has_data,
        states={name: standings[standing] for standing, name in convert.STATE_NAMES.items()},
        issues=source_issues(board) | dict(issues),
        unsupported=tuple(
            shapes.Unsupported(refusal.slo.id, refusal.reason) for refusal in board.unsupported
        ),
    )


def target_list(states: Iterable[TargetState]) -> shapes.Targets:
    return shapes.Targets(
        tuple(
            shapes.Target(
                url=state.url,
                labels=dict(state.labels),
                up=state.up,
                error=state.error,
                scraped_at=format_optional_rfc3339(state.scraped_at),
                seconds=state.seconds,
                samples=state.samples,
            )
            for state in states
        )
    )


def _firing_alert(claim: AlertCandidate) -> shapes.FiringAlert:
    return shapes.FiringAlert(
        slo=claim.slo_state.slo.id,
        since=format_optional_rfc3339(claim.since),
        stale=claim.slo_state.stale,
        labels=dict(claim.alert_labels(NATIVE_STYLE)),
    )


def _by_severity(alert: shapes.FiringAlert) -> tuple[bool, str, str]:
    return alert.labels[NATIVE_STYLE.severity] != "page", alert.slo, alert.labels["alertname"]


def source_issues(snapshot: Snapshot) -> dict[str, str]:
    """Name the source among what does not work; empty while it can be read."""
    return {} if snapshot.source_issue is None else {"source": snapshot.source_issue}
