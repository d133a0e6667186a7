"""Where the sidecar is reached, by whom, and by how many at once."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True)
class Certificate:
    """PEM files, read anew when they change; *chain* starts with the server's own certificate."""

    chain: Path
    key: Path


@dataclass(frozen=True, slots=True)
class WebOptions:
    """The operator's choices; without any, plain HTTP on loopback.

    *token_file* holds the bearer token that everything but the probes asks for, and is read anew at a change.
    *allowed_hosts* are the host names by which a sidecar without a token may be asked, besides `localhost`
    and addresses. *max_streams* bounds the open pages.
    """

    host: str = "127.0.0.1"
    port: int = 9464
    certificate: Certificate | None = None
    token_file: Path | None = None
    allowed_hosts: frozenset[str] = frozenset()
    max_streams: int = 1000


LOOPBACK_OPTIONS: Final = WebOptions()
