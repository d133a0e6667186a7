"""Serving an application until a signal or a deadline says stop."""

import asyncio
import logging
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from sloctl.sidecar.http.connection import HttpConnection
from sloctl.sidecar.http.options import Certificate

# What is in flight when we leave gets so long.
_DRAIN_SECONDS: Final = 2.0
_HANDSHAKE_SECONDS: Final = 10.0
# Connections that the kernel keeps for us until we accept them: a thousand readers come back at once.
_BACKLOG: Final = 1024

_log: Final = logging.getLogger(__name__)


@asynccontextmanager
async def serve_application(
    app: web.Application, host: str, port: int, certificate: Certificate | None = None
) -> AsyncIterator[str]:
    """The URL of *app* while it serves; port 0 takes a free one.

    Raises OSError where it cannot listen or read the certificate.
    """
    tls = ReloadingTls(certificate) if certificate is not None else None
    runner = web.AppRunner(app, shutdown_timeout=_DRAIN_SECONDS)
    await runner.setup()
    try:
        async with _open_listener(runner, host, port, tls) as server:
            yield _url("http" if tls is None else "https", server.sockets[0].getsockname())
    finally:
        await runner.cleanup()


async def wait_for_stop_signal() -> None:
    """Returns on SIGTERM or Ctrl-C."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


class ReloadingTls:
    """TLS 1.2 or newer, with the certificate as its files are now. Raises OSError when it is made without."""

    def __init__(self, certificate: Certificate) -> None:
        self._certificate = certificate
        self._stamp = self._file_stamps()
        self.context = self._load_context()

    def reload_if_changed(self) -> None:
        """Take up changed files. What does not fit together is told, and the old certificate stays."""
        try:
            stamp = self._file_stamps()
            if stamp == self._stamp:
                return
            self._stamp = stamp
            # Tried on another one first: a context that refused a key has lost its certificate.
            self._load_context()
            self.context.load_cert_chain(self._certificate.chain, self._certificate.key)
        except OSError as failure:
            _log.error("the changed certificate cannot be used, the old one stays: %s", failure)

    def _load_context(self) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.load_cert_chain(self._certificate.chain, self._certificate.key)
        return context

    def _file_stamps(self) -> tuple[int, ...]:
        status = (self._certificate.chain.stat(), self._certificate.key.stat())
        return tuple(number for each in status for number in (each.st_mtime_ns, each.st_size, each.st_ino))


@asynccontextmanager
async def _open_listener(
    runner: web.AppRunner, host: str, port: int, tls: ReloadingTls | None
) -> AsyncIterator[asyncio.Server]:
    assert runner.server is not None  # noqa: S101 - set up by the caller
    accepting = runner.server

    def connection() -> HttpConnection:
        if tls is not None:
            tls.reload_if_changed()
        return HttpConnection(accepting)

    server = await asyncio.get_running_loop().create_server(
        connection,
        host,
        port,
        backlog=_BACKLOG,
        ssl=None if tls is None else tls.context,
        ssl_handshake_timeout=None if tls is None else _HANDSHAKE_SECONDS,
    )
    try:
        yield server
    finally:
        server.close()


def _url(scheme: str, address: tuple[str, int] | tuple[str, int, int, int]) -> str:
    host, port = address[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
