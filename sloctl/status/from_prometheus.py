"""What a Prometheus that runs the compiled rules says of their SLOs.

Series of the slow group are a turn of five minutes apart, which is Prometheus's own staleness limit: they are
read through a range.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.duration import HOUR, MINUTE, parse_duration
from sloctl.model import PromQL
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import InstantSample
from sloctl.slo import burn
from sloctl.slo.health import AlertState, Health
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP
from sloctl.status.slo_status import STATUS_LOOKBACKS, AlertStatus, SloStatus, StatusReport, sort_worst_first

_SLOW_LOOKBACK: Final = "10m"
# A turn of the slow group, and what it may come late.
_TICKET_LOOKBACK: Final = "6m"
_STEADY_LOOKBACKS: Final = (30 * MINUTE, 6 * HOUR)


InstantQuery: TypeAlias = Callable[[PromQL], Sequence[InstantSample]]
GroupLabels: TypeAlias = tuple[tuple[str, str], ...]
# Service and name.
_SloKey: TypeAlias = tuple[str, str]
_SloGroup: TypeAlias = tuple[_SloKey, GroupLabels]


def read_prometheus_status(ask: InstantQuery, style: LabelStyle) -> StatusReport:
    """All SLOs whose rules run there, or ran in the last five minutes."""
    seen = RecordedSeries(ask, style)
    return StatusReport(
        seen.at, sort_worst_first([seen.slo_status(slo, group) for slo, group in seen.slo_groups()])
    )


class RecordedSeries:
    """The answers, found by SLO and group."""

    def __init__(self, query: InstantQuery, style: LabelStyle) -> None:
        def ask(promql: PromQL) -> list[InstantSample]:
            # Not a number is not known.
            return [sample for sample in query(promql) if not isnan(sample.value)]

        own = f'{style.id}!=""'
        self._style = style
        info = ask(f"{style.info_metric}{{{own}}}")
        self._info = {_slo_key(sample, style): sample.labels for sample in info}
        events = ask(f"{naming.event_count_metric(FINE_STEP)}{{{own}}}")
        left = ask(f"{naming.BUDGET_REMAINING}{{{own}}}")
        self._group_by = self._group_label_names(events, left)
        self._events = self._index_samples(events)
        # Of two, the worse.
        self._left = self._index_samples(sorted(left, key=_by_value, reverse=True))
        self._budget = {_slo_key(it, style): it.value for it in ask(f"{naming.ERROR_BUDGET}{{{own}}}")}
        self._ratios = {
            lookback: self._index_samples(sorted(ask(_ratio(lookback, own)), key=_by_value))
            for lookback in STATUS_LOOKBACKS
        }
        self._firing = self._index_alerts(ask(_firing(style, own)))
        self._since = self._index_alerts(ask(f'ALERTS_FOR_STATE{{alertname=~"SLO.+",{own}}}'))
        self.at = next((sample.at for sample in [*info, *events, *left]), None)

    def slo_groups(self) -> list[_SloGroup]:
        """Each SLO with its groups; one of which nothing but its name is known has an empty one."""
        alerts = {(slo, group) for slo, group, _, _ in self._firing if group or not self._group_by.get(slo)}
        known = {*self._left, *self._events, *alerts}
        unread = self._info.keys() - {slo for slo, _ in known}
        return [*known, *((slo, ()) for slo in unread)]

    def slo_status(self, slo: _SloKey, group: GroupLabels) -> SloStatus:
        place = slo, group
        left = _sample_value(self._left.get(place))
        rates = {lookback: self._rate(place, lookback) for lookback in STATUS_LOOKBACKS}
        stale = place not in self._events or self._fires(slo, (), naming.NO_DATA_ALERT, "ticket")
        known = not stale and rates[COARSE_STEP] is not None
        alarms = {severity: self._alarm(place, severity, known=known) for severity in ("page", "ticket")}
        going = self._fires(slo, group, naming.EXHAUSTING_ALERT, "ticket")
        return SloStatus(
            service=slo[0],
            name=slo[1],
            group=dict(group),
            health=_derive_health(alarms, left, going=going, known=known),
            stale=stale,
            page=alarms["page"],
            ticket=alarms["ticket"],
            budget_left=left,
            burn_rates=rates,
            time_to_exhaustion=self._time_to_exhaustion(slo, left, rates),
        )

    def _group_label_names(self, *answers: Iterable[InstantSample]) -> dict[_SloKey, frozenset[str]]:
        """Names of groupBy: of the first answer with the SLO, what is neither identity nor in its info.

        A label without a value is absent in Prometheus, so every series is looked at.
        """
        style, names = self._style, dict[_SloKey, frozenset[str]]()
        identity = {"__name__", style.id, style.service, style.name, style.part, style.window}
        for answer in answers:
            found = dict[_SloKey, frozenset[str]]()
            for sample in answer:
                slo = _slo_key(sample, style)
                own = sample.labels.keys() - identity - self._info.get(slo, {}).keys()
                found[slo] = found.get(slo, frozenset()) | own
            names = found | names
        return names

    def _index_samples(self, samples: Sequence[InstantSample]) -> dict[_SloGroup, InstantSample]:
        """Of two series of one place (a label has changed, or two Prometheuses count) the last one."""
        return {(_slo_key(it, self._style), self._group_labels(it)): it for it in samples}

    def _index_alerts(
        self, samples: Iterable[InstantSample]
    ) -> dict[tuple[_SloKey, GroupLabels, str, str], InstantSample]:
        return {
            (
                _slo_key(it, self._style),
                self._group_labels(it),
                it.labels.get("alertname", ""),
                it.labels.get(self._style.severity, ""),
            ): it
            for it in samples
        }

    def _group_labels(self, sample: InstantSample) -> GroupLabels:
        names = self._group_by.get(_slo_key(sample, self._style), frozenset())
        return tuple((name, sample.labels[name]) for name in sorted(names) if name in sample.labels)

    def _rate(self, place: _SloGroup, lookback: int) -> float | None:
        budget = self._budget.get(place[0])
        return burn.burn_rate(budget, _sample_value(self._ratios[lookback].get(place))) if budget else None

    def _fires(self, slo: _SloKey, group: GroupLabels, alert: str, severity: str) -> bool:
        return (slo, group, alert, severity) in self._firing

    def _alarm(self, place: _SloGroup, severity: str, *, known: bool) -> AlertStatus:
        slo, group = place
        if self._fires(slo, group, naming.BURN_ALERT, severity):
            return AlertStatus(
                AlertState.FIRING, _sample_value(self._since.get((slo, group, naming.BURN_ALERT, severity)))
            )
        return AlertStatus(AlertState.INACTIVE if known else AlertState.UNKNOWN)

    def _time_to_exhaustion(
        self, slo: _SloKey, left: float | None, rates: Mapping[int, float | None]
    ) -> float | None:
        """At the slower of two burns; what policy the SLO has, the series do not tell."""
        try:
            window = int(parse_duration(self._info.get(slo, {}).get(self._style.window, "")))
        except ValueError:
            return None
        steady = [rates[lookback] for lookback in _STEADY_LOOKBACKS]
        known = [rate for rate in steady if rate is not None]
        return burn.time_to_exhaustion(left, min(known) if len(known) == len(steady) else None, window)


def _ratio(lookback: int, own: str) -> PromQL:
    series = f"{naming.error_ratio_metric(lookback)}{{{own}}}"
    return f"last_over_time({series}[{_SLOW_LOOKBACK}])" if lookback == STATUS_LOOKBACKS[-1] else series


def _firing(style: LabelStyle, own: str) -> PromQL:
    alerts = f'ALERTS{{alertname=~"SLO.+",alertstate="firing",{own}'
    return f'{alerts}}} or last_over_time({alerts},{style.severity}="ticket"}}[{_TICKET_LOOKBACK}])'


def _derive_health(
    alarms: Mapping[str, AlertStatus], left: float | None, *, going: bool, known: bool
) -> Health:
    if alarms["page"].state is AlertState.FIRING:
        return Health.PAGING
    if alarms["ticket"].state is AlertState.FIRING:
        return Health.TICKETED
    if left is None:
        return Health.UNKNOWN
    if left <= 0:
        return Health.EXHAUSTED
    if going:
        return Health.EXHAUSTING
    return Health.FINE if known else Health.UNKNOWN


def _slo_key(sample: InstantSample, style: LabelStyle) -> _SloKey:
    return sample.labels.get(style.service, ""), sample.labels.get(style.name, "")


def _sample_value(sample: InstantSample | None) -> float | None:
    return None if sample is None else sample.value


def _by_value(sample: InstantSample) -> float:
    return sample.value
