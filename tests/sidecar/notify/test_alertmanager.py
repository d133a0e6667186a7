"""A real Alertmanager: alerts begin, end, and come back after it was away."""

import json
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sloctl.sidecar.engine.tick_loop import SnapshotFeed
from sloctl.sidecar.notify.alertmanager import AlertmanagerOptions
from sloctl.sidecar.notify.notifier import Notifier
from tests.real import Server, free_port, running_alertmanager
from tests.sidecar.notify.alertmanager_server import ManualClock, NotifierRun
from tests.sidecar.notify.snapshots import T0, calm, outage
from tests.sidecar.specimens import slo

CONFIG = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
SHOP, OTHER = slo(), slo(name="checkout")


def pages(alertmanager: Server) -> list[dict[str, Any]]:
    """What is active now."""
    alerts = json.loads(alertmanager.get("/api/v2/alerts"))
    return [alert for alert in alerts if alert["labels"]["slo_severity"] == "page"]


def notifier_of(url: str) -> NotifierRun:
    clock, feed = ManualClock(), SnapshotFeed(calm(T0, SHOP))
    options = AlertmanagerOptions(urls=(url,))
    # Alertmanager's clock is the world's; what passes on request is the sidecar's.
    return NotifierRun(
        clock, feed, Notifier(options, feed, clock.time(), wall_clock=time.time, jitter=lambda: 0.5), []
    )


async def test_a_page_begins_and_ends(tmp_path: Path) -> None:
    with running_alertmanager(tmp_path, config=CONFIG) as alertmanager:
        run = notifier_of(alertmanager.url)
        async with run.notifier.run_tasks():
            await run.publish(outage(T0, SHOP))
            await run.until(lambda: len(pages(alertmanager)) == 1)
            (page,) = pages(alertmanager)
            assert page["labels"]["slo_id"] == "shop/availability"
            assert page["annotations"]["summary"].startswith("shop/availability: error budget burns 1000x")

            await run.publish(calm(T0 + 61, SHOP))
            await run.until(lambda: pages(alertmanager) == [])


async def test_an_alertmanager_that_was_away_for_an_hour_gets_what_is_true_then(tmp_path: Path) -> None:
    port = free_port()
    run = notifier_of(f"http://127.0.0.1:{port}")
    async with run.notifier.run_tasks():
        with running_alertmanager(tmp_path / "before", config=CONFIG, port=port) as alertmanager:
            await run.publish(outage(T0, OTHER))
            await run.until(lambda: len(pages(alertmanager)) == 1)
        await run.publish(outage(T0 + 61, SHOP))
        await run.until(lambda: run.notifier.health[0].last_error is not None)
        await run.clock.pass_(3600)
        assert str(run.notifier.health[0].last_error).startswith("cannot connect")

        with running_alertmanager(tmp_path / "after", config=CONFIG, port=port) as alertmanager:
            await run.publish(outage(T0 + 3700, SHOP))
            await run.clock.pass_(60)
            await run.until(lambda: bool(pages(alertmanager)))

            assert [page["labels"]["slo_name"] for page in pages(alertmanager)] == ["availability"]
            assert 3500 < time.time() - _unix(pages(alertmanager)[0]["startsAt"]) < 3800


def _unix(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()


@pytest.mark.parametrize("url", ["alertmanager:9093", "ftp://alertmanager", "http://", "/api"])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="is no address of an Alertmanager"):
        AlertmanagerOptions(urls=(url,))


def test_a_refused_address_is_named_without_its_password() -> None:
    with pytest.raises(ValueError, match=r"^ftp://alertmanager is no address"):
        AlertmanagerOptions(urls=("ftp://me:secret@alertmanager?token=secret",))
