"""Targets as Prometheus meets them: born late, restarted, unreachable, unseen; their children come and go.

A target counts every scrape interval, seen or not. What each world exposes of it is told in one table.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import Final, TypeAlias

from tests.differential.scraped import TICK, Histogram, Scraped, Value

GROUP: Final = "route"


@dataclass(frozen=True, slots=True)
class Child:
    """Events of one route of one target; the patterns are increments per scrape interval, repeated.

    It is exposed from scrape *born* until *died*, or to the end. *head* is what it had counted before.
    In the scrapes *hidden_errors* its series of bad events is not exposed.
    """

    route: str
    ok: Sequence[int]
    bad: Sequence[int]
    born: int = 0
    died: int | None = None
    head: tuple[int, int] = (0, 0)
    hidden_errors: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class Target:
    """One process, scraped every *interval* seconds from *phase* on; numbers below count scrapes.

    *failed* scrapes leave stale markers, *unseen* ones nothing at all. Counters start over at *restarts*.
    """

    instance: str
    children: Sequence[Child]
    interval: int = 15
    phase: int = TICK
    first: int = 0
    restarts: frozenset[int] = frozenset()
    failed: frozenset[int] = frozenset()
    unseen: frozenset[int] = frozenset()


class Share(Enum):
    """Which of a child's events a series counts."""

    OK = "ok"
    BAD = "bad"
    ALL = "all"
    BOTH = "a native histogram of fast and slow ones"


@dataclass(frozen=True, slots=True)
class Exposed:
    """One series per child: its name, the labels it has besides, and what it counts."""

    metric: str
    share: Share
    labels: Mapping[str, str]


World: TypeAlias = Sequence[Exposed]

BY_CODE: Final[World] = (
    Exposed("requests_total", Share.OK, {"code": "200"}),
    Exposed("requests_total", Share.BAD, {"code": "500"}),
)
BY_BUCKET: Final[World] = (
    Exposed("seconds_count", Share.ALL, {}),
    Exposed("seconds_bucket", Share.OK, {"le": "0.3"}),
    Exposed("seconds_bucket", Share.ALL, {"le": "1.0"}),
    Exposed("seconds_bucket", Share.ALL, {"le": "+Inf"}),
)
NATIVE: Final[World] = (Exposed("seconds", Share.BOTH, {}),)


def scraped(targets: Iterable[Target], world: World, horizon: int) -> list[Scraped]:
    """All series that Prometheus holds of *targets* at second *horizon*."""
    return [
        series
        for target in targets
        for child in target.children
        for exposed in world
        if (series := _series(target, child, exposed, horizon)).times
    ]


def gauge(target: Target, horizon: int) -> Scraped:
    """Of the first child: 1 after a scrape interval without bad events, else 0."""
    child = target.children[0]
    values = [
        0.0 if child.bad[number % len(child.bad)] else 1.0 for number in range(_scrapes(target, horizon))
    ]
    there = [_alive(child, number) for number in range(len(values))]
    return _held(
        target, "up", {}, [value if here else None for value, here in zip(values, there, strict=True)]
    )


def _series(target: Target, child: Child, exposed: Exposed, horizon: int) -> Scraped:
    scrapes = _scrapes(target, horizon)
    ok = _counted(child.ok, child.head[0], target.restarts, scrapes)
    bad = _counted(child.bad, child.head[1], target.restarts, scrapes)
    values = [
        _value(exposed.share, good, failed) if _exposed(child, exposed, number) else None
        for number, (good, failed) in enumerate(zip(ok, bad, strict=True))
    ]
    return _held(target, exposed.metric, {GROUP: child.route, **exposed.labels}, values)


def _value(share: Share, ok: int, bad: int) -> Value | None:
    """A series by code is exposed from its first event on; a histogram has all its series at once."""
    if ok + bad == 0:
        return None
    match share:
        case Share.OK:
            return float(ok) or None
        case Share.BAD:
            return float(bad) or None
        case Share.ALL:
            return float(ok + bad)
        case Share.BOTH:
            return Histogram(float(ok), float(bad))


def _held(target: Target, metric: str, labels: Mapping[str, str], values: Sequence[Value | None]) -> Scraped:
    """A series that was there and is not any more is marked stale, once; so is one whose scrape failed."""
    samples = list(_samples(target, values))
    return Scraped(
        metric,
        {"job": "shop", "instance": target.instance, **labels},
        tuple(at for at, _ in samples),
        tuple(value for _, value in samples),
    )


def _samples(target: Target, values: Sequence[Value | None]) -> Iterator[tuple[int, Value | None]]:
    there = False
    for number, value in enumerate(values):
        at = target.phase + number * target.interval
        if number < target.first or number in target.unseen:
            continue
        if value is not None and number not in target.failed:
            there = True
            yield at, value
        elif there:
            there = False
            yield at, None


def _counted(pattern: Sequence[int], head: int, restarts: frozenset[int], scrapes: int) -> list[int]:
    def next_value(before: int, number: int) -> int:
        return (0 if number in restarts else before) + pattern[number % len(pattern)]

    return list(accumulate(range(scrapes), next_value, initial=head))[1:]


def _scrapes(target: Target, horizon: int) -> int:
    return (horizon - target.phase) // target.interval + 1


def _exposed(child: Child, exposed: Exposed, number: int) -> bool:
    hidden = exposed.share is Share.BAD and number in child.hidden_errors
    return _alive(child, number) and not hidden


def _alive(child: Child, number: int) -> bool:
    return child.born <= number and (child.died is None or number < child.died)
