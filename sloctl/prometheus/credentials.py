"""Credentials and limits of requests; secrets are read from files that may change at any time.

Exceptions name a file and never what is in it.
"""

import ssl
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TypeAlias

from sloctl.prometheus.errors import UnusableFile

# Of each file: when it was changed, its size, its inode.
FileStamps: TypeAlias = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """Basic authentication; *password_file* holds nothing but the password."""

    username: str
    password_file: Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Authorities to believe and a certificate to show: PEM files.

    *ca_file* stands in for the system's authorities; *cert_file* and *key_file* are ours, for mutual TLS;
    *server_name* is what the certificate must say where that is not the host of the URL (async front only).
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class ClientOptions:
    """Limits and credentials of requests. Files are read anew: a rotated token works without a restart.

    *timeout_seconds* covers a request from looking up its host to the last byte of the answer; *max_bytes*
    counts the answer inflated. *headers*, such as X-Scope-OrgID, may hold secrets and are not shown.
    """

    timeout_seconds: float = 10.0
    max_bytes: int = 32 * 1024 * 1024
    bearer_token_file: Path | None = None
    basic_auth: BasicAuth | None = None
    tls: TlsFiles = field(default_factory=TlsFiles)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        if self.bearer_token_file is not None and self.basic_auth is not None:
            raise ValueError("a bearer token and basic authentication exclude each other")
        if self.basic_auth is not None and ":" in self.basic_auth.username:
            raise ValueError("a user of basic authentication has no colon in its name")
        if (self.tls.cert_file is None) != (self.tls.key_file is None):
            raise ValueError("a client certificate is a cert_file and a key_file")
        for name, value in self.headers.items():
            # Here, because the library's complaint at the first request might quote the value.
            if not (name.isascii() and value.isprintable()):
                raise ValueError(f"the header {name!r} is no single line of text")


@cache
def user_agent() -> str:
    """Name this program and its version, as in `sloctl/0.1.0`."""
    from importlib.metadata import version  # noqa: PLC0415 - 20 ms that only requests need

    return f"sloctl/{version('sloctl')}"


def request_headers(options: ClientOptions) -> dict[str, str]:
    """Build the headers of one request, reading the secrets anew; raise UnusableFile.

    These files are small, and Kubernetes swaps them at any time.
    """
    headers = {"User-Agent": user_agent(), **options.headers}
    if options.bearer_token_file is not None:
        headers["Authorization"] = f"Bearer {read_secret(options.bearer_token_file)}"
    elif options.basic_auth is not None:
        password = read_secret(options.basic_auth.password_file, ascii_only=False)
        headers["Authorization"] = basic_authorization(options.basic_auth.username, password)
    return headers


def basic_authorization(username: str, password: str) -> str:
    """Encode the value of an Authorization header (RFC 7617), in UTF-8."""
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def read_secret(file: Path, *, ascii_only: bool = True) -> str:
    """Read the one line of text in *file*; raise UnusableFile."""
    try:
        text = file.read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as failure:
        raise UnusableFile(f"cannot read {file}: {failure.strerror}") from None
    except UnicodeDecodeError:
        raise UnusableFile(f"{file} is not UTF-8 text") from None
    # Checked here because the library's own complaint might quote it.
    if not text or not text.isprintable() or (ascii_only and not text.isascii()):
        raise UnusableFile(f"{file} holds no single line of {'plain ' if ascii_only else ''}text")
    return text


def file_stamps(*files: Path) -> FileStamps:
    """Give what changes with the content of each of *files*; raise OSError."""
    return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in (file.stat() for file in files))


class TlsContext:
    """The TLS context of *tls*, built again when one of its files has changed.

    aiohttp keeps connections per context: none outlives the certificate it was opened with by a request.
    """

    def __init__(self, tls: TlsFiles) -> None:
        self._tls = tls
        self._files = [file for file in (tls.ca_file, tls.cert_file, tls.key_file) if file is not None]
        self._built: tuple[FileStamps, ssl.SSLContext] | None = None

    def current_context(self) -> ssl.SSLContext:
        """Build the context where its files have changed; raise UnusableFile."""
        tls = self._tls
        try:
            stamps = file_stamps(*self._files)
        except OSError as failure:
            raise UnusableFile(f"cannot read {failure.filename}: {failure.strerror}") from None
        if self._built is not None and self._built[0] == stamps:
            return self._built[1]
        try:
            context = ssl.create_default_context(cafile=tls.ca_file)
            if tls.cert_file is not None:
                # Without a password of its own OpenSSL would ask for one at the terminal.
                context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: "")
        except (OSError, ValueError) as failure:
            # An error of OpenSSL has a reason, one of the system a text.
            why = getattr(failure, "reason", None) or getattr(failure, "strerror", None) or failure
            files = ", ".join(str(file) for file in self._files)
            raise UnusableFile(f"cannot use {files} for TLS: {why}") from None
        self._built = stamps, context
        return context
