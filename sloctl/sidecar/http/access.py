"""Who may ask: the bearer token where there is one, else only those who call us by a name of ours.

A browser on this machine can be made to ask a loopback address by a name that its attacker controls (DNS
rebinding), and reads the answer as that name's own. Such a request carries the attacker's name as its host.
An address cannot be rebound, so addresses pass; names pass only when they are known.
"""

import hmac
import logging
from collections.abc import Iterable
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sloctl.sidecar.http.options import WebOptions
from sloctl.sidecar.http.problem_details import problem_response

# Kubernetes asks these without a token, by whatever host it likes.
PROBE_PATHS: Final = frozenset({"/healthz", "/readyz"})
RELOAD_PATH: Final = "/-/reload"

_log: Final = logging.getLogger(__name__)


class BearerToken:
    """The first line of a file, read anew when the file changes. While it cannot be read, nothing matches."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, ...] | None = None
        self._secret = b""

    def __repr__(self) -> str:
        return f"Token({str(self._path)!r})"

    def matches_header(self, header: str) -> bool:
        """Whether *header* is `Bearer` and the token; takes as long for a good guess as for a bad one."""
        scheme, _, given = header.partition(" ")
        secret = self._read_secret()
        is_same = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), secret)
        return is_same and bool(secret) and scheme.lower() == "bearer"

    def _read_secret(self) -> bytes:
        try:
            status = self._path.stat()
            stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
            if stamp != self._stamp:
                self._secret = self._path.read_bytes().strip()
                self._stamp = stamp
        except OSError as failure:
            if self._secret or self._stamp is None:
                _log.error("the token cannot be read, so nobody is let in: %s", failure)
            self._secret, self._stamp = b"", ()
        return self._secret


def access_middleware(options: WebOptions) -> Middleware:
    """Lets through who may ask *options*' server."""
    token = BearerToken(options.token_file) if options.token_file is not None else None
    names = {"localhost", *(name.lower() for name in options.allowed_hosts)}
    asks_by_name = token is None and (bool(options.allowed_hosts) or _is_loopback(options.host))

    @web.middleware
    async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in PROBE_PATHS:
            if token is not None and not token.matches_header(request.headers.get("Authorization", "")):
                return problem_response(
                    401, "a bearer token is needed", WWW_Authenticate='Bearer realm="sloctl"'
                )
            if asks_by_name and not _is_allowed_host(request.host, names):
                return problem_response(421, "this host name is not known here")
        return await handler(request)

    return guarded


def _is_allowed_host(host: str, names: Iterable[str]) -> bool:
    name = _without_port(host).lower().rstrip(".")
    return name in names or _is_address(name)


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(host: str) -> bool:
    return host.lower() == "localhost" or (_is_address(host) and ip_address(host).is_loopback)
