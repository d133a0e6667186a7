"""When an alert begins, stays and ends."""

from msgspec.structs import replace as changed

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import AlertMetadata
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.notify.active_alerts import ActiveAlerts
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.notify.snapshots import T0, calm, grouped, outage, stale
from tests.sidecar.specimens import slo

SHOP = slo()
BURN = "SLOErrorBudgetBurn"
PAGE_TICKET_EXHAUSTED = [(BURN, "page"), (BURN, "ticket"), ("SLOErrorBudgetExhausted", "ticket")]


def active_alerts() -> ActiveAlerts:
    return ActiveAlerts(NATIVE_STYLE, {}, ended_retention=240)


def firing(alerts: ActiveAlerts) -> list[tuple[str, str]]:
    return sorted((it.labels["alertname"], it.labels["severity"]) for it in alerts.firing)


def test_an_outage_pages_opens_a_ticket_and_spends_the_budget() -> None:
    alerts = active_alerts()

    assert alerts.update(outage(T0, SHOP), T0)
    assert firing(alerts) == PAGE_TICKET_EXHAUSTED


def test_an_alert_ends_a_minute_after_the_last_snapshot_that_fires_it() -> None:
    alerts = active_alerts()
    alerts.update(outage(T0, SHOP), T0)

    assert not alerts.update(calm(T0 + 60, SHOP), T0 + 60)
    assert alerts.update(calm(T0 + 61, SHOP), T0 + 61)
    assert firing(alerts) == []
    assert {alert.ended_at for alert in alerts} == {T0 + 61}


def test_a_ratio_that_dances_on_its_threshold_is_one_alert() -> None:
    alerts = active_alerts()
    alerts.update(outage(T0, SHOP), T0)
    for at in (T0 + 30, T0 + 90, T0 + 150):
        alerts.update(calm(at, SHOP), at)
        alerts.update(outage(at + 20, SHOP), at + 20)

    assert {alert.started_at for alert in alerts} == {T0}


def test_stale_data_end_no_alert_but_for_the_end_of_its_lookback() -> None:
    alerts = active_alerts()
    seen = outage(T0, SHOP)
    alerts.update(seen, T0)

    alerts.update(stale(seen), T0 + 6 * HOUR)
    assert (BURN, "page") in firing(alerts)

    alerts.update(stale(seen), T0 + 6 * HOUR + 61)
    assert firing(alerts) == [
        (BURN, "ticket"),
        ("SLOErrorBudgetExhausted", "ticket"),
        ("SLONoData", "ticket"),
    ]


def test_stale_data_begin_no_burn_alert() -> None:
    alerts = active_alerts()

    alerts.update(stale(calm(T0, SHOP)), T0 + 9 * MINUTE)

    assert firing(alerts) == []


def test_no_traffic_ends_no_alert() -> None:
    alerts = active_alerts()
    alerts.update(outage(T0, SHOP), T0)

    silent = grouped(T0 + HOUR, SHOP, {(): None})
    alerts.update(silent, T0 + HOUR)

    assert firing(alerts) == PAGE_TICKET_EXHAUSTED


def test_no_traffic_begins_no_alert() -> None:
    alerts = active_alerts()

    alerts.update(grouped(T0, SHOP, {(): None}), T0)

    assert firing(alerts) == []


def test_a_restarted_sidecar_goes_on_with_what_its_store_says_fired() -> None:
    alerts = active_alerts()

    alerts.update(stale(outage(T0, SHOP)), T0 + MINUTE)

    assert firing(alerts) == PAGE_TICKET_EXHAUSTED
    assert {alert.started_at for alert in alerts if alert.labels["severity"] == "page"} == {T0}


def test_data_older_than_their_limit_are_an_alert_of_their_own() -> None:
    alerts = active_alerts()
    seen = calm(T0, SHOP)

    alerts.update(stale(seen), T0 + 10 * MINUTE)
    assert firing(alerts) == []

    alerts.update(stale(seen), T0 + 10 * MINUTE + 1)
    assert firing(alerts) == [("SLONoData", "ticket")]


def test_a_loop_that_hangs_is_no_data() -> None:
    alerts = active_alerts()
    last = calm(T0, SHOP)

    alerts.update(last, T0 + 11 * MINUTE)

    assert firing(alerts) == [("SLONoData", "ticket")]


def test_what_was_never_read_has_no_data_since_it_is_watched() -> None:
    alerts = active_alerts()
    never = Snapshot.without_data([SHOP])
    alerts.update(never, T0)

    alerts.update(never, T0 + 10 * MINUTE)
    assert firing(alerts) == []

    alerts.update(never, T0 + 10 * MINUTE + 1)
    assert firing(alerts) == [("SLONoData", "ticket")]


