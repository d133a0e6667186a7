"""The sidecar's alerts and those of a real Prometheus are the same alerts to a real Alertmanager."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import AlertMetadata, Severity, Slo
from sloctl.naming import (
    NATIVE_STYLE,
    ROLLUPS_SINCE,
    SLOTH_STYLE,
    LabelStyle,
    error_count_metric,
    event_count_metric,
)
from sloctl.promql import quote_string
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import AlertRule
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.notify.alertmanager import AlertmanagerOptions
from sloctl.sidecar.notify.notifier import Notifier
from sloctl.sidecar.sources import Group, IntervalCounts, SloCounts
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, MAX_FINE_LOOKBACK, EventCounts
from sloctl.targets.prometheus import render_rules
from tests.real import Server, backfill, running_alertmanager, running_prometheus
from tests.sidecar.specimens import slo

ALERTMANAGER = "route: {receiver: nobody, group_wait: 1s}\nreceivers: [{name: nobody}]\n"
STYLES = (NATIVE_STYLE, SLOTH_STYLE)
EXTERNAL = {"cluster": "eu-1"}
ROUTED = AlertMetadata(
    labels={"pager": "{{ $labels.route }}-on-call", "severity": "critical"},
    annotations={"runbook_url": "https://runbooks.example.com/{{ $labels.route }}"},
    name="Checkout: pay",
)


@dataclass(frozen=True)
class Lived:
    """One SLO and what it counted: (seconds ago, counts) of steps of five minutes."""

    slo: Slo
    group: Group
    steps: Sequence[tuple[int, EventCounts]] = ()


def recent(counts: EventCounts) -> list[tuple[int, EventCounts]]:
    return [(ago, counts) for ago in range(0, MAX_FINE_LOOKBACK, COARSE_STEP)]


def lives() -> list[Lived]:
    plain = slo(name="checkout", objective=Fraction(99, 100))
    paged = replace(plain.alerting, page=ROUTED, no_data=ROUTED, no_data_severity=Severity.PAGE)
    by_route = replace(plain, name="by-route", group_by=("route",), alerting=paged)
    outage = EventCounts(1000, 1000)
    return [
        Lived(plain, (), recent(outage)),
        Lived(by_route, ('/pay "now"',), recent(outage)),
        # Four times the budget's pace for six hours; with the calm of ten days ago 99 % of the budget.
        Lived(
            replace(plain, name="going"),
            (),
            [*recent(EventCounts(40, 1000)), (10 * DAY, EventCounts(0, 219_000))],
        ),
        Lived(replace(plain, name="silent"), ()),
        Lived(replace(by_route, name="silent-by-route"), ()),
    ]


EXPECTED = {
    ("checkout", "SLOErrorBudgetBurn", "page"),
    ("checkout", "SLOErrorBudgetBurn", "ticket"),
    ("checkout", "SLOErrorBudgetExhausted", "ticket"),
    ("by-route", "Checkout: pay", "page"),
    ("by-route", "SLOErrorBudgetBurn", "ticket"),
    ("by-route", "SLOErrorBudgetExhausted", "ticket"),
    ("going", "SLOErrorBudgetBurn", "ticket"),
    ("going", "SLOErrorBudgetExhausting", "ticket"),
    ("silent", "SLONoData", "ticket"),
    ("silent-by-route", "Checkout: pay", "page"),
}


def samples(lived: Lived, style: LabelStyle, now: int) -> Iterator[tuple[str, float, float]]:
    """The rollups its rules would have recorded up to a minute ago."""
    labels = {**style.identity_labels(lived.slo), **dict(zip(lived.slo.group_by, lived.group, strict=False))}
    # OpenMetrics has no space between labels.
    series = ",".join(f"{name}={quote_string(value)}" for name, value in labels.items())
    for step in (FINE_STEP, COARSE_STEP):
        for ago, counts in sorted(lived.steps, key=lambda it: -it[0]):
            for part in range(COARSE_STEP - step, -1, -step):
                at = now - FINE_STEP - ago - part
                yield f"{error_count_metric(step)}{{{series}}}", counts.error * step / COARSE_STEP, at
                yield f"{event_count_metric(step)}{{{series}}}", counts.total * step / COARSE_STEP, at
    # Rules that have run for longer than the window.
    for at in range(now - HOUR, now + 1, MINUTE):
        yield f'{ROLLUPS_SINCE}{{{series},slo_part="before"}}', now - 100 * DAY, at


def hurried(lived: Iterable[Lived], style: LabelStyle) -> str:
    """The rules, every second and without their `for:`; they record no rollups, which the test wrote."""
    rollups = {
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
                if isinstance(rule, AlertRule) or rule.record not in rollups
            ),
        )
        for each in lived
        for group in rule_groups(each.slo, style)
        if not group.name.endswith(":repair")
    )


def snapshot(lived: Sequence[Lived], now: float) -> Snapshot:
    """What the sidecar makes of the same counts."""
    engine = Engine([each.slo for each in lived], interval=5)
    readings = {}
    for each in lived:
        if each.steps:
            full = EventCounts(0, 0)
            engine.backfill_counts(each.slo, each.group, now - 10 * DAY, full, seconds=20 * DAY)
        for ago, counts in sorted(each.steps, key=lambda it: -it[0]):
            engine.backfill_counts(each.slo, each.group, now - FINE_STEP - ago, counts)
        if each.steps:
            readings[each.slo.id] = SloCounts({each.group: EventCounts(0, 0)})
    return engine.record_tick(now, [IntervalCounts(now, readings)])


def alerts_of(server: Server) -> dict[str, dict[str, Any]]:
    """What Alertmanager holds, by fingerprint."""
    return {alert["fingerprint"]: alert for alert in json.loads(server.get("/api/v2/alerts"))}


def named(alerts: Mapping[str, Mapping[str, Any]], style: LabelStyle) -> set[tuple[str, str, str]]:
    labels = [alert["labels"] for alert in alerts.values() if style.id in alert["labels"]]
    return {(it[style.name], it["alertname"], it[style.severity]) for it in labels}


def has_said_all(alerts: Mapping[str, Mapping[str, Any]]) -> bool:
    """Every alert, and after the first turn, in which the slow group's numbers are not yet known."""
    said = [alert["annotations"]["summary"] for alert in alerts.values()]
    all_there = all(named(alerts, style) == EXPECTED for style in STYLES)
    return all_there and not any("an unknown" in it for it in said)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not is_so():  # noqa: ASYNC110 - another process tells no event
            await asyncio.sleep(0.1)


