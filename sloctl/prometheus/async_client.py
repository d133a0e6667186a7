"""The front on asyncio: requests of the sidecar to a Prometheus, to targets and to Alertmanagers.

No secret leaves in a text: an exception, a log line and a repr name files and addresses, never what is in
them.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from io import BytesIO
from typing import Final, Protocol

import aiohttp
from yarl import URL

from sloctl.model import PromQL
from sloctl.prometheus.answers import (
    FORM_HEADERS,
    REDIRECTS,
    HttpResponse,
    QueryRange,
    RangeSeries,
    decode_range,
    range_form,
    redirect_failure,
)
from sloctl.prometheus.credentials import ClientOptions, TlsContext, basic_authorization, request_headers
from sloctl.prometheus.errors import RequestFailed
from sloctl.prometheus.gzip_body import ACCEPTED_ENCODING, GzipBody

MAX_ATTEMPTS: Final = 3
# The longest wait before the second attempt; it doubles with each further one.
_BACKOFF_SECONDS: Final = 0.5
_TOO_MANY_REQUESTS: Final = 429
_PIECE_BYTES: Final = 16 * 1024
_MOST_CONNECTIONS: Final = 100


class AnswerReader(Protocol):
    """A part that takes the body of an answer as it comes, and keeps what it needs."""

    def check_head(self, status: int, content_type: str) -> None:
        """Raise RequestFailed where the body is not worth reading."""

    async def take_piece(self, piece: bytes) -> None:
        """Take what follows, as soon as there is memory for it; raise ValueError for what cannot be read."""


class HttpClient:
    """Requests with the credentials and limits of *options*; several may run at the same time."""

    def __init__(self, options: ClientOptions, session: aiohttp.ClientSession) -> None:
        self._options = options
        self._session = session
        self._tls = TlsContext(options.tls)

    async def get(
        self,
        url: URL | str,
        *,
        headers: Mapping[str, str] | None = None,
        server_name: str | None = None,
        reader: AnswerReader | None = None,
    ) -> HttpResponse:
        """Send a GET, as `request` does."""
        return await self.request("GET", url, headers=headers, server_name=server_name, reader=reader)

    async def request(
        self,
        method: str,
        url: URL | str,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        server_name: str | None = None,
        reader: AnswerReader | None = None,
    ) -> HttpResponse:
        """Return the answer, whatever its status; raise RequestFailed, which does not name the server.

        *headers* win over those of the options. *server_name* is what a certificate must say where neither
        the options nor the host of *url* do, as for one address behind a name. *reader* takes the
        body, of which the answer then has nothing.
        """
        parsed = _parse_url(url)
        own_headers = request_headers(self._options)
        if parsed.user is not None or parsed.password is not None:
            own = basic_authorization(parsed.user or "", parsed.password or "")
            own_headers.setdefault("Authorization", own)
        try:
            async with (
                asyncio.timeout(self._options.timeout_seconds),
                self._session.request(
                    method,
                    parsed.with_user(None),
                    headers=own_headers | dict(headers or {}),
                    data=body,
                    ssl=self._tls.current_context() if parsed.scheme == "https" else True,
                    server_hostname=self._options.tls.server_name or server_name,
                    allow_redirects=False,
                ) as response,
            ):
                return await self._read_response(response, reader)
        except TimeoutError:
            raise RequestFailed(f"no answer within {self._options.timeout_seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            # The cause is left out: an exception of aiohttp may hold the headers that were sent.
            raise RequestFailed(_failure_reason(failure)) from None

    async def _read_response(
        self, response: aiohttp.ClientResponse, reader: AnswerReader | None
    ) -> HttpResponse:
        if response.status in REDIRECTS:
            raise redirect_failure(response.status, response.headers.get("Location", ""))
        encoding = response.headers.get("Content-Encoding", "identity").lower()
        if encoding not in {ACCEPTED_ENCODING, "identity"}:
            raise RequestFailed(f"answered in the encoding {encoding[:20]!r}, which nobody asked for")
        if reader is not None:
            reader.check_head(response.status, response.content_type)
        most, size = self._options.max_bytes, 0
        body, compressed = BytesIO(), GzipBody(encoding)
        async for chunk in response.content.iter_chunked(_PIECE_BYTES):
            for piece in compressed.inflate_chunk(chunk):
                size += len(piece)
                if size > most:
                    raise RequestFailed(f"answered more than {most / 1024**2:g} MiB")
                if reader is None:
                    body.write(piece)
                else:
                    await reader.take_piece(piece)
        compressed.check_end()
        return HttpResponse(response.status, response.content_type, body.getvalue())


@asynccontextmanager
async def open_client(
    options: ClientOptions, *, most_connections: int = _MOST_CONNECTIONS
) -> AsyncIterator[HttpClient]:
    """Open a client with connections of its own, at most so many; it keeps no cookies and uses no proxy."""
    # The time is limited around the whole request.
    unlimited = aiohttp.ClientTimeout(total=None, sock_connect=None)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=most_connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=unlimited,
        headers={"Accept-Encoding": ACCEPTED_ENCODING},
        # GzipBody notices where an answer was cut off.
        auto_decompress=False,
    ) as session:
        yield HttpClient(options, session)


class RangeQueries:
    """Range queries to the API below *url*, at most *concurrency* at a time.

    *partial_response* lets a Thanos answer from the stores that it reaches. *jitter* gives a share, from 0 to
    1, of the wait between two attempts.
    """

    def __init__(
        self,
        client: HttpClient,
        url: str,
        *,
        concurrency: int,
        partial_response: bool,
        jitter: Callable[[], float],
    ) -> None:
        self._client = client
        self._url = URL(url) / "api/v1/query_range"
        self._slots = asyncio.Semaphore(concurrency)
        self._accepts_part = partial_response
        self._partial_response = "true" if partial_response else "false"
        self._jitter = jitter

    async def query_range(self, query: PromQL, span: QueryRange, *, step: int) -> list[RangeSeries]:
        """Evaluate *query* at the end of every *step* (seconds) of *span*; raise PrometheusError."""
        form = range_form(query, span, step=step, partial_response=self._partial_response)
        async with self._slots:
            return decode_range(await self._post_with_retries(form), accepts_part=self._accepts_part)

    async def _post_with_retries(self, form: bytes) -> HttpResponse:
        """Try again while the server is not there or fails by itself."""
        for attempt in range(1, MAX_ATTEMPTS + 1):
            try:
                answer = await self._client.request("POST", self._url, headers=FORM_HEADERS, body=form)
            except RequestFailed:
                if attempt == MAX_ATTEMPTS:
                    raise
            else:
                is_its_failure = answer.status >= 500 or answer.status == _TOO_MANY_REQUESTS
                if attempt == MAX_ATTEMPTS or not is_its_failure:
                    return answer
            await asyncio.sleep(_BACKOFF_SECONDS * 2 ** (attempt - 1) * self._jitter())
        raise AssertionError("the last attempt returns or raises")


def _parse_url(url: URL | str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        raise RequestFailed("not a URL") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise RequestFailed("not the URL of an http or https server")
    return parsed


def _failure_reason(failure: Exception) -> str:
    match failure:
        case aiohttp.ClientResponseError():
            return f"answered no HTTP that can be read ({type(failure).__name__})"
        case aiohttp.ClientConnectorError():
            return f"cannot connect: {failure.os_error.strerror or failure.os_error}"
        case aiohttp.ServerDisconnectedError():
            return "closed the connection without an answer"
        case aiohttp.ClientPayloadError():
            return "the answer broke off"
        case _:
            return str(failure) or type(failure).__name__