def test_a_machine_that_slept_misses_no_data() -> None:
    alerts, woke = active_alerts(), T0 + 3 * HOUR
    last = calm(T0, SHOP)
    alerts.update(last, T0)

    alerts.update(last, woke, awake_since=woke)
    assert firing(alerts) == []

    alerts.update(last, woke + 10 * MINUTE + 1, awake_since=woke)
    assert firing(alerts) == [("SLONoData", "ticket")]


def test_an_slo_added_by_a_reload_has_its_limit_from_then_on() -> None:
    alerts = active_alerts()
    alerts.update(calm(T0, SHOP), T0)

    alerts.update(Snapshot.without_data([slo(name="new")]), T0 + HOUR)
    assert firing(alerts) == []

    alerts.update(Snapshot.without_data([slo(name="new")]), T0 + HOUR + 10 * MINUTE + 1)
    assert firing(alerts) == [("SLONoData", "ticket")]


def test_one_silent_group_is_told_under_its_labels() -> None:
    by_route = slo(group_by=("route",))
    alerts = active_alerts()
    engine = Engine([by_route], interval=5)
    engine.backfill_counts(by_route, ("/a",), T0, EventCounts(0, 1))
    now = T0 + HOUR

    alerts.update(
        engine.record_tick(
            now, [IntervalCounts(now, {by_route.id: SloCounts({("/b",): EventCounts(0, 1)})})]
        ),
        now,
    )

    assert firing(alerts) == [("SLONoData", "ticket")]
    assert alerts.firing[0].labels["route"] == "/a"


def test_every_group_has_its_alert() -> None:
    by_route = slo(group_by=("route",))
    alerts = active_alerts()

    alerts.update(grouped(T0, by_route, {("/a",): 1.0, ("/b",): 1.0}), T0)

    pages = [alert for alert in alerts.firing if alert.labels["slo_severity"] == "page"]
    assert [alert.labels["route"] for alert in pages] == ["/a", "/b"]


def test_a_budget_about_to_be_gone_is_an_alert_until_it_is() -> None:
    alerts = active_alerts()

    # 5 % of 100,000 events in 5.2 million: 96 % of a budget of 0.1 %.
    alerts.update(grouped(T0, SHOP, {(): 0.05}, calm_before=5_100_000), T0)

    assert ("SLOErrorBudgetExhausting", "ticket") in firing(alerts)
    assert ("SLOErrorBudgetExhausted", "ticket") not in firing(alerts)


def test_a_disabled_alert_is_none() -> None:
    quiet = changed(
        SHOP, alerting=changed(SHOP.alerting, page=None, ticket=None, exhausted=None, no_data=None)
    )
    alerts = active_alerts()

    alerts.update(outage(T0, quiet), T0)
    alerts.update(stale(outage(T0, quiet)), T0 + DAY)

    assert firing(alerts) == []


def test_an_slo_that_is_gone_ends_its_alerts() -> None:
    alerts = active_alerts()
    alerts.update(outage(T0, SHOP), T0)

    alerts.update(Snapshot(T0 + 61, ()), T0 + 61)

    assert firing(alerts) == []


def test_a_changed_label_ends_the_alert_under_the_old_and_begins_one_under_the_new() -> None:
    alerts = active_alerts()
    alerts.update(outage(T0, SHOP), T0)
    moved = changed(SHOP, labels={"team": "payments"})

    alerts.update(outage(T0 + 5, moved), T0 + 5)

    assert {(it.labels["team"], it.ended_at) for it in alerts} == {("payments", None), ("checkout", T0 + 5)}


def test_a_changed_description_goes_on_with_the_alert() -> None:
    alerts = active_alerts()
    alerts.update(outage(T0, SHOP), T0)

    alerts.update(outage(T0 + 5, changed(SHOP, description="Orders are taken.")), T0 + 5)

    assert {(it.started_at, it.ended_at) for it in alerts} == {(T0, None)}


def test_a_label_may_show_a_label_of_the_group_and_an_empty_one_is_none() -> None:
    routed = AlertMetadata(
        labels={"channel": "#{{ $labels.route }}", "zone": "{{ $labels.zone }}"}, annotations={}
    )
    by_route = slo(group_by=("route",))
    alerts = active_alerts()

    paged = changed(by_route, alerting=changed(by_route.alerting, page=routed))
    alerts.update(grouped(T0, paged, {("/pay",): 1.0}), T0)

    (page,) = [alert for alert in alerts if alert.labels["severity"] == "page"]
    assert page.labels["channel"] == "#/pay"
    assert "zone" not in page.labels


def test_an_slo_never_read_has_no_alert_but_no_data() -> None:
    alerts = active_alerts()

    alerts.update(Snapshot.without_data([SHOP]), T0)

    assert list(alerts) == []
