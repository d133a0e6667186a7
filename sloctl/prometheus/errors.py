"""The exceptions of the client, and the form of a URL that may stand in them."""

import re
from urllib.parse import SplitResult, urlsplit


class PrometheusError(Exception):
    """No answer that can be used; the message is one line and holds no password and no token."""


class RequestFailed(PrometheusError):
    """A request without an answer that can be read: not sent, not answered, cut off, or too large."""


class UnusableFile(RequestFailed, ValueError):
    """A file of a secret or a certificate that cannot be used; the message names it, never its content."""


class QueryFailed(PrometheusError):
    """An answer to a query that says no, that is not whole, or that no Prometheus gives."""


def redact_url(url: object) -> str:
    """Remove user, password, query and fragment from *url*, a URL or a text that should have been one."""
    text = str(url)
    if (parts := _split_url(text)) is not None and parts.netloc:
        return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
    before, _, after = text.rpartition("@")
    scheme, slashes, _ = before.partition("//")
    return re.sub(r"[?#].*", "", f"{scheme}{slashes}{after}" if slashes else after, flags=re.DOTALL)


def refuse_password(url: str) -> None:
    """Raise RequestFailed where *url* may hold a user or a password: those come from files."""
    parts = _split_url(url)
    if "@" in (url if parts is None or not parts.netloc else parts.netloc):
        raise RequestFailed(
            "a URL holds no user and no password: they come from files, --username with --password-file"
        )


def _split_url(url: str) -> SplitResult | None:
    """Split *url*; None where it is none, such as one whose port is part of a password."""
    try:
        parts = urlsplit(url)
        has_port_zero = parts.port == 0
    except ValueError:
        return None
    return None if has_port_zero else parts
