"""What a backtest tells of one budget: alerts, periods met or missed, worst hours, and alternatives."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Final

from msgspec import Struct, structs

from sloctl.duration import DAY, HOUR, WEEK
from sloctl.formatting import format_objective
from sloctl.model import Alerting, Labels, Severity, Slo
from sloctl.slo import burn
from sloctl.slo.event_series import EventSeries
from sloctl.slo.exclusions import describe_exclusions, exclude_from_series
from sloctl.slo.replay import PolicyReplay, find_runs, merge_spans, replay_policy, spent_between
from sloctl.slo.resolutions import EventCounts

# Beside the SLO's own window.
_PERIODS: Final = (WEEK, 4 * WEEK, 90 * DAY)
_WORST_HOURS: Final = 5
# A hole shorter than this is not worth a word: two scrapes that failed.
_SHORTEST_HOLE: Final = 5 * 60


class PeriodResult(Struct, frozen=True):
    """The objective over the last *seconds* of the data, of which *known_seconds* are known.

    *error_ratio* and *is_met* are None without events; *spent* is a share of the budget of such a period.
    """

    seconds: int
    known_seconds: int
    error_ratio: float | None
    is_met: bool | None
    spent: float | None


class WorstHour(Struct, frozen=True):
    """An hour by its start, Unix seconds, and the share of the budget that it spent."""

    start: int
    counts: EventCounts
    spent: float | None


class Alternative(Struct, frozen=True):
    """Another objective or policy, and how often and how long it would have fired."""

    label: str
    pages: int
    tickets: int
    seconds_paging: int
    is_met: bool | None


class BudgetBacktest(Struct, frozen=True):
    """One SLO, or one group of it, over the series that was replayed.

    *holes* are spans without data, Unix seconds; the first of *alternatives* is the SLO as it is.
    """

    slo: Slo
    group: Labels
    series: EventSeries
    replay: PolicyReplay
    periods: tuple[PeriodResult, ...]
    worst_hours: tuple[WorstHour, ...]
    holes: tuple[tuple[int, int], ...]
    alternatives: tuple[Alternative, ...]
    excluded: tuple[str, ...] = ()
    with_excluded: PeriodResult | None = None

    @property
    def title(self) -> str:
        """The id, with the values of the group."""
        values = ", ".join(f"{name}={value}" for name, value in self.group.items())
        return f"{self.slo.id} {{{values}}}" if values else self.slo.id

    @property
    def own_period(self) -> PeriodResult:
        """The result over the SLO's window."""
        return next(period for period in self.periods if period.seconds == self.slo.window.seconds)


def backtest_budget(
    slo: Slo,
    group: Labels,
    series: EventSeries,
    *,
    objectives: Sequence[Fraction] = (),
    policies: Mapping[str, Alerting] | None = None,
) -> BudgetBacktest:
    """Replay *slo* over *series*, as it is, with each of *objectives*, and with each of *policies*.

    What exclusions leave out is left out.
    """
    whole = series
    series = exclude_from_series(slo, group, whole)
    replay = replay_policy(slo, series)
    lengths = sorted({*_PERIODS, slo.window.seconds})
    variants = {
        "as it is": slo,
        **{format_objective(other): structs.replace(slo, objective=other) for other in objectives},
        **{name: structs.replace(slo, alerting=alerting) for name, alerting in (policies or {}).items()},
    }
    alternatives = (
        tuple(
            count_alerts(label, variant, series, replay if variant is slo else replay_policy(variant, series))
            for label, variant in variants.items()
        )
        if len(variants) > 1
        else ()
    )
    return BudgetBacktest(
        slo=slo,
        group=group,
        series=series,
        replay=replay,
        periods=tuple(judge_period(slo, series, seconds) for seconds in lengths),
        worst_hours=find_worst_hours(slo, series),
        holes=tuple(find_holes(series)),
        alternatives=alternatives,
        excluded=describe_exclusions(slo, group, whole.start, whole.end),
        with_excluded=judge_period(slo, whole, slo.window.seconds),
    )


def count_alerts(label: str, slo: Slo, series: EventSeries, replay: PolicyReplay) -> Alternative:
    """Count the alerts of a replay."""
    pages = replay.of_severity(Severity.PAGE)
    paging = merge_spans((page.began, series.end if page.ended is None else page.ended) for page in pages)
    return Alternative(
        label=label,
        pages=len(pages),
        tickets=len(replay.of_severity(Severity.TICKET)),
        seconds_paging=sum(end - start for start, end in paging),
        is_met=judge_period(slo, series, slo.window.seconds).is_met,
    )


def judge_period(slo: Slo, series: EventSeries, seconds: int) -> PeriodResult:
    """Judge the objective over the last *seconds* of *series*, as far as it reaches back."""
    first = max(0, len(series) - seconds // series.step)
    counts = series.counts_between(first, len(series))
    ratio, known = counts.error_ratio, series.known.count(1, first) * series.step
    left = burn.budget_remaining(slo.budget, ratio, burn.covered_share(known, seconds))
    return PeriodResult(
        seconds=seconds,
        known_seconds=known,
        error_ratio=ratio,
        is_met=None if ratio is None else ratio <= float(slo.budget),
        spent=None if left is None else 1 - left,
    )


def find_worst_hours(slo: Slo, series: EventSeries) -> tuple[WorstHour, ...]:
    """Find the hours of the clock with the most bad events, the worst first; none without any."""
    steps = HOUR // series.step
    first = series.first_turn(HOUR) + 1 - steps
    hours = [
        (series.counts_between(index, min(index + steps, len(series))), index)
        for index in range(first, len(series), steps)
    ]
    bad = sorted((hour for hour in hours if hour[0].error > 0), key=lambda hour: (-hour[0].error, hour[1]))
    return tuple(
        WorstHour(
            series.start + index * series.step,
            counts,
            spent_between(slo, series, index, min(index + steps, len(series))),
        )
        for counts, index in bad[:_WORST_HOURS]
    )


def find_holes(series: EventSeries) -> Iterable[tuple[int, int]]:
    """Find the spans without data, Unix seconds."""
    for first, end in find_runs(bytes(not known for known in series.known)):
        if (end - first) * series.step >= _SHORTEST_HOLE:
            yield series.start + first * series.step, series.start + end * series.step
