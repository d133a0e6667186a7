"""Servers for a client to ask: honest ones, with certificates made on the spot, and rude ones."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import trustme
from aiohttp import web
from aiohttp.typedefs import Handler

# Gets a writer once a request is read, and writes whatever it likes.
Rude: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def answering(
    handler: Handler, context: ssl.SSLContext | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[str]:
    """The URL below which *handler* answers everything."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, ssl_context=context).start()
        yield f"{'https' if context else 'http'}://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def misbehaving(rude: Rude) -> AsyncIterator[str]:
    """The URL of a server that reads a request and then does as *rude* does, until the client leaves."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await rude(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


def authority(folder: Path, ca: trustme.CA) -> Path:
    """The file of an authority to believe."""
    file = folder / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return file


def certificate(folder: Path, issued: trustme.LeafCert) -> tuple[Path, Path]:
    """The files of a certificate and of its key."""
    cert, key = folder / "tls.crt", folder / "tls.key"
    issued.cert_chain_pems[0].write_to_path(str(cert))
    issued.private_key_pem.write_to_path(str(key))
    return cert, key


def server_context(issued: trustme.LeafCert, *, clients_of: trustme.CA | None = None) -> ssl.SSLContext:
    """Serves with *issued*, and to *clients_of* only where given."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    issued.configure_cert(context)
    if clients_of is not None:
        clients_of.configure_trust(context)
        context.verify_mode = ssl.CERT_REQUIRED
    return context
