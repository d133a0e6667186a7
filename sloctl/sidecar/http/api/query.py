"""The query of the list of SLOs: parameters of a URL in, a checked value and the SLOs it selects out."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta, Struct

from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.http.api import shapes
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


class Selection(NamedTuple):
    """The indexes of the SLOs that were asked for, and the `after` of the page that follows."""

    indexes: Sequence[int]
    next_after: str | None


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
            assert isinstance(listed, list)  # noqa: S101 - the names in _LIST_PARAMETERS hold lists
            listed.append(value)
        elif name in fields:
            raise BadRequest(f"{name} is given twice")
        else:
            fields[name] = value
    try:
        # Not strict: in a URL a number is text.
        return msgspec.convert(fields, SloQuery, strict=False)
    except msgspec.ValidationError as mistake:
        raise BadRequest(str(mistake)) from mistake


def reject_parameters(names: Iterable[str]) -> None:
    """Raise BadRequest where there is any parameter."""
    for name in names:
        raise BadRequest(f"there is no parameter {name!r} here")


def list_key(state: SloState) -> str:
    """Make the text by which lists are sorted.

    It holds id and group alone, so that states that come, go or change shift nothing; and what comes after
    any text is well defined.
    """
    return msgspec.json.encode([state.slo.id, *state.group]).decode()


def select_slos(query: SloQuery, states: Sequence[SloState], keys: Sequence[str]) -> Selection:
    """Select among *states*, which are sorted by their list keys, *keys*."""
    labels = frozenset((name, value) for name, _, value in (text.partition("=") for text in query.label))
    start = 0 if query.after is None else bisect_right(keys, query.after)
    indexes: list[int] = []
    for index in range(start, len(states)):
        if _matches_query(query, labels, states[index]):
            if len(indexes) == query.limit:
                return Selection(indexes, keys[indexes[-1]])
            indexes.append(index)
    return Selection(indexes, None)


def _matches_query(query: SloQuery, labels: frozenset[tuple[str, str]], state: SloState) -> bool:
    return (
        (query.service is None or state.slo.service == query.service)
        and (not query.state or state.health.key in query.state)
        and (not labels or labels <= {*state.slo.labels.items(), *state.group_labels.items()})
    )
