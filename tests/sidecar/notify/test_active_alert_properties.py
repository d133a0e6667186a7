"""What holds of a page whatever comes: it never begins nor ends by silence."""

from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import HOUR, MINUTE
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.engine.tick_loop import poll_source
from sloctl.sidecar.notify.active_alerts import KEEP_FIRING_SECONDS, ActiveAlerts
from sloctl.sidecar.sources import IntervalCounts, SourceUnavailable
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.notify.snapshots import T0, calm, grouped, outage, stale
from tests.sidecar.specimens import slo

SHOP = slo()
# The long lookback of the slower page.
LOOKBACK = 6 * HOUR
SILENCE = ("stale", "no traffic")
SEEN = st.sampled_from(("outage", "calm", *SILENCE))
GAPS = st.sampled_from((5, 30, 61, 10 * MINUTE, 2 * HOUR))


def seen(what: str, at: float, before: Snapshot) -> Snapshot:
    match what:
        case "outage":
            return outage(at, SHOP)
        case "calm":
            return calm(at, SHOP)
        case "no traffic":
            return grouped(at, SHOP, {(): None})
        case _:
            return stale(before)


@given(st.lists(st.tuples(GAPS, SEEN), min_size=1, max_size=12))
def test_a_page_neither_begins_nor_ends_by_silence(history: list[tuple[int, str]]) -> None:
    alerts, snapshot, at = ActiveAlerts(NATIVE_STYLE, {}, ended_retention=240), calm(T0, SHOP), T0
    last = {"outage": float("-inf"), "calm": T0}
    for gap, what in history:
        at += gap
        snapshot = seen(what, at, snapshot)
        alerts.update(snapshot, at)
        last |= {} if what in SILENCE else {what: at}
        pages = [it for it in alerts.firing if it.labels["severity"] == "page"]

        assert not pages or at - last["outage"] <= LOOKBACK + KEEP_FIRING_SECONDS
        assert pages or last["outage"] <= last["calm"] or at - last["outage"] > LOOKBACK


async def test_a_page_goes_on_over_a_restart_while_the_target_is_down() -> None:
    restored = Engine([SHOP], interval=5)
    restored.backfill_counts(SHOP, (), T0, EventCounts(1000, 1000), seconds=HOUR)
    alerts = ActiveAlerts(NATIVE_STYLE, {}, ended_retention=240)

    snapshot = await poll_source(Down(), restored, Snapshot.without_data([SHOP]), T0 + MINUTE)
    alerts.update(snapshot, T0 + MINUTE)

    assert [it.started_at for it in alerts.firing if it.labels["severity"] == "page"] == [T0]


class Down:
    async def read_counts(self, now: float) -> tuple[IntervalCounts, ...]:
        raise SourceUnavailable(f"no answer at {now}")
