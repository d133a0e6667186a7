"""Range queries against a Prometheus, or what speaks its API: limited, retried, and checked for completeness.

Law: an answer that is not known to be whole is none.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal
from urllib.parse import urlencode

import msgspec
from yarl import URL

from sloctl.model import PromQL
from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.prometheus.http_client import ClientOptions, HttpClient, HttpResponse, RequestFailed, redact_url

MAX_ATTEMPTS: Final = 3
# The longest wait before the second attempt; it doubles with each further one.
_BACKOFF_SECONDS: Final = 0.5
_FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
_TOO_MANY_REQUESTS: Final = 429


@dataclass(frozen=True, slots=True)
class PrometheusOptions:
    """Where the rules or the raw series are: Prometheus, Thanos, Mimir, VictoriaMetrics, below *url*.

    A tenant (X-Scope-OrgID) is a header of *client*. *partial_response* lets a Thanos answer from the stores
    that it reaches. *settle_seconds* is how long after a minute its samples are there; *read_seconds* is the
    limit of one read with all its queries. *telling* are labels that may tell what burns; each costs two more
    queries a minute of an SLO with errors.
    """

    url: str
    client: ClientOptions = field(default_factory=ClientOptions)
    label_style: LabelStyle = NATIVE_STYLE
    partial_response: bool = False
    settle_seconds: float = 10.0
    read_seconds: float = 30.0
    concurrency: int = 4
    contributor_labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if URL(self.url).scheme not in {"http", "https"}:
            raise ValueError(f"a Prometheus is at an http or https URL, got {redact_url(self.url)!r}")


@dataclass(frozen=True, slots=True)
class QueryRange:
    """Steps that end after *start* and no later than *end*; Unix seconds."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class RangeSeries:
    """One row of an answer: values by Unix time in seconds, in time order."""

    labels: Mapping[str, str]
    points: Mapping[int, float]


class QueryFailed(Exception):
    """A query without an answer that can be relied on; the message says why."""


class _RangeRow(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]] = []


class _RangeData(msgspec.Struct, tag_field="resultType", tag="matrix"):
    result: list[_RangeRow]


class _RangeAnswer(msgspec.Struct, rename="camel"):
    status: Literal["success", "error"]
    data: _RangeData | None = None
    error: str = ""
    # Thanos, Mimir and Prometheus say here what is missing; VictoriaMetrics in the field below.
    warnings: list[str] = []
    is_partial: bool = False


class RangeQueries:
    """At most *concurrency* queries at a time; *jitter* gives a share of the wait between two attempts."""

    def __init__(
        self, client: HttpClient, options: PrometheusOptions, *, jitter: Callable[[], float]
    ) -> None:
        self._client = client
        self._jitter = jitter
        self._places = asyncio.Semaphore(options.concurrency)
        self._url = URL(options.url) / "api/v1/query_range"
        self._partial = "true" if options.partial_response else "false"

    async def query_range(self, query: PromQL, stretch: QueryRange, *, step: int) -> list[RangeSeries]:
        """*query* at the end of every step of *stretch*, at most 11,000 of them; raises Unusable."""
        form = {
            "query": query,
            "start": stretch.start + step,
            "end": stretch.end,
            "step": step,
            "partial_response": self._partial,
        }
        async with self._places:
            answer = await self._post_with_retries(urlencode(form).encode())
        return [
            RangeSeries(row.metric, {int(at): float(value) for at, value in row.values})
            for row in _decode_rows(answer)
        ]

    async def _post_with_retries(self, form: bytes) -> HttpResponse:
        """Tried again while the server is not there or has trouble of its own."""
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                answer = await self._client.request("POST", self._url, headers=_FORM, body=form)
            except RequestFailed as none:
                if attempt == MAX_ATTEMPTS:
                    raise QueryFailed(str(none)) from none
            else:
                if attempt == MAX_ATTEMPTS or not (
                    answer.status >= 500 or answer.status == _TOO_MANY_REQUESTS
                ):
                    return answer
            await asyncio.sleep(_BACKOFF_SECONDS * 2 ** (attempt - 1) * self._jitter())
        raise AssertionError("the last attempt returns or raises")


def _decode_rows(answer: HttpResponse) -> list[_RangeRow]:
    try:
        body = msgspec.json.decode(answer.body, type=_RangeAnswer)
    except (msgspec.DecodeError, UnicodeDecodeError) as broken:
        if answer.status != 200:
            raise QueryFailed(f"answered {answer.status}") from broken
        raise QueryFailed(f"answered what no Prometheus answers: {broken}") from broken
    if answer.status != 200 or body.status != "success":
        raise QueryFailed(body.error or f"answered {answer.status} without saying why")
    if body.warnings or body.is_partial:
        raise QueryFailed(
            f"answered in part: {'; '.join(body.warnings) or 'not everything could be reached'}"
        )
    if body.data is None:
        raise QueryFailed("answered without any result")
    return body.data.result
