"""Asking a Prometheus, or what speaks its API: Thanos, Mimir, VictoriaMetrics."""

import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit

import msgspec

from sloctl.model import PromQL

# A month of raw series takes its time.
TIMEOUT_SECONDS: Final = 120.0


class PrometheusError(Exception):
    """No answer, or one that says no; the message says who and why."""


@dataclass(frozen=True, slots=True)
class MatrixSeries:
    """One row of a range query: values by Unix time in seconds, in time order."""

    labels: Mapping[str, str]
    points: Mapping[int, float]


class _MatrixData(msgspec.Struct, tag_field="resultType", tag="matrix"):
    result: list["_MatrixRow"]


class _MatrixRow(msgspec.Struct):
    metric: dict[str, str]
    values: list[tuple[float, str]]


class _MatrixAnswer(msgspec.Struct):
    status: Literal["success", "error"]
    data: _MatrixData | None = None
    error: str = ""


@dataclass(frozen=True, slots=True)
class PrometheusClient:
    """The HTTP API below *url*; every method raises PrometheusError."""

    url: str

    def query_range(self, query: PromQL, *, start: int, end: int, step: int) -> list[MatrixSeries]:
        """*query* at start, start + step, … up to *end*; Unix seconds. At most 11,000 instants."""
        answer = self._post("/api/v1/query_range", query=query, start=start, end=end, step=step)
        rows = answer.data.result if answer.data is not None else []
        return [MatrixSeries(row.metric, {int(at): float(value) for at, value in row.values}) for row in rows]

    def _post(self, path: str, **parameters: str | int) -> _MatrixAnswer:
        if urlsplit(self.url).scheme not in {"http", "https"}:
            raise PrometheusError(f"{self.url}: a Prometheus is at an http or https URL")
        body = urlencode(parameters).encode()
        request = urllib.request.Request(f"{self.url.rstrip('/')}{path}", data=body)  # noqa: S310 - http only
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - as above
                answer = msgspec.json.decode(response.read(), type=_MatrixAnswer)
        except HTTPError as refusal:
            raise PrometheusError(f"{self.url}: {_error_message(refusal)}") from refusal
        except (OSError, msgspec.DecodeError) as broken:
            raise PrometheusError(f"{self.url}: {getattr(broken, 'reason', broken)}") from broken
        if answer.status != "success":
            raise PrometheusError(f"{self.url}: {answer.error}")
        return answer


def _error_message(refusal: HTTPError) -> str:
    """Prometheus says why in the body of its refusal; a proxy in front of it may not."""
    try:
        return msgspec.json.decode(refusal.read(), type=_MatrixAnswer).error
    except msgspec.DecodeError:
        return f"answered {refusal.code} {refusal.reason}"
