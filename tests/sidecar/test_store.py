"""What survives a restart, and what happens to the file."""

import os
import resource
import sqlite3
import stat
import struct
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import closing, contextmanager
from fractions import Fraction
from pathlib import Path
from zlib import crc32

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import AlertKind, RollingWindow, Severity, Slo
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.engine.candidates import alert_candidates
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.history_backfill import backfill_history
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.sources import Group, IntervalCounts, SloCounts
from sloctl.sidecar.store.history_store import HistoryStore, StoreOptions
from sloctl.sidecar.store.store_file import StoreFile, UnusableStore, migrate_schema
from sloctl.slo.health import AlertState
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import LATENCY, slo

T0 = 1_700_000_000.0
SHOP = slo()


async def _forever(_: float) -> None:
    raise AssertionError("a store waits in the world's time, not in the engine's")


def store(path: Path, engine: Engine, *, now: float = T0) -> HistoryStore:
    """Flushes when told to, not by itself."""
    return HistoryStore(StoreOptions(path, flush_every=HOUR), engine, Clock(now=lambda: now, sleep=_forever))


def tick(engine: Engine, at: float, *, error: float = 1, total: float = 10) -> Snapshot:
    (watched,) = engine.slos
    return engine.record_tick(
        at, [IntervalCounts(at, {watched.id: SloCounts({(): EventCounts(error, total)})})]
    )


def only(snapshot: Snapshot) -> SloState:
    (state,) = snapshot.states
    return state


def events(snapshot: Snapshot, lookback: int = 30 * DAY) -> float:
    counts = only(snapshot).burn_over(lookback).counts
    return 0.0 if counts is None else counts.total


async def restarted(path: Path, watched: Slo = SHOP, *, now: float = T0) -> SloState:
    """What the next process knows before its first reading."""
    engine = Engine([watched], interval=5)
    async with store(path, engine, now=now):
        return only(engine.record_tick(now, []))


