"""Asking others over HTTP: credentials and certificates from files, limits on time and size.

Its one law: no secret leaves in a text. An exception, a log line and a repr name files and addresses, never
what is in them, and a redirect is not followed, so that no credential goes where nobody sent it.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Final, TypeAlias

import aiohttp
from yarl import URL

from sloctl.prometheus.credentials import BasicAuth, TlsContext, TlsFiles, read_secret

__all__ = [
    "USER_AGENT",
    "BasicAuth",
    "ClientOptions",
    "HttpClient",
    "HttpResponse",
    "RequestFailed",
    "TlsFiles",
    "open_client",
    "redact_url",
]

USER_AGENT: Final = f"sloctl/{version('sloctl')}"
Headers: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """How to ask. Files are read anew when they change: a rotated token works without a restart.

    *timeout_seconds* covers a request from looking up its host to the last byte of the answer; *max_bytes*
    counts the answer inflated. *headers* may hold secrets and are not shown.
    """

    timeout_seconds: float = 10.0
    max_bytes: int = 32 * 1024 * 1024
    bearer_token_file: Path | None = None
    basic_auth: BasicAuth | None = None
    tls: TlsFiles = field(default_factory=TlsFiles)
    headers: Headers = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.bearer_token_file is not None and self.basic_auth is not None:
            raise ValueError("a bearer token and basic authentication exclude each other")
        if (self.tls.cert_file is None) != (self.tls.key_file is None):
            raise ValueError("a client certificate is a cert_file and a key_file")
        for name, value in self.headers.items():
            # Here, because the library's complaint at the first request might quote the value.
            if not (name.isascii() and value.isprintable()):
                raise ValueError(f"the header {name!r} is no single line of text")


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What a server said, of any status but a redirect; *content_type* without its parameters."""

    status: int
    content_type: str
    headers: Headers = field(repr=False)
    body: bytes = field(repr=False)


class RequestFailed(Exception):
    """Nothing came that could be used: why, in words that hold no secret; the caller says who was asked."""


def redact_url(url: URL | str) -> str:
    """*url* without user, password, query and fragment: what may stand in a log and on a page."""
    return str(URL(url).with_user(None).with_query(None).with_fragment(None))


class HttpClient:
    """Makes requests as *options* say; requests may run at the same time."""

    def __init__(self, options: ClientOptions, session: aiohttp.ClientSession) -> None:
        self._options = options
        self._session = session
        self._context = TlsContext(options.tls)

    async def get(
        self, url: URL | str, *, headers: Headers | None = None, server_name: str | None = None
    ) -> HttpResponse:
        return await self.request("GET", url, headers=headers, server_name=server_name)

    async def request(
        self,
        method: str,
        url: URL | str,
        *,
        headers: Headers | None = None,
        body: bytes | None = None,
        server_name: str | None = None,
    ) -> HttpResponse:
        """The answer, whatever its status; raises NoAnswer.

        *headers* win over those of the options. *server_name* is what a certificate must say where neither
        the options nor the host of *url* do, as for one address behind a name.
        """
        parsed = _parse_url(url)
        try:
            async with (
                asyncio.timeout(self._options.timeout_seconds),
                self._session.request(
                    method,
                    parsed.with_user(None),
                    headers=self._build_headers(parsed) | dict(headers or {}),
                    data=body,
                    ssl=self._context.current_context() if parsed.scheme == "https" else True,
                    server_hostname=self._options.tls.server_name or server_name,
                    allow_redirects=False,
                ) as response,
            ):
                return await self._read_response(response)
        except TimeoutError:
            raise RequestFailed(f"no answer within {self._options.timeout_seconds:g} s") from None
        except (aiohttp.ClientError, OSError, ValueError) as failure:
            # The cause is left out: an exception of aiohttp may hold the headers that were sent.
            raise RequestFailed(_failure_reason(failure)) from None

    def _build_headers(self, url: URL) -> dict[str, str]:
        """Read at each request: these files are small, and Kubernetes swaps them at any time."""
        options = self._options
        headers = {"User-Agent": USER_AGENT, **options.headers}
        if options.bearer_token_file is not None:
            headers["Authorization"] = f"Bearer {read_secret(options.bearer_token_file)}"
        elif options.basic_auth is not None:
            password = read_secret(options.basic_auth.password_file)
            headers["Authorization"] = aiohttp.encode_basic_auth(options.basic_auth.username, password)
        elif url.user is not None or url.password is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(url.user or "", url.password or "")
        return headers

    async def _read_response(self, response: aiohttp.ClientResponse) -> HttpResponse:
        if response.status in {301, 302, 303, 307, 308}:
            raise RequestFailed(_redirect(response))
        body = bytearray()
        async for chunk in response.content.iter_any():
            body += chunk
            if len(body) > self._options.max_bytes:
                raise RequestFailed(f"answered more than {self._options.max_bytes / 1024**2:g} MiB")
        return HttpResponse(response.status, response.content_type, response.headers, bytes(body))


@asynccontextmanager
async def open_client(options: ClientOptions) -> AsyncIterator[HttpClient]:
    """A client with connections of its own, closed at the end; it keeps no cookies and uses no proxy."""
    # The time is limited around the whole request.
    unlimited = aiohttp.ClientTimeout(total=None, sock_connect=None)
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), timeout=unlimited) as session:
        yield HttpClient(options, session)


def _parse_url(url: URL | str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        raise RequestFailed("not a URL") from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise RequestFailed("not the URL of an http or https server")
    return parsed


def _redirect(response: aiohttp.ClientResponse) -> str:
    try:
        target = redact_url(response.url.join(URL(response.headers.get("Location", ""))))
    except ValueError:
        target = "nowhere"
    return f"answered {response.status}, a redirect to {target}: give the address it should ask"


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
