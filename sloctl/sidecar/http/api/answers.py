"""Convert a snapshot, or what the sidecar knows of itself, to the API's shapes. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from math import isinf
from typing import cast

from sloctl.duration import format_duration
from sloctl.model import CalendarWindow, Slo
from sloctl.naming import NATIVE_STYLE, lookback_name, window_name
from sloctl.sidecar.component import ReloadResult
from sloctl.sidecar.engine.candidates import alert_candidates
from sloctl.sidecar.engine.evaluation import AlertEvaluation, BudgetState, PeriodProgress
from sloctl.sidecar.engine.excluded import ExclusionState
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.http.api import shapes
from sloctl.sidecar.sources.scrape.targets import TargetState
from sloctl.slo.health import AlertState, Health
from sloctl.timestamps import format_optional_rfc3339, format_rfc3339


def slo_page(snapshot: Snapshot, slos: tuple[shapes.Slo, ...], next_after: str | None) -> shapes.SloPage:
    at = format_optional_rfc3339(snapshot.at)
    return shapes.SloPage(at, _source_issues(snapshot), slos, next_after)


def slo_groups(snapshot: Snapshot, slo_id: str, groups: tuple[shapes.Slo, ...]) -> shapes.SloGroups | None:
    """Give *groups*, or the reason why there are none; None where no spec has such an SLO."""
    reason = snapshot.unsupported_reason(slo_id)
    if not groups and reason is None:
        return None
    at = format_optional_rfc3339(snapshot.at)
    return shapes.SloGroups(at, _source_issues(snapshot), groups, reason)


def firing_alerts(snapshot: Snapshot, *, now: float, watched_since: float) -> shapes.FiringAlerts:
    """Give all that fires, pages first.

    An SLO that was never read has had no data since *watched_since*; times are Unix seconds.
    """
    unread = {state.slo.id: watched_since for state in snapshot.states if state.last is None}
    alerts = [
        shapes.FiringAlert(
            slo=candidate.slo_state.slo.id,
            since=format_optional_rfc3339(candidate.since),
            stale=candidate.slo_state.stale,
            labels=dict(candidate.alert_labels(NATIVE_STYLE)),
        )
        for candidate in alert_candidates(snapshot, now, unread)
        if candidate.state is AlertState.FIRING
    ]
    alerts.sort(
        key=lambda alert: (
            alert.labels[NATIVE_STYLE.severity] != "page",
            alert.slo,
            alert.labels["alertname"],
        )
    )
    return shapes.FiringAlerts(format_optional_rfc3339(snapshot.at), tuple(alerts))


def sidecar_status(
    snapshot: Snapshot, *, version: str, started_at: float, issues: Mapping[str, str]
) -> shapes.Status:
    counts = Counter(state.health for state in snapshot.states)
    counts[Health.UNKNOWN] += len(snapshot.unsupported)
    return shapes.Status(
        version=version,
        started_at=format_rfc3339(started_at),
        at=format_optional_rfc3339(snapshot.at),
        ready=snapshot.has_data,
        states={_state_name(health): counts[health] for health in Health},
        issues=_source_issues(snapshot) | dict(issues),
        unsupported=tuple(shapes.Unsupported(each.slo.id, each.reason) for each in snapshot.unsupported),
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


def reload_outcome(result: ReloadResult) -> shapes.ReloadOutcome:
    return shapes.ReloadOutcome(
        at=format_rfc3339(result.at),
        in_force=result.is_in_force,
        problems=tuple(
            shapes.SpecProblem(
                path=problem.place.path,
                line=problem.place.line,
                column=problem.place.column,
                code=problem.code,
                message=problem.message,
                level=problem.level.value,
            )
            for problem in result.problems
        ),
    )


def convert_slo(state: SloState) -> shapes.Slo:
    slo = state.slo
    return shapes.Slo(
        id=slo.id,
        service=slo.service,
        name=slo.name,
        description=slo.description,
        labels=dict(slo.labels),
        group=dict(state.group_labels),
        overflow=state.is_overflow,
        objective=float(slo.objective),
        window=window_name(slo.window),
        state=_state_name(state.health),
        stale=state.stale,
        since=format_optional_rfc3339(state.since),
        last_data=format_optional_rfc3339(state.last),
        budget=_convert_budget(state.budget, slo),
        lookbacks=tuple(
            shapes.Burn(
                lookback=lookback_name(slo.window, burn.lookback),
                errors=burn.counts.error if burn.counts else None,
                events=burn.counts.total if burn.counts else None,
                error_ratio=burn.error_ratio,
                burn_rate=burn.burn_rate,
                covered_seconds=burn.covered_seconds,
            )
            for burn in state.burns
        ),
        alerts=tuple(map(_convert_alert, state.alerts)),
        contributors=tuple(
            shapes.Contributor(
                label=each.label,
                value=each.value,
                lookback=format_duration(each.lookback),
                errors=each.errors,
                share_of_errors=each.share_of_errors,
                share_of_traffic=each.share_of_traffic,
            )
            for each in state.contributors
        ),
        exclusions=None if state.excluded is None else _convert_exclusions(state.excluded),
        outside_service_hours_until=format_optional_rfc3339(state.outside_until),
    )


def _convert_exclusions(excluded: ExclusionState) -> shapes.Exclusions:
    return shapes.Exclusions(
        times=tuple(
            shapes.ExcludedTime(
                reason=span.exclusion.reason,
                start=None if span.exclusion.is_reset else format_rfc3339(span.start),
                end=format_rfc3339(span.end),
                effect=span.exclusion.effect.value,
                by=span.exclusion.by,
                link=span.exclusion.link,
                active=span in excluded.active_spans,
            )
            for span in excluded.spans
        ),
        error_ratio_with_excluded=excluded.window_burn.error_ratio,
        budget_left_with_excluded=excluded.budget_left,
    )


def _convert_budget(budget: BudgetState, slo: Slo) -> shapes.Budget:
    seconds, steady_seconds = budget.time_to_exhaustion, budget.steady_time_to_exhaustion
    return shapes.Budget(
        left=budget.left,
        covered_seconds=budget.covered_seconds,
        events_left=budget.events_left,
        exhausted=budget.is_exhausted,
        exhausting=budget.exhausts_within(slo.alerting.exhausting_within),
        burning=None if seconds is None else not isinf(seconds),
        time_to_exhaustion=None if seconds is None or isinf(seconds) else seconds,
        steady_lookback=lookback_name(slo.window, budget.steady_burn.lookback),
        steady_time_to_exhaustion=(
            None if steady_seconds is None or isinf(steady_seconds) else steady_seconds
        ),
        period=_convert_period(budget.progress, slo),
    )


def _convert_period(progress: PeriodProgress | None, slo: Slo) -> shapes.Period | None:
    if progress is None or not isinstance(slo.window, CalendarWindow):
        return None
    return shapes.Period(
        start=format_rfc3339(progress.span.start),
        end=format_rfc3339(progress.span.end),
        time_zone=slo.window.time_zone,
        remaining_seconds=progress.remaining_seconds,
        even_budget_left=progress.even_budget_left,
    )


def _convert_alert(alert: AlertEvaluation) -> shapes.Alert:
    return shapes.Alert(
        severity=alert.severity.value,
        state=alert.state.value,
        since=format_optional_rfc3339(alert.since),
        stopped_at=None if alert.recovery is None else format_rfc3339(alert.recovery.stopped_at),
        clears_at=None if alert.recovery is None else format_rfc3339(alert.recovery.clears_at),
        rows=tuple(
            shapes.Row(
                state=row.state.value,
                factor=float(row.factor),
                long=format_duration(row.policy_row.long),
                long_burn_rate=row.long.burn_rate,
                short=format_duration(row.policy_row.short),
                short_burn_rate=row.short.burn_rate,
            )
            for row in alert.rows
        ),
    )


def _state_name(health: Health) -> shapes.StateName:
    return cast("shapes.StateName", health.key)


def _source_issues(snapshot: Snapshot) -> dict[str, str]:
    """Name the source among what does not work; empty while it can be read."""
    return {} if snapshot.source_issue is None else {"source": snapshot.source_issue}
