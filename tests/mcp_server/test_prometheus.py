"""The tools over a real Prometheus: what its rules recorded, and a backtest of what it scraped."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sloctl.duration import DAY, MINUTE
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.targets.prometheus import render_rules
from tests.mcp_server.test_session import SLO, SPEC, agent_of, ask
from tests.real import Prometheus, backfill, running_prometheus

PATIENCE: Final = 60.0
# Half an hour of all requests failing, so many seconds ago.
OUTAGE: Final = range(20 * 60 * MINUTE, 20 * 60 * MINUTE + 30 * MINUTE)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Two days of a request a second, and the rules from now on."""
    directory = tmp_path_factory.mktemp("prometheus")
    backfill(directory, scraped(int(time.time())))
    with running_prometheus(
        directory, rules={"shop.yaml": render_rules(rule_groups(SLO, NATIVE_STYLE))}
    ) as running:
        deadline = time.monotonic() + PATIENCE
        while not running.instant(NATIVE_STYLE.info_metric):
            assert time.monotonic() < deadline, running.log.read_text()[-2000:]
            time.sleep(0.2)
        yield running


def scraped(now: int) -> Iterator[tuple[str, float, float]]:
    """Two counters of one pod, a sample each fifteen seconds, by series as a file of them must be."""
    moments = range(now - 2 * DAY, now, 15)
    for status in ("200", "503"):
        counter = 0.0
        for at in moments:
            counter += 15 * ((status == "503") == (now - at in OUTAGE))
            yield f'requests_total{{job="shop",status="{status}"}}', counter, at


async def test_a_backtest_finds_the_outage_and_what_it_cost(prometheus: Prometheus, tmp_path: Path) -> None:
    (tmp_path / "shop.yaml").write_text(SPEC)
    async with agent_of(str(tmp_path / "shop.yaml"), "--prometheus", prometheus.url, cwd=tmp_path) as client:
        found = await ask(client, "backtest", slo="shop/checkout", days=2)
        stands = await ask(client, "get_slo", slo="shop/checkout")

    [group] = found["groups"]
    assert group["pages"] == 1
    assert group["is_met"] is False
    assert {alert["severity"] for alert in group["alerts"]} == {"page", "ticket"}
    assert [each["slo"] for each in stands["slos"]] == ["shop/checkout"]
    # It keeps nothing that it fetched.
    assert names_in(tmp_path) == {"shop.yaml"}


def names_in(directory: Path) -> set[str]:
    return {file.name for file in directory.iterdir()}
