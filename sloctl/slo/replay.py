"""Replay of an SLO's alerts over event counts of the past: when each would have fired, and what it cost.

The same conditions as the rules and the sidecar evaluate, of `burn` and `policy`, with the same lookbacks, at
the turns of the same groups: pages at every step, tickets and coarse rollups every five minutes.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice, pairwise, repeat
from operator import or_
from typing import Final

from msgspec import Struct

from sloctl.model import AlertKind, PolicyRow, Severity, Slo, SpentStep
from sloctl.slo import burn
from sloctl.slo.event_series import NO_RATIO, EventSeries
from sloctl.slo.policy import (
    alert_threshold,
    enabled_severities,
    error_floor,
    exhaustion_row,
    rows_by_pending,
    rows_of_severity,
    settles_after,
)
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, SEVERITY_STEP, Resolutions, build_resolutions

_BURN_KINDS: Final = {Severity.PAGE: AlertKind.PAGE, Severity.TICKET: AlertKind.TICKET}


class FiredAlert(Struct, frozen=True):
    """One alert, from the evaluation that began it to the one that ended it, Unix seconds.

    *ended* is None where it fires to the end of the data. *policy_row* is the row that fired first, None for
    alerts that are not about a burn; *step* is that of a spent share. Shares of the budget: *budget_left*
    when it began, *spent_at_start* by the errors of the long lookback until then, and *spent* by those until
    it ended; None is unknown.
    """

    kind: AlertKind
    severity: Severity
    policy_row: PolicyRow | None
    began: int
    ended: int | None
    budget_left: float | None
    spent_at_start: float | None
    spent: float | None
    step: SpentStep | None = None


class PolicyReplay(Struct, frozen=True):
    """All alerts of an SLO over a series, in order of time, and the budget left after every step of it."""

    alerts: tuple[FiredAlert, ...]
    budget_left: tuple[float | None, ...]

    def of_severity(self, severity: Severity) -> tuple[FiredAlert, ...]:
        return tuple(alert for alert in self.alerts if alert.severity is severity)


def replay_policy(slo: Slo, series: EventSeries, *, coarse_step: int = COARSE_STEP) -> PolicyReplay:
    """Replay every enabled alert of *slo*.

    *coarse_step* is the time between two evaluations of tickets and coarse lookbacks, a multiple of the
    step of the series, seconds.
    """
    return AlertReplay(slo, series, max(coarse_step, series.step)).replay_alerts()


class AlertReplay:
    """The columns of one replay: an entry for each step of the series, as the rules would read it then."""

    def __init__(self, slo: Slo, series: EventSeries, coarse_step: int) -> None:
        self._slo = slo
        self._series = series
        self._window = slo.window.seconds
        self._resolutions: Resolutions = build_resolutions(slo.alerting.policy, self._window)
        self._first = series.first_turn(coarse_step)
        self._every = coarse_step // series.step
        self._covered = series.covered_seconds(self._window)
        self._left = self._budget_column()

    def replay_alerts(self) -> PolicyReplay:
        """Evaluate all alerts."""
        alerting = self._slo.alerting
        fired = [
            alert
            for severity in enabled_severities(alerting)
            for pending, rows in rows_by_pending(rows_of_severity(alerting.policy, severity)).items()
            for alert in self._burn_alerts(severity, rows, rows[0].pending if pending is None else pending)
        ]
        conditions = {
            AlertKind.EXHAUSTED: self._exhausted_steps,
            AlertKind.EXHAUSTING: self._exhausting_steps,
            AlertKind.NO_DATA: self._silent_steps,
        }
        for kind, evaluate in conditions.items():
            if kind in alerting.enabled_alerts:
                pending = alerting.no_data_after if kind is AlertKind.NO_DATA else 0
                for first, end in self._pending_runs(evaluate(), pending):
                    fired.append(self._fired_alert(kind, None, first, end))
        for step in alerting.spent_steps:
            limit = float(step.share_left)
            spent = bytes(left is not None and left <= limit for left in self._left)
            fired += [
                self._fired_alert(AlertKind.SPENT, None, first, end, step=step)
                for first, end in self._pending_runs(spent, 0)
            ]
        order = sorted(fired, key=lambda alert: (alert.began, alert.severity.value, alert.kind.value))
        return PolicyReplay(tuple(order), tuple(self._left))

    def burning_steps(self, row: PolicyRow) -> bytes:
        """Return 1 for each step after which *row* burns, pending time aside, and else 0."""
        limit = float(alert_threshold(row, self._window, self._slo.budget))
        is_slow = SEVERITY_STEP[row.severity] == COARSE_STEP
        indexes = range(self._first, len(self._series), self._every) if is_slow else range(len(self._series))
        long, short = (
            self._series.error_ratios(lookback, first=self._first, every=self._every)
            if is_slow
            else self._ratios_each_step(lookback)
            for lookback in (row.long, row.short)
        )
        # Most steps of most months burn nothing: only the others are looked at closely.
        if max(short, default=NO_RATIO) <= limit or max(long, default=NO_RATIO) <= limit:
            return bytes(len(self._series))
        burning = bytearray(len(self._series))
        for index, long_ratio, short_ratio in zip(indexes, long, short, strict=True):
            if (
                long_ratio > limit
                and short_ratio > limit
                and self._row_fires(row, index, (long_ratio, short_ratio), limit)
            ):
                until = min(index + (self._every if is_slow else 1), len(burning))
                burning[index:until] = b"\1" * (until - index)
        return bytes(burning)

    def _row_fires(self, row: PolicyRow, index: int, ratios: tuple[float, float], limit: float) -> bool:
        alerting, (long, short) = self._slo.alerting, ratios
        settled = burn.settled_ratio(long, self._covered[index], settles_after(row))
        if not burn.is_firing(settled, short, limit):
            return False
        counts = self._series.counts_at(self._read_index(index, row.long), row.long)
        if counts.error < error_floor(alerting.min_errors):
            return False
        if alerting.confidence is None:
            return True
        bound = burn.wilson_lower_bound(counts.error, counts.total, burn.z_score(alerting.confidence))
        return bound is not None and bound > limit

    def _ratios_each_step(self, lookback: int) -> list[float]:
        """Return the ratios that rules of every minute read; a coarse one that is absent is that before."""
        if self._resolutions.for_lookback(lookback).step == FINE_STEP or self._every == 1:
            return self._series.error_ratios(lookback)
        turns = self._series.error_ratios(lookback, first=self._first, every=self._every)
        read = [now if now >= 0 else before for before, now in pairwise((NO_RATIO, *turns))]
        return self._hold(read, NO_RATIO)

    def _read_index(self, index: int, lookback: int) -> int:
        """Return the step whose lookback is the newest that is recorded at *index*."""
        if self._resolutions.for_lookback(lookback).step == FINE_STEP or index < self._first:
            return index
        return index - (index - self._first) % self._every

    def _hold(self, turns: Sequence[float], before: float) -> list[float]:
        """Repeat what each coarse turn recorded until the next."""
        repeated = (value for value in turns for _ in range(self._every))
        return list(islice(chain(repeat(before, self._first), repeated), len(self._series)))

    def _budget_column(self) -> list[float | None]:
        budget, window = float(self._slo.budget), self._window
        return [
            None if ratio < 0 else burn.budget_remaining(budget, ratio, burn.covered_share(covered, window))
            for ratio, covered in zip(self._ratios_each_step(window), self._covered, strict=True)
        ]

    def _burn_alerts(
        self, severity: Severity, rows: Sequence[PolicyRow], pending: int
    ) -> Iterator[FiredAlert]:
        burning = [self.burning_steps(row) for row in rows]
        merged = burning[0]
        for other in burning[1:]:
            merged = bytes(map(or_, merged, other))
        for first, end in self._pending_runs(merged, pending):
            row = next(row for row, steps in zip(rows, burning, strict=True) if steps[first])
            yield self._fired_alert(_BURN_KINDS[severity], row, first, end)

    def _exhausted_steps(self) -> bytes:
        return bytes(left is not None and left <= 0 for left in self._left)

    def _exhausting_steps(self) -> bytes:
        row = exhaustion_row(self._slo.alerting.policy)
        if row is None:
            return bytes(len(self._series))
        budget, within, settles = (
            float(self._slo.budget),
            self._slo.alerting.exhausting_within,
            settles_after(row),
        )

        def is_exhausting(left: float | None, ratio: float, covered: int) -> bool:
            # Below a burn of 1, and without a ratio, nothing is exhausted.
            if left is None or left <= 0 or ratio < budget:
                return False
            rate = burn.burn_rate(budget, burn.settled_ratio(ratio, covered, settles))
            seconds = burn.time_to_exhaustion(left, rate, self._window)
            return seconds is not None and seconds < within

        slower = map(min, self._ratios_each_step(row.long), self._ratios_each_step(row.short))
        return bytes(map(is_exhausting, self._left, slower, self._covered))

    def _silent_steps(self) -> bytes:
        """Return 1 for each step without a count, or with nothing counted in the whole window."""
        began = self._series.known.find(1)
        if began < 0:
            return bytes(len(self._series))
        recent, window = self._ratios_each_step(COARSE_STEP), self._ratios_each_step(self._window)
        silent = bytes(
            not known or (now < 0 and ever < 0)
            for known, now, ever in zip(self._series.known, recent, window, strict=True)
        )
        return bytes(began) + silent[began:]

    def _pending_runs(self, holds: bytes, pending: int) -> Iterator[tuple[int, int]]:
        """Find from which to which index an alert fires that must have held for *pending* seconds."""
        for first, end in find_runs(holds):
            if first + pending // self._series.step < end:
                yield first + pending // self._series.step, end

    def _fired_alert(
        self, kind: AlertKind, row: PolicyRow | None, first: int, end: int, *, step: SpentStep | None = None
    ) -> FiredAlert:
        series = self._series
        before = 0 if row is None else row.long // series.step
        return FiredAlert(
            kind=kind,
            severity=self._slo.alerting.severity_of(kind, step),
            policy_row=row,
            began=series.moment_at(first),
            ended=None if end >= len(series) else series.moment_at(end),
            budget_left=self._left[first],
            spent_at_start=None if row is None else self._share_spent(first + 1 - before, first + 1),
            spent=None if row is None else self._share_spent(first + 1 - before, end),
            step=step,
        )

    def _share_spent(self, first: int, end: int) -> float | None:
        return spent_between(self._slo, self._series, first, end)


def spent_between(slo: Slo, series: EventSeries, first: int, end: int) -> float | None:
    """Return the share of the budget that the errors of steps *first* up to and without *end* spend.

    The budget is that of a window with as many events as the one that ends there, as far as data cover it;
    None without events.
    """
    if end <= 0:
        return None
    window = slo.window.seconds
    covered = burn.covered_share(series.covered_seconds(window)[end - 1], window)
    expected = series.counts_at(end - 1, window).total / covered if covered > 0 else 0.0
    if expected <= 0:
        return None
    return series.counts_between(first, end).error / (float(slo.budget) * expected)


def find_runs(holds: bytes) -> Iterator[tuple[int, int]]:
    """Find each run of ones: the index of its first, and that after its last."""
    first = holds.find(1)
    while first >= 0:
        end = holds.find(0, first)
        end = len(holds) if end < 0 else end
        yield first, end
        first = holds.find(1, end)


def merge_spans(spans: Iterable[tuple[int, int]], gap: int = 0) -> list[tuple[int, int]]:
    """Join spans of time that overlap, or are at most *gap* apart."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged
