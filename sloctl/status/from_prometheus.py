"""The status of SLOs from a Prometheus that runs the compiled rules."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from math import isnan
from typing import Final, TypeAlias

from sloctl import naming
from sloctl.duration import HOUR, MINUTE, parse_duration
from sloctl.model import AlertKind, PromQL, Severity
from sloctl.naming import LabelStyle
from sloctl.prometheus.answers import InstantSample
from sloctl.promql import format_matchers, join_matchers, range_selector
from sloctl.slo import burn
from sloctl.slo.health import AlertState, Health
from sloctl.slo.policy import alert_factor, rows_of_severity, workbook_policy
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP
from sloctl.status.slo_status import STATUS_LOOKBACKS, AlertStatus, SloStatus, StatusReport, sort_worst_first

# Series of the slow group are five minutes apart, which is Prometheus's own staleness limit: they are read
# through a range. For a ticket that is one turn of the group, and what it may come late.
_SLOW_RANGE: Final = 2 * COARSE_STEP
_TICKET_RANGE: Final = COARSE_STEP + MINUTE

InstantQuery: TypeAlias = Callable[[PromQL], Sequence[InstantSample]]
# Service and name.
_SloKey: TypeAlias = tuple[str, str]
_GroupKey: TypeAlias = tuple[_SloKey, tuple[tuple[str, str], ...]]


def read_prometheus_status(query: InstantQuery, style: LabelStyle) -> StatusReport:
    """Read all SLOs whose rules run there, or ran in the last five minutes."""
    recorded = RecordedSeries(query, style)
    slos = [recorded.slo_status(group) for group in recorded.slo_groups()]
    return StatusReport(recorded.at, sort_worst_first(slos))


class RecordedSeries:
    """The series that the rules record, by SLO and group; *at* is the moment of evaluation, if any."""

    def __init__(self, query: InstantQuery, style: LabelStyle) -> None:
        self._style = style
        own = format_matchers({style.id: ""}, "!=")

        def ask(promql: PromQL) -> list[InstantSample]:
            # The worst last, which an index keeps; not a number is not known.
            known = [sample for sample in query(promql) if not isnan(sample.value)]
            return sorted(known, key=lambda sample: sample.value)

        def ask_metric(metric: str, *matchers: PromQL) -> list[InstantSample]:
            return ask(join_matchers(metric, *matchers, own))

        info, events, left = map(
            ask_metric,
            (style.info_metric, naming.event_count_metric(FINE_STEP), naming.BUDGET_REMAINING),
        )
        self.at = next((sample.at for sample in [*info, *events, *left]), None)
        self._info = {self._slo_key(sample): sample.labels for sample in info}
        self._clustered_by = self._cluster_label_names(info, events)
        self._clusters = {self._cluster_key(sample) for sample in [*info, *events, *left]}
        self._group_by = self._group_label_names(events, left)
        self._events = self._index_by_group(events)
        self._left = self._index_by_group(reversed(left))
        self._with_excluded, self._excluded = self._read_exclusions(ask, own)
        outside = ask(f"{join_matchers(naming.OUTSIDE_HOURS_UNTIL, own)} > time()")
        self._outside_until = {self._slo_key(sample): sample.value for sample in outside}
        self._budget = {self._slo_key(it): it.value for it in ask_metric(naming.ERROR_BUDGET)}
        ends = {self._slo_key(it): it.value for it in ask_metric(naming.PERIOD_END)}
        # Of calendar windows: when the running period began and when it ends.
        self._periods = {
            slo: (sample.value, ends[slo])
            for sample in ask_metric(naming.PERIOD_START)
            if (slo := self._slo_key(sample)) in ends
        }
        self._ratios = {}
        for lookback in STATUS_LOOKBACKS:
            series = join_matchers(naming.error_ratio_metric(lookback), own)
            if lookback == STATUS_LOOKBACKS[-1]:
                series = f"last_over_time({range_selector(series, _SLOW_RANGE)})"
            self._ratios[lookback] = self._index_by_group(ask(series))
        of_slos = format_matchers({style.alert: ""}, "!=")
        firing = (of_slos, format_matchers({"alertstate": "firing"}), own)
        tickets = join_matchers("ALERTS", *firing, format_matchers({style.severity: "ticket"}))
        late_tickets = f"last_over_time({range_selector(tickets, _TICKET_RANGE)})"
        self._firing = self._index_alerts(ask(f"{join_matchers('ALERTS', *firing)} or {late_tickets}"))
        self._since = self._index_alerts(ask_metric("ALERTS_FOR_STATE", of_slos))

    def _read_exclusions(
        self, ask: InstantQuery, own: PromQL
    ) -> tuple[dict[_GroupKey, float], dict[_SloKey, list[str]]]:
        """Read what would be left of each budget with what is excluded, and the exclusions in words."""

        def recent(metric: str) -> Sequence[InstantSample]:
            return ask(f"last_over_time({range_selector(join_matchers(metric, own), _SLOW_RANGE)})")

        excluded: dict[_SloKey, list[str]] = {}
        for sample in recent(naming.EXCLUSION_ACTIVE):
            said = f"{sample.labels.get('slo_exclusion', '')} ({sample.labels.get('slo_exclusion_time', '')})"
            excluded.setdefault(self._slo_key(sample), []).append(said)
        return self._index_by_group(recent(naming.BUDGET_REMAINING_WITH_EXCLUDED)), excluded

    @property
    def _identity(self) -> frozenset[str]:
        """The names of labels by which an SLO is known, and of those that rules add."""
        style = self._style
        return frozenset({"__name__", style.id, style.service, style.name, style.part, style.window})

    def slo_groups(self) -> list[_GroupKey]:
        """List the groups of each SLO; an SLO of which only the name is known has one empty group."""
        of_all = {
            (slo, self._cluster_of((slo, group)))
            for (slo, group), *_ in self._firing
            if self._group_by.get(slo, frozenset()) - self._clustered_by.get(slo, frozenset())
        }
        alerts = {group for group, *_ in self._firing} - of_all
        known = {*self._left, *self._events, *alerts}
        return [*known, *(self._clusters - {(slo, self._cluster_of((slo, group))) for slo, group in known})]

    def slo_status(self, group: _GroupKey) -> SloStatus:
        slo, labels = group
        left, budget = self._left.get(group), self._budget.get(slo)
        rates = {
            lookback: burn.burn_rate(budget, ratios.get(group)) if budget else None
            for lookback, ratios in self._ratios.items()
        }
        silent = naming.ALERT_CLASSES[AlertKind.NO_DATA]
        everywhere = slo, self._cluster_of(group)
        no_data = any((everywhere, silent, severity) in self._firing for severity in ("page", "ticket"))
        stale = group not in self._events or no_data
        outside_until = self._outside_until.get(slo)
        known = not stale and (rates[COARSE_STEP] is not None or outside_until is not None)
        alerts = {}
        for severity in ("page", "ticket"):
            alert = (group, naming.ALERT_CLASSES[AlertKind.PAGE], severity)
            if alert in self._firing:
                alerts[severity] = AlertStatus(AlertState.FIRING, self._since.get(alert))
            else:
                alerts[severity] = AlertStatus(AlertState.INACTIVE if known else AlertState.UNKNOWN)
        return SloStatus(
            service=slo[0],
            name=slo[1],
            group=dict(labels),
            health=self._evaluate_health(group, alerts, rates, known=known),
            stale=stale,
            page=alerts["page"],
            ticket=alerts["ticket"],
            budget_left=left,
            burn_rates=rates,
            period=self._info.get(slo, {}).get(self._style.window, "") if slo in self._periods else "",
            excluded=tuple(sorted(self._excluded.get(slo, ()))),
            budget_left_with_excluded=self._with_excluded.get(group),
            outside_until=outside_until,
            time_to_exhaustion=self._time_to_exhaustion(slo, left, rates[STATUS_LOOKBACKS[0]]),
        )

    def _evaluate_health(
        self,
        group: _GroupKey,
        alerts: Mapping[str, AlertStatus],
        rates: Mapping[int, float | None],
        *,
        known: bool,
    ) -> Health:
        left = self._left.get(group)
        spent_page = (group, naming.ALERT_CLASSES[AlertKind.SPENT], "page")
        conditions = {
            Health.PAGING: alerts["page"].state is AlertState.FIRING or spent_page in self._firing,
            Health.TICKETED: alerts["ticket"].state is AlertState.FIRING,
            Health.UNKNOWN: left is None,
            Health.EXHAUSTED: left is not None and left <= 0,
            Health.EXHAUSTING: (group, naming.ALERT_CLASSES[AlertKind.EXHAUSTING], "ticket") in self._firing,
            Health.BURNING: known and self._is_burning(group[0], rates),
            Health.FINE: known,
        }
        return next((health for health, holds in conditions.items() if holds), Health.UNKNOWN)

    def _is_burning(self, slo: _SloKey, rates: Mapping[int, float | None]) -> bool:
        """Tell whether it burns towards the page of the Workbook: no series says which policy an SLO has."""
        window = self._window_seconds(slo)
        if window is None:
            return False
        rows = rows_of_severity(workbook_policy(window), Severity.PAGE)
        short_burns = [(rates.get(row.short), float(alert_factor(row, window))) for row in rows]
        return burn.is_burning(rates[COARSE_STEP], rates.get(HOUR), short_burns)

    def _time_to_exhaustion(self, slo: _SloKey, left: float | None, newest: float | None) -> float | None:
        if (period := self._periods.get(slo)) is not None:
            start, end = period
            return burn.time_to_exhaustion(
                left, newest, int(end - start), renewed_in=max(0.0, end - (self.at or end))
            )
        window = self._window_seconds(slo)
        return None if window is None else burn.time_to_exhaustion(left, newest, window)

    def _window_seconds(self, slo: _SloKey) -> int | None:
        """Return the window, of a calendar its running period; None where its info does not say."""
        if (period := self._periods.get(slo)) is not None:
            return int(period[1] - period[0])
        try:
            return int(parse_duration(self._info.get(slo, {}).get(self._style.window, "")))
        except ValueError:
            return None

    def _group_label_names(self, *answers: Iterable[InstantSample]) -> dict[_SloKey, frozenset[str]]:
        """Find the names of groupBy: labels of the first answer with the SLO that are not known otherwise.

        Neither identity nor labels of its info are. A label without a value is absent in Prometheus, so every
        series is looked at.
        """
        names = dict[_SloKey, frozenset[str]]()
        for answer in answers:
            found = dict[_SloKey, frozenset[str]]()
            for sample in answer:
                slo = self._slo_key(sample)
                own = sample.labels.keys() - self._identity - self._info.get(slo, {}).keys()
                found[slo] = found.get(slo, frozenset()) | own | self._clustered_by.get(slo, frozenset())
            names = found | names
        return names

    def _cluster_label_names(
        self, info: Iterable[InstantSample], events: Iterable[InstantSample]
    ) -> dict[_SloKey, frozenset[str]]:
        """Find the external labels by which a Thanos or a Mimir tells the series of clusters apart.

        Rollups carry identity and group alone, and infos no group: what both have was added by a server. One
        that is the same everywhere tells nothing apart, and replicas count the same events.
        """
        counted: dict[_SloKey, set[str]] = {}
        for sample in events:
            counted.setdefault(self._slo_key(sample), set()).update(sample.labels.keys() - self._identity)
        values: dict[tuple[_SloKey, str], set[str]] = {}
        for sample in [*info, *events]:
            slo = self._slo_key(sample)
            for name in counted.get(slo, set()) & self._info.get(slo, {}).keys():
                values.setdefault((slo, name), set()).add(sample.labels.get(name, ""))
        names: dict[_SloKey, frozenset[str]] = {}
        for (slo, name), found in values.items():
            if len(found) > 1 and "replica" not in name:
                names[slo] = names.get(slo, frozenset()) | {name}
        return names

    def _cluster_of(self, group: _GroupKey) -> tuple[tuple[str, str], ...]:
        slo, labels = group
        names = self._clustered_by.get(slo, frozenset())
        return tuple(label for label in labels if label[0] in names)

    def _cluster_key(self, sample: InstantSample) -> _GroupKey:
        slo = self._slo_key(sample)
        names = sorted(self._clustered_by.get(slo, frozenset()))
        return slo, tuple((name, sample.labels[name]) for name in names if name in sample.labels)

    def _index_by_group(self, samples: Iterable[InstantSample]) -> dict[_GroupKey, float]:
        """Index values; of two series of a group (a label changed, or two Prometheuses count) the last."""
        return {self._group_key(sample): sample.value for sample in samples}

    def _index_alerts(self, samples: Iterable[InstantSample]) -> dict[tuple[_GroupKey, str, str], float]:
        """Index values by group, class of the alert and severity."""
        return {
            (
                self._group_key(sample),
                sample.labels.get(self._style.alert, ""),
                sample.labels.get(self._style.severity, ""),
            ): sample.value
            for sample in samples
        }

    def _group_key(self, sample: InstantSample) -> _GroupKey:
        slo = self._slo_key(sample)
        names = sorted(self._group_by.get(slo, frozenset()))
        return slo, tuple((name, sample.labels[name]) for name in names if name in sample.labels)

    def _slo_key(self, sample: InstantSample) -> _SloKey:
        return sample.labels.get(self._style.service, ""), sample.labels.get(self._style.name, "")
