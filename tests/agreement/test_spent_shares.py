"""Shares of a spent budget, in the rules and in the sidecar, against what was really spent."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from sloctl import compiler
from sloctl.duration import HOUR, MINUTE
from sloctl.model import CountedSide, RatioIndicator, RollingWindow, Severity, Slo, SpentStep
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.sidecar.engine.candidates import alert_candidates
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.event_series import EventSeries
from sloctl.slo.health import AlertState, Health
from sloctl.slo.replay import replay_policy
from sloctl.slo.resolutions import EventCounts
from sloctl.targets.alertmanager import render_inhibitions
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import ALERTING, shop

STEPS: Final = (
    SpentStep(Fraction(1, 2), Severity.TICKET),
    SpentStep(Fraction(3, 4), Severity.TICKET),
    SpentStep(Fraction(9, 10), Severity.PAGE),
)
# Two hours of one error in a thousand spend exactly the budget: a share is spent after that share of them.
SLO: Final = shop(
    objective=Fraction(999, 1000),
    window=RollingWindow(2 * HOUR),
    indicator=RatioIndicator(
        CountedSide.ERROR, (read_selector('r_total{code="500"}'),), (read_selector("r_total"),)
    ),
    alerting=replace(ALERTING, policy=(), exhausting=None, no_data=None, spent_steps=STEPS),
)
SPENT_AFTER: Final = {"50%": 60, "75%": 90, "90%": 108}
T0: Final = 1_700_000_000


def trial(directory: Path, good: str, bad: str, *expected: Expectation) -> str:
    series = {'r_total{code="200"}': good, 'r_total{code="500"}': bad}
    return run_trials(
        directory, compiler.compile_rules([SLO], NATIVE_STYLE), [Trial("spent", series, expected)]
    )


def firing(share: str) -> str:
    alerts = f'ALERTS{{alertname="SLOErrorBudgetSpent",alertstate="firing",slo_spent="{share}"}}'
    return f"count({alerts}) or vector(0)"


def test_the_rules_tell_each_share_within_minutes_of_its_being_spent(tmp_path: Path) -> None:
    """Up to five minutes early: the first coarse rollup counts as five whole minutes."""
    expected = [
        Expectation(minute + late, firing(share), value)
        for share, minute in SPENT_AFTER.items()
        for late, value in ((-8, 0), (4, 1))
    ]

    told = trial(tmp_path, "0+999x600", "0+1x600", *expected)

    assert told == "SUCCESS"


def test_the_rules_page_where_the_spec_says_so(tmp_path: Path) -> None:
    pages = 'count(ALERTS{alertname="SLOErrorBudgetSpent",slo_severity="page",severity="page"}) or vector(0)'

    told = trial(tmp_path, "0+999x600", "0+1x600", Expectation(100, pages, 0), Expectation(113, pages, 1))

    assert told == "SUCCESS"


def test_a_burst_in_the_first_minutes_has_spent_no_share(tmp_path: Path) -> None:
    """Half of everything fails for three seconds' worth of events: 4 % of the budget of two hours."""
    told = trial(
        tmp_path,
        "0+1000x600",
        "0+0x7 1+1x4 5+0x600",
        *(Expectation(minute, firing("50%"), 0) for minute in range(1, 60)),
    )

    assert told == "SUCCESS"


def first_fired(slo: Slo) -> Iterator[tuple[str, int]]:
    """Each share with the second of its first alert in the sidecar."""
    engine, seen = Engine([slo], interval=5), set()
    for at in range(5, 2 * HOUR + 1, 5):
        counts = IntervalCounts(T0 + at, {slo.id: SloCounts({(): EventCounts(0.005, 5)})})
        snapshot = engine.record_tick(T0 + at, [counts])
        for candidate in alert_candidates(snapshot, T0 + at, {}):
            share = candidate.alert_labels(NATIVE_STYLE).get("slo_spent")
            if candidate.state is AlertState.FIRING and share is not None and share not in seen:
                seen.add(share)
                yield share, at


