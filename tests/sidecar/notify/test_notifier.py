"""What Alertmanagers are sent, and when; whatever they answer."""

from sloctl.sidecar.notify.notifier import backoff_seconds
from tests.sidecar.notify.alertmanager_server import AlertmanagerServer, running_notifier, seconds
from tests.sidecar.notify.snapshots import T0, calm, grouped, outage, stale
from tests.sidecar.specimens import slo

SHOP = slo()


async def test_a_page_goes_out_at_once_and_lasts_four_renewals() -> None:
    async with running_notifier(AlertmanagerServer(), external_url="https://sidecar.example.com") as run:
        await run.publish(outage(T0, SHOP))
        await run.until(lambda: bool(run.server.alerts_named()))

        (page,) = run.server.alerts_named()
        assert page["generatorURL"] == "https://sidecar.example.com"
        assert (seconds(page["startsAt"]), seconds(page["endsAt"])) == (T0, T0 + 240)


async def test_what_fires_is_sent_again_every_minute() -> None:
    async with running_notifier(AlertmanagerServer()) as run:
        await run.publish(outage(T0, SHOP))
        await run.until(lambda: len(run.server.alerts_named()) == 1)
        await run.clock.pass_(59)
        assert len(run.server.alerts_named()) == 1

        await run.clock.pass_(6)
        await run.until(lambda: len(run.server.alerts_named()) == 2)

        assert [seconds(it["startsAt"]) for it in run.server.alerts_named()] == [T0, T0]
        assert seconds(run.server.alerts_named()[1]["endsAt"]) == T0 + 60 + 240


async def test_an_end_is_sent_three_times_and_then_no_more() -> None:
    async with running_notifier(AlertmanagerServer()) as run:
        await run.publish(outage(T0, SHOP))
        await run.until(lambda: len(run.server.alerts_named()) == 1)
        await run.publish(calm(T0 + 10, SHOP))
        await run.publish(calm(T0 + 61, SHOP))
        for times in (2, 3, 4):
            await run.until(lambda times=times: len(run.server.alerts_named()) == times)  # type: ignore[misc] # bound in its round
            await run.clock.pass_(5)
        await run.clock.pass_(300)

        assert [seconds(it["endsAt"]) for it in run.server.alerts_named()[1:]] == [T0 + 61] * 3


async def test_a_page_of_a_target_that_stopped_answering_is_still_sent() -> None:
    async with running_notifier(AlertmanagerServer()) as run:
        seen = outage(T0, SHOP)
        await run.publish(seen)
        await run.until(lambda: len(run.server.alerts_named()) == 1)
        run.feed.publish_snapshot(stale(seen))
        await run.clock.pass_(65)
        await run.until(lambda: len(run.server.alerts_named()) == 2)

        assert seconds(run.server.alerts_named()[-1]["endsAt"]) > run.clock.at
        assert "No data since" in run.server.alerts_named()[-1]["annotations"]["description"]


async def test_an_error_is_an_issue_and_tried_again() -> None:
    async with running_notifier(AlertmanagerServer(status=500)) as run:
        await run.publish(outage(T0, SHOP))
        await run.until(lambda: run.notifier.health[0].failed == 3)
        before = run.notifier.health[0]
        assert (before.last_error, before.queue) == ("answered 500", 3)

        run.server.status = 200
        await run.clock.pass_(2)
        await run.until(lambda: run.notifier.health[0].sent == 3)

        after = run.notifier.health[0]
        assert (after.last_error, after.queue) == (None, 0)


async def test_after_an_hour_without_an_answer_only_what_is_true_then_goes_out() -> None:
    other = slo(name="checkout")
    async with running_notifier(AlertmanagerServer(status=503)) as run:
        await run.publish(outage(T0, other))
        await run.until(lambda: run.notifier.health[0].failed > 0)
        for minute in range(1, 61):
            await run.publish((outage if minute > 50 else calm)(T0 + 60 * minute, SHOP))
            await run.clock.pass_(31)
        run.server.status = 200
        await run.publish(outage(T0 + 3660, SHOP))
        await run.clock.pass_(60)
        await run.until(lambda: bool(run.server.received))

        assert {it["labels"]["slo_name"] for it in run.server.received} == {"availability"}
        assert {seconds(it["startsAt"]) for it in run.server.alerts_named()} == {T0 + 51 * 60}


async def test_a_slow_alertmanager_delays_no_other() -> None:
    async with running_notifier(AlertmanagerServer(delay=3600), AlertmanagerServer()) as run:
        await run.publish(outage(T0, SHOP))
        await run.until(lambda: bool(run.servers[1].alerts_named()))

        assert run.servers[0].received == []


async def test_garbage_is_an_answer_like_any_other() -> None:
    async with running_notifier(AlertmanagerServer(status=400, body=b"\xff\x00<html>\n" * 10_000)) as run:
        await run.publish(outage(T0, SHOP))
        await run.until(lambda: run.notifier.health[0].failed > 0)

        assert run.notifier.health[0].last_error is not None
        assert run.notifier.health[0].last_error.startswith("answered 400: \ufffd <html> \ufffd")
        assert len(run.notifier.health[0].last_error) < 400


async def test_leaving_sends_once_more_what_fires_and_ends_nothing() -> None:
    receiver = AlertmanagerServer()
    async with running_notifier(receiver) as run:
        await run.publish(outage(T0, SHOP))
        await run.until(lambda: len(receiver.alerts_named()) == 1)
        run.clock.at += 30

    assert [seconds(it["endsAt"]) for it in receiver.alerts_named()] == [T0 + 240, T0 + 30 + 240]


async def test_leaving_for_good_ends_what_fires() -> None:
    receiver = AlertmanagerServer()
    async with running_notifier(receiver, resolves_at_shutdown=True) as run:
        await run.publish(outage(T0, SHOP))
        await run.until(lambda: len(receiver.alerts_named()) == 1)
        run.clock.at += 30

    assert [seconds(it["endsAt"]) for it in receiver.alerts_named()] == [T0 + 240, T0 + 30]


async def test_many_alerts_go_in_batches() -> None:
    by_route = slo(group_by=("route",))
    async with running_notifier(AlertmanagerServer()) as run:
        await run.publish(grouped(T0, by_route, {(f"/{n}",): 1.0 for n in range(150)}))
        await run.until(lambda: run.notifier.health[0].sent == 450)

        assert run.server.requests == 8
        assert len({it["labels"]["route"] for it in run.server.received}) == 150


async def test_self_metrics_and_issues_name_each_alertmanager() -> None:
    async with running_notifier(AlertmanagerServer(status=500), AlertmanagerServer()) as run:
        await run.publish(outage(T0, SHOP))
        await run.until(lambda: run.notifier.health[0].failed == 3 and run.notifier.health[1].sent == 3)
        broken, sound = (it.url for it in run.notifier.health)

        figures = {(it.name, it.labels["alertmanager"]): it.value for it in run.notifier.self_metrics()}
        assert figures["sloctl_notify_failed_total", broken] == 3
        assert figures["sloctl_notify_sent_total", sound] == 3
        assert run.notifier.issues() == {f"notify {broken}": "it takes no alerts: answered 500"}


def test_retries_come_ever_later_up_to_half_a_minute_however_many_fail() -> None:
    assert [backoff_seconds(failures, 0.5) for failures in (1, 2, 3, 4, 5, 6, 10_000)] == [
        1,
        2,
        4,
        8,
        16,
        30,
        30,
    ]
    assert [backoff_seconds(6, chance) for chance in (0, 1)] == [15, 45]
