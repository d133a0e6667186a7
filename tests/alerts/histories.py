"""What the SLOs of docs/alerts.md went through, as the rollups that their rules would have recorded.

Law: each of them has the one alert that it is about, by arithmetic that a reader can do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import Slo
from sloctl.naming import NATIVE_STYLE, ROLLUPS_SINCE, error_count_metric, event_count_metric
from sloctl.promql import quote_string
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import AlertRule
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, MAX_FINE_LOOKBACK, EventCounts
from sloctl.targets.prometheus import render_rules

_RECENT: Final = 3 * DAY
_EVENTS: Final = 10_000.0


@dataclass(frozen=True)
class Period:
    """From so many seconds ago on, this share of 10,000 events in five minutes failed."""

    ago: int
    failing: float


@dataclass(frozen=True)
class History:
    """The last three days as periods, and the share of errors in the rest of the window before."""

    before: float
    periods: Sequence[Period]
    group: tuple[tuple[str, str], ...] = ()

    def failing(self, ago: int) -> float:
        return next(it.failing for it in reversed(self.periods) if ago < it.ago)


HISTORIES: Final = {
    # A leak that has a ticket, and for 40 minutes an outage on top of it.
    "availability": History(0.0001, [Period(_RECENT, 0.0006), Period(40 * MINUTE, 0.015)]),
    # The same leak and outage, of which nothing has failed any more for eight minutes.
    "recovered": History(
        0.0001, [Period(_RECENT, 0.0006), Period(40 * MINUTE, 0.015), Period(8 * MINUTE, 0.0)]
    ),
    "latency": History(0.004, [Period(_RECENT, 0.015)], group=(("uri", "/v1/refunds"),)),
    "refunds": History(0.00115, [Period(_RECENT, 0.0003)]),
    "authorisation": History(0.00486, [Period(_RECENT, 0.003), Period(6 * HOUR, 0.0125)]),
}


def rollups(slos: Sequence[Slo], now: int) -> Iterator[tuple[str, float, float]]:
    """(series, value, Unix seconds), up to a minute before *now*."""
    for slo in slos:
        if slo.name in HISTORIES:
            yield from _rollups(slo, HISTORIES[slo.name], now)


def snapshot(slos: Sequence[Slo], now: int) -> Snapshot:
    """What a sidecar that counted the same makes of it."""
    engine = Engine(slos, interval=5)
    # What last failed a minute ago would be over.
    return engine.record_tick(now, [IntervalCounts(now, backfill_engine(engine, slos, now))])


def backfill_engine(engine: Engine, slos: Sequence[Slo], until: int) -> dict[str, SloCounts]:
    """Count the same in *engine*, the last minute up to *until* (Unix seconds).

    Returns what a source then reads: of each of these SLOs nothing new.
    """
    read = {}
    for slo in slos:
        if slo.name not in HISTORIES:
            continue
        history = HISTORIES[slo.name]
        group = tuple(value for _, value in history.group)
        total = _EVENTS * (slo.window.seconds - _RECENT) / COARSE_STEP
        before = EventCounts(total * history.before, total)
        engine.backfill_counts(slo, group, until - 10 * DAY, before, seconds=20 * DAY)
        for ago in range(_RECENT - FINE_STEP, -1, -FINE_STEP):
            events_now = _EVENTS * FINE_STEP / COARSE_STEP
            counts = EventCounts(events_now * history.failing(ago), events_now)
            engine.backfill_counts(slo, group, until - ago, counts)
        read[slo.id] = SloCounts({group: EventCounts(0, 0)})
    return read


def hurried_rules(slos: Sequence[Slo]) -> str:
    """The rules, every second and without their `for:`; they record no rollups, which are there already."""
    recorded = {
        error_count_metric(FINE_STEP),
        event_count_metric(FINE_STEP),
        error_count_metric(COARSE_STEP),
        event_count_metric(COARSE_STEP),
    }
    return render_rules(
        replace(
            group,
            interval=1,
            rules=tuple(
                replace(rule, pending=0) if isinstance(rule, AlertRule) else rule
                for rule in group.rules
                if isinstance(rule, AlertRule) or rule.record not in recorded
            ),
        )
        for slo in slos
        for group in rule_groups(slo, NATIVE_STYLE)
        if not group.name.endswith(":repair")
    )


def _rollups(slo: Slo, history: History, now: int) -> Iterator[tuple[str, float, float]]:
    labels = {**NATIVE_STYLE.identity_labels(slo), **dict(history.group)}
    # OpenMetrics has no space between labels.
    series = ",".join(f"{name}={quote_string(value)}" for name, value in labels.items())
    earlier = slo.window.seconds - _RECENT
    total = _EVENTS * earlier / COARSE_STEP
    yield from _counted(series, COARSE_STEP, at=now - 10 * DAY, total=total, failing=history.before)
    # Rules that have run for longer than the window.
    for at in range(now - HOUR, now + 1, FINE_STEP):
        yield f'{ROLLUPS_SINCE}{{{series},slo_part="before"}}', now - 100 * DAY, at
    for step, reach in ((COARSE_STEP, _RECENT), (FINE_STEP, MAX_FINE_LOOKBACK)):
        for ago in range(reach - step, -1, -step):
            total = _EVENTS * step / COARSE_STEP
            yield from _counted(
                series, step, at=now - FINE_STEP - ago, total=total, failing=history.failing(ago)
            )


def _counted(
    series: str, step: int, *, at: int, total: float, failing: float
) -> Iterator[tuple[str, float, float]]:
    yield f"{event_count_metric(step)}{{{series}}}", total, at
    yield f"{error_count_metric(step)}{{{series}}}", total * failing, at
