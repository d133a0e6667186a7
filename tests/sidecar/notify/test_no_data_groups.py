"""No data of a group, as the rules tell it: under its labels, and for a day."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from sloctl.duration import HOUR, MINUTE
from sloctl.model import AlertKind, Labels
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.engine.candidates import alert_candidates
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.sources import Group, IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo
from tests.sidecar.test_store import store

SHOP = slo(name="clusters", group_by=("cluster",))
AFTER = SHOP.alerting.no_data_after
T0 = 1_700_000_000.0
BUSY, QUIET = EventCounts(0, 10), EventCounts(0, 0)


def told(engine: Engine, at: float, counts: Mapping[str, EventCounts]) -> list[Labels]:
    """Labels of the no-data alerts of a tick."""
    groups: dict[Group, EventCounts] = {(cluster,): each for cluster, each in counts.items()}
    readings = [IntervalCounts(at, {SHOP.id: SloCounts(groups)})] if groups else []
    snapshot = engine.record_tick(at, readings)
    candidates = alert_candidates(snapshot, at, {SHOP.id: T0})
    return [each.alert_labels(NATIVE_STYLE) for each in candidates if each.kind is AlertKind.NO_DATA]


def clusters(labels: list[Labels]) -> list[str | None]:
    return sorted((each.get("cluster") for each in labels), key=str)


def started() -> Engine:
    engine = Engine([SHOP], interval=60)
    told(engine, T0, {"eu": BUSY, "us": BUSY})
    return engine


def ticks(first: float, last: float) -> Iterator[float]:
    at = T0 + first
    while at <= T0 + last:
        yield at
        at += 10 * MINUTE


def test_a_group_whose_data_are_gone_is_told() -> None:
    engine = started()
    found = [told(engine, at, {"eu": BUSY}) for at in ticks(AFTER, AFTER + 30 * MINUTE)]

    assert clusters(found[0]) == []
    assert clusters(found[-1]) == ["us"]
    assert found[-1][0]["slo_id"] == SHOP.id


async def test_a_downtime_is_no_missing_data_of_a_group(tmp_path: Path) -> None:
    async with store(tmp_path / "store", started(), now=T0):
        pass
    after, now = Engine([SHOP], interval=60), T0 + HOUR
    async with store(tmp_path / "store", after, now=now):
        found = [told(after, now + later, {"eu": BUSY}) for later in (0, AFTER - 60, AFTER + 60)]

    assert [clusters(each) for each in found] == [[], [], ["us"]]


def test_a_quiet_group_has_data() -> None:
    engine = started()
    found = [told(engine, at, {"eu": BUSY, "us": QUIET}) for at in ticks(60, AFTER + HOUR)]

    assert not any(found)


def test_groups_that_are_all_gone_are_each_told() -> None:
    assert clusters(told(started(), T0 + AFTER + 60, {})) == ["eu", "us"]


def test_after_a_day_without_groups_the_slo_is_told() -> None:
    (labels,) = told(started(), T0 + 25 * HOUR, {})

    assert "cluster" not in labels
    assert labels["alertname"] == "SLONoData"


def test_a_group_that_is_gone_for_a_day_is_none() -> None:
    engine = started()
    found = [told(engine, at, {"eu": BUSY}) for at in ticks(60, 26 * HOUR)]

    assert clusters(found[100]) == ["us"]
    assert found[-1] == []


def test_an_slo_that_was_never_read_is_told() -> None:
    (labels,) = told(Engine([SHOP], interval=60), T0 + AFTER + 60, {})

    assert "cluster" not in labels
