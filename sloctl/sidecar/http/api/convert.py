"""Board → the API's shapes."""

from math import isinf

from sloctl.duration import format_duration
from sloctl.sidecar.component import ReloadResult
from sloctl.sidecar.engine.contributors import Contributor
from sloctl.sidecar.engine.evaluation import AlertEvaluation, AlertRow, BudgetState, LookbackBurn
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.http.api import shapes
from sloctl.slo.health import Health
from sloctl.timestamps import format_optional_rfc3339, format_rfc3339

STATE_NAMES: dict[Health, shapes.StateName] = {
    Health.PAGING: "paging",
    Health.TICKETED: "ticketed",
    Health.EXHAUSTED: "exhausted",
    Health.EXHAUSTING: "exhausting",
    Health.UNKNOWN: "unknown",
    Health.FINE: "fine",
}


def convert_slo(entry: SloState) -> shapes.Slo:
    slo = entry.slo
    return shapes.Slo(
        id=slo.id,
        service=slo.service,
        name=slo.name,
        description=slo.description,
        labels=dict(slo.labels),
        group=dict(entry.group_labels),
        overflow=entry.is_overflow,
        objective=float(slo.objective),
        window=format_duration(slo.window.seconds),
        state=STATE_NAMES[entry.health],
        stale=entry.stale,
        since=format_optional_rfc3339(entry.since),
        last_data=format_optional_rfc3339(entry.last),
        budget=_convert_budget(entry.budget, slo.alerting.exhausting_within),
        lookbacks=tuple(map(_convert_burn, entry.burns)),
        alerts=tuple(map(_convert_alert, entry.alerts)),
        contributors=tuple(map(_convert_contributor, entry.contributors)),
    )


def reload_outcome(reloaded: ReloadResult) -> shapes.ReloadOutcome:
    return shapes.ReloadOutcome(
        at=format_rfc3339(reloaded.at),
        in_force=reloaded.is_in_force,
        problems=tuple(
            shapes.SpecProblem(
                path=problem.place.path,
                line=problem.place.line,
                column=problem.place.column,
                code=problem.code,
                message=problem.message,
                level=problem.level.value,
            )
            for problem in reloaded.problems
        ),
    )


def _convert_budget(budget: BudgetState, exhausting_within: int) -> shapes.Budget:
    seconds = budget.time_to_exhaustion
    burning = seconds is not None and not isinf(seconds)
    return shapes.Budget(
        left=budget.left,
        events_left=budget.events_left,
        exhausted=budget.is_exhausted,
        exhausting=budget.exhausts_within(exhausting_within),
        burning=None if seconds is None else burning,
        seconds_to_exhaustion=seconds if burning else None,
    )


def _convert_burn(burn: LookbackBurn) -> shapes.Burn:
    return shapes.Burn(
        lookback=format_duration(burn.lookback),
        errors=burn.counts.error if burn.counts else None,
        events=burn.counts.total if burn.counts else None,
        error_ratio=burn.error_ratio,
        burn_rate=burn.burn_rate,
        covered_seconds=burn.covered_seconds,
    )


def _convert_contributor(burning: Contributor) -> shapes.Contributor:
    return shapes.Contributor(
        label=burning.label,
        value=burning.value,
        lookback=format_duration(burning.lookback),
        errors=burning.errors,
        share_of_errors=burning.share_of_errors,
        share_of_traffic=burning.share_of_traffic,
    )


def _convert_alert(alert: AlertEvaluation) -> shapes.Alert:
    return shapes.Alert(
        severity=alert.severity.value,
        state=alert.state.value,
        since=format_optional_rfc3339(alert.since),
        rows=tuple(map(_row, alert.rows)),
    )


def _row(verdict: AlertRow) -> shapes.Row:
    return shapes.Row(
        state=verdict.state.value,
        factor=float(verdict.factor),
        long=format_duration(verdict.policy_row.long),
        long_burn_rate=verdict.long.burn_rate,
        short=format_duration(verdict.policy_row.short),
        short_burn_rate=verdict.short.burn_rate,
    )
