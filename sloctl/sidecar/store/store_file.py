"""The store as a file: SQLite, one transaction per flush, one process at a time.

Law: what cannot be read for certain is not read. A file of a newer sloctl is refused, and one that is
corrupt, or holds a byte that has changed since it was written, is set aside for a person to look at.
"""

import os
import sqlite3
import stat
import struct
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias
from zlib import crc32

import msgspec

from sloctl.model import Slo
from sloctl.sidecar.engine.checkpoint import Checkpoint

# Number n makes a file of version n one of version n + 1; SQLite calls an empty file version 0.
MIGRATIONS: Final = (
    "",
    """
    CREATE TABLE checkpoint (
        id INTEGER PRIMARY KEY,
        slo TEXT NOT NULL,               -- for people: the fingerprint stands for it
        fingerprint TEXT NOT NULL,
        window INTEGER NOT NULL,         -- seconds
        grp TEXT NOT NULL,               -- JSON list of label values
        last REAL NOT NULL,              -- Unix seconds
        packed BLOB NOT NULL,            -- the checkpoint without its base, as msgpack, and a checksum
        UNIQUE (fingerprint, window, grp)
    ) STRICT;
    CREATE TABLE base (
        checkpoint INTEGER PRIMARY KEY REFERENCES checkpoint ON DELETE CASCADE,
        packed BLOB NOT NULL
    ) STRICT;
    CREATE TABLE state (clean INTEGER NOT NULL) STRICT;
    INSERT INTO state VALUES (0);
    """,
    # When a process was last alive, Unix seconds; and whose file this is, for `file` and for us.
    """
    ALTER TABLE state ADD COLUMN at REAL NOT NULL DEFAULT 0;
    PRAGMA application_id = 0x534C4F63;
    """,
)
# A file of one of these tables alone is somebody else's.
_TABLES: Final = frozenset({"checkpoint", "base", "state"})
# Who may read a store may read how a service fares; who may write to it may hide an outage.
_FILE_MODE: Final = 0o600
# "SLOc", as the migration above writes it.
APPLICATION_ID: Final = 0x534C4F63
# A predecessor that is about to leave gets that long; seconds.
_LOCK_WAIT_SECONDS: Final = 5.0
_CORRUPT_CODES: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_CHECKSUM: Final = struct.Struct("<I")
_DECODER: Final = msgspec.msgpack.Decoder(Checkpoint)
_SAVE_CHECKPOINT_SQL: Final = """
    INSERT INTO checkpoint (slo, fingerprint, window, grp, last, packed) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT (fingerprint, window, grp) DO UPDATE SET last = excluded.last, packed = excluded.packed
"""
_SAVE_BASE_SQL: Final = """
    INSERT INTO base (checkpoint, packed)
    SELECT id, ? FROM checkpoint WHERE fingerprint = ? AND window = ? AND grp = ?
    ON CONFLICT (checkpoint) DO UPDATE SET packed = excluded.packed
"""
_LOAD_SQL: Final = """
    SELECT grp, last, checkpoint.packed, base.packed
    FROM checkpoint JOIN base ON base.checkpoint = checkpoint.id
    WHERE fingerprint = ? AND window >= ? ORDER BY last
"""

StoredRow: TypeAlias = tuple[str, float, bytes, bytes]


class UnusableStore(Exception):
    """The file must be left alone: another process has it, or a newer sloctl wrote it."""


