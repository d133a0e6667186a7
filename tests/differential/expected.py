"""Expected recordings of a stream of raw counters: Python's counts, summed and evaluated as the rules do.

Every sum comes from the sidecar's own CountHistory and every decision from its evaluation, read as each group
of rules reads at its turn: the fast group sees what the slow one recorded a turn ago.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from math import isclose
from typing import Final, TypeAlias

from msgspec import structs

from sloctl import naming
from sloctl.duration import HOUR, MINUTE
from sloctl.model import Severity, Slo
from sloctl.rules.recording import counted_lookbacks
from sloctl.rules.scope import Scope
from sloctl.sidecar.engine import evaluation
from sloctl.sidecar.engine.buckets import EMPTY_SUM, BucketSum
from sloctl.sidecar.engine.history import CountHistory
from sloctl.slo.burn import time_to_exhaustion
from sloctl.slo.health import AlertState
from sloctl.slo.policy import exhaustion_row, settles_after
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, EventCounts, build_resolutions
from tests.differential.counting import Counting
from tests.differential.engine import Recorded, Recording
from tests.differential.kinds import Kind
from tests.differential.scraped import LOOKBACK, Scraped
from tests.differential.streams import GROUP

# A repair compares a stretch of 36 looks, ten minutes apart, and looks last at a multiple of ten minutes.
SPAN: Final = 35 * 10 * MINUTE
# Fine rollups that a stretch without a hole holds at least, of 350.
COMPLETE: Final = 348
# Seconds between two repairs.
REPAIRED_EVERY: Final = 30 * MINUTE
# The repair group's turns come so much later, so that its last look is older than its turn.
REPAIR_PHASE: Final = 2 * MINUTE
_UNREAD: Final = {
    naming.OBJECTIVE,
    naming.ERROR_BUDGET,
    naming.TIME_PERIOD,
    naming.NEW_SERIES,
}


@dataclass(frozen=True, slots=True, order=True)
class Reading:
    """One recorded series at one second, of one group."""

    at: int
    series: str
    group: str


Readings: TypeAlias = dict[Reading, float]


def expected(
    kind: Kind, slo: Slo, *, counting: Counting, series: Sequence[Scraped], horizon: int
) -> Readings:
    """Everything that should be recorded, minute by minute up to *horizon*."""
    counting = replace(counting, witnesses=[it for it in series if kind.counts_events(it)])
    groups = sorted({it.labels[GROUP] for it in series}) if kind.grouped else [""]
    readings: Readings = {}
    for group in groups:
        own = [it for it in series if it.labels[GROUP] == group] if kind.grouped else series
        turns = _RuleTurns(kind, slo, counting=counting, series=own, group=group)
        for now in range(0, horizon + 1, MINUTE):
            readings |= turns.turn(now)
    return readings


def recorded(recording: Recording) -> Readings:
    """The same of what the engine recorded; the objective, which never changes, is left out."""
    return {
        Reading(at, series, sample.labels.get(GROUP, "")): sample.value
        for at, samples in recording.items()
        for sample in samples
        if (series := _series(sample)) is not None
    }


def disagreements(python: Readings, engine: Readings) -> list[str]:
    """One line for each number that differs by more than the sidecar rounds, or that one side has alone."""
    return [
        f"{reading.at // 60}m {reading.series} {reading.group}: "
        f"{python.get(reading)} in Python, {engine.get(reading)} in Prometheus"
        for reading in sorted(python.keys() | engine.keys())
        if not _same(python.get(reading), engine.get(reading))
    ]


def _same(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    # A history holds single floats: each rounding is one part in 16 million.
    return isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)


def _series(sample: Recorded) -> str | None:
    name = sample.labels["__name__"]
    if name in _UNREAD:
        return None
    if name == "ALERTS":
        return f"{sample.labels['alertname']} {sample.labels['severity']}"
    return f"{name} {sample.labels['slo_part']}" if "slo_part" in sample.labels else name


class _RuleTurns:
    """One group of one SLO, minute by minute."""

    def __init__(
        self, kind: Kind, slo: Slo, *, counting: Counting, series: Sequence[Scraped], group: str
    ) -> None:
        self._kind = kind
        self._slo = slo
        self._counting = counting
        self._series = series
        self._group = group
        self._plan = evaluation.SloPlan.from_slo(slo)
        self._resolutions = build_resolutions(slo.alerting.policy, slo.window.seconds)
        self._counted = counted_lookbacks(Scope.from_slo(slo, naming.NATIVE_STYLE))
        self._history = CountHistory(step=FINE_STEP, window=slo.window.seconds)
        self._minutes: dict[int, EventCounts] = {}
        self._period: tuple[int, EventCounts] | None = None
        self._repairs: dict[int, EventCounts] = {}
        self._coarse: list[int] = []
        self._since: dict[int, int] = {}

    def turn(self, now: int) -> Readings:
        """The fast group every minute, then the slow one, then the repair."""
        readings = list(self._fast(now))
        if now % COARSE_STEP == 0:
            readings += self._slow(now)
        if now % REPAIRED_EVERY == REPAIR_PHASE and self._kind.grown is not None:
            readings += self._repair(now, now - REPAIR_PHASE)
        return {Reading(now, series, self._group): value for series, value in readings}

    def _fast(self, now: int) -> Iterator[tuple[str, float]]:
        counts = self._kind.minute(self._counting, self._series, now)
        if counts is not None:
            self._minutes[now] = counts
            self._history.record_counts(now, counts)
            yield from _rollups(FINE_STEP, counts)
        yield from self._ratios(FINE_STEP, now)
        burns = self._burns(lambda lookback: self._seen_by_fast(now, lookback))
        covered = self._covered_seconds(now)
        budget = self._budget(burns, covered)
        by_lookback = {each.lookback: each for each in burns}
        window = self._slo.window.seconds
        yield from _known(naming.CURRENT_BURN_RATE, by_lookback[COARSE_STEP].burn_rate)
        yield from _known(naming.PERIOD_BURN_RATE, by_lookback[window].burn_rate)
        yield from _known(naming.PERIOD_COVERED, None if covered is None else covered_share(covered, window))
        yield from _known(naming.BUDGET_REMAINING, budget.left)
        yield from self._burn_alert(Severity.PAGE, burns, covered)
        if budget.is_exhausted:
            yield _firing(naming.EXHAUSTED_ALERT, Severity.TICKET)
        if budget.exhausts_within(self._slo.alerting.exhausting_within):
            yield _firing(naming.EXHAUSTING_ALERT, Severity.TICKET)

    def _slow(self, now: int) -> Iterator[tuple[str, float]]:
        counts = self._counts(now, COARSE_STEP)
        if counts is not None:
            yield from _rollups(COARSE_STEP, counts)
            self._coarse.append(now)
        since = self._since_at(now)
        if since is not None:
            self._since[now] = since
            yield naming.ROLLUPS_SINCE, since
        yield from self._ratios(COARSE_STEP, now)
        burns = self._burns(lambda lookback: self._recorded_by_slow(lookback, now))
        yield from self._burn_alert(Severity.TICKET, burns, self._covered_seconds(now))
        period = self._recorded_by_slow(self._slo.window.seconds, now)
        if period is not None and period.total > 0:
            self._period = now, period

    def _repair(self, now: int, looked: int) -> Iterator[tuple[str, float]]:
        assert self._kind.grown is not None
        if not 0 < sum(at > now - SPAN for at in self._minutes) < COMPLETE:
            return
        # What the last seconds before the look held may stand in the rollup a minute after it.
        seen = [
            [counts for at, counts in self._minutes.items() if looked - SPAN < at - later <= looked]
            for later in (0, MINUTE)
        ]
        if not any(seen):
            return
        earlier = [counts for at, counts in self._repairs.items() if at >= now - SPAN + MINUTE]
        events, errors = self._kind.grown(self._counting, self._series, looked, SPAN)
        if events is None:
            return
        counted_events = max(sum(it.total for it in counted) for counted in seen)
        counted_errors = max(sum(it.error for it in counted) for counted in seen)
        total = max(0.0, events - counted_events - sum(it.total for it in earlier))
        error = max(0.0, (errors or 0.0) - counted_errors - sum(it.error for it in earlier))
        self._coarse.append(now)
        self._repairs[now] = EventCounts(error=min(error, total), total=total)
        yield f"{naming.event_count_metric(COARSE_STEP)} repair", total
        yield f"{naming.error_count_metric(COARSE_STEP)} repair", min(error, total)

    def _burns(self, summed: Callable[[int], EventCounts | None]) -> tuple[evaluation.LookbackBurn, ...]:
        sums = [(lookback, summed(lookback)) for lookback in self._plan.lookbacks]
        return evaluation.evaluate_burns(
            self._plan,
            [EMPTY_SUM if it is None else BucketSum(lookback, it.error, it.total) for lookback, it in sums],
        )

    def _since_at(self, now: int) -> int | None:
        """When the first rollup began, by the record of the last hour and by looks over the window."""
        window = self._slo.window.seconds
        every = max(window // 120, COARSE_STEP)
        looks = [now, *range(-(-(now - window) // every) * every, now + 1, every)]
        begins = [at - COARSE_STEP for at in looks if any(self._is_recent(it, at) for it in self._coarse)]
        begins += [since for at, since in self._since.items() if at > now - max(HOUR, every)]
        return min(begins, default=None)

    def _is_recent(self, recorded: int, now: int) -> bool:
        age = now - recorded
        return 0 <= age < LOOKBACK or (self._counting.engine.closed and age == LOOKBACK)

    def _covered_seconds(self, now: int) -> int | None:
        """As the slow group told it in the last ten minutes, else by the minutes counted in the last five."""
        told = [at for at in self._since if now - 2 * COARSE_STEP <= at < now]
        if told:
            return now - self._since[max(told)]
        minutes = sum(now - COARSE_STEP < at <= now for at in self._minutes)
        return FINE_STEP * minutes or None

    def _budget(
        self, burns: Sequence[evaluation.LookbackBurn], covered: int | None
    ) -> evaluation.BudgetState:
        """The budget by what is covered of the window."""
        budget, window = evaluation.evaluate_budget(self._plan, burns, ()), self._slo.window.seconds
        row = exhaustion_row(self._slo.alerting.policy)
        if covered is None or row is None or budget.left is None:
            return structs.replace(budget, left=None, confirmed_time_to_exhaustion=None)
        left = 1 - (1 - budget.left) * covered_share(covered, window)
        rates = [each.burn_rate for each in burns if each.lookback in (row.long, row.short)]
        slower = None if None in rates else min(rate for rate in rates if rate is not None)
        settled = None if slower is None else slower * covered_share(covered, settles_after(row))
        time_left = time_to_exhaustion(left, settled, window)
        return structs.replace(budget, left=left, confirmed_time_to_exhaustion=time_left)

    def _counts(self, now: int, lookback: int) -> EventCounts | None:
        [seen] = self._history.lookback_sums(now, [lookback])
        return EventCounts(seen.error, seen.total) if seen.seconds else None

    def _seen_by_fast(self, now: int, lookback: int) -> EventCounts | None:
        """Slow series through last_over_time(…[10m])."""
        if self._resolutions.for_lookback(lookback).step == FINE_STEP:
            return self._counts(now, lookback)
        if lookback != self._slo.window.seconds or self._period is None:
            return None
        age = now - self._period[0]
        held = age < 2 * COARSE_STEP or (self._counting.engine.closed and age == 2 * COARSE_STEP)
        return self._period[1] if held else None

    def _recorded_by_slow(self, lookback: int, now: int) -> EventCounts | None:
        if self._resolutions.for_lookback(lookback).step == FINE_STEP:
            return self._counts(now, lookback)
        rollups = self._counts(now, lookback)
        alerted = any(lookback in (row.long, row.short) for row in self._slo.alerting.policy)
        # What an alert counts of a repair must lie within the lookback, whenever in six hours it happened.
        reach = lookback - (6 * HOUR if alerted else 0) - COARSE_STEP / 2
        repairs = [counts for at, counts in self._repairs.items() if now - reach < at <= now]
        if rollups is None and not repairs:
            return None
        return reduce(_plus, repairs, rollups or EventCounts(error=0.0, total=0.0))

    def _ratios(self, step: int, now: int) -> Iterator[tuple[str, float]]:
        for resolution in self._resolutions.with_step(step):
            counts = self._recorded_by_slow(resolution.lookback, now)
            if counts is None:
                continue
            if resolution.lookback in self._counted:
                yield naming.error_count_metric(resolution.lookback), counts.error
            yield from _known(naming.error_ratio_metric(resolution.lookback), counts.error_ratio)

    def _burn_alert(
        self, severity: Severity, burns: tuple[evaluation.LookbackBurn, ...], covered: int | None
    ) -> Iterator[tuple[str, float]]:
        settled = {
            row.long: covered_share(covered or 0, settles_after(row)) for row in self._slo.alerting.policy
        }
        scaled = [_scale(each, settled.get(each.lookback, 1.0)) for each in burns]
        for alert in evaluation.evaluate_alerts(self._plan, scaled):
            if alert.severity is severity and alert.state is AlertState.FIRING:
                yield _firing(naming.BURN_ALERT, severity)


def covered_share(covered: float, span: int) -> float:
    return min(1.0, covered / span)


def _scale(seen: evaluation.LookbackBurn, share: float) -> evaluation.LookbackBurn:
    ratio = seen.error_ratio
    return seen if ratio is None else structs.replace(seen, error_ratio=ratio * share)


def _plus(one: EventCounts, other: EventCounts) -> EventCounts:
    return EventCounts(error=one.error + other.error, total=one.total + other.total)


def _rollups(step: int, counts: EventCounts) -> Iterator[tuple[str, float]]:
    yield naming.event_count_metric(step), counts.total
    yield naming.error_count_metric(step), counts.error


def _known(series: str, value: float | None) -> Iterator[tuple[str, float]]:
    if value is not None:
        yield series, value


def _firing(alert: str, severity: Severity) -> tuple[str, float]:
    return f"{alert} {severity.value}", 1.0
