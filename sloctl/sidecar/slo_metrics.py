"""The metrics of SLOs, once for /metrics and for OTLP: names, descriptions, and the number behind each.

What is not known is absent. Of an SLO without data for longer than its no-data limit only its counters and
the age of its data are left: old numbers never look like new ones.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import isinf
from typing import Final, Literal, TypeAlias

from sloctl.model import Labels, Window
from sloctl.naming import NATIVE_STYLE, lookback_name
from sloctl.sidecar.component import MetricType
from sloctl.sidecar.engine.excluded import ExclusionState
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.slo.health import AlertState, Health

LabelPairs: TypeAlias = tuple[tuple[str, str], ...]
# The known numbers of a state at Unix time now, each with the labels that it has besides those of the SLO.
StateValues: TypeAlias = Callable[[SloState, float], Iterable[tuple[LabelPairs, float]]]

# Labels of ours; one of a group with the same name moves aside, as Prometheus does it.
_RESERVED_LABELS: Final = frozenset({"lookback", "severity"})


@dataclass(frozen=True, slots=True, eq=False)
class MetricFamily:
    """All samples of one name, which for a counter ends in `_total`."""

    name: str
    help: str
    kind: MetricType


@dataclass(frozen=True, slots=True, eq=False)
class SloMetric(MetricFamily):
    """A number, or one for each lookback or severity, of every SLO and group.

    Prometheus's own translation of OTLP makes *name* of *otel_name* and *unit*.
    """

    otel_name: str
    unit: str
    values: StateValues
    omit_when_old: bool = True

    def known_values(self, state: SloState, now: float) -> Iterable[tuple[LabelPairs, float]]:
        """Give the numbers as of *now* (Unix seconds), none where they are not known or too old."""
        if state.last is None or (self.omit_when_old and now > state.last + state.slo.alerting.no_data_after):
            return ()
        return self.values(state, now)

    def measure_snapshot(self, snapshot: Snapshot, now: float) -> Iterator[tuple[Labels, float]]:
        """Give every sample with all of its labels."""
        for state in snapshot.states:
            for extra, value in self.known_values(state, now):
                yield dict((*slo_label_pairs(state), *extra)), value


def slo_label_pairs(state: SloState) -> LabelPairs:
    """Give the identity labels and those of the group."""
    group = state.group_labels.items()
    return (
        *NATIVE_STYLE.identity_labels(state.slo).items(),
        *((f"exported_{name}" if name in _RESERVED_LABELS else name, value) for name, value in group),
    )


def _error_ratios(state: SloState, _: float) -> list[tuple[LabelPairs, float]]:
    return [
        (_lookback_label(state.slo.window, burn.lookback), burn.error_ratio)
        for burn in state.burns
        if burn.error_ratio is not None
    ]


def _burn_rates(state: SloState, _: float) -> list[tuple[LabelPairs, float]]:
    return [
        (_lookback_label(state.slo.window, burn.lookback), burn.burn_rate)
        for burn in state.burns
        if burn.burn_rate is not None
    ]


@lru_cache
def _lookback_label(window: Window, lookback: int) -> LabelPairs:
    return (("lookback", lookback_name(window, lookback)),)


def _period_edges(state: SloState, edge: Literal["start", "end"]) -> tuple[tuple[LabelPairs, float], ...]:
    progress = state.budget.progress
    return () if progress is None else (((), float(getattr(progress.span, edge))),)


def _with_excluded(
    state: SloState, number: Callable[[ExclusionState], float | None]
) -> tuple[tuple[LabelPairs, float], ...]:
    value = None if state.excluded is None else number(state.excluded)
    return () if value is None else (((), value),)


def _seconds_to_exhaustion(state: SloState, _: float) -> Iterator[tuple[LabelPairs, float]]:
    seconds = state.budget.time_to_exhaustion
    if seconds is not None and not isinf(seconds):
        yield (), seconds


def _firing_alerts(state: SloState, _: float) -> Iterator[tuple[LabelPairs, float]]:
    for alert in state.alerts:
        if alert.state is not AlertState.UNKNOWN:
            yield (("severity", alert.severity.value),), float(alert.state is AlertState.FIRING)


# Of the spec, so on /metrics alone.
SLO_INFO: Final = MetricFamily("slo_info", "What the spec says of the SLO; always 1.", MetricType.GAUGE)
DATA_AGE: Final = SloMetric(
    "slo_data_age_seconds",
    "Age of the newest data behind these numbers.",
    MetricType.GAUGE,
    "slo.data.age",
    "s",
    lambda state, now: () if state.last is None else (((), now - state.last),),
    omit_when_old=False,
)
SLO_METRICS: Final = (
    SloMetric(
        "slo_events_total",
        "Events counted.",
        MetricType.COUNTER,
        "slo.events",
        "{event}",
        lambda state, _: (((), state.events),),
        omit_when_old=False,
    ),
    SloMetric(
        "slo_error_events_total",
        "Bad events counted.",
        MetricType.COUNTER,
        "slo.error_events",
        "{event}",
        lambda state, _: (((), state.errors),),
        omit_when_old=False,
    ),
    SloMetric(
        "slo_error_ratio",
        "Bad events per event over a lookback.",
        MetricType.GAUGE,
        "slo.error_ratio",
        "1",
        _error_ratios,
    ),
    SloMetric(
        "slo_burn_rate",
        "Times faster than sustainable that the budget burns over a lookback.",
        MetricType.GAUGE,
        "slo.burn_rate",
        "",
        _burn_rates,
    ),
    SloMetric(
        "slo_error_budget_remaining_ratio",
        "Share of the error budget left, by the events of a whole window; negative when overspent.",
        MetricType.GAUGE,
        "slo.error_budget.remaining",
        "1",
        lambda state, _: () if state.budget.left is None else (((), state.budget.left),),
    ),
    SloMetric(
        "slo_error_budget_remaining_with_excluded_ratio",
        "The same with what exclusions leave out; absent without an exclusion.",
        MetricType.GAUGE,
        "slo.error_budget.remaining_with_excluded",
        "1",
        lambda state, _: _with_excluded(state, lambda excluded: excluded.budget_left),
    ),
    SloMetric(
        "slo_window_error_ratio_with_excluded",
        "Bad events per event over the window, with what exclusions leave out; absent without an exclusion.",
        MetricType.GAUGE,
        "slo.window.error_ratio_with_excluded",
        "",
        lambda state, _: _with_excluded(state, lambda excluded: excluded.window_burn.error_ratio),
    ),
    SloMetric(
        "slo_exclusion_active",
        "Whether a time holds in which errors do not count; absent without an exclusion.",
        MetricType.GAUGE,
        "slo.exclusion.active",
        "",
        lambda state, _: _with_excluded(state, lambda excluded: float(bool(excluded.active_spans))),
    ),
    SloMetric(
        "slo_outside_service_hours_until_timestamp_seconds",
        "Outside the service hours, when they begin again; absent within them.",
        MetricType.GAUGE,
        "slo.outside_service_hours_until",
        "s",
        lambda state, _: () if state.outside_until is None else (((), float(state.outside_until)),),
    ),
    SloMetric(
        "slo_covered_seconds",
        "How much of the window was watched; no number here knows more.",
        MetricType.GAUGE,
        "slo.covered",
        "s",
        lambda state, _: (((), state.budget.covered_seconds),),
    ),
    SloMetric(
        "slo_period_start_timestamp_seconds",
        "When the running period of a calendar window began; absent for other windows.",
        MetricType.GAUGE,
        "slo.period.start.timestamp",
        "s",
        lambda state, _: _period_edges(state, "start"),
    ),
    SloMetric(
        "slo_period_end_timestamp_seconds",
        "When the running period of a calendar window ends; absent for other windows.",
        MetricType.GAUGE,
        "slo.period.end.timestamp",
        "s",
        lambda state, _: _period_edges(state, "end"),
    ),
    SloMetric(
        "slo_time_to_exhaustion_seconds",
        "Until the budget is gone at the burn of the last five minutes; absent where nothing burns.",
        MetricType.GAUGE,
        "slo.time_to_exhaustion",
        "s",
        _seconds_to_exhaustion,
    ),
    SloMetric(
        "slo_alert_firing",
        "Whether the page or the ticket fires.",
        MetricType.GAUGE,
        "slo.alert.firing",
        "",
        _firing_alerts,
    ),
    SloMetric(
        "slo_burning",
        "Whether the budget burns towards an alert, and none fires yet: the state of that name.",
        MetricType.GAUGE,
        "slo.burning",
        "",
        lambda state, _: (((), float(state.health is Health.BURNING)),),
    ),
    DATA_AGE,
)