async def test_alertmanager_takes_the_sidecars_alerts_for_those_of_prometheus(tmp_path: Path) -> None:
    lived, now = lives(), int(time.time())
    counted = (it for style in STYLES for each in lived for it in samples(each, style, now))
    backfill(tmp_path / "prometheus", counted)
    with running_alertmanager(tmp_path / "alertmanager", config=ALERTMANAGER) as alertmanager:
        with running_prometheus(
            tmp_path / "prometheus",
            config=sending_to(alertmanager),
            rules={f"{style.id}.yaml": hurried(lived, style) for style in STYLES},
            # It finds its Alertmanagers five seconds after its first alerts.
            flags=["--rules.alert.resend-delay=6s"],
        ):
            await until(lambda: has_said_all(alerts_of(alertmanager)))
        of_prometheus = alerts_of(alertmanager)

        for style in STYLES:
            await tell(alertmanager, snapshot(lived, now), style)

        merged = alerts_of(alertmanager)
        assert {it["generatorURL"] for it in merged.values()} == {"https://sidecar.example.com"}
        assert labels_and_summaries(merged) == labels_and_summaries(of_prometheus)


def sending_to(alertmanager: Server) -> str:
    address = alertmanager.url.removeprefix("http://")
    alerting = {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]}
    return f"global: {json.dumps({'external_labels': EXTERNAL})}\nalerting: {json.dumps(alerting)}"


async def tell(alertmanager: Server, seen: Snapshot, style: LabelStyle) -> None:
    """Everything on *seen*, by a sidecar that has run for an hour."""
    options = AlertmanagerOptions(
        urls=(alertmanager.url,),
        external_url="https://sidecar.example.com",
        external_labels=EXTERNAL,
        label_style=style,
    )
    early = Snapshot.without_data([entry.slo for entry in seen.states])
    late, feed = [HOUR], SnapshotFeed(early)
    clock = Clock(now=lambda: time.time() - late[0], sleep=asyncio.sleep)
    notifier = Notifier(options, feed, clock, asleep_after=2 * HOUR)
    async with notifier.run_tasks():
        await asyncio.sleep(0.1)
        late[0] = 0
        feed.publish_snapshot(seen)
        await until(lambda: notifier.health[0].sent == len(EXPECTED))


def labels_and_summaries(alerts: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Any, str]]:
    return {key: (it["labels"], it["annotations"]["summary"]) for key, it in alerts.items()}
