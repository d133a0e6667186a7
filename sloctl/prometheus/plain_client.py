"""The plain front: blocking requests, for commands that must start quickly."""

import time
import urllib.request
from collections.abc import Callable, Mapping
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected
from typing import Final, TypeVar
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit

import msgspec

from sloctl.model import PromQL
from sloctl.problems import escape_unprintable
from sloctl.prometheus.answers import (
    FORM_HEADERS,
    REDIRECTS,
    HttpResponse,
    InstantSample,
    QueryRange,
    RangeSeries,
    decode_instant,
    decode_range,
    decode_sample_count,
    describe_status,
    instant_form,
    range_form,
    redirect_failure,
    stats_form,
)
from sloctl.prometheus.credentials import ClientOptions, TlsContext, request_headers
from sloctl.prometheus.errors import QueryFailed, RequestFailed, redact_url, refuse_password

_CHUNK_BYTES: Final = 64 * 1024
_Row = TypeVar("_Row")


class _ErrorBody(msgspec.Struct):
    """The reason in a problem document (RFC 9457), or in an error of Prometheus."""

    detail: str = ""
    error: str = ""


class _EveryStatus(urllib.request.HTTPErrorProcessor):
    """A processor that passes every answer on: no redirect is followed, and a refusal keeps its body."""

    def http_response(
        self,
        request: urllib.request.Request,  # noqa: ARG002 - urllib passes it by name
        response: HTTPResponse,
    ) -> HTTPResponse:
        return response

    https_response = http_response


class PlainHttpClient:
    """Requests to the server at *url*, which holds no password; every error names the server."""

    def __init__(self, url: str, options: ClientOptions) -> None:
        """Raise RequestFailed where *url* is none of an http or https server."""
        refuse_password(url)
        self.display_url = escape_unprintable(redact_url(url))
        try:
            parts = urlsplit(url)
            is_usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
        except ValueError as wrong:
            raise RequestFailed(f"{self.display_url}: {escape_unprintable(str(wrong))}") from None
        if not is_usable or not url.isprintable() or " " in url:
            raise RequestFailed(
                f"{self.display_url}: this must be an http or https URL, such as http://127.0.0.1:9090"
            )
        self._base_url = parts._replace(path=parts.path.rstrip("/"), query="", fragment="").geturl()
        self._options = options
        self._tls = TlsContext(options.tls)

    def get_body(self, path: str, **parameters: str | int) -> bytes:
        """Return the body of an answer of status 200; raise RequestFailed."""
        answer = self.request(f"{path}?{urlencode(parameters)}" if parameters else path)
        if answer.status == 200:
            return answer.body
        try:
            said = msgspec.json.decode(answer.body, type=_ErrorBody)
        except msgspec.DecodeError:
            said = _ErrorBody()
        reason = escape_unprintable(said.detail or said.error)
        refusal = f"answered {answer.status} {reason}" if reason else describe_status(answer.status)
        raise RequestFailed(f"{self.display_url}: {refusal}")

    def request(
        self,
        path: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
    ) -> HttpResponse:
        """Send a GET, a POST where there is a *body*, or what *method* says; raise RequestFailed."""
        options = self._options
        request = urllib.request.Request(  # noqa: S310 - __init__ lets http and https through only
            f"{self._base_url}{path}",
            data=body,
            headers={**request_headers(options), **(headers or {})},
            method=method,
        )
        handlers: list[urllib.request.BaseHandler] = [_EveryStatus()]
        if request.type == "https":
            handlers.append(urllib.request.HTTPSHandler(context=self._tls.current_context()))
        deadline = time.monotonic() + options.timeout_seconds
        try:
            with urllib.request.build_opener(*handlers).open(
                request, timeout=options.timeout_seconds
            ) as response:
                if response.status in REDIRECTS:
                    raise redirect_failure(response.status, response.headers.get("Location", ""))
                return HttpResponse(
                    response.status,
                    response.headers.get_content_type(),
                    self._read_body(response, deadline),
                )
        except RequestFailed as failed:
            raise RequestFailed(f"{self.display_url}: {failed}") from None
        except (OSError, HTTPException, ValueError) as failure:
            # The cause is left out: an exception of urllib may hold the headers that were sent.
            raise RequestFailed(f"{self.display_url}: {self._failure_reason(failure)}") from None

    def _read_body(self, response: HTTPResponse, deadline: float) -> bytes:
        """Read up to the length that the server gave; http.client itself takes less for the whole."""
        body, length = bytearray(), response.length
        while length is None or len(body) < length:
            chunk = response.read1(_CHUNK_BYTES)
            if not chunk:
                break
            body += chunk
            if len(body) > self._options.max_bytes:
                raise RequestFailed(f"answered more than {self._options.max_bytes / 1024**2:g} MiB")
            if time.monotonic() > deadline:
                raise TimeoutError
        if length is not None and len(body) < length:
            raise RequestFailed("the answer broke off")
        return bytes(body)

    def _failure_reason(self, failure: object) -> str:
        match failure:
            case URLError(reason=ConnectionRefusedError()):
                hint = "nothing listens there: is it running, is this its port?"
                return f"cannot connect: Connection refused ({hint})"
            case URLError(reason=reason) if not isinstance(reason, TimeoutError):
                return f"cannot connect: {getattr(reason, 'strerror', None) or reason}"
            case TimeoutError() | URLError():
                return f"no answer within {self._options.timeout_seconds:g} s"
            case RemoteDisconnected():
                return "closed the connection without an answer"
            # A connection that was never made is a URLError.
            case IncompleteRead() | ConnectionError():
                return "the answer broke off"
            case HTTPException():
                return f"answered no HTTP that can be read ({type(failure).__name__})"
            case _:
                return getattr(failure, "strerror", None) or type(failure).__name__


class PrometheusClient:
    """Queries to the HTTP API below *url*; every method raises PrometheusError, which names the server."""

    def __init__(self, url: str, options: ClientOptions) -> None:
        """Raise RequestFailed where *url* is none of an http or https server, or holds a password."""
        self._http = PlainHttpClient(url, options)

    def query(self, query: PromQL) -> list[InstantSample]:
        """Evaluate *query* at the server's own time."""
        return self._post("/api/v1/query", instant_form(query), decode_instant)

    def query_range(self, query: PromQL, span: QueryRange, *, step: int) -> list[RangeSeries]:
        """Evaluate *query* at the end of every *step* (seconds) of *span*, at most 11,000 of them."""
        return self._post("/api/v1/query_range", range_form(query, span, step=step), decode_range)

    def count_samples(self, query: PromQL, at: int) -> int:
        """Return how many samples *query* reads at a moment (Unix seconds); 0 where that is not told."""
        return sum(self._post("/api/v1/query", stats_form(query, at), decode_sample_count))

    def _post(self, path: str, form: bytes, decode: Callable[[HttpResponse], list[_Row]]) -> list[_Row]:
        answer = self._http.request(path, body=form, headers=FORM_HEADERS)
        try:
            return decode(answer)
        except QueryFailed as failed:
            raise QueryFailed(f"{self._http.display_url}: {failed}") from failed
