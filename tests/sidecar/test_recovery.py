"""Is it over: what is foretold, against the evaluation itself as the clock goes on without errors."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloctl.duration import HOUR, MINUTE
from sloctl.model import Severity
from sloctl.sidecar import messages
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.evaluation import AlertEvaluation
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

SHOP = slo()
T0 = 1_700_000_040.0
STEP = 15


def states_of_incident(
    severity: Severity, *, outage: int, share: float, events: int, history: int
) -> Iterator[SloState]:
    """Yield the state at each tick from the start of an outage until the alert has resolved."""
    engine = Engine([SHOP], interval=STEP)
    for ago in range(history, 0, -MINUTE):
        engine.backfill_counts(SHOP, (), T0 - ago + MINUTE, EventCounts(0, 4 * events), seconds=MINUTE)
    at, fired = T0, False
    while True:
        at += STEP
        errors = round(share * events) if at <= T0 + outage else 0
        reading = IntervalCounts(at, {SHOP.id: SloCounts({(): EventCounts(errors, events)})})
        (state,) = engine.record_tick(at, [reading]).states
        yield state
        fires = alert_of(state, severity).state is AlertState.FIRING
        fired |= fires
        if at > T0 + outage and not fires:
            return


def alert_of(state: SloState, severity: Severity) -> AlertEvaluation:
    alert = state.alert_for(severity)
    assert alert is not None
    return alert


@settings(max_examples=25, deadline=None)
@given(
    outage=st.integers(4, 200),
    share=st.floats(0.01, 1),
    events=st.integers(20, 5000),
    history=st.sampled_from([0, 20 * MINUTE, 7 * HOUR]),
)
def test_the_minute_foretold_is_the_minute_in_which_the_page_clears(
    outage: int, share: float, events: int, history: int
) -> None:
    *firing, resolved = states_of_incident(
        Severity.PAGE, outage=outage * STEP, share=share, events=events, history=history
    )

    foretold = [
        alert.recovery.clears_at for state in firing if (alert := alert_of(state, Severity.PAGE)).recovery
    ]
    assert all(0 <= at - (resolved.last or 0) < MINUTE for at in foretold)


def test_a_ticket_is_foretold_too() -> None:
    *firing, resolved = states_of_incident(
        Severity.TICKET, outage=20 * MINUTE, share=1, events=50, history=30 * HOUR
    )

    foretold = {
        recovery.clears_at for state in firing if (recovery := alert_of(state, Severity.TICKET).recovery)
    }
    assert len(foretold) == 1
    assert foretold.pop() - (resolved.last or 0) == pytest.approx(0, abs=MINUTE)


def test_an_incident_is_said_to_go_on_then_to_have_stopped() -> None:
    states = list(
        states_of_incident(Severity.PAGE, outage=20 * MINUTE, share=0.3, events=50, history=7 * HOUR)
    )

    def said(seconds: int) -> str:
        state = states[seconds // STEP - 1]
        return messages.describe_recovery(alert_of(state, Severity.PAGE), state.last)

    assert said(10 * MINUTE) == ""
    assert said(20 * MINUTE + 45) == ""
    assert said(24 * MINUTE) == "stopped 4m ago, this page clears about 23:04 UTC"
