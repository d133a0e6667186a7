"""Who we are and whom we believe, from files that may change at any time.

Its one law: an exception names a file and never what is in it.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """Basic authentication; *password_file* holds nothing but the password."""

    username: str
    password_file: Path


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Whom to believe, and who we are: PEM files.

    *ca_file* stands in for the system's authorities; *cert_file* and *key_file* are ours, for mutual TLS;
    *server_name* is what the certificate must say where that is not the host of the URL.
    """

    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    server_name: str | None = None


class UnusableFile(ValueError):
    """A file that cannot be used as it was meant: which, and why."""


class TlsContext:
    """The TLS context of *tls*, built again when one of its files has changed.

    aiohttp keeps connections per context: none outlives the certificate it was opened with by a request.
    """

    def __init__(self, tls: TlsFiles) -> None:
        self._tls = tls
        self._files = [file for file in (tls.ca_file, tls.cert_file, tls.key_file) if file is not None]
        self._built: tuple[list[tuple[int, int, int]], ssl.SSLContext] | None = None

    def current_context(self) -> ssl.SSLContext:
        """Raises Unusable for a file that cannot be used."""
        state = [_file_state(file) for file in self._files]
        if self._built is None or self._built[0] != state:
            self._built = state, self._build_context()
        return self._built[1]

    def _build_context(self) -> ssl.SSLContext:
        tls = self._tls
        try:
            context = ssl.create_default_context(cafile=tls.ca_file)
            if tls.cert_file is not None:
                # Without a password of its own OpenSSL would ask for one at the terminal.
                context.load_cert_chain(tls.cert_file, tls.key_file, password=lambda: "")
        except (OSError, ValueError) as failure:
            files = ", ".join(str(file) for file in self._files)
            raise UnusableFile(f"cannot use {files} for TLS: {_why(failure)}") from None
        return context


def _file_state(file: Path) -> tuple[int, int, int]:
    try:
        stat = file.stat()
    except OSError as failure:
        raise UnusableFile(f"cannot read {file}: {failure.strerror}") from None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def read_secret(file: Path) -> str:
    """The one line of text in *file*; raises Unusable."""
    try:
        text = file.read_text().rstrip("\r\n")
    except OSError as failure:
        raise UnusableFile(f"cannot read {file}: {failure.strerror}") from None
    except UnicodeDecodeError:
        raise UnusableFile(f"{file} is not UTF-8 text") from None
    # Checked here because the library's own complaint might quote it.
    if not text or not text.isprintable():
        raise UnusableFile(f"{file} holds no single line of text")
    return text


def _why(failure: Exception) -> str:
    """An error of OpenSSL has a reason, one of the system a text."""
    return getattr(failure, "reason", None) or getattr(failure, "strerror", None) or str(failure)
