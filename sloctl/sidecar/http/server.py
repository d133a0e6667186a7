"""Serve an application over HTTP or HTTPS until a signal says stop."""

import asyncio
import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from sloctl.prometheus.credentials import file_stamps
from sloctl.sidecar.descriptors import accepted_at_once, incoming_connections
from sloctl.sidecar.http.connection import ConnectionLimit, HttpConnection
from sloctl.sidecar.http.options import Certificate

# Requests in flight get so long to end.
_DRAIN_SECONDS: Final = 2.0
_HANDSHAKE_SECONDS: Final = 10.0
# Connections that wait until they are accepted: after a restart a thousand pages come back at once.
_BACKLOG: Final = 1024

_log: Final = logging.getLogger(__name__)


@asynccontextmanager
async def serve_application(
    app: web.Application, host: str, port: int, certificate: Certificate | None = None
) -> AsyncIterator[str]:
    """Serve *app* while the block runs, and give its URL; port 0 takes a free one.

    Raises OSError where it cannot listen, and UnusableCertificate.
    """
    tls = ReloadingTls(certificate) if certificate is not None else None
    runner = web.AppRunner(app, shutdown_timeout=_DRAIN_SECONDS)
    await runner.setup()
    try:
        async with _open_listener(runner, host, port, tls) as server:
            bound_host, bound_port = server.sockets[0].getsockname()[:2]
            scheme = "http" if tls is None else "https"
            yield f"{scheme}://{f'[{bound_host}]' if ':' in bound_host else bound_host}:{bound_port}"
    finally:
        await runner.cleanup()


class UnusableCertificate(Exception):
    """Files that are no certificate and its key; the message names them."""


class ReloadingTls:
    """TLS 1.2 or newer with a certificate that follows its files; raises UnusableCertificate."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        try:
            self._stamps = file_stamps(certificate.chain, certificate.key)
        except OSError as failure:
            raise UnusableCertificate(f"{failure.filename}: {failure.strerror}") from failure
        self.context = self._load_context()

    def reload_if_changed(self) -> None:
        """Take up changed files; where they do not fit together, log it and keep the old certificate."""
        try:
            stamps = file_stamps(self._certificate.chain, self._certificate.key)
            if stamps == self._stamps:
                return
            self._stamps = stamps
            # Tried on another one first: a context that refused a key has lost its certificate.
            self._load_context()
            self._load_files(self.context)
        except (OSError, UnusableCertificate) as failure:
            _log.error("the changed certificate cannot be used, the old one stays: %s", failure)

    def _load_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            self._load_files(context)
        except (OSError, ValueError) as failure:
            files = f"{self._certificate.chain} and {self._certificate.key}"
            raise UnusableCertificate(f"{files} are no certificate and key: {failure}") from failure
        return context

    def _load_files(self, context: ssl.SSLContext) -> None:
        """Load the files; wait neither for the writer of a FIFO nor for a pass phrase at the terminal."""
        chain, key = self._certificate.chain, self._certificate.key
        for file in (chain, key):
            if not file.is_file():
                raise ValueError(f"{file} is no regular file")
        context.load_cert_chain(chain, key, password=_refuse_password)


def _refuse_password() -> str:
    raise ValueError("the key is encrypted, and nobody can be asked for its pass phrase")


@asynccontextmanager
async def _open_listener(
    runner: web.AppRunner, host: str, port: int, tls: ReloadingTls | None
) -> AsyncIterator[asyncio.Server]:
    assert runner.server is not None  # noqa: S101 - set up by the caller
    web_server, limit = runner.server, ConnectionLimit(incoming_connections())

    def new_connection() -> HttpConnection:
        if tls is not None:
            tls.reload_if_changed()
        return HttpConnection(web_server, limit)

    server = await asyncio.get_running_loop().create_server(
        new_connection,
        host,
        port,
        # asyncio accepts so many in one go, and waits for a second where descriptors run out.
        backlog=min(_BACKLOG, accepted_at_once()),
        ssl=None if tls is None else tls.context,
        ssl_handshake_timeout=None if tls is None else _HANDSHAKE_SECONDS,
    )
    for each in server.sockets:
        # So many may wait in the kernel all the same; a twin sets it for the listener.
        with socket.socket(fileno=os.dup(each.fileno())) as twin:
            twin.listen(_BACKLOG)
    try:
        yield server
    finally:
        server.close()
