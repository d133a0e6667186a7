"""Asking a server over HTTP, with who we are and whom we believe from files."""

import ssl
import urllib.request
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Final
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit

import msgspec

TIMEOUT_SECONDS: Final = 10.0
MAX_BYTES: Final = 256 * 1024 * 1024


class RequestError(Exception):
    """No answer, or one that says no; the message says who and why, and never a secret."""


class _ErrorBody(msgspec.Struct):
    """What a problem document (RFC 9457), or a Prometheus, says of itself."""

    detail: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class HttpEndpoint:
    """The HTTP server at *url*; *token_file* holds a bearer token, *ca_file* the authorities to believe."""

    url: str
    token_file: Path | None = None
    ca_file: Path | None = None

    def get_body(self, path: str, **parameters: str | int) -> bytes:
        """The body of a good answer; raises Unanswered."""
        request = self._build_request(path, parameters)
        try:
            with urllib.request.urlopen(  # noqa: S310 - _request lets http and https through only
                request, timeout=TIMEOUT_SECONDS, context=self._tls_context()
            ) as response:
                body: bytes = response.read(MAX_BYTES + 1)
        except HTTPError as refusal:
            raise RequestError(f"{self.url}: answered {refusal.code} {_error_reason(refusal)}") from refusal
        except (OSError, HTTPException, ValueError) as broken:
            raise RequestError(f"{self.url}: {getattr(broken, 'reason', broken)}") from broken
        if len(body) > MAX_BYTES:
            raise RequestError(f"{self.url}: answers with more than {MAX_BYTES} bytes")
        return body

    def _build_request(self, path: str, parameters: dict[str, str | int]) -> urllib.request.Request:
        _check(self.url)
        query = f"?{urlencode(parameters)}" if parameters else ""
        request = urllib.request.Request(f"{self.url.rstrip('/')}{path}{query}")  # noqa: S310 - as checked
        if self.token_file is not None:
            request.add_unredirected_header("Authorization", f"Bearer {_read_token(self.token_file)}")
        return request

    def _tls_context(self) -> ssl.SSLContext | None:
        if self.ca_file is None:
            return None
        try:
            return ssl.create_default_context(cafile=self.ca_file)
        except OSError as unusable:
            raise RequestError(
                f"{self.ca_file}: {unusable.strerror or 'no certificates in it'}"
            ) from unusable


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError as wrong:
        raise RequestError(f"{url}: {wrong}") from wrong
    if "@" in parts.netloc:
        raise RequestError("a URL holds no user and no password: a token comes from a file")
    if parts.scheme not in {"http", "https"}:
        raise RequestError(f"{url}: this must be an http or https URL")


def _read_token(file: Path) -> str:
    """Checked here, since what refuses a header shows it."""
    try:
        secret = file.read_text().strip()
    except (OSError, UnicodeDecodeError) as unreadable:
        raise RequestError(f"{file}: {getattr(unreadable, 'strerror', 'no text')}") from unreadable
    if not secret or not secret.isascii() or not secret.isprintable():
        raise RequestError(f"{file}: a token is one line of plain text")
    return secret


def _error_reason(refusal: HTTPError) -> str:
    try:
        said = msgspec.json.decode(refusal.read(MAX_BYTES), type=_ErrorBody)
    except (msgspec.DecodeError, OSError, HTTPException):
        return refusal.reason
    return said.detail or said.error or refusal.reason
