"""Access: by the bearer token where there is one, else for those who call the sidecar by a name of its own.

A browser on this machine can be made to ask a loopback address by a name that its attacker controls (DNS
rebinding), and reads the answer as that name's own. Such a request carries the attacker's name as its host.
An address cannot be rebound, so addresses pass; names pass only when they are known.
"""

import hmac
import logging
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from sloctl.prometheus.credentials import file_stamps
from sloctl.sidecar.http.options import WebOptions
from sloctl.sidecar.http.problem_details import problem_response

# Kubernetes asks these without a token, by whatever host it likes.
PROBE_PATHS: Final = frozenset({"/healthz", "/readyz"})
RELOAD_PATH: Final = "/-/reload"

_log: Final = logging.getLogger(__name__)


class BearerToken:
    """The first line of a file, read anew when the file changes; while it cannot be read, nothing matches."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamps: object = None
        self._secret = b""

    def __repr__(self) -> str:
        return f"BearerToken({str(self._path)!r})"

    def matches_header(self, header: str) -> bool:
        """Tell whether *header* is `Bearer` and the token; a good guess takes as long as a bad one."""
        try:
            stamps = file_stamps(self._path)
            if stamps != self._stamps:
                self._secret, self._stamps = self._path.read_bytes().strip(), stamps
        except OSError as failure:
            if self._secret or self._stamps is None:
                _log.error("the token cannot be read, so nobody is let in: %s", failure)
            self._secret, self._stamps = b"", ()
        scheme, _, given = header.partition(" ")
        is_same = hmac.compare_digest(given.strip().encode(errors="surrogateescape"), self._secret)
        return is_same and bool(self._secret) and scheme.lower() == "bearer"


def access_middleware(options: WebOptions) -> Middleware:
    """Refuse a request without the token of *options*, or by a host name that is not allowed there."""
    token = None if options.token_file is None else BearerToken(options.token_file)
    names = {"localhost", *(name.lower() for name in options.allowed_hosts)}
    if not _is_address(options.host):
        names.add(options.host.lower())

    @web.middleware
    async def check_access(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path not in PROBE_PATHS:
            if token is not None and not token.matches_header(request.headers.get("Authorization", "")):
                return problem_response(
                    401, "a bearer token is needed", WWW_Authenticate='Bearer realm="sloctl"'
                )
            if token is None:
                host = request.host.lower()
                name = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
                if name.rstrip(".") not in names and not _is_address(name.rstrip(".")):
                    return problem_response(421, "this host name is not known here")
        return await handler(request)

    return check_access


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
