"""Burn alerts that wait: rows of one severity, each for its time, by the rules and by the sidecar."""

from fractions import Fraction
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from sloctl import compiler
from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import PolicyRow, Severity
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.notify.active_alerts import ActiveAlerts
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import ALERTING, shop

ROWS: Final = (
    PolicyRow(Severity.PAGE, Fraction(2, 100), HOUR, 5 * MINUTE, pending=2 * MINUTE),
    PolicyRow(Severity.PAGE, Fraction(5, 100), 6 * HOUR, 30 * MINUTE, pending=15 * MINUTE),
)
PATIENT: Final = shop(
    alerting=replace(ALERTING, policy=ROWS, ticket=None, exhausted=None, exhausting=None, no_data=None)
)
START: Final = 1_700_000_000.0
OUTAGE: Final = EventCounts(100, 100)


def alerts_of(state: str, pending: str) -> str:
    return f'count(ALERTS{{alertstate="{state}", slo_severity="page", slo_for="{pending}"}})'


def sidecar_alerts(counts: list[EventCounts]) -> list[list[str]]:
    """What fires after each minute of *counts*, by what it waits for.

    The window before is covered, so that a row waits for its own time alone and not for data besides.
    """
    engine, alerts, seen = (
        Engine([PATIENT], interval=5),
        ActiveAlerts(NATIVE_STYLE, {}, ended_retention=0),
        [],
    )
    engine.backfill_counts(PATIENT, (), START - 20 * DAY, EventCounts(0, 0), seconds=40 * DAY)
    for minute, counted in enumerate(counts):
        at = START + minute * MINUTE
        snapshot = engine.record_tick(at, [IntervalCounts(at, {PATIENT.id: SloCounts({(): counted})})])
        alerts.update(snapshot, at)
        seen.append(sorted(alert.labels["slo_for"] for alert in alerts.firing))
    return seen


def test_each_row_fires_after_its_own_time_in_prometheus(tmp_path: Path) -> None:
    series = {'requests_total{job="shop", i="1", code="500"}': "0+6x480"}
    expected = [
        Expectation(2, alerts_of("pending", "2m"), 1),
        Expectation(5, alerts_of("firing", "2m"), 1),
        Expectation(5, alerts_of("firing", "15m"), None),
        Expectation(5, alerts_of("pending", "15m"), 1),
        Expectation(18, alerts_of("firing", "15m"), 1),
    ]

    told = run_trials(
        tmp_path, compiler.compile_rules([PATIENT], NATIVE_STYLE), [Trial("outage", series, expected)]
    )

    assert told == "SUCCESS"


def test_each_row_fires_after_its_own_time_in_the_sidecar() -> None:
    seen = sidecar_alerts([OUTAGE] * 20)

    assert seen == [[]] * 2 + [["2m"]] * 13 + [["15m", "2m"]] * 5


def test_a_burn_that_ends_before_its_time_fires_nothing() -> None:
    good = EventCounts(0, 1_000_000)

    seen = sidecar_alerts([OUTAGE, OUTAGE, good, OUTAGE])

    assert seen == [[]] * 4


def test_rows_that_wait_alike_are_one_alert() -> None:
    alike = tuple(replace(row, pending=5 * MINUTE) for row in ROWS)
    slo = replace(PATIENT, alerting=replace(PATIENT.alerting, policy=alike))

    rules = compiler.compile_rules([slo], NATIVE_STYLE)

    assert rules.count("alert: SLOErrorBudgetBurn") == 1
    assert "for: 5m" in rules
    assert "slo_for" not in rules
