"""The source that needs no Prometheus: GET the target's own metrics."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import aiohttp
from yarl import URL

from sloctl.model import Labels, Slo
from sloctl.sidecar.sources import Reading, Readings, Refusal, Unreadable
from sloctl.sidecar.sources.counting import Countable, count, countable, metrics
from sloctl.sidecar.sources.exposition import ACCEPT, CONTENT_TYPES, samples
from sloctl.sidecar.sources.increases import Baseline, advance

MAX_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Target:
    """What is scraped; *labels* are attached to every series, as a Prometheus scrape job does."""

    url: URL
    labels: Labels

    @classmethod
    def at(cls, url: str, labels: Labels) -> "Target":
        """With Prometheus's `instance` label, and its path where *url* has none; raises ValueError."""
        parsed = URL(url)
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise ValueError(f"a target is a URL like http://127.0.0.1:8080/metrics, got {url!r}")
        instance = f"{parsed.host_subcomponent}:{parsed.port}"
        return cls(
            parsed.with_path("/metrics") if parsed.path == "/" else parsed, {"instance": instance, **labels}
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What a scrape counts: the pair of each SLO, and the SLOs that only PromQL could count."""

    pairs: tuple[tuple[Slo, Countable], ...]
    refusals: tuple[Refusal, ...]

    @property
    def slos(self) -> tuple[Slo, ...]:
        return tuple(slo for slo, _ in self.pairs)


def plan(slos: Iterable[Slo]) -> Plan:
    outcomes = [(slo, countable(slo)) for slo in slos]
    return Plan(
        pairs=tuple((slo, pair) for slo, pair in outcomes if not isinstance(pair, Refusal)),
        refusals=tuple(pair for _, pair in outcomes if isinstance(pair, Refusal)),
    )


class ScrapeSource:
    """One target. Remembers what its counters showed last."""

    def __init__(
        self, session: aiohttp.ClientSession, target: Target, scraped: Plan, *, timeout_seconds: float
    ) -> None:
        self._session = session
        self._target = target
        self._pairs = scraped.pairs
        self._metrics = frozenset[str]().union(*(metrics(pair) for _, pair in scraped.pairs))
        self._timeout = aiohttp.ClientTimeout(total=timeout_seconds)
        self._baseline = Baseline()

    async def read(self, now: float) -> Sequence[Readings]:
        try:
            text = await self._exposition()
            self._baseline, scrape = advance(
                self._baseline, samples(text, self._metrics, self._target.labels)
            )
        except (aiohttp.ClientError, TimeoutError, ValueError, Unreadable) as failure:
            self._baseline = self._baseline.interrupted()
            # The board is shown to many; a password in the URL is not.
            shown = self._target.url.with_user(None)
            raise Unreadable(f"{shown}: {_sentence(failure)}") from failure
        counted = ((slo, count(slo, pair, scrape)) for slo, pair in self._pairs)
        return (Readings(now, {slo.id: Reading(groups) for slo, groups in counted if groups}),)

    async def _exposition(self) -> str:
        async with self._session.get(
            self._target.url, headers={"Accept": ACCEPT}, timeout=self._timeout
        ) as response:
            if response.status != 200:
                raise Unreadable(f"answered {response.status}")
            if response.content_type not in CONTENT_TYPES:
                raise Unreadable(f"answered {response.content_type}, which is no metrics format")
            return (await _limited(response.content)).decode()


async def _limited(stream: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    async for chunk in stream.iter_any():
        body += chunk
        if len(body) > MAX_BYTES:
            raise Unreadable(f"answered more than {MAX_BYTES // 1024**2} MiB")
    return bytes(body)


def _sentence(failure: Exception) -> str:
    match failure:
        case TimeoutError():
            return "no answer in time"
        case _:
            return str(failure) or type(failure).__name__
