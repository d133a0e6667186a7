"""Snapshots as the engine publishes them, from error ratios."""

from collections.abc import Mapping

from sloctl.duration import DAY
from sloctl.model import Slo
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.sources import Group, IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts

T0 = 1_700_000_000.0
EVENTS = 100_000.0


def grouped(at: float, slo: Slo, ratios: Mapping[Group, float | None], *, calm_before: float = 0) -> Snapshot:
    """One SLO with an error ratio per group over every lookback; None is no traffic.

    Its window is full; *calm_before* good events of ten days ago are in it besides.
    """
    engine = Engine([slo], interval=5)
    for group in ratios:
        engine.backfill_counts(slo, group, at - 10 * DAY, EventCounts(0, calm_before), seconds=20 * DAY)
    counts = {
        group: EventCounts(0, 0) if ratio is None else EventCounts(ratio * EVENTS, EVENTS)
        for group, ratio in ratios.items()
    }
    return engine.record_tick(at, [IntervalCounts(at, {slo.id: SloCounts(counts)})])


def outage(at: float, slo: Slo) -> Snapshot:
    return grouped(at, slo, {(): 1.0})


def calm(at: float, slo: Slo) -> Snapshot:
    return grouped(at, slo, {(): 0.0})


def stale(seen: Snapshot) -> Snapshot:
    return seen.marked_stale("no answer in time")
