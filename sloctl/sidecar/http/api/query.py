"""What a client may ask of the list of SLOs: query parameters → a checked value."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.http.api import convert, shapes
from sloctl.sidecar.http.problem_details import BadRequest

DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1000
_MAX_LABELS: Final = 16


class SloQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which SLOs, and how many of them at once. All that is asked must hold."""

    limit: Annotated[
        int, Meta(ge=1, le=MAX_LIMIT, description="At most so many SLOs and groups at once.")
    ] = DEFAULT_LIMIT
    after: Annotated[str | None, Meta(description="The `next` of the page before.")] = None
    service: Annotated[str | None, Meta(description="SLOs of this service only.")] = None
    state: Annotated[tuple[shapes.StateName, ...], Meta(description="SLOs in one of these states.")] = ()
    label: Annotated[
        tuple[Annotated[str, Meta(pattern="^[^=]+=")], ...],
        Meta(
            max_length=_MAX_LABELS,
            description="`name=value`: a label of the spec or of the group. Repeated, all must hold.",
        ),
    ] = ()


_LIST_PARAMETERS: Final = frozenset({"state", "label"})
_RENAMED_PARAMETERS: Final = {"standing": "state"}


def parse_slo_query(parameters: Iterable[tuple[str, str]]) -> SloQuery:
    """Check the query parameters of a list.

    Raises BadRequest, also for a parameter that is not known: it is a mistake, not an extra.
    """
    fields: dict[str, str | list[str]] = {}
    for name, value in parameters:
        if name in _RENAMED_PARAMETERS:
            raise BadRequest(f"{name} is now {_RENAMED_PARAMETERS[name]}")
        if name in _LIST_PARAMETERS:
            listed = fields.setdefault(name, [])
            assert isinstance(listed, list)  # noqa: S101 - the names in _LISTS hold lists
            listed.append(value)
        elif name in fields:
            raise BadRequest(f"{name} is given twice")
        else:
            fields[name] = value
    try:
        # Not strict: in a URL a number is text.
        return msgspec.convert(fields, SloQuery, strict=False)
    except msgspec.ValidationError as wrong:
        raise BadRequest(str(wrong)) from wrong


class Selection(NamedTuple):
    """Places of the entries asked for, and the `after` of the page that follows."""

    indexes: Sequence[int]
    next_after: str | None


def reject_parameters(names: Iterable[str]) -> None:
    """Raise BadRequest where there is any parameter."""
    for name in names:
        raise BadRequest(f"there is no parameter {name!r} here")


def list_key(entry: SloState) -> str:
    """Where an entry stands: lists are in the order of this text, and what is after any text is well defined.

    It is made of the entry's key, so that entries that come, go or stand differently shift nothing.
    """
    return msgspec.json.encode([entry.slo.id, *entry.group]).decode()


def select_slos(query: SloQuery, entries: Sequence[SloState], texts: Sequence[str]) -> Selection:
    """*texts* are those of the places of *entries*, both in order."""
    labels = frozenset((name, value) for name, _, value in (text.partition("=") for text in query.label))
    start = 0 if query.after is None else bisect_right(texts, query.after)
    places: list[int] = []
    for place in range(start, len(entries)):
        if _matches_query(query, labels, entries[place]):
            if len(places) == query.limit:
                return Selection(places, texts[places[-1]])
            places.append(place)
    return Selection(places, None)


def _matches_query(query: SloQuery, labels: frozenset[tuple[str, str]], entry: SloState) -> bool:
    return (
        (query.service is None or entry.slo.service == query.service)
        and (not query.state or convert.STATE_NAMES[entry.health] in query.state)
        and (not labels or labels <= {*entry.slo.labels.items(), *entry.group_labels.items()})
    )