class CorruptStore(Exception):
    """The file is not what was written; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class LastRun:
    """The process that wrote the file: whether it left in order, and when it was last alive; Unix seconds."""

    was_clean: bool
    alive_at: float


@dataclass(frozen=True, slots=True)
class PendingCheckpoint:
    """A checkpoint to be written."""

    slo: Slo
    fingerprint: str
    checkpoint: Checkpoint

    @property
    def key(self) -> tuple[str, int, str]:
        group = msgspec.json.encode(self.checkpoint.group).decode()
        return self.fingerprint, self.slo.window.longest, group


class StoreFile:
    """An open file; its methods belong to the thread that opened it.

    All raise sqlite3.Error and CorruptStore.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    def open(cls, path: Path, *, wait: float = _LOCK_WAIT_SECONDS) -> "StoreFile":
        """Open the file, made where there is none, for this user alone.

        Raises UnusableStore where another process has it, and where it is not ours: another user's, another
        program's, or no file at all. Raises OSError too.
        """
        _claim_file(path)
        with _translated_errors():
            connection = sqlite3.connect(path, timeout=wait, isolation_level=None)
            try:
                _prepare_database(connection)
            except BaseException:
                connection.close()
                raise
        return cls(connection)

    def load_checkpoints(self, slos: Iterable[tuple[Slo, str]]) -> Mapping[str, Sequence[Checkpoint]]:
        """Read, by SLO id, those of SLOs and their fingerprints; none of a shorter window."""
        found = {}
        with _translated_errors():
            for slo, fingerprint in slos:
                rows = self._connection.execute(_LOAD_SQL, (fingerprint, slo.window.longest))
                # A group may be there by several windows: the one that was written last counts.
                found[slo.id] = list({row[0]: _checkpoint_from_row(row) for row in rows}.values())
        return found

    def take_last_run(self) -> LastRun:
        """Tell how the last process ended; that it left in order, so that its counters may go on, only once.

        Counters of an earlier moment would fall, and whatever scrapes them would take that for a restart and
        count all of them again. They start from zero instead, also where "once" cannot be written down.
        """
        try:
            ((clean, alive_at),) = self._connection.execute("SELECT clean, at FROM state").fetchall()
            self._connection.execute("UPDATE state SET clean = 0")
        except sqlite3.OperationalError:
            return LastRun(was_clean=False, alive_at=0.0)
        return LastRun(was_clean=bool(clean), alive_at=float(alive_at))

    def begin_transaction(self) -> None:
        """Begin a flush: what is saved from here on is there after `commit_transaction`, or none of it."""
        with _translated_errors():
            self._connection.execute("BEGIN IMMEDIATE")

    def save_changes(self, changes: Sequence[PendingCheckpoint]) -> None:
        checkpoints, bases = [], []
        for change in changes:
            checkpoint, history = change.checkpoint, change.checkpoint.history
            without_base = msgspec.structs.replace(
                checkpoint, history=msgspec.structs.replace(history, base=None)
            )
            packed = _with_checksum(msgspec.msgpack.encode(without_base))
            checkpoints.append((change.slo.id, *change.key, checkpoint.last, packed))
            if history.base is not None:
                bases.append((_with_checksum(history.base, history.base_minute), *change.key))
        with _translated_errors():
            self._connection.executemany(_SAVE_CHECKPOINT_SQL, checkpoints)
            self._connection.executemany(_SAVE_BASE_SQL, bases)

    def commit_transaction(self, *, now: float, clean: bool) -> None:
        """Drop what lies wholly outside its window, and commit; *clean* says that nothing will follow."""
        with _translated_errors():
            self._connection.execute("DELETE FROM checkpoint WHERE last < ? - window", (now,))
            self._connection.execute("UPDATE state SET clean = ?, at = ?", (clean, now))
            self._connection.execute("COMMIT")

    def close(self) -> None:
        """Close the file; what was not committed was not saved."""
        with suppress(sqlite3.Error):
            self._connection.close()


def migrate_schema(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> None:
    """Bring an older file up to date, wholly or not at all; raises UnusableStore for a newer one."""
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
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


def _claim_file(path: Path) -> None:
    """Make the file where there is none, and keep others out of it; raises UnusableStore and OSError.

    What SQLite writes beside it gets the mode that the file has.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, _FILE_MODE))
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        # A directory in its place is told by SQLite, and may be gone at the next flush.
        if stat.S_ISDIR(status.st_mode):
            return
        raise UnusableStore("it is no regular file: name another one")
    user = os.geteuid()
    if user not in {status.st_uid, 0}:
        raise UnusableStore(f"it belongs to user {status.st_uid}, and this is user {user}: name another file")
    if status.st_uid == user and stat.S_IMODE(status.st_mode) != _FILE_MODE:
        path.chmod(_FILE_MODE)


def _refuse_foreign_file(connection: sqlite3.Connection) -> None:
    """Raise UnusableStore for a database of another program, before anything is written to it."""
    ((version,),) = connection.execute("PRAGMA user_version").fetchall()
    ((application,),) = connection.execute("PRAGMA application_id").fetchall()
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    is_ours = application in {0, APPLICATION_ID} and (not tables if version == 0 else tables >= _TABLES)
    is_newer = application in {0, APPLICATION_ID} and version > len(MIGRATIONS)
    if not is_ours and not is_newer:
        raise UnusableStore("it is a database of another program: name another file")


def _prepare_database(connection: sqlite3.Connection) -> None:
    # Held until closed, so that a second process is refused; and no shared memory is needed beside the file.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    _refuse_foreign_file(connection)
    migrate_schema(connection)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("BEGIN IMMEDIATE")
    ((answer,), *_) = connection.execute("PRAGMA quick_check(1)").fetchall()
    connection.execute("COMMIT")
    if answer != "ok":
        raise CorruptStore(str(answer))


def _checkpoint_from_row(row: StoredRow) -> Checkpoint:
    """Decode a row; raises CorruptStore where anything in it has changed since it was written."""
    group, last, packed, base = row
    try:
        checkpoint = _DECODER.decode(_verify_checksum(packed))
        is_same = (checkpoint.group, checkpoint.last) == (tuple(msgspec.json.decode(group)), last)
    except msgspec.MsgspecError as failure:
        raise CorruptStore(f"a history in it cannot be read: {failure}") from failure
    if not is_same:
        raise CorruptStore("a history in it has changed since it was written")
    history = checkpoint.history
    whole = msgspec.structs.replace(history, base=_verify_checksum(base, history.base_minute))
    return msgspec.structs.replace(checkpoint, history=whole)


def _with_checksum(content: bytes, base_minute: int = 0) -> bytes:
    """Append a checksum of *content*; a base's covers the minute up to which it counts."""
    return content + _CHECKSUM.pack(crc32(content, base_minute))


def _verify_checksum(sealed: bytes, base_minute: int = 0) -> bytes:
    content = sealed[: -_CHECKSUM.size]
    if sealed != _with_checksum(content, base_minute):
        raise CorruptStore("a history in it has changed since it was written")
    return content


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Translate the two of SQLite's errors that mean something of their own here."""
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