async def test_a_restart_goes_on_from_what_was_counted(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        before = [tick(engine, T0 + 5 * n) for n in range(1000)][-1]

    after = await restarted(tmp_path / "store", now=T0 + 5000)

    assert after.stale
    assert [(burn.lookback, burn.counts) for burn in after.burns[1:]] == [
        (burn.lookback, burn.counts) for burn in only(before).burns[1:]
    ]
    assert (after.since, after.last) == (only(before).since, only(before).last)
    assert (after.errors, after.events) == (1000, 10_000)


async def test_since_when_an_alert_fires_survives(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        engine.backfill_counts(SHOP, (), T0 - DAY, EventCounts(0, 0))
        for n in range(100):
            tick(engine, T0 + 5 * n, error=10)

    after = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", after, now=T0 + 500):
        page = only(tick(after, T0 + 500, error=10)).alert_for(Severity.PAGE)

    assert page is not None
    assert (page.state, page.since) == (AlertState.FIRING, T0)


async def test_after_a_kill_the_counts_go_on_and_the_counters_start_from_zero(tmp_path: Path) -> None:
    """A counter that fell a little would look like one that was reset, and all of it be counted again."""
    engine = Engine([SHOP], interval=5)
    killed = store(tmp_path / "store", engine)
    async with killed:
        tick(engine, T0)
        await killed.flush_changes()
        (tmp_path / "copy").write_bytes((tmp_path / "store").read_bytes())
        (tmp_path / "copy-wal").write_bytes((tmp_path / "store-wal").read_bytes())

    after = await restarted(tmp_path / "copy")

    assert after.burn_over(HOUR).counts == EventCounts(1, 10)
    assert (after.errors, after.events) == (0, 0)


async def test_counters_go_on_once_only(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        tick(engine, T0)

    reader = Engine([SHOP], interval=5)
    killed = store(tmp_path / "store", reader)
    async with killed:
        (tmp_path / "copy").write_bytes((tmp_path / "store").read_bytes())
        (tmp_path / "copy-wal").write_bytes((tmp_path / "store-wal").read_bytes())

    assert only(reader.record_tick(T0, [])).events == 10
    assert (await restarted(tmp_path / "copy")).events == 0


@pytest.mark.parametrize(
    ("changed", "remembered"),
    [
        (slo(objective=Fraction(9, 10)), 10),
        (slo(min_errors=50), 10),
        (slo(LATENCY), 0),
        (slo(group_by=("route",)), 0),
        (slo(name="another"), 0),
    ],
    ids=["objective", "alerting", "indicator", "groupBy", "name"],
)
async def test_history_belongs_to_what_is_counted(tmp_path: Path, changed: Slo, remembered: float) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        tick(engine, T0)

    after = await restarted(tmp_path / "store", changed)

    counts = after.burn_over(HOUR).counts
    assert (counts.total if counts else 0) == remembered


async def test_a_shorter_window_keeps_history_and_a_longer_one_starts_anew(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        tick(engine, T0)

    shorter = await restarted(tmp_path / "store", windowed(28 * DAY))
    longer = await restarted(tmp_path / "store", windowed(90 * DAY))

    assert (shorter.last, longer.last) == (T0, None)


def windowed(seconds: int) -> Slo:
    return msgspec.structs.replace(SHOP, window=RollingWindow(seconds))


async def test_what_a_reload_takes_away_comes_back_with_its_slo(tmp_path: Path) -> None:
    other = slo(name="other")
    engine = Engine([SHOP], interval=5)
    kept = store(tmp_path / "store", engine)
    async with kept:
        tick(engine, T0)
        await kept.replace_slos([other])
        without = engine.record_tick(T0 + 5, [])
        await kept.replace_slos([SHOP])

        assert [state.slo.name for state in without.states] == ["other"]
        assert events(tick(engine, T0 + 10)) == 20


async def test_a_reload_keeps_what_is_counted_the_same(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    kept = store(tmp_path / "store", engine)
    async with kept:
        tick(engine, T0)
        await kept.replace_slos([slo(objective=Fraction(9, 10))])
        snapshot = tick(engine, T0 + 5)

    assert events(snapshot) == 20
    # Two errors in twenty events: in a whole window all that nine of ten allow, and these are ten seconds.
    assert only(snapshot).budget.left == 1 - 10 / (30 * DAY)
    assert only(snapshot).events == 20


async def test_only_what_changed_is_written_again(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine) as kept:
        tick(engine, T0)
        await kept.flush_changes()
        (tracker,) = [tracker for _, _, tracker in engine.iter_trackers()]

        assert tracker.take_checkpoint() is None


async def test_a_clock_stepped_back_by_a_day_loses_nothing_and_keeps_the_order(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        for n in range(10):
            tick(engine, T0 + n * HOUR)

    yesterday = T0 - DAY
    after = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", after, now=yesterday):
        before = only(after.record_tick(yesterday, []))
        snapshot = tick(after, yesterday + 5)

    assert before.last is not None
    assert yesterday - 2 * HOUR <= before.last <= yesterday
    assert events(snapshot) == 110
    assert only(snapshot).last == yesterday + 5


async def test_a_clock_stepped_forward_by_a_day_is_a_day_without_data(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        tick(engine, T0)

    after = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", after, now=T0 + DAY):
        snapshot = tick(after, T0 + DAY + HOUR)

    assert (events(snapshot), events(snapshot, DAY)) == (20, 10)
    assert only(snapshot).burn_over(30 * DAY).covered_seconds == 10


@settings(max_examples=20)
@given(st.lists(st.integers(-3 * DAY, 3 * DAY), max_size=5))
async def test_however_the_clock_steps_between_restarts_every_event_stays(
    tmp_path_factory: pytest.TempPathFactory, steps: list[int]
) -> None:
    path, now = tmp_path_factory.mktemp("clock") / "store", T0
    total = 0.0
    for step in [0, *steps]:
        now += step
        engine = Engine([SHOP], interval=5)
        async with store(path, engine, now=now):
            total = events(tick(engine, now))

    assert total == 10 * (1 + len(steps))


async def test_a_corrupt_file_is_set_aside_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "store"
    path.write_bytes(b"this was a database once" * 1000)
    engine = Engine([SHOP], interval=5)

    async with store(path, engine) as kept:
        trouble = kept.issue
        tick(engine, T0)

    aside = set_aside_in(tmp_path)
    assert aside.read_bytes().startswith(b"this was a database once")
    assert trouble == f"{path} was corrupt (file is not a database) and is now {aside.name}"
    assert "was corrupt" in caplog.text
    assert (await restarted(path)).last == T0


def set_aside_in(directory: Path) -> Path:
    (aside,) = directory.glob("store.corrupt-*")
    return aside


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE checkpoint SET packed = CAST('x' || substr(packed, 2) AS BLOB)",
        "UPDATE checkpoint SET packed = x''",
        "UPDATE checkpoint SET last = last - 3600",
        """UPDATE checkpoint SET grp = '["/pay"]'""",
        "UPDATE base SET packed = CAST('x' || substr(packed, 2) AS BLOB)",
    ],
)
async def test_what_changed_since_it_was_written_is_not_read(tmp_path: Path, change: str) -> None:
    path = tmp_path / "store"
    engine = Engine([SHOP], interval=5)
    async with store(path, engine):
        tick(engine, T0)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)

    after = Engine([SHOP], interval=5)
    async with store(path, after) as kept:
        state = only(after.record_tick(T0, []))

        assert state.last is None
        assert kept.issue is not None
        assert "a history in it has changed since it was written" in kept.issue


async def test_a_file_that_becomes_corrupt_is_written_anew_from_memory(tmp_path: Path) -> None:
    path = tmp_path / "store"
    engine = Engine([SHOP], interval=5)
    async with store(path, engine) as kept:
        tick(engine, T0)
        await kept.flush_changes()
        tick(engine, T0 + 5)
        with files_of_at_most(1000):
            await kept.flush_changes()
        path.write_bytes(b"not a database")
        await kept.flush_changes()

    assert (await restarted(path, now=T0 + 5)).burn_over(HOUR).counts == EventCounts(2, 20)


async def test_a_file_of_a_newer_sloctl_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 7")
    written = path.read_bytes()

    with pytest.raises(UnusableStore, match="its version 7 is of a newer sloctl, this one knows 3"):
        await restarted(path)

    assert path.read_bytes() == written


async def test_a_file_of_version_zero_is_migrated(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("VACUUM")

    engine = Engine([SHOP], interval=5)
    async with store(path, engine):
        tick(engine, T0)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
    assert (await restarted(path)).last == T0


def test_a_migration_keeps_what_is_there() -> None:
    first = "CREATE TABLE count (n INTEGER); INSERT INTO count VALUES (41);"
    second = "UPDATE count SET n = n + 1;"
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate_schema(connection, [first])
        migrate_schema(connection, [first, second])
        migrate_schema(connection, [first, second])

        assert connection.execute("SELECT n FROM count").fetchone() == (42,)
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_migration_that_fails_changes_nothing() -> None:
    first = "CREATE TABLE count (n INTEGER);"
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate_schema(connection, [first])
        with pytest.raises(sqlite3.OperationalError):
            migrate_schema(
                connection, [first, "INSERT INTO count VALUES (1); INSERT INTO nothing VALUES (2);"]
            )

        assert connection.execute("SELECT n FROM count").fetchall() == []
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


async def test_a_second_process_on_the_same_file_is_refused(tmp_path: Path) -> None:
    async with store(tmp_path / "store", Engine([SHOP], interval=5)):
        with pytest.raises(
            UnusableStore, match="another process uses it: each sidecar needs a store of its own"
        ):
            StoreFile.open(tmp_path / "store", wait=0)


async def test_a_full_disk_is_said_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "store"
    engine = Engine([SHOP], interval=5)
    async with store(path, engine) as kept:
        tick(engine, T0)
        await kept.flush_changes()
        tick(engine, T0 + 5)
        with files_of_at_most(1000):
            await kept.flush_changes()
        full = kept.issue
        snapshot = tick(engine, T0 + 10)
        await kept.flush_changes()

        assert full is not None
        assert full.endswith("what is counted now is only in memory")
        assert events(snapshot) == 30
        assert kept.issue is None
    assert (await restarted(path, now=T0 + 10)).burn_over(HOUR).counts == EventCounts(3, 30)


async def test_a_disk_that_is_full_from_the_start_is_served_from_memory(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    with files_of_at_most(0):
        kept = store(tmp_path / "store", engine)
        await kept.__aenter__()
        full = kept.issue
    tick(engine, T0)
    await kept.__aexit__(None, None, None)

    assert full is not None
    assert (await restarted(tmp_path / "store")).last == T0


async def test_what_was_stored_is_recalled_as_soon_as_it_can_be_read(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        tick(engine, T0)
    (tmp_path / "store").rename(tmp_path / "elsewhere")
    (tmp_path / "store").mkdir()

    after = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", after, now=T0 + 5) as kept:
        alone = events(tick(after, T0 + 5))
        (tmp_path / "store").rmdir()
        (tmp_path / "elsewhere").rename(tmp_path / "store")
        await kept.flush_changes()

        assert alone == 10
        assert events(tick(after, T0 + 10)) == 30
    assert (await restarted(tmp_path / "store", now=T0 + 10)).burn_over(HOUR).counts == EventCounts(3, 30)


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel lets no file of this process grow beyond *size* bytes: what a full disk looks like."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_what_lies_outside_its_window_is_dropped_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "store"
    engine = Engine([SHOP], interval=5)
    async with store(path, engine):
        tick(engine, T0)

    other = Engine([slo(name="other")], interval=5)
    async with store(path, other, now=T0 + 31 * DAY):
        tick(other, T0 + 31 * DAY)

    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT slo FROM checkpoint").fetchall() == [("shop/other",)]
        assert connection.execute("SELECT count(*) FROM base").fetchone() == (1,)


async def test_the_past_of_a_prometheus_fills_only_what_the_store_does_not_know() -> None:
    engine = Engine([SHOP], interval=5)
    for n in range(4):
        engine.backfill_counts(SHOP, (), T0 + n * 5 * MINUTE, EventCounts(0, 1))

    async def past(
        known: Mapping[str, float], repaired: Mapping[str, float]
    ) -> AsyncIterator[tuple[Slo, Group, float, EventCounts, int, bool]]:
        assert (known, repaired) == ({}, {SHOP.id: T0 + 15 * MINUTE})
        for n in range(-10, 10):
            yield SHOP, (), T0 + n * 5 * MINUTE, EventCounts(0, 100), 5 * MINUTE, False

    await backfill_history(engine, past, T0 + HOUR)

    # What may overlap is left out: ten come before the first known step, six after the last.
    assert events(engine.record_tick(T0 + HOUR, [])) == 4 + 10 * 100 + 6 * 100


async def test_of_a_whole_window_only_the_time_since_is_asked() -> None:
    engine = Engine([SHOP], interval=5)
    engine.backfill_counts(SHOP, (), T0 - 30 * DAY + 12 * HOUR, EventCounts(0, 1))
    engine.backfill_counts(SHOP, (), T0, EventCounts(0, 1))

    async def past(
        known: Mapping[str, float], repaired: Mapping[str, float]
    ) -> AsyncIterator[tuple[Slo, Group, float, EventCounts, int, bool]]:
        assert (known, repaired) == ({SHOP.id: T0}, {SHOP.id: T0})
        yield SHOP, (), T0 + MINUTE, EventCounts(0, 100), MINUTE, False
        yield SHOP, (), T0 - HOUR, EventCounts(0, 7), MINUTE, True

    await backfill_history(engine, past, T0 + HOUR)

    assert events(engine.record_tick(T0 + HOUR, [])) == 109


def no_data_alerts(snapshot: Snapshot, at: float) -> list[AlertKind]:
    return [each.kind for each in alert_candidates(snapshot, at, {}) if each.kind is AlertKind.NO_DATA]


async def test_a_downtime_is_no_missing_data(tmp_path: Path) -> None:
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        tick(engine, T0)

    after = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", after, now=T0 + HOUR):
        first = no_data_alerts(after.record_tick(T0 + HOUR, []), T0 + HOUR)
        later = no_data_alerts(after.record_tick(T0 + HOUR + 601, []), T0 + HOUR + 601)

    assert (first, later) == ([], [AlertKind.NO_DATA])


async def test_missing_data_go_on_missing_over_a_restart(tmp_path: Path) -> None:
    """Nine minutes before a restart and two after it are eleven."""
    engine = Engine([SHOP], interval=5)
    async with store(tmp_path / "store", engine):
        tick(engine, T0)
    async with store(tmp_path / "store", engine, now=T0 + 9 * MINUTE):
        pass

    after = Engine([SHOP], interval=5)
    now = T0 + HOUR
    async with store(tmp_path / "store", after, now=now):
        later = no_data_alerts(after.record_tick(now + 2 * MINUTE, []), now + 2 * MINUTE)

    assert later == [AlertKind.NO_DATA]


def file_modes(directory: Path) -> set[int]:
    return {stat.S_IMODE(each.stat().st_mode) for each in directory.iterdir()}


async def test_the_file_is_for_its_user_alone(tmp_path: Path) -> None:
    path = tmp_path / "store"
    async with store(path, Engine([SHOP], interval=5)):
        modes = file_modes(tmp_path)
    path.chmod(0o644)
    async with store(path, Engine([SHOP], interval=5)):
        again = file_modes(tmp_path)

    assert (modes, again) == ({0o600}, {0o600})


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE moz_places (url TEXT);",
        "CREATE TABLE state (clean INTEGER); PRAGMA user_version = 1;",
        "CREATE TABLE checkpoint (a); PRAGMA application_id = 7; PRAGMA user_version = 2;",
        "PRAGMA application_id = 252006675;",
    ],
)
async def test_a_database_of_another_program_is_refused(tmp_path: Path, script: str) -> None:
    path = tmp_path / "places.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
    written = path.read_bytes()

    with pytest.raises(UnusableStore, match="it is a database of another program: name another file"):
        await restarted(path)

    assert path.read_bytes() == written


async def test_a_fifo_is_no_store(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "store")

    with pytest.raises(UnusableStore, match="it is no regular file"):
        await restarted(tmp_path / "store")


@pytest.mark.parametrize("odd", ["bucket", "time", "group"])
async def test_odd_content_with_a_right_checksum_is_set_aside(tmp_path: Path, odd: str) -> None:
    path = tmp_path / "store"
    engine = Engine([SHOP], interval=5)
    async with store(path, engine):
        tick(engine, T0)
        for n in range(200):
            tick(engine, T0 + MINUTE * n)
    with closing(sqlite3.connect(path)) as connection:
        make_odd(connection, odd)
        connection.commit()

    after = Engine([SHOP], interval=5)
    async with store(path, after, now=T0 + HOUR) as kept:
        issue = kept.issue
    again = store(path, Engine([SHOP], interval=5))
    async with again:
        pass

    assert issue is not None
    assert "makes no sense" in issue
    assert again.issue is None


def make_odd(connection: sqlite3.Connection, odd: str) -> None:
    """Write something that no sidecar writes, with the checksum that a sidecar would write."""
    ((packed, base),) = connection.execute(
        "SELECT checkpoint.packed, base.packed FROM checkpoint JOIN base"
    ).fetchall()
    checkpoint = msgspec.msgpack.decode(packed[:-4])
    if odd == "bucket":
        changed = struct.pack("<q", 2**40) + base[8:-4]
        sealed = changed + struct.pack("<I", crc32(changed, checkpoint[6][0]))
        connection.execute("UPDATE base SET packed = ?", (sealed,))
    elif odd == "time":
        checkpoint[1] = float("-inf")
    else:
        checkpoint[0] = ["a"]
        connection.execute("UPDATE checkpoint SET grp = '[\"a\"]'")
    encoded = msgspec.msgpack.encode(checkpoint)
    connection.execute("UPDATE checkpoint SET packed = ?", (encoded + struct.pack("<I", crc32(encoded)),))
