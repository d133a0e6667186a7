"""The targets to scrape: URLs, and the addresses behind the name of a headless service."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple, TypeAlias

from yarl import URL

from sloctl.model import Labels
from sloctl.prometheus.errors import redact_url

RESOLVE_TIMEOUT: Final = 2.0
MAX_ADDRESSES: Final = 1000

# Returns the addresses of a host; raises OSError.
ResolveHost: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]


class TargetIdentity(NamedTuple):
    """The address, path and labels of a target, however its URL is spelled: those of its series."""

    host: str | None
    port: int | None
    path: str
    labels: frozenset[tuple[str, str]]

    @classmethod
    def of_target(cls, target: "ScrapeTarget | DnsService") -> "TargetIdentity":
        """Find what *target* has in common with other spellings of itself."""
        url = target.url
        return cls(url.host, url.port, url.raw_path_qs, frozenset(target.labels.items()))


@dataclass(frozen=True, slots=True)
class ScrapeTarget:
    """One URL of metrics; *labels* are attached to every series, as a Prometheus scrape job does.

    *url* may hold a password and is not shown. *host* is the name in the request where *url* has an address.
    """

    url: URL = field(repr=False)
    labels: Labels = field(hash=False)
    host: str | None = None

    @classmethod
    def from_url(cls, url: str, labels: Labels) -> "ScrapeTarget":
        """Add Prometheus's `instance` label, and its path where *url* has none; raise ValueError."""
        parsed = _parse_target_url(url)
        return cls(parsed, {"instance": f"{parsed.host_subcomponent}:{parsed.port}", **labels})

    @property
    def display_url(self) -> str:
        """The URL without its secrets."""
        return redact_url(self.url)

    @property
    def host_and_port(self) -> str:
        """The value of the Host header."""
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
        """Parse *url* as ScrapeTarget.from_url does; raise ValueError."""
        return cls(_parse_target_url(url), labels)

    @property
    def display_url(self) -> str:
        """The URL without its secrets."""
        return redact_url(self.url)

    @property
    def name(self) -> str:
        """The host name to resolve."""
        return self.url.host or ""

    def target_at(self, address: str) -> ScrapeTarget:
        """Return the target at one of the addresses."""
        url = self.url.with_host(address)
        instance = f"{url.host_subcomponent}:{url.port}"
        return ScrapeTarget(url, {**self.labels, "instance": instance}, self.name)


@dataclass(frozen=True, slots=True)
class TargetState:
    """The outcome of the scrapes of one target; *url* is without secrets, *labels* go to its series.

    *up* is None before the first scrape. *scraped_at* (Unix seconds) and *samples*, of metrics that an SLO
    names, are of the last good one; *seconds* is the duration of the last one, good or not; *error* says why
    the target is down.
    """

    url: str
    labels: Labels
    up: bool | None = None
    error: str | None = None
    scraped_at: float | None = None
    seconds: float | None = None
    samples: int = 0


async def resolve_host(host: str) -> Sequence[str]:
    """Ask the system's resolver for the addresses of *host*; raise OSError."""
    records = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in records]


class DnsDiscovery:
    """The targets behind *service*, resolved again every *seconds*.

    When the name cannot be resolved the last known addresses stay, and *issue* says so.
    """

    def __init__(self, service: DnsService, resolve: ResolveHost, *, seconds: float) -> None:
        self.issue: str | None = None
        # A target that was not there when the name was last resolved was not scraped by anybody before.
        self.resolved_at: float | None = None
        self._service = service
        self._resolve = resolve
        self._seconds = seconds
        self._due = float("-inf")
        self._targets: tuple[ScrapeTarget, ...] = ()

    async def current_targets(self, now: float) -> Sequence[ScrapeTarget]:
        """Resolve the name where it is time; return no target as long as it never succeeded."""
        if now >= self._due or not self._targets:
            self._due = now + self._seconds
            await self._resolve_service(now)
        return self._targets

    async def _resolve_service(self, now: float) -> None:
        try:
            async with asyncio.timeout(RESOLVE_TIMEOUT):
                found = _one_family(await self._resolve(self._service.name))
        except TimeoutError:
            return self._report_failure(f"no answer within {RESOLVE_TIMEOUT:g} s")
        except (OSError, UnicodeError) as failure:
            return self._report_failure(getattr(failure, "strerror", None) or str(failure))
        if not found:
            return self._report_failure("no address")
        dropped = len(found) - MAX_ADDRESSES
        self.issue = (
            f"{self._service.name}: {dropped} addresses more than {MAX_ADDRESSES} are not scraped"
            if dropped > 0
            else None
        )
        self._targets = tuple(self._service.target_at(address) for address in found[:MAX_ADDRESSES])
        self.resolved_at = now
        return None

    def _report_failure(self, reason: str) -> None:
        known = len(self._targets)
        kept = f"; its last known {known} addresses are scraped" if known else ""
        self.issue = f"{self._service.name} cannot be resolved: {reason}{kept}"


def find_doubled(targets: Iterable[ScrapeTarget]) -> list[str]:
    """Say which addresses are scraped under several names, with the same labels.

    What is one process counts twice then; behind one ingress they may be several, which nobody can tell here.
    """
    names: dict[TargetIdentity, list[str]] = {}
    for target in targets:
        names.setdefault(TargetIdentity.of_target(target), []).append(target.host or target.url.host or "")
    return [
        f"{found.host}:{found.port} is scraped as {' and as '.join(known)}: "
        "a process that is the same counts twice"
        for found, known in names.items()
        if len(known) > 1
    ]


def _one_family(addresses: Sequence[str]) -> Sequence[str]:
    """Return the addresses of one IP family: behind a dual-stack name each instance has one of both.

    That is the larger family, and IPv4 where they are even.
    """
    found = sorted(set(addresses))
    version_6 = [address for address in found if ":" in address]
    version_4 = [address for address in found if ":" not in address]
    return version_6 if len(version_6) > len(version_4) else version_4


def _parse_target_url(url: str) -> URL:
    try:
        parsed = URL(url)
    except ValueError:
        parsed = URL()
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise ValueError(f"a target is a URL like http://127.0.0.1:8080/metrics, got {redact_url(url)!r}")
    return parsed.with_path("/metrics") if parsed.path == "/" else parsed
