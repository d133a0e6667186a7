"""Whom to scrape: URLs, and what stands behind the name of a headless service right now."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from yarl import URL

from sloctl.model import Labels
from sloctl.prometheus.errors import redact_url

RESOLVE_TIMEOUT: Final = 2.0
MAX_ADDRESSES: Final = 1000

# The addresses of a host; raises OSError.
ResolveHost: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """What is scraped; *labels* are attached to every series, as a Prometheus scrape job does.

    *url* may hold a password and is not shown. *host* is asked for where that is not the host of *url*.
    """

    url: URL = field(repr=False)
    labels: Labels = field(hash=False)
    host: str | None = None

    @classmethod
    def from_url(cls, url: str, labels: Labels) -> "ScrapeTarget":
        """With Prometheus's `instance` label, and its path where *url* has none; raises ValueError."""
        parsed = _parse_target_url(url)
        return cls(parsed, {"instance": _instance(parsed), **labels})

    @property
    def display_url(self) -> str:
        return redact_url(self.url)

    @property
    def host_and_port(self) -> str:
        """What a Host header says of *host*."""
        port = "" if self.url.is_default_port() else f":{self.url.port}"
        return f"{self.host}{port}"


@dataclass(frozen=True, slots=True)
class DnsService:
    """A name with an A or AAAA record per instance, such as a headless Kubernetes service.

    Each address is a target of its own, with the labels and its address and port as `instance`.
    """

    url: URL = field(repr=False)
    labels: Labels = field(hash=False)

    @classmethod
    def from_url(cls, url: str, labels: Labels) -> "DnsService":
        """As Target.at."""
        return cls(_parse_target_url(url), labels)

    @property
    def display_url(self) -> str:
        return redact_url(self.url)

    @property
    def name(self) -> str:
        return self.url.host or ""

    def target_at(self, address: str) -> ScrapeTarget:
        url = self.url.with_host(address)
        return ScrapeTarget(url, {**self.labels, "instance": _instance(url)}, self.name)


@dataclass(frozen=True, slots=True)
class TargetState:
    """How scraping one target goes; *url* without credentials, *labels* those attached to its series.

    *up* is None before the first scrape. *scraped_at* (Unix seconds) and *samples*, of metrics that an SLO
    names, are of the last good one; *seconds* is what the last one took, good or not; *error* says why the
    target is down.
    """

    url: str
    labels: Labels
    up: bool | None = None
    error: str | None = None
    scraped_at: float | None = None
    seconds: float | None = None
    samples: int = 0


async def resolve_host(host: str) -> Sequence[str]:
    """Asks the system's resolver."""
    found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class DnsDiscovery:
    """The targets behind *service*, asked for again every *seconds*.

    When the name cannot be resolved the last known addresses stay, and *trouble* says so.
    """

    def __init__(self, service: DnsService, resolve: ResolveHost, *, seconds: float) -> None:
        self.issue: str | None = None
        # When the name was last resolved: who was not there then was not scraped by anybody before.
        self.resolved_at: float | None = None
        self._service = service
        self._resolve = resolve
        self._seconds = seconds
        self._due = float("-inf")
        self._targets: tuple[ScrapeTarget, ...] = ()

    async def current_targets(self, now: float) -> Sequence[ScrapeTarget]:
        """Empty as long as the name was never resolved."""
        if now >= self._due or not self._targets:
            self._due = now + self._seconds
            await self._resolve_service(now)
        return self._targets

    async def _resolve_service(self, now: float) -> None:
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT):
                found = sorted(set(await self._resolve(self._service.name)))
        except TimeoutError:
            return self._keep_targets(f"no answer within {RESOLVE_TIMEOUT:g} s")
        except (OSError, UnicodeError) as failure:
            return self._keep_targets(getattr(failure, "strerror", None) or str(failure))
        if not found:
            return self._keep_targets("no address")
        dropped = len(found) - MAX_ADDRESSES
        self.issue = (
            f"{self._service.name}: {dropped} addresses more than {MAX_ADDRESSES} are not scraped"
            if dropped > 0
            else None
        )
        self._targets = tuple(self._service.target_at(address) for address in found[:MAX_ADDRESSES])
        self.resolved_at = now
        return None

    def _keep_targets(self, reason: str) -> None:
        known = len(self._targets)
        kept = f"; its last known {known} addresses are scraped" if known else ""
        self.issue = f"{self._service.name} cannot be resolved: {reason}{kept}"


def _parse_target_url(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(f"a target is a URL like http://127.0.0.1:8080/metrics, got {_harmless(url)!r}")
    return parsed.with_path("/metrics") if parsed.path == "/" else parsed


def _harmless(url: str) -> str:
    """Without what may be a password."""
    before, at, after = url.rpartition("@")
    scheme, slashes, _ = before.partition("//")
    return f"{scheme if slashes else ''}{slashes}{after}" if at else url


def _instance(url: URL) -> str:
    return f"{url.host_subcomponent}:{url.port}"
