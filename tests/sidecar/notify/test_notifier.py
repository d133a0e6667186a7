"""What Alertmanagers are told, and when; whatever they answer."""

from sloctl.sidecar.notify.notifier import backoff_seconds
from tests.sidecar.notify.boards import T0, calm, grouped, outage, stale
from tests.sidecar.notify.told import Receiver, seconds, telling
from tests.sidecar.specimens import slo

SHOP = slo()


async def test_a_page_goes_out_at_once_and_lasts_four_renewals() -> None:
    async with telling(Receiver(), external_url="https://sidecar.example.com") as told:
        await told.publish(outage(T0, SHOP))
        await told.until(lambda: bool(told.receiver.named()))

        (page,) = told.receiver.named()
        assert page["generatorURL"] == "https://sidecar.example.com"
        assert (seconds(page["startsAt"]), seconds(page["endsAt"])) == (T0, T0 + 240)


async def test_what_fires_is_told_again_every_minute() -> None:
    async with telling(Receiver()) as told:
        await told.publish(outage(T0, SHOP))
        await told.until(lambda: len(told.receiver.named()) == 1)
        await told.clock.pass_(59)
        assert len(told.receiver.named()) == 1

        await told.clock.pass_(6)
        await told.until(lambda: len(told.receiver.named()) == 2)

        assert [seconds(it["startsAt"]) for it in told.receiver.named()] == [T0, T0]
        assert seconds(told.receiver.named()[1]["endsAt"]) == T0 + 60 + 240


async def test_an_end_is_told_three_times_and_then_no_more() -> None:
    async with telling(Receiver()) as told:
        await told.publish(outage(T0, SHOP))
        await told.until(lambda: len(told.receiver.named()) == 1)
        await told.publish(calm(T0 + 10, SHOP))
        await told.publish(calm(T0 + 61, SHOP))
        for times in (2, 3, 4):
            await told.until(lambda times=times: len(told.receiver.named()) == times)  # type: ignore[misc] # bound in its round
            await told.clock.pass_(5)
        await told.clock.pass_(300)

        assert [seconds(it["endsAt"]) for it in told.receiver.named()[1:]] == [T0 + 61] * 3


async def test_a_page_of_a_target_that_stopped_answering_is_told_on() -> None:
    async with telling(Receiver()) as told:
        seen = outage(T0, SHOP)
        await told.publish(seen)
        await told.until(lambda: len(told.receiver.named()) == 1)
        told.feed.publish_snapshot(stale(seen))
        await told.clock.pass_(65)
        await told.until(lambda: len(told.receiver.named()) == 2)

        assert seconds(told.receiver.named()[-1]["endsAt"]) > told.clock.at
        assert "No data since" in told.receiver.named()[-1]["annotations"]["description"]


async def test_an_error_is_told_and_tried_again() -> None:
    async with telling(Receiver(status=500)) as told:
        await told.publish(outage(T0, SHOP))
        await told.until(lambda: told.notifier.health[0].failed == 3)
        before = told.notifier.health[0]
        assert (before.last_error, before.queue) == ("answered 500", 3)

        told.receiver.status = 200
        await told.clock.pass_(2)
        await told.until(lambda: told.notifier.health[0].sent == 3)

        after = told.notifier.health[0]
        assert (after.last_error, after.queue) == (None, 0)


async def test_after_an_hour_without_an_answer_only_what_is_true_then_goes_out() -> None:
    other = slo(name="checkout")
    async with telling(Receiver(status=503)) as told:
        await told.publish(outage(T0, other))
        await told.until(lambda: told.notifier.health[0].failed > 0)
        for minute in range(1, 61):
            await told.publish((outage if minute > 50 else calm)(T0 + 60 * minute, SHOP))
            await told.clock.pass_(31)
        told.receiver.status = 200
        await told.publish(outage(T0 + 3660, SHOP))
        await told.clock.pass_(60)
        await told.until(lambda: bool(told.receiver.taken))

        assert {it["labels"]["slo_name"] for it in told.receiver.taken} == {"availability"}
        assert {seconds(it["startsAt"]) for it in told.receiver.named()} == {T0 + 51 * 60}


async def test_a_slow_alertmanager_delays_no_other() -> None:
    async with telling(Receiver(delay=3600), Receiver()) as told:
        await told.publish(outage(T0, SHOP))
        await told.until(lambda: bool(told.receivers[1].named()))

        assert told.receivers[0].taken == []


async def test_garbage_is_an_answer_like_any_other() -> None:
    async with telling(Receiver(status=400, body=b"\xff\x00<html>\n" * 10_000)) as told:
        await told.publish(outage(T0, SHOP))
        await told.until(lambda: told.notifier.health[0].failed > 0)

        assert told.notifier.health[0].last_error is not None
        assert told.notifier.health[0].last_error.startswith("answered 400: \ufffd <html> \ufffd")
        assert len(told.notifier.health[0].last_error) < 400


async def test_leaving_tells_once_more_what_fires_and_ends_nothing() -> None:
    receiver = Receiver()
    async with telling(receiver) as told:
        await told.publish(outage(T0, SHOP))
        await told.until(lambda: len(receiver.named()) == 1)
        told.clock.at += 30

    assert [seconds(it["endsAt"]) for it in receiver.named()] == [T0 + 240, T0 + 30 + 240]


async def test_leaving_for_good_ends_what_fires() -> None:
    receiver = Receiver()
    async with telling(receiver, resolves_at_shutdown=True) as told:
        await told.publish(outage(T0, SHOP))
        await told.until(lambda: len(receiver.named()) == 1)
        told.clock.at += 30

    assert [seconds(it["endsAt"]) for it in receiver.named()] == [T0 + 240, T0 + 30]


async def test_many_alerts_go_in_batches() -> None:
    by_route = slo(group_by=("route",))
    async with telling(Receiver()) as told:
        await told.publish(grouped(T0, by_route, {(f"/{n}",): 1.0 for n in range(150)}))
        await told.until(lambda: told.notifier.health[0].sent == 450)

        assert told.receiver.asked == 8
        assert len({it["labels"]["route"] for it in told.receiver.taken}) == 150


async def test_figures_and_troubles_name_each_alertmanager() -> None:
    async with telling(Receiver(status=500), Receiver()) as told:
        await told.publish(outage(T0, SHOP))
        await told.until(lambda: told.notifier.health[0].failed == 3 and told.notifier.health[1].sent == 3)
        broken, sound = (it.url for it in told.notifier.health)

        figures = {(it.name, it.labels["alertmanager"]): it.value for it in told.notifier.self_metrics()}
        assert figures["sloctl_notify_failed_total", broken] == 3
        assert figures["sloctl_notify_sent_total", sound] == 3
        assert told.notifier.issues() == {f"notify {broken}": "answered 500"}


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
