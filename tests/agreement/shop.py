"""A service of a few pods, second by second: what happened, and what its counters showed of it.

Both sides read the same counters: the sidecar over HTTP, Prometheus as samples with its stale markers.
"""

import random
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from sloctl.slo.resolutions import EventCounts
from tests.differential.scraped import Scraped

CODES: Final = ("200", "500")
# A counter that its pod shows from the start. Were all of them born with their first event, neither side
# could know what a pod had counted before it was first seen.
SHOWN_AT_ZERO: Final = "200"


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the story, up to second *until*: requests a second of one pod, and the share that fails."""

    until: int
    requests: float
    failing: float


@dataclass(frozen=True, slots=True)
class Pod:
    """One process; seconds. Its counters start over at *restarts*; in *unreachable* nobody can scrape it."""

    instance: str
    phase: int
    born: int = 0
    died: int | None = None
    restarts: tuple[int, ...] = ()
    unreachable: range = range(0)

    def answers(self, second: int) -> bool:
        alive = self.born <= second and (self.died is None or second < self.died)
        return alive and second not in self.unreachable


class Shop:
    """The pods and what each counted: *good* and *bad* events of second n lie at index n."""

    def __init__(self, story: Sequence[Stretch], pods: Sequence[Pod], *, seed: int) -> None:
        self.pods = pods
        self.seconds = story[-1].until
        chance = random.Random(seed)  # noqa: S311 - traffic, not secrets
        self._events = {pod.instance: list(_lived(story, pod, chance)) for pod in pods}
        self._counters = {
            pod.instance: [
                list(_counted(pod, [each[code] for each in self._events[pod.instance]])) for code in (0, 1)
            ]
            for pod in pods
        }
        whole = [
            [sum(self._events[pod.instance][second][code] for pod in pods) for second in range(self.seconds)]
            for code in (0, 1)
        ]
        self._good, self._bad = (list(accumulate(of_code, initial=0)) for of_code in whole)

    def truth(self, start: int, end: int) -> EventCounts:
        """What happened after second *start* and up to *end*."""
        start, end = max(0, start), max(0, min(end, self.seconds))
        bad = self._bad[end] - self._bad[start]
        return EventCounts(error=bad, total=bad + self._good[end] - self._good[start])

    def exposition(self, pod: Pod, second: int) -> str:
        """Return what *pod* shows at the end of *second*: errors are born with their first event."""
        return "".join(
            f'requests_total{{status="{code}"}} {value}\n'
            for code, values in zip(CODES, self._counters[pod.instance], strict=True)
            if (value := values[second - 1] if second else 0) or code == SHOWN_AT_ZERO
        )

    def scraped(self, every: int) -> list[Scraped]:
        """What Prometheus holds after scraping each pod at its phase."""
        return [
            Scraped(
                "requests_total",
                {"job": "shop", "instance": pod.instance, "status": code},
                tuple(at for at, _ in samples),
                tuple(value for _, value in samples),
            )
            for pod in self.pods
            for code, values in zip(CODES, self._counters[pod.instance], strict=True)
            if (samples := list(_samples(pod, code, values, range(pod.phase, self.seconds + 1, every))))
        ]


def _lived(story: Sequence[Stretch], pod: Pod, chance: random.Random) -> Iterator[tuple[int, int]]:
    """(good, bad) events of each second."""
    ends = [stretch.until for stretch in story]
    for second in range(ends[-1]):
        stretch = story[bisect_right(ends, second)]
        alive = pod.born <= second and (pod.died is None or second < pod.died)
        requests = int(stretch.requests + chance.random()) if alive else 0
        bad = sum(chance.random() < stretch.failing for _ in range(requests))
        yield requests - bad, bad


def _counted(pod: Pod, events: Iterable[int]) -> Iterator[int]:
    """The counter at the end of each second."""
    value = 0
    for second, more in enumerate(events):
        value = (0 if second in pod.restarts else value) + more
        yield value


def _samples(
    pod: Pod, code: str, values: Sequence[int], moments: Iterable[int]
) -> Iterator[tuple[int, float | None]]:
    there = False
    for at in moments:
        value = values[at - 1] if at and pod.answers(at) else 0
        if value or (code == SHOWN_AT_ZERO and pod.answers(at)):
            there = True
            yield at, float(value)
        elif there:
            there = False
            yield at, None
