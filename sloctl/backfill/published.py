"""Published series of the past, for people and dashboards: ratios, burn rates and budgets out of rollups.

Which series there are, and their labels, is what the rules say (`ratio_rules`, `budget_rules`); their values
are summed here from the rollups of the backfill, by the same resolutions.
"""

import ast
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Self, TypeAlias

from sloctl import naming
from sloctl.backfill.openmetrics import format_samples
from sloctl.duration import DAY
from sloctl.model import CalendarWindow, Labels, Slo
from sloctl.naming import LabelStyle
from sloctl.rules.calendar import period_rules
from sloctl.rules.recording import budget_rules, ratio_rules, since_rule, with_excluded_rules
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from sloctl.slo.burn import budget_remaining, burn_rate, covered_share
from sloctl.slo.calendar import PeriodSpan, period_at
from sloctl.slo.exclusions import counted_at, spans_of_group
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, EventCounts, Resolution
from sloctl.slo.service_hours import active_seconds

# The labels of a group.
Group: TypeAlias = frozenset[tuple[str, str]]

_EVENTS_PREFIX: Final = "slo:sli_total:"
_ROLLUP_LINE: Final = re.compile(r"(?P<metric>[a-z0-9_:]+)\{(?P<labels>.*)\} (?P<value>\S+) (?P<at>\d+)")
_LABEL: Final = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')


class RollupHistory:
    """The rollups of one SLO at one step, group by group, from which its windows are summed."""

    def __init__(self) -> None:
        self._counts: dict[Group, dict[int, list[float]]] = {}

    @property
    def has_rollups(self) -> bool:
        """Whether anything was counted yet."""
        return bool(self._counts)

    def add_rollups(self, metric: str, labels: Labels, points: Mapping[int, float]) -> None:
        """Add events or bad events, whichever *metric* counts, by the end of their step."""
        counts = self._counts.setdefault(frozenset(labels.items()), {})
        column = int(metric.startswith(_EVENTS_PREFIX))
        for at, value in points.items():
            counts.setdefault(at, [0.0, 0.0])[column] += value

    def build_sums(self) -> dict[Group, "WindowSums"]:
        """Order what each group has, so that any window of it can be summed."""
        return {group: WindowSums.from_counts(counts) for group, counts in self._counts.items()}

    def without_excluded(self, slo: Slo, step: int) -> "RollupHistory":
        """Leave out what the exclusions of *slo* leave out of each group; *step* is that of the rollups."""
        if not slo.exclusions:
            return self
        left = RollupHistory()
        for group, counts in self._counts.items():
            values = [dict(group).get(label, "") for label in slo.group_by]
            spans = spans_of_group(slo, values, min(counts, default=0) - step, max(counts, default=0))
            counted = {
                at: counted_at(slo, spans, at, step=step, counts=EventCounts(*both))
                for at, both in counts.items()
            }
            known = {at: [its.error, its.total] for at, its in counted.items() if its is not None}
            if known:
                left._counts[group] = known
        return left


class WindowSums:
    """The rollups of one group in order of time."""

    def __init__(self, moments: list[int], errors: list[float], events: list[float]) -> None:
        self._moments = moments
        self._errors = errors
        self._events = events

    @classmethod
    def from_counts(cls, counts: Mapping[int, list[float]]) -> Self:
        """Sort (errors, events) by the end of their step."""
        moments = sorted(counts)
        return cls(moments, [counts[at][0] for at in moments], [counts[at][1] for at in moments])

    @property
    def since(self) -> int:
        """The Unix second at which the first coarse rollup began."""
        return self._moments[0] - COARSE_STEP

    def error_ratio(self, resolution: Resolution, at: int) -> float | None:
        """Return the errors per event of a lookback that ends at *at*; None without events."""
        return self.error_ratio_between(at - resolution.range_seconds, at)

    def error_ratio_between(self, begin: int, at: int) -> float | None:
        """Return the errors per event of the rollups that ended after *begin* and up to *at*."""
        first = bisect_right(self._moments, begin)
        last = bisect_right(self._moments, at)
        return EventCounts(sum(self._errors[first:last]), sum(self._events[first:last])).error_ratio


def published_lines(
    slo: Slo, style: LabelStyle, histories: Mapping[int, RollupHistory], moments: Iterable[int]
) -> Iterator[str]:
    """Write what the rules would have published at each of *moments*, from rollups by their step."""
    scope = Scope.from_slo(slo, style)
    rules = {
        rule.record: rule
        for rule in (
            *ratio_rules(scope, FINE_STEP),
            *ratio_rules(scope, COARSE_STEP),
            since_rule(scope),
            *budget_rules(scope),
            *period_rules(scope),
            *with_excluded_rules(scope),
        )
    }
    moments = list(moments)
    for record, value in _constant_values(slo, style).items():
        yield from format_samples(record, rules[record].labels, dict.fromkeys(moments, value))
    if isinstance(slo.window, CalendarWindow):
        spans = {at: period_at(slo.window, at) for at in moments}
        for record, points in _period_values(spans).items():
            yield from format_samples(record, rules[record].labels, points)
    whole = {step: history.build_sums() for step, history in histories.items()}
    sums = {step: history.without_excluded(slo, step).build_sums() for step, history in histories.items()}
    for group in sorted({group for of_step in sums.values() for group in of_step}, key=sorted):
        yield from _group_lines(scope, rules, group, sums=sums, moments=moments)
        if slo.exclusions and group in whole[COARSE_STEP]:
            yield from _with_excluded_lines(
                scope, rules, group, sums=whole[COARSE_STEP][group], moments=moments
            )


