"""What a Prometheus that runs the compiled rules says of their SLOs.

Series of the slow group are a turn of five minutes apart, which is Prometheus's own staleness limit: they are
read through a range.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from sloctl import burn, naming
from sloctl.duration import HOUR, MINUTE, parse_duration
from sloctl.model import Labels, PromQL
from sloctl.naming import LabelStyle
from sloctl.rollup import COARSE_STEP, FINE_STEP
from sloctl.status.line import LOOKBACKS, Alarm, Line, Standing, State, Status, worst_first

_SLOW: Final = "10m"
# A turn of the slow group, and what it may come late.
_TICKET: Final = "6m"
_STEADY: Final = (30 * MINUTE, 6 * HOUR)


class Sample(Struct, frozen=True):
    """One series of an instant query's answer; *at* is the moment of evaluation, Unix seconds."""

    labels: Labels
    at: float
    value: float


class _Vector(Struct, tag_field="resultType", tag="vector"):
    result: list["_Row"]


class _Row(Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _Answer(Struct):
    data: _Vector


Ask: TypeAlias = Callable[[PromQL], Sequence[Sample]]
Get: TypeAlias = Callable[..., bytes]
Group: TypeAlias = tuple[tuple[str, str], ...]
# Service and name.
_Id: TypeAlias = tuple[str, str]
_Place: TypeAlias = tuple[_Id, Group]


def asking(get: Get) -> Ask:
    """Instant queries by *get*; raises msgspec.DecodeError for what is no answer of a Prometheus."""

    def ask(query: PromQL) -> list[Sample]:
        answer = msgspec.json.decode(get("/api/v1/query", query=query), type=_Answer)
        samples = (Sample(row.metric, row.value[0], float(row.value[1])) for row in answer.data.result)
        # Not a number is not known.
        return [sample for sample in samples if not isnan(sample.value)]

    return ask


def status(ask: Ask, style: LabelStyle) -> Status:
    """All SLOs whose rules run there, or ran in the last five minutes."""
    seen = _Seen(ask, style)
    return Status(seen.at, worst_first([seen.line(slo, group) for slo, group in seen.places()]))


class _Seen:
    """The answers, found by SLO and group."""

    def __init__(self, ask: Ask, style: LabelStyle) -> None:
        own = f'{style.id}!=""'
        self._style = style
        info = ask(f"{style.info_metric}{{{own}}}")
        self._info = {_slo(sample, style): sample.labels for sample in info}
        events = ask(f"{naming.event_count_metric(FINE_STEP)}{{{own}}}")
        left = ask(f"{naming.BUDGET_REMAINING}{{{own}}}")
        self._group_by = self._labels_of_groups(events, left)
        self._events = self._by_place(events)
        # Of two, the worse.
        self._left = self._by_place(sorted(left, key=_by_value, reverse=True))
        self._budget = {_slo(it, style): it.value for it in ask(f"{naming.ERROR_BUDGET}{{{own}}}")}
        self._ratios = {
            lookback: self._by_place(sorted(ask(_ratio(lookback, own)), key=_by_value))
            for lookback in LOOKBACKS
        }
        self._firing = self._alerts(ask(_firing(style, own)))
        self._since = self._alerts(ask(f'ALERTS_FOR_STATE{{alertname=~"SLO.+",{own}}}'))
        self.at = next((sample.at for sample in [*info, *events, *left]), None)

    def places(self) -> list[_Place]:
        """Each SLO with its groups; one of which nothing but its name is known has an empty one."""
        alerts = {(slo, group) for slo, group, _, _ in self._firing if group or not self._group_by.get(slo)}
        known = {*self._left, *self._events, *alerts}
        unread = self._info.keys() - {slo for slo, _ in known}
        return [*known, *((slo, ()) for slo in unread)]

    def line(self, slo: _Id, group: Group) -> Line:
        place = slo, group
        left = _value(self._left.get(place))
        rates = {lookback: self._rate(place, lookback) for lookback in LOOKBACKS}
        stale = place not in self._events or self._fires(slo, (), naming.NO_DATA_ALERT, "ticket")
        known = not stale and rates[COARSE_STEP] is not None
        alarms = {severity: self._alarm(place, severity, known=known) for severity in ("page", "ticket")}
        going = self._fires(slo, group, naming.EXHAUSTING_ALERT, "ticket")
        return Line(
            service=slo[0],
            name=slo[1],
            group=dict(group),
            standing=_standing(alarms, left, going=going, known=known),
            stale=stale,
            page=alarms["page"],
            ticket=alarms["ticket"],
            left=left,
            burn=rates,
            gone_in=self._gone_in(slo, left, rates),
        )

    def _labels_of_groups(self, *answers: Iterable[Sample]) -> dict[_Id, frozenset[str]]:
        """Names of groupBy: of the first answer with the SLO, what is neither identity nor in its info.

        A label without a value is absent in Prometheus, so every series is looked at.
        """
        style, names = self._style, dict[_Id, frozenset[str]]()
        identity = {"__name__", style.id, style.service, style.name, style.part, style.window}
        for answer in answers:
            found = dict[_Id, frozenset[str]]()
            for sample in answer:
                slo = _slo(sample, style)
                own = sample.labels.keys() - identity - self._info.get(slo, {}).keys()
                found[slo] = found.get(slo, frozenset()) | own
            names = found | names
        return names

    def _by_place(self, samples: Sequence[Sample]) -> dict[_Place, Sample]:
        """Of two series of one place (a label has changed, or two Prometheuses count) the last one."""
        return {(_slo(it, self._style), self._group(it)): it for it in samples}

    def _alerts(self, samples: Iterable[Sample]) -> dict[tuple[_Id, Group, str, str], Sample]:
        return {
            (
                _slo(it, self._style),
                self._group(it),
                it.labels.get("alertname", ""),
                it.labels.get(self._style.severity, ""),
            ): it
            for it in samples
        }

    def _group(self, sample: Sample) -> Group:
        names = self._group_by.get(_slo(sample, self._style), frozenset())
        return tuple((name, sample.labels[name]) for name in sorted(names) if name in sample.labels)

    def _rate(self, place: _Place, lookback: int) -> float | None:
        budget = self._budget.get(place[0])
        return burn.burn_rate(budget, _value(self._ratios[lookback].get(place))) if budget else None

    def _fires(self, slo: _Id, group: Group, alert: str, severity: str) -> bool:
        return (slo, group, alert, severity) in self._firing

    def _alarm(self, place: _Place, severity: str, *, known: bool) -> Alarm:
        slo, group = place
        if self._fires(slo, group, naming.BURN_ALERT, severity):
            return Alarm(State.FIRING, _value(self._since.get((slo, group, naming.BURN_ALERT, severity))))
        return Alarm(State.INACTIVE if known else State.UNKNOWN)

    def _gone_in(self, slo: _Id, left: float | None, rates: Mapping[int, float | None]) -> float | None:
        """At the slower of two burns; what policy the SLO has, the series do not tell."""
        try:
            window = int(parse_duration(self._info.get(slo, {}).get(self._style.window, "")))
        except ValueError:
            return None
        steady = [rates[lookback] for lookback in _STEADY]
        known = [rate for rate in steady if rate is not None]
        return burn.time_to_exhaustion(left, min(known) if len(known) == len(steady) else None, window)


def _ratio(lookback: int, own: str) -> PromQL:
    series = f"{naming.error_ratio_metric(lookback)}{{{own}}}"
    return f"last_over_time({series}[{_SLOW}])" if lookback == LOOKBACKS[-1] else series


def _firing(style: LabelStyle, own: str) -> PromQL:
    alerts = f'ALERTS{{alertname=~"SLO.+",alertstate="firing",{own}'
    return f'{alerts}}} or last_over_time({alerts},{style.severity}="ticket"}}[{_TICKET}])'


def _standing(alarms: Mapping[str, Alarm], left: float | None, *, going: bool, known: bool) -> Standing:
    if alarms["page"].state is State.FIRING:
        return Standing.PAGING
    if alarms["ticket"].state is State.FIRING:
        return Standing.TICKETED
    if left is None:
        return Standing.UNKNOWN
    if left <= 0:
        return Standing.EXHAUSTED
    if going:
        return Standing.EXHAUSTING
    return Standing.FINE if known else Standing.UNKNOWN


def _slo(sample: Sample, style: LabelStyle) -> _Id:
    return sample.labels.get(style.service, ""), sample.labels.get(style.name, "")


def _value(sample: Sample | None) -> float | None:
    return None if sample is None else sample.value


def _by_value(sample: Sample) -> float:
    return sample.value
