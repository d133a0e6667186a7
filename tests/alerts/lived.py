"""What the SLOs of docs/alerts.md went through, as the rollups that their rules would have recorded.

Law: each of them has the one alert that it is about, by arithmetic that a reader can do.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import Slo
from sloctl.naming import NATIVE_STYLE, error_count_metric, event_count_metric
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
class Stretch:
    """From so many seconds ago on, this share of 10,000 events in five minutes failed."""

    ago: int
    failing: float


@dataclass(frozen=True)
class Life:
    """The last three days as stretches, and the share of errors in the rest of the window before."""

    before: float
    stretches: Sequence[Stretch]
    group: tuple[tuple[str, str], ...] = ()

    def failing(self, ago: int) -> float:
        return next(it.failing for it in reversed(self.stretches) if ago < it.ago)


LIVES: Final = {
    # A leak that has a ticket, and for 40 minutes an outage on top of it.
    "availability": Life(0.0001, [Stretch(_RECENT, 0.0006), Stretch(40 * MINUTE, 0.015)]),
    "latency": Life(0.004, [Stretch(_RECENT, 0.015)], group=(("uri", "/v1/refunds"),)),
    "refunds": Life(0.00115, [Stretch(_RECENT, 0.0003)]),
    "authorisation": Life(0.00486, [Stretch(_RECENT, 0.003), Stretch(6 * HOUR, 0.0125)]),
}


def rollups(slos: Sequence[Slo], now: int) -> Iterator[tuple[str, float, float]]:
    """(series, value, Unix seconds), up to a minute before *now*."""
    for slo in slos:
        if slo.name in LIVES:
            yield from _rollups(slo, LIVES[slo.name], now)


def board(slos: Sequence[Slo], now: int) -> Snapshot:
    """What a sidecar that counted the same makes of it."""
    ledger, read = Engine(slos, interval=5), {}
    for slo in slos:
        if slo.name not in LIVES:
            continue
        life = LIVES[slo.name]
        group = tuple(value for _, value in life.group)
        total = _EVENTS * (slo.window.seconds - _RECENT) / COARSE_STEP
        ledger.backfill_counts(slo, group, now - 10 * DAY, EventCounts(total * life.before, total))
        for ago in range(_RECENT - FINE_STEP, -1, -FINE_STEP):
            events_now = _EVENTS * FINE_STEP / COARSE_STEP
            ledger.backfill_counts(
                slo, group, now - FINE_STEP - ago, EventCounts(events_now * life.failing(ago), events_now)
            )
        read[slo.id] = SloCounts({group: EventCounts(0, 0)})
    return ledger.record_tick(now, [IntervalCounts(now, read)])


def hurried(slos: Sequence[Slo]) -> str:
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
        for group in rule_groups(slo, NATIVE_STYLE)[:2]
    )


def _rollups(slo: Slo, life: Life, now: int) -> Iterator[tuple[str, float, float]]:
    labels = {**NATIVE_STYLE.identity_labels(slo), **dict(life.group)}
    # OpenMetrics has no space between labels.
    series = ",".join(f"{name}={quote_string(value)}" for name, value in labels.items())
    earlier = slo.window.seconds - _RECENT
    total = _EVENTS * earlier / COARSE_STEP
    yield from _counted(series, COARSE_STEP, at=now - 10 * DAY, total=total, failing=life.before)
    for step, reach in ((COARSE_STEP, _RECENT), (FINE_STEP, MAX_FINE_LOOKBACK)):
        for ago in range(reach - step, -1, -step):
            total = _EVENTS * step / COARSE_STEP
            yield from _counted(
                series, step, at=now - FINE_STEP - ago, total=total, failing=life.failing(ago)
            )


def _counted(
    series: str, step: int, *, at: int, total: float, failing: float
) -> Iterator[tuple[str, float, float]]:
    yield f"{event_count_metric(step)}{{{series}}}", total, at
    yield f"{error_count_metric(step)}{{{series}}}", total * failing, at
