"""Counts from a real Prometheus: the pages of the rules on the same series, and nothing asked for twice."""

from pathlib import Path

import pytest

from sloctl.backtest.count_cache import CountCache
from sloctl.backtest.fetch import fetch_counts
from sloctl.duration import DAY, MINUTE
from sloctl.model import AlertKind, PromQL, Severity
from sloctl.naming import NATIVE_STYLE
from sloctl.prometheus.answers import QueryRange, RangeSeries
from sloctl.prometheus.credentials import ClientOptions
from sloctl.prometheus.plain_client import PrometheusClient
from sloctl.rules.groups import rule_groups
from sloctl.slo.replay import replay_policy
from tests.backtest.test_replay import OUTAGES, SCRAPE, minutes_of, ruled, told
from tests.differential.engine import record
from tests.differential.kinds import KINDS, RATIO, alerting
from tests.real import backfill, running_prometheus

# Long before now: whole days, which are kept.
BASE = 1793491200


class AskedPrometheus:
    """A client that notes which days it was asked for."""

    def __init__(self, url: str) -> None:
        self._client = PrometheusClient(url, ClientOptions(timeout_seconds=30, max_bytes=1 << 28))
        self.asked: list[int] = []

    def query_range(self, query: PromQL, span: QueryRange, *, step: int) -> list[RangeSeries]:
        self.asked.append(span.start)
        return self._client.query_range(query, span, step=step)


def test_pages_are_those_of_the_rules_and_days_are_asked_for_once(tmp_path: Path) -> None:
    slo, story = RATIO.slo(alerting=alerting(), scrape_interval=SCRAPE), told(OUTAGES[1])
    backfill(
        tmp_path,
        (
            (series.series.replace(", ", ","), value, BASE + at)
            for series in story.series
            for at, value in zip(series.times, series.values, strict=True)
            if isinstance(value, float)
        ),
    )
    span = QueryRange(BASE, BASE + 2 * DAY)
    cache = CountCache(tmp_path / "cache", "here")

    with running_prometheus(tmp_path) as prometheus:
        asked = AskedPrometheus(prometheus.url)
        counts = fetch_counts(slo, span, ask=asked.query_range, store=cache, now=BASE + 9 * DAY)
        first = list(asked.asked)
        next((tmp_path / "cache").iterdir()).write_bytes(b"cut off")
        again = fetch_counts(slo, span, ask=asked.query_range, store=cache, now=BASE + 9 * DAY)
    [recording] = record(tmp_path, rule_groups(slo, NATIVE_STYLE), [story])

    assert first == [BASE, BASE, BASE + DAY, BASE + DAY]
    assert len(asked.asked) == len(first) + 2
    assert counts[()].counts_between(0, 2880) == again[()].counts_between(0, 2880)
    pages = replay_policy(slo, counts[()]).of_severity(Severity.PAGE)
    found = {at - BASE for at in minutes_of(list(pages), BASE + story.horizon)}
    of_rules = ruled(recording, AlertKind.PAGE, Severity.PAGE)
    assert of_rules
    assert all({at - MINUTE, at, at + MINUTE} & of_rules for at in found if at <= story.horizon)
    assert all({at - MINUTE, at, at + MINUTE} & found for at in of_rules)


@pytest.mark.parametrize("now", [BASE + DAY, BASE + DAY + 1800])
def test_a_day_that_may_still_change_is_not_kept(now: int, tmp_path: Path) -> None:
    def nothing(_: PromQL, __: QueryRange, *, step: int) -> list[RangeSeries]:
        assert step == MINUTE
        return []

    fetch_counts(
        RATIO.slo(),
        QueryRange(BASE, BASE + DAY),
        ask=nothing,
        store=CountCache(tmp_path / "cache", "here"),
        now=now,
    )

    assert not (tmp_path / "cache").exists()


def test_silence_of_prometheus_itself_is_no_outage(tmp_path: Path) -> None:
    slo = KINDS["a condition, bad when absent"].slo()
    backfill(tmp_path, (('up{job="other",instance="a"}', 1, BASE + at) for at in range(3600, 7200, 15)))

    with running_prometheus(tmp_path) as prometheus:
        client = PrometheusClient(prometheus.url, ClientOptions(timeout_seconds=30, max_bytes=1 << 28))
        counts = fetch_counts(
            slo,
            QueryRange(BASE, BASE + 4 * 3600),
            ask=client.query_range,
            store=CountCache(tmp_path / "cache", "here"),
            now=BASE + DAY,
        )

    assert set(counts[()].known[:59]) == {0}
    assert counts[()].known.count(1) == pytest.approx(62, abs=1)
