"""The store as a file: SQLite, one transaction per flush, one process at a time.

Its one law: what cannot be read for certain is not read. A file of a newer sloctl is refused, and one that is
corrupt, or holds a byte that has changed since it was written, is set aside for a person to look at.
"""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from sloctl.model import Slo
from sloctl.sidecar.engine.checkpoint import Checkpoint
from sloctl.sidecar.store.store_rows import (
    CorruptStore,
    PendingCheckpoint,
    StoredRow,
    account_row,
    base_row,
    checkpoint_from_row,
)

# Number n makes a file of version n one of version n + 1; SQLite calls an empty file version 0.
MIGRATIONS: Final = (
    """
    CREATE TABLE account (
        id INTEGER PRIMARY KEY,
        slo TEXT NOT NULL,               -- for people: the fingerprint stands for it
        fingerprint TEXT NOT NULL,
        window INTEGER NOT NULL,         -- seconds
        grp TEXT NOT NULL,               -- JSON list of label values
        since REAL NOT NULL,
        last REAL NOT NULL,
        errors REAL NOT NULL,
        events REAL NOT NULL,
        firing TEXT NOT NULL,            -- JSON: severity, since when
        settled_minute INTEGER NOT NULL,
        tail BLOB NOT NULL,
        UNIQUE (fingerprint, window, grp)
    ) STRICT;
    CREATE TABLE settled (
        account INTEGER PRIMARY KEY REFERENCES account ON DELETE CASCADE,
        packed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE state (clean INTEGER NOT NULL) STRICT;
    INSERT INTO state VALUES (0);
    """,
)
# A predecessor that is about to leave gets that long; seconds.
_LOCK_WAIT_SECONDS: Final = 5.0
_CORRUPT_CODES: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_SAVE_ACCOUNT_SQL: Final = """
    INSERT INTO account (
        slo, fingerprint, window, grp, since, last, errors, events, firing, settled_minute, tail
    )
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (fingerprint, window, grp) DO UPDATE SET
        since = excluded.since, last = excluded.last, errors = excluded.errors, events = excluded.events,
        firing = excluded.firing, settled_minute = excluded.settled_minute, tail = excluded.tail
"""
_SAVE_BASE_SQL: Final = """
    INSERT INTO settled (account, packed)
    SELECT id, ? FROM account WHERE fingerprint = ? AND window = ? AND grp = ?
    ON CONFLICT (account) DO UPDATE SET packed = excluded.packed
"""
_LOAD_SQL: Final = """
    SELECT grp, since, last, errors, events, firing, settled_minute, tail, packed
    FROM account JOIN settled ON settled.account = account.id
    WHERE fingerprint = ? AND window >= ? ORDER BY last
"""


class UnusableStore(Exception):
    """The file must be left alone: another process has it, or a newer sloctl wrote it."""


class StoreFile:
    """An open file. Its methods belong to the thread that opened it; all raise sqlite3.Error and Corrupt."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path, *, wait: float = _LOCK_WAIT_SECONDS) -> "StoreFile":
        """Makes the file where there is none. Raises UnusableStore where another process has it."""
        with _translated_errors():
            connection = sqlite3.connect(path, timeout=wait, isolation_level=None)
            try:
                _prepare_database(connection)
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    def load_checkpoints(self, slos: Iterable[tuple[Slo, str]]) -> Mapping[str, Sequence[Checkpoint]]:
        """By SLO id, for SLOs and their fingerprints; a history of a shorter window does not count."""
        with _translated_errors():
            return {
                slo.id: list(
                    {row[0]: checkpoint_from_row(row) for row in self._rows(fingerprint, slo)}.values()
                )
                for slo, fingerprint in slos
            }

    def take_clean_flag(self) -> bool:
        """Whether the last process left in order, so that its counters may go on; true only once.

        Counters of an earlier moment would fall, and whoever scrapes them would take that for a restart and
        count all of them again. They start from zero instead, also where "once" cannot be written down.
        """
        try:
            ((clean,),) = self._connection.execute("SELECT clean FROM state").fetchall()
            self._connection.execute("UPDATE state SET clean = 0")
        except sqlite3.OperationalError:
            return False
        return bool(clean)

    def begin_transaction(self) -> None:
        """What is saved from here on is there after `commit`, or none of it."""
        with _translated_errors():
            self._connection.execute("BEGIN IMMEDIATE")

    def save_changes(self, changes: Sequence[PendingCheckpoint]) -> None:
        settling = [change for change in changes if change.checkpoint.base is not None]
        with _translated_errors():
            self._connection.executemany(_SAVE_ACCOUNT_SQL, map(account_row, changes))
            self._connection.executemany(_SAVE_BASE_SQL, map(base_row, settling))

    def commit_transaction(self, *, now: float, clean: bool) -> None:
        """Also drops what lies wholly outside its window; *clean* says that nothing will follow."""
        with _translated_errors():
            self._connection.execute("DELETE FROM account WHERE last < ? - window", (now,))
            self._connection.execute("UPDATE state SET clean = ?", (clean,))
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Without a `commit` nothing was saved."""
        with suppress(sqlite3.Error):
            self._connection.close()

    def _rows(self, fingerprint: str, slo: Slo) -> Iterable[StoredRow]:
        return self._connection.execute(_LOAD_SQL, (fingerprint, slo.window.seconds))


def migrate_schema(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring an older file up to date, wholly or not at all; raises UnusableStore for a newer one."""
    version = _version(connection)
    if version > len(migrations):
        raise UnusableStore(
            f"its version {version} is of a newer sloctl, this one knows {len(migrations)}: "
            "run that newer one, or name another file"
        )
    if version == len(migrations):
        return
    script = "".join(migrations[version:])
    try:
        connection.executescript(
            f"BEGIN IMMEDIATE; {script}; PRAGMA user_version = {len(migrations)}; COMMIT;"
        )
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def set_aside_file(path: Path) -> Path:
    """Rename a corrupt file, and what SQLite keeps beside it, out of the way; raises OSError."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    aside = path.with_name(f"{path.name}.corrupt-{stamp}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(aside.with_name(aside.name + suffix))
    return aside


def _prepare_database(connection: sqlite3.Connection) -> None:
    # Held until closed, so that a second process is told; and no shared memory is needed beside the file.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    migrate_schema(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN IMMEDIATE")
    ((answer,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
    connection.execute("COMMIT")
    if answer != "ok":
        raise CorruptStore(str(answer))


def _version(connection: sqlite3.Connection) -> int:
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    return int(version)


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Two of SQLite's errors mean something of their own here."""
    try:
        yield
    except sqlite3.Error as failure:
        # The low byte is the kind of an error.
        code = getattr(failure, "sqlite_errorcode", 0) & 0xFF
        if code in _CORRUPT_CODES:
            raise CorruptStore(str(failure)) from failure
        if code == sqlite3.SQLITE_BUSY:
            raise UnusableStore("another process uses it: each sidecar needs a store of its own") from failure
        raise
