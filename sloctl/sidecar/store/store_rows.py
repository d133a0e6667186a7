"""Accounts as rows of the store, each sealed with a checksum."""

import json
import struct
from dataclasses import dataclass
from typing import Final, TypeAlias
from zlib import crc32

from sloctl.model import Severity, Slo
from sloctl.sidecar.engine.checkpoint import Checkpoint

_CHECKSUM: Final = struct.Struct("<I")

StoredRow: TypeAlias = tuple[str, float, float, float, float, str, int, bytes, bytes]


class CorruptStore(Exception):
    """The file is not what was written; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class PendingCheckpoint:
    """What is to be written of one account."""

    slo: Slo
    fingerprint: str
    checkpoint: Checkpoint


def account_row(change: PendingCheckpoint) -> tuple[object, ...]:
    kept = change.checkpoint
    firing = {severity.value: since for severity, since in kept.firing.items()}
    numbers = (float(kept.since), float(kept.last), float(kept.errors), float(kept.events))
    columns = (json.dumps(kept.group), *numbers, json.dumps(firing), kept.base_minute)
    return (
        change.slo.id,
        change.fingerprint,
        change.slo.window.seconds,
        *columns,
        _with_checksum(kept.delta, columns),
    )


def base_row(change: PendingCheckpoint) -> tuple[object, ...]:
    return _with_checksum(change.checkpoint.base or b"", change.checkpoint.base_minute), *_key(change)


def _key(change: PendingCheckpoint) -> tuple[str, int, str]:
    return change.fingerprint, change.slo.window.seconds, json.dumps(change.checkpoint.group)


def checkpoint_from_row(row: StoredRow) -> Checkpoint:
    *columns, tail, packed = row
    group, since, last, errors, events, firing, minute = row[:7]
    tail, packed = _verify_checksum(tail, tuple(columns)), _verify_checksum(packed, minute)
    return Checkpoint(
        group=tuple(json.loads(group)),
        since=since,
        last=last,
        errors=errors,
        events=events,
        firing={Severity(severity): at for severity, at in json.loads(firing).items()},
        base_minute=minute,
        base=packed,
        delta=tail,
    )


def _with_checksum(content: bytes, beside: object) -> bytes:
    """With a checksum of it and of what belongs to it."""
    return content + _CHECKSUM.pack(crc32(repr(beside).encode(), crc32(content)))


def _verify_checksum(sealed: bytes, beside: object) -> bytes:
    content = sealed[: -_CHECKSUM.size]
    if sealed != _with_checksum(content, beside):
        raise CorruptStore("a history in it has changed since it was written")
    return content
