"""The board as OpenTelemetry instruments: the values of /metrics, under names after OpenTelemetry's manner.

Name and unit are chosen so that Prometheus's own translation of OTLP gives back the series of /metrics, one
for one: `slo.error_ratio` in `1` is `slo_error_ratio`, `slo.data.age` in `s` is `slo_data_age_seconds`.
Attributes are the labels there.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from math import isinf
from typing import Final, TypeAlias

from sloctl.duration import format_duration
from sloctl.model import Labels
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.component import MetricType
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.slo.health import AlertState

# What one entry gives at Unix time *now*, each with the attributes that come on top.
StateValues: TypeAlias = Callable[[SloState, float], Iterable[tuple[Labels, float]]]
_NO_ATTRIBUTES: Final[Labels] = {}
# Attributes of ours; a group's of the same name moves aside, as on /metrics.
_RESERVED_ATTRIBUTES: Final = frozenset({"lookback", "severity"})


@dataclass(frozen=True, slots=True)
class Instrument:
    """One name, and what each entry of a board gives for it.

    What is a *judgement* is left out once its data are older than the SLO's no-data limit.
    """

    name: str
    unit: str
    description: str
    kind: MetricType
    values: StateValues
    omit_when_stale: bool = True

    def measure_snapshot(self, board: Snapshot, now: float) -> Iterator[tuple[float, Labels]]:
        for entry in board.states:
            if entry.last is None:
                continue
            if self.omit_when_stale and now > entry.last + entry.slo.alerting.no_data_after:
                continue
            for more, value in self.values(entry, now):
                yield value, {**series_attributes(entry), **more}


def series_attributes(entry: SloState) -> Labels:
    """The identity labels and those of the group."""
    group = {
        f"exported_{name}" if name in _RESERVED_ATTRIBUTES else name: it
        for name, it in entry.group_labels.items()
    }
    return {**NATIVE_STYLE.identity_labels(entry.slo), **group}


def _events(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    yield _NO_ATTRIBUTES, entry.events


def _errors(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    yield _NO_ATTRIBUTES, entry.errors


def _error_ratios(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    for burn in entry.burns:
        if burn.error_ratio is not None:
            yield {"lookback": format_duration(burn.lookback)}, burn.error_ratio


def _burn_rates(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    for burn in entry.burns:
        if burn.burn_rate is not None:
            yield {"lookback": format_duration(burn.lookback)}, burn.burn_rate


def _left(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    if entry.budget.left is not None:
        yield _NO_ATTRIBUTES, entry.budget.left


def _seconds_to_exhaustion(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    seconds = entry.budget.time_to_exhaustion
    if seconds is not None and not isinf(seconds):
        yield _NO_ATTRIBUTES, seconds


def _alerts_firing(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    for alert in entry.alerts:
        if alert.state is not AlertState.UNKNOWN:
            yield {"severity": alert.severity.value}, float(alert.state is AlertState.FIRING)


def _age(entry: SloState, now: float) -> Iterator[tuple[Labels, float]]:
    if entry.last is not None:
        yield _NO_ATTRIBUTES, now - entry.last


INSTRUMENTS: Final = (
    Instrument(
        "slo.events", "{event}", "Events counted.", MetricType.COUNTER, _events, omit_when_stale=False
    ),
    Instrument(
        "slo.error_events",
        "{event}",
        "Bad events counted.",
        MetricType.COUNTER,
        _errors,
        omit_when_stale=False,
    ),
    Instrument(
        "slo.error_ratio", "1", "Bad events per event over a lookback.", MetricType.GAUGE, _error_ratios
    ),
    Instrument(
        "slo.burn_rate",
        "",
        "Times faster than sustainable that the budget burns over a lookback.",
        MetricType.GAUGE,
        _burn_rates,
    ),
    Instrument(
        "slo.error_budget.remaining",
        "1",
        "Share of the error budget left; negative when overspent.",
        MetricType.GAUGE,
        _left,
    ),
    Instrument(
        "slo.time_to_exhaustion",
        "s",
        "Until the budget is gone at this burn; absent where nothing burns.",
        MetricType.GAUGE,
        _seconds_to_exhaustion,
    ),
    Instrument(
        "slo.alert.firing", "", "Whether the page or the ticket fires.", MetricType.GAUGE, _alerts_firing
    ),
    Instrument(
        "slo.data.age",
        "s",
        "Age of the newest data behind these numbers.",
        MetricType.GAUGE,
        _age,
        omit_when_stale=False,
    ),
)
