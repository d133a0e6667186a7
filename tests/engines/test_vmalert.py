"""The compiled rules on VictoriaMetrics with vmalert, live, beside a Prometheus that sees the same shop."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.engines.compare import Difference, compare_engines, differences_table
from tests.engines.fleet import prometheus_engine, victoriametrics_engine
from tests.engines.shop import OUTAGE_AT, open_shop

pytestmark = pytest.mark.full

# From the outage on, until every window of five minutes is full of it.
WATCHED_AFTER = 420
# An engine that begins has seen a minute of events by now.
SETTLED_AFTER = 90


@pytest.fixture(scope="module")
def differences(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Difference]]:
    directory = tmp_path_factory.mktemp("engines")
    with ExitStack() as stack:
        shop = stack.enter_context(open_shop())
        started = time.time()
        prometheus = stack.enter_context(prometheus_engine(directory / "prometheus", shop))
        engine = stack.enter_context(victoriametrics_engine(directory / "victoriametrics", shop))
        time.sleep(OUTAGE_AT + WATCHED_AFTER)
        # What is evaluated as of half a minute ago comes half a minute later.
        found = compare_engines(prometheus, engine, (started + SETTLED_AFTER, time.time() - 40))
        print(differences_table(engine.name, found))
        yield found


def test_every_kind_has_the_error_ratios_of_prometheus(differences: list[Difference]) -> None:
    assert {it.kind: round(it.ratio, 2) for it in differences if it.ratio > 0.02} == {}


def test_every_kind_of_events_counts_those_of_prometheus(differences: list[Difference]) -> None:
    # The others count evaluations, of which one engine may have one more.
    counted = [it for it in differences if it.kind not in {"condition", "errorratio"}]
    assert [it.kind for it in counted if abs(it.events - 1) > 0.05] == []


def test_every_kind_pages_within_three_minutes_of_prometheus(differences: list[Difference]) -> None:
    assert {it.kind: it.page_seconds for it in differences if it.page_seconds is None} == {}
    assert max(it.page_seconds or 0.0 for it in differences) <= 180
