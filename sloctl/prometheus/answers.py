"""Queries as forms to send, answers as series; an answer that is not known to be whole is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.client import responses
from typing import Final, Generic, Literal, TypeVar
from urllib.parse import urlencode

import msgspec

from sloctl.duration import DAY
from sloctl.model import Labels, PromQL
from sloctl.problems import escape_unprintable
from sloctl.prometheus.errors import QueryFailed, RequestFailed, redact_url

FORM_HEADERS: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
REDIRECTS: Final = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A server's answer, of any status but a redirect; *content_type* is without its parameters."""

    status: int
    content_type: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class QueryRange:
    """Steps that end after *start* and no later than *end*; Unix seconds."""

    start: int
    end: int

    def split_days(self) -> Iterator["QueryRange"]:
        """Cut at midnight UTC, so that each piece fits one answer."""
        start = self.start
        while start < self.end:
            end = min(self.end, (start // DAY + 1) * DAY)
            yield QueryRange(start, end)
            start = end

    def intersect_with(self, other: "QueryRange") -> "QueryRange | None":
        """Return what both cover; None where that is nothing."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return QueryRange(start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class RangeSeries:
    """One series of a range query's answer: values by Unix time in seconds, in time order."""

    labels: Labels
    points: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class InstantSample:
    """One series of an instant query's answer; *at* is the moment of evaluation, Unix seconds."""

    labels: Labels
    at: float
    value: float


class _RangeRow(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _InstantRow(msgspec.Struct):
    metric: dict[str, str]
    value: tuple[float, str]


class _RangeData(msgspec.Struct, tag_field="resultType", tag="matrix"):
    result: list[_RangeRow]


class _InstantData(msgspec.Struct, tag_field="resultType", tag="vector"):
    result: list[_InstantRow]


class _SampleStats(msgspec.Struct, rename="camel"):
    total_queryable_samples: int = 0


class _QueryStats(msgspec.Struct):
    samples: _SampleStats = msgspec.field(default_factory=_SampleStats)


class _CountedData(msgspec.Struct):
    stats: _QueryStats = msgspec.field(default_factory=_QueryStats)


_Data = TypeVar("_Data", _RangeData, _InstantData, _CountedData)


class _QueryAnswer(msgspec.Struct, Generic[_Data], rename="camel"):
    status: Literal["success", "error"]
    data: _Data | None = None
    error: str = ""
    # Thanos, Mimir and Prometheus say here what is missing; VictoriaMetrics in the field below.
    warnings: list[str] = []
    is_partial: bool = False


def instant_form(query: PromQL, *, partial_response: str = "false") -> bytes:
    """Encode the form of an instant query at the server's own time."""
    return urlencode({"query": query, "partial_response": partial_response}).encode()


def stats_form(query: PromQL, at: int) -> bytes:
    """Encode the form of a query at a moment, Unix seconds, answered with how many samples it read."""
    return urlencode({"query": query, "time": at, "stats": "all"}).encode()


def range_form(query: PromQL, span: QueryRange, *, step: int, partial_response: str = "false") -> bytes:
    """Encode the form that evaluates *query* at the end of every *step* (seconds) of *span*.

    Prometheus answers for 11,000 steps at most.
    """
    form = {"query": query, "start": span.start + step, "end": span.end, "step": step}
    return urlencode({**form, "partial_response": partial_response}).encode()


def decode_range(answer: HttpResponse, *, accepts_part: bool = False) -> list[RangeSeries]:
    """Read the series of a range query's answer, in part only where that is accepted; raise QueryFailed."""
    try:
        data = _decode_data(answer, _QueryAnswer[_RangeData], accepts_part=accepts_part)
        return [
            RangeSeries(row.metric, {int(at): float(value) for at, value in row.values})
            for row in data.result
        ]
    except ValueError as broken:
        raise QueryFailed(f"answered what no Prometheus answers: {broken}") from broken


def decode_instant(answer: HttpResponse) -> list[InstantSample]:
    """Read the samples of an instant query's whole answer; raise QueryFailed."""
    try:
        data = _decode_data(answer, _QueryAnswer[_InstantData])
        return [InstantSample(row.metric, row.value[0], float(row.value[1])) for row in data.result]
    except ValueError as broken:
        raise QueryFailed(f"answered what no Prometheus answers: {broken}") from broken


def decode_sample_count(answer: HttpResponse) -> list[int]:
    """Read how many samples a query read; 0 of a server that does not say. Raises QueryFailed."""
    try:
        return [_decode_data(answer, _QueryAnswer[_CountedData]).stats.samples.total_queryable_samples]
    except ValueError as broken:
        raise QueryFailed(f"answered what no Prometheus answers: {broken}") from broken


def redirect_failure(status: int, target: str) -> RequestFailed:
    """Return the failure for a redirect to *target*, which is not followed: no credential goes there."""
    where = escape_unprintable(redact_url(target)) or "nowhere"
    return RequestFailed(f"answered {status}, a redirect to {where}: give the address it should ask")


def describe_status(status: int) -> str:
    """Say what a server answered, such as `answered 401 Unauthorized`."""
    return f"answered {status} {responses.get(status, '')}".rstrip()


def _decode_data(
    answer: HttpResponse, kind: type[_QueryAnswer[_Data]], *, accepts_part: bool = False
) -> _Data:
    """Decode the data of an answer; raise QueryFailed, and ValueError for what is no answer."""
    try:
        body = msgspec.json.decode(answer.body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as broken:
        if answer.status != 200:
            wrong_url = ": is this the URL of a Prometheus, without a path?" if answer.status == 404 else ""
            raise QueryFailed(f"{describe_status(answer.status)}{wrong_url}") from broken
        raise ValueError(escape_unprintable(str(broken))) from broken
    if answer.status != 200 or body.status != "success":
        raise QueryFailed(
            escape_unprintable(body.error) or f"{describe_status(answer.status)} without saying why"
        )
    if (body.warnings or body.is_partial) and not accepts_part:
        missing = "; ".join(body.warnings) or "not everything could be reached"
        raise QueryFailed(f"answered in part: {escape_unprintable(missing)}")
    if body.data is None:
        raise QueryFailed("answered without any result")
    return body.data
