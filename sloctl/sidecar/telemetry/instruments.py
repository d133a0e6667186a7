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
from sloctl.sidecar.board import SloState, Snapshot
from sloctl.sidecar.parts import Kind
from sloctl.sidecar.verdict import AlertState

# What one entry gives at Unix time *now*, each with the attributes that come on top.
Values: TypeAlias = Callable[[SloState, float], Iterable[tuple[Labels, float]]]
_NONE: Final[Labels] = {}
# Attributes of ours; a group's of the same name moves aside, as on /metrics.
_OWN: Final = frozenset({"lookback", "severity"})


@dataclass(frozen=True, slots=True)
class Instrument:
    """One name, and what each entry of a board gives for it.

    What is a *judgement* is left out once its data are older than the SLO's no-data limit.
    """

    name: str
    unit: str
    description: str
    kind: Kind
    values: Values
    judgement: bool = True

    def measured(self, board: Snapshot, now: float) -> Iterator[tuple[float, Labels]]:
        for entry in board.states:
            if entry.last is None:
                continue
            if self.judgement and now > entry.last + entry.slo.alerting.no_data_after:
                continue
            for more, value in self.values(entry, now):
                yield value, {**attributes(entry), **more}


def attributes(entry: SloState) -> Labels:
    """The identity labels and those of the group."""
    group = {f"exported_{name}" if name in _OWN else name: it for name, it in entry.group_labels.items()}
    return {**NATIVE_STYLE.identity_labels(entry.slo), **group}


def _events(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    yield _NONE, entry.events


def _errors(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    yield _NONE, entry.errors


def _ratios(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    for burn in entry.burns:
        if burn.error_ratio is not None:
            yield {"lookback": format_duration(burn.lookback)}, burn.error_ratio


def _burn_rates(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    for burn in entry.burns:
        if burn.burn_rate is not None:
            yield {"lookback": format_duration(burn.lookback)}, burn.burn_rate


def _left(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    if entry.budget.left is not None:
        yield _NONE, entry.budget.left


def _exhaustion(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    seconds = entry.budget.time_to_exhaustion
    if seconds is not None and not isinf(seconds):
        yield _NONE, seconds


def _firing(entry: SloState, _: float) -> Iterator[tuple[Labels, float]]:
    for alert in entry.alerts:
        if alert.state is not AlertState.UNKNOWN:
            yield {"severity": alert.severity.value}, float(alert.state is AlertState.FIRING)


def _age(entry: SloState, now: float) -> Iterator[tuple[Labels, float]]:
    if entry.last is not None:
        yield _NONE, now - entry.last


INSTRUMENTS: Final = (
    Instrument("slo.events", "{event}", "Events counted.", Kind.COUNTER, _events, judgement=False),
    Instrument("slo.error_events", "{event}", "Bad events counted.", Kind.COUNTER, _errors, judgement=False),
    Instrument("slo.error_ratio", "1", "Bad events per event over a lookback.", Kind.GAUGE, _ratios),
    Instrument(
        "slo.burn_rate",
        "",
        "Times faster than sustainable that the budget burns over a lookback.",
        Kind.GAUGE,
        _burn_rates,
    ),
    Instrument(
        "slo.error_budget.remaining",
        "1",
        "Share of the error budget left; negative when overspent.",
        Kind.GAUGE,
        _left,
    ),
    Instrument(
        "slo.time_to_exhaustion",
        "s",
        "Until the budget is gone at this burn; absent where nothing burns.",
        Kind.GAUGE,
        _exhaustion,
    ),
    Instrument("slo.alert.firing", "", "Whether the page or the ticket fires.", Kind.GAUGE, _firing),
    Instrument(
        "slo.data.age", "s", "Age of the newest data behind these numbers.", Kind.GAUGE, _age, judgement=False
    ),
)