def _group_lines(
    scope: Scope,
    rules: Mapping[str, RecordingRule],
    group: Group,
    *,
    sums: Mapping[int, Mapping[Group, WindowSums]],
    moments: Iterable[int],
) -> Iterator[str]:
    points: dict[str, dict[int, float]] = {}
    for at in moments:
        ratios = {
            resolution.lookback: sums[resolution.step][group].error_ratio(resolution, at)
            for resolution in scope.resolutions.entries
            if group in sums[resolution.step]
        }
        coarse = sums[COARSE_STEP].get(group)
        since = None if coarse is None else coarse.since
        if coarse is not None and isinstance(scope.slo.window, CalendarWindow):
            start = period_at(scope.slo.window, at).start
            ratios[scope.slo.window.longest] = coarse.error_ratio_between(start, at)
        for record, value in _group_values(scope, ratios, at=at, since=since).items():
            if value is not None:
                points.setdefault(record, {})[at] = value
    for record, values in points.items():
        yield from format_samples(record, {**dict(group), **rules[record].labels}, values)


def _with_excluded_lines(
    scope: Scope,
    rules: Mapping[str, RecordingRule],
    group: Group,
    *,
    sums: WindowSums,
    moments: Iterable[int],
) -> Iterator[str]:
    """Write the numbers of the window with what is excluded."""
    slo = scope.slo
    window_ratio = naming.window_ratio_metric(slo.window)
    points: dict[str, dict[int, float]] = {}
    for at in moments:
        begin = at - scope.resolutions.for_lookback(slo.window.longest).range_seconds
        if isinstance(slo.window, CalendarWindow):
            begin = period_at(slo.window, at).start
        ratio = sums.error_ratio_between(begin, at)
        values = _group_values(scope, {slo.window.longest: ratio}, at=at, since=sums.since)
        named = {
            naming.error_ratio_with_excluded(window_ratio): ratio,
            naming.PERIOD_BURN_RATE_WITH_EXCLUDED: values[naming.PERIOD_BURN_RATE],
            naming.BUDGET_REMAINING_WITH_EXCLUDED: values[naming.BUDGET_REMAINING],
        }
        for record, value in named.items():
            if value is not None:
                points.setdefault(record, {})[at] = value
    for record, of_record in points.items():
        yield from format_samples(record, {**dict(group), **rules[record].labels}, of_record)


def _constant_values(slo: Slo, style: LabelStyle) -> dict[str, float]:
    days = {} if isinstance(slo.window, CalendarWindow) else {naming.TIME_PERIOD: slo.window.seconds / DAY}
    return {
        naming.OBJECTIVE: float(slo.objective),
        naming.ERROR_BUDGET: float(slo.budget),
        **days,
        style.info_metric: 1.0,
    }


def _period_values(spans: Mapping[int, PeriodSpan]) -> dict[str, dict[int, float]]:
    """Give the series about the period of a calendar window, by the moments of *spans*."""
    return {
        naming.PERIOD_START: {at: float(span.start) for at, span in spans.items()},
        naming.PERIOD_END: {at: float(span.end) for at, span in spans.items()},
        naming.TIME_PERIOD: {at: span.seconds / DAY for at, span in spans.items()},
    }


def _group_values(
    scope: Scope, ratios: Mapping[int, float | None], *, at: int, since: int | None
) -> dict[str, float | None]:
    slo = scope.slo
    period = ratios.get(slo.window.longest)
    covered, hours = None, slo.active_hours
    if since is not None:
        begin, end, counted_from = at - slo.window.seconds, at, since
        if isinstance(slo.window, CalendarWindow):
            span = period_at(slo.window, at)
            begin, end, counted_from = span.start, span.end, max(since, span.start)
        covered = covered_share(active_seconds(hours, counted_from, at), active_seconds(hours, begin, end))
    return {
        **{scope.ratio_metric(lookback): ratio for lookback, ratio in ratios.items()},
        naming.CURRENT_BURN_RATE: burn_rate(slo.budget, ratios.get(COARSE_STEP)),
        naming.PERIOD_BURN_RATE: burn_rate(slo.budget, period),
        naming.ROLLUPS_SINCE: since,
        naming.PERIOD_COVERED: covered,
        naming.BUDGET_REMAINING: None if covered is None else budget_remaining(slo.budget, period, covered),
    }


def read_rollups(
    lines: Iterable[str], style: LabelStyle, slos: Iterable[Slo], histories: Mapping[str, RollupHistory]
) -> None:
    """Add the coarse rollups that an earlier run wrote to *histories*, which are by the id of the SLO."""
    coarse = (naming.event_count_metric(COARSE_STEP), naming.error_count_metric(COARSE_STEP))
    by_label = {style.slo_id(slo): slo for slo in slos}
    for line in lines:
        if not line.startswith(coarse) or (found := _ROLLUP_LINE.match(line)) is None:
            continue
        labels = {name: str(ast.literal_eval(quoted)) for name, quoted in _LABEL.findall(found["labels"])}
        if slo := by_label.get(labels.get(style.id, "")):
            group = {name: labels[name] for name in slo.group_by if name in labels}
            histories[slo.id].add_rollups(found["metric"], group, {int(found["at"]): float(found["value"])})