def test_the_sidecar_tells_each_share_at_the_tick_in_which_it_is_spent() -> None:
    fired = dict(first_fired(SLO))

    assert fired == {share: pytest.approx(MINUTE * at, abs=5) for share, at in SPENT_AFTER.items()}


def with_a_past(errors: float) -> Snapshot:
    """The sidecar after a hundred minutes in which so many of ten thousand events were bad."""
    engine = Engine([SLO], interval=5)
    past = EventCounts(errors, 10_000)
    engine.backfill_counts(SLO, (), T0 - 10 * MINUTE, past, seconds=100 * MINUTE)
    return engine.record_tick(T0 + 5, [IntervalCounts(T0 + 5, {SLO.id: SloCounts({(): EventCounts(0, 1)})})])


def test_the_sidecar_sends_the_labels_of_the_rules() -> None:
    labels = [it.alert_labels(NATIVE_STYLE) for it in alert_candidates(with_a_past(9.5), T0 + 5, {})]

    assert [(it["alertname"], it["slo_alert"], it["slo_severity"], it["slo_spent"]) for it in labels] == [
        ("SLOErrorBudgetSpent", "spent", "ticket", "50%"),
        ("SLOErrorBudgetSpent", "spent", "ticket", "75%"),
    ]


def test_a_share_that_pages_is_a_paging_state() -> None:
    assert [state.health for state in with_a_past(9.5).states] == [Health.FINE]
    assert [state.health for state in with_a_past(11.5).states] == [Health.PAGING]


def test_the_backtest_tells_each_share_at_its_minute() -> None:
    minutes = 2 * HOUR // MINUTE
    series = EventSeries(0, MINUTE, events=[1000.0] * minutes, errors=[1.0] * minutes)

    fired = [alert for alert in replay_policy(SLO, series).alerts if alert.step is not None]

    assert [alert.step for alert in fired] == list(STEPS)
    assert [alert.severity for alert in fired] == [step.severity for step in STEPS]
    assert [alert.began // MINUTE for alert in fired] == pytest.approx([60, 90, 108], abs=5)


def test_higher_shares_mute_lower_ones_and_no_ticket_mutes_a_page() -> None:
    steps = (
        *STEPS,
        SpentStep(Fraction(95, 100), Severity.PAGE),
        SpentStep(Fraction(99, 100), Severity.TICKET),
    )
    slo = replace(SLO, alerting=replace(ALERTING, spent_steps=steps))
    written = render_inhibitions([slo], NATIVE_STYLE)

    muted = [
        (source, target)
        for source, target in zip(lines_of(written, "source"), lines_of(written, "target"), strict=True)
        if "slo_spent" in source
    ]

    assert muted == [
        (
            """['slo_alert="spent"', 'slo_spent="95%"', 'slo_severity="page"']""",
            """['slo_alert="spent"', 'slo_spent=~"90%"', 'slo_severity="page"']""",
        ),
        (
            """['slo_alert="spent"', 'slo_spent="75%"']""",
            """['slo_alert="spent"', 'slo_spent=~"50%"', 'slo_severity="ticket"']""",
        ),
        (
            """['slo_alert="spent"', 'slo_spent="90%"']""",
            """['slo_alert="spent"', 'slo_spent=~"50%|75%"', 'slo_severity="ticket"']""",
        ),
        (
            """['slo_alert="spent"', 'slo_spent="95%"']""",
            """['slo_alert="spent"', 'slo_spent=~"50%|75%"', 'slo_severity="ticket"']""",
        ),
        (
            """['slo_alert="spent"', 'slo_spent="99%"']""",
            """['slo_alert="spent"', 'slo_spent=~"50%|75%"', 'slo_severity="ticket"']""",
        ),
    ]


def lines_of(written: str, side: str) -> list[str]:
    return [line.partition("matchers: ")[2] for line in written.splitlines() if f"{side}_matchers" in line]
