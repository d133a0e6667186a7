"""Accounts as rows of the store, each sealed with a checksum."""

import json
import struct
from dataclasses import dataclass
from typing import Final, TypeAlias
from zlib import crc32

from sloctl.model import Severity, Slo
from sloctl.sidecar.kept import Kept

_SEAL: Final = struct.Struct("<I")

Row: TypeAlias = tuple[str, float, float, float, float, str, int, bytes, bytes]


class Corrupt(Exception):
    """The file is not what was written; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written of one account."""

    slo: Slo
    fingerprint: str
    kept: Kept


def saved(change: Change) -> tuple[object, ...]:
    kept = change.kept
    firing = {severity.value: since for severity, since in kept.firing.items()}
    numbers = (float(kept.since), float(kept.last), float(kept.errors), float(kept.events))
    columns = (json.dumps(kept.group), *numbers, json.dumps(firing), kept.settled_minute)
    return (
        change.slo.id,
        change.fingerprint,
        change.slo.window.seconds,
        *columns,
        _sealed(kept.tail, columns),
    )


def settled(change: Change) -> tuple[object, ...]:
    return _sealed(change.kept.settled or b"", change.kept.settled_minute), *_key(change)


def _key(change: Change) -> tuple[str, int, str]:
    return change.fingerprint, change.slo.window.seconds, json.dumps(change.kept.group)


def kept(row: Row) -> Kept:
    *columns, tail, packed = row
    group, since, last, errors, events, firing, minute = row[:7]
    tail, packed = _opened(tail, tuple(columns)), _opened(packed, minute)
    return Kept(
        group=tuple(json.loads(group)),
        since=since,
        last=last,
        errors=errors,
        events=events,
        firing={Severity(severity): at for severity, at in json.loads(firing).items()},
        settled_minute=minute,
        settled=packed,
        tail=tail,
    )


def _sealed(content: bytes, beside: object) -> bytes:
    """With a checksum of it and of what belongs to it."""
    return content + _SEAL.pack(crc32(repr(beside).encode(), crc32(content)))


def _opened(sealed: bytes, beside: object) -> bytes:
    content = sealed[: -_SEAL.size]
    if sealed != _sealed(content, beside):
        raise Corrupt("a history in it has changed since it was written")
    return content
