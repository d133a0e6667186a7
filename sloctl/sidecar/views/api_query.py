"""What a client may ask of the list of SLOs: query parameters → a checked value."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, TypeAlias

import msgspec
from msgspec import Meta, Struct

from sloctl.sidecar.board import Entry
from sloctl.sidecar.sources import Group
from sloctl.sidecar.views import api
from sloctl.sidecar.views import api_shapes as shapes

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000
_MOST_LABELS: Final = 16

Cursor: TypeAlias = tuple[str, Group]


class BadQuery(ValueError):
    """A parameter that cannot be meant; the message says which, and what to write."""


class SloQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which SLOs, and how many of them at once. All that is asked must hold."""

    limit: Annotated[
        int, Meta(ge=1, le=MAX_LIMIT, description="At most so many SLOs and groups at once.")
    ] = DEFAULT_LIMIT
    after: Annotated[str | None, Meta(description="The `next` of the page before.")] = None
    service: Annotated[str | None, Meta(description="SLOs of this service only.")] = None
    standing: Annotated[
        tuple[shapes.StandingName, ...], Meta(description="SLOs that stand in one of these ways.")
    ] = ()
    label: Annotated[
        tuple[Annotated[str, Meta(pattern="^[^=]+=")], ...],
        Meta(
            max_length=_MOST_LABELS,
            description="`name=value`: a label of the spec or of the group. Repeated, all must hold.",
        ),
    ] = ()


_LISTS: Final = frozenset({"standing", "label"})


def slo_query(parameters: Iterable[tuple[str, str]]) -> SloQuery:
    """Raises BadQuery; a parameter that is not known is a mistake, not an extra."""
    fields: dict[str, str | list[str]] = {}
    for name, value in parameters:
        if name in _LISTS:
            listed = fields.setdefault(name, [])
            assert isinstance(listed, list)  # noqa: S101 - the names in _LISTS hold lists
            listed.append(value)
        elif name in fields:
            raise BadQuery(f"{name} is given twice")
        else:
            fields[name] = value
    try:
        # Not strict: in a URL a number is text.
        query = msgspec.convert(fields, SloQuery, strict=False)
    except msgspec.ValidationError as wrong:
        raise BadQuery(str(wrong)) from wrong
    cursor(query)
    return query


def no_query(parameters: Iterable[tuple[str, str]]) -> None:
    """Raises BadQuery when there is any."""
    for name, _ in parameters:
        raise BadQuery(f"there is no parameter {name!r} here")


def cursor(query: SloQuery) -> Cursor | None:
    """Where the page before ended. It is a key, not a place: SLOs that come and go shift nothing."""
    if query.after is None:
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(query.after), type=tuple[str, Group])
    except (Error, UnicodeError, ValueError) as wrong:
        raise BadQuery("after is not the `next` of a page") from wrong


def cursor_after(entry: Entry) -> str:
    return urlsafe_b64encode(msgspec.json.encode(api.key(entry))).decode()


def selected(query: SloQuery, entries: Sequence[Entry]) -> tuple[Sequence[int], str | None]:
    """Positions of the entries asked for, and the cursor of the page that follows."""
    after = cursor(query)
    labels = frozenset((name, value) for name, _, value in (text.partition("=") for text in query.label))
    places: list[int] = []
    for place, entry in enumerate(entries):
        if (after is None or api.key(entry) > after) and _is_asked_for(query, labels, entry):
            if len(places) == query.limit:
                return places, cursor_after(entries[places[-1]])
            places.append(place)
    return places, None


def _is_asked_for(query: SloQuery, labels: frozenset[tuple[str, str]], entry: Entry) -> bool:
    return (
        (query.service is None or entry.slo.service == query.service)
        and (not query.standing or api.STANDINGS[entry.standing] in query.standing)
        and (not labels or labels <= {*entry.slo.labels.items(), *entry.group_labels.items()})
    )
