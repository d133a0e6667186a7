"""The month of one service, as it happened and as Prometheus saw it: truth and scraped counters."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from random import Random
from typing import Final

from bench.rules.lives import Life, lives
from bench.rules.profile import BASE_ERRORS, DOWN, END, FAULTS, START, UNREACHABLE, Profile, Sight
from bench.rules.remote_write import STALE, labels, samples, stamp
from bench.rules.traffic import day_curve, poisson, poissons, shares
from bench.rules.truth import Tally
from sloctl.duration import HOUR, MINUTE
from sloctl.slo.resolutions import EventCounts

METRIC: Final = "http_requests_total"
JOB: Final = "bench"
FAILED_SCRAPES: Final = 0.001
_EVEN: Final = 15 * MINUTE
_CHUNK: Final = 2 * HOUR
# Of all good answers, and of all errors.
_CODES: Final = {"200": (0.97, False), "404": (0.03, False), "500": (0.7, True), "503": (0.3, True)}

Written = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of even traffic: *requests* and *errors* per second of one pod."""

    start: int
    end: int
    good: float
    errors: float
    sight: Sight


@dataclass(slots=True)
class _Counter:
    """One series: its value, what came since the last scrape, and whether Prometheus has seen it alive."""

    name: bytes
    share: float
    error: bool
    value: int = 0
    carry: int = 0
    shown: bool = False


@dataclass(frozen=True, slots=True)
class _Process:
    life: Life
    counters: list[_Counter]


@dataclass(slots=True)
class Month:
    """Counters of one service through the month, or its days *since*; *tally* fills as they are made."""

    profile: Profile
    random: Random
    since: int = START
    tally: Tally = field(default_factory=Tally)

    def chunks(self) -> Iterator[Written]:
        """What Prometheus scrapes, two hours at a time."""
        pods = [_Pod(self, of) for of in lives(self.random, self.profile, self.since)]
        written: dict[bytes, bytearray] = {}
        for stretch in stretches(self.profile, self.since):
            for pod in pods:
                pod.live(stretch, written)
            if stretch.end % _CHUNK == 0:
                yield [(name, bytes(of)) for name, of in written.items()]
                written.clear()
        yield [(name, bytes(of)) for name, of in written.items()]


@dataclass(slots=True)
class _Pod:
    month: Month
    lives: list[Life]
    process: _Process | None = None

    def live(self, stretch: Stretch, written: dict[bytes, bytearray]) -> None:
        """One stretch of this pod's time, through as many processes as it takes."""
        while self.lives and self.lives[0].start < stretch.end:
            life = self.lives[0]
            if self.process is None:
                self.process = _Process(life, _counters(self.month.profile, life))
            start, end = max(stretch.start, life.start), min(stretch.end, life.end)
            if start < end:
                part = Stretch(start, end, stretch.good, stretch.errors, stretch.sight)
                _count(self.month, self.process, part, written)
            if life.end > stretch.end:
                return
            if stretch.sight is Sight.SCRAPED:
                gone = life.end + (life.phase - life.end) % self.month.profile.scrape
                _hide(self.process.counters, gone, written)
            self.lives.pop(0)
            self.process = None


def stretches(profile: Profile, since: int) -> Iterator[Stretch]:
    """The month from *since* on, in pieces of even traffic, at most a quarter of an hour long."""
    edges = {edge for fault in FAULTS for edge in (fault.start, fault.end)} | {*DOWN, *UNREACHABLE}
    for start, end in pairwise(sorted({*range(since, END + 1, _EVEN), *(of for of in edges if of > since)})):
        share = min(1.0, BASE_ERRORS + sum(of.share for of in FAULTS if of.start <= start < of.end))
        requests = profile.peak * day_curve((start + end) // 2) / profile.pods
        yield Stretch(start, end, requests * (1 - share), requests * share, sight(start))


def sight(at: int) -> Sight:
    if DOWN[0] <= at < DOWN[1]:
        return Sight.DOWN
    return Sight.UNREACHABLE if UNREACHABLE[0] <= at < UNREACHABLE[1] else Sight.SCRAPED


def _counters(profile: Profile, life: Life) -> list[_Counter]:
    whole = {
        kind: sum(_CODES[code][0] for code in profile.codes if _CODES[code][1] is kind)
        for kind in (False, True)
    }
    return [
        _Counter(_name(life, f"/route-{number}", code), route * share / whole[error], error)
        for number, route in enumerate(shares(profile.routes))
        for code in profile.codes
        for share, error in (_CODES[code],)
    ]


def _name(life: Life, route: str, code: str) -> bytes:
    series = {"__name__": METRIC, "job": JOB, "instance": life.instance, "route": route, "code": code}
    return labels(series)


def _count(month: Month, process: _Process, stretch: Stretch, written: dict[bytes, bytearray]) -> None:
    """Let events happen, tell the tally, and write what the scrapes of the stretch show."""
    random, scrape = month.random, month.profile.scrape
    first = stretch.start + (process.life.phase - stretch.start) % scrape
    scrapes = range(first, stretch.end, scrape)
    edges = [stretch.start, *scrapes, stretch.end]
    failed = _failed(random, scrapes, stretch.sight)
    stamps = [stamp(at) for at in scrapes]
    errors, total = [0] * (len(edges) - 1), [0] * (len(edges) - 1)
    for counter in process.counters:
        rate = (stretch.errors if counter.error else stretch.good) * counter.share
        counts = _events(random, rate, edges, scrape)
        total = list(map(int.__add__, total, counts))
        if counter.error:
            errors = list(map(int.__add__, errors, counts))
        values = list(accumulate(counts[:-1], initial=counter.value + counter.carry))[1:]
        counter.carry = counts[-1] if values else counter.carry + counts[-1]
        if values:
            counter.value = values[-1]
        if stretch.sight is not Sight.DOWN:
            line = _line(counter, values, stamps, failed)
            if line:
                written.setdefault(counter.name, bytearray()).extend(line)
    for (start, end), error, events in zip(pairwise(edges), errors, total, strict=True):
        month.tally.add(start, end, EventCounts(error, events))


def _events(random: Random, rate: float, edges: Sequence[int], scrape: int) -> list[int]:
    """Events between neighbouring edges: whole scrape intervals, but for the first and the last."""
    if len(edges) == 2:
        return [poisson(random, rate * (edges[1] - edges[0]))]
    head, tail = edges[1] - edges[0], edges[-1] - edges[-2]
    whole = poissons(random, rate * scrape, len(edges) - 3)
    return [poisson(random, rate * head), *whole, poisson(random, rate * tail)]


def _failed(random: Random, scrapes: range, sight: Sight) -> range:
    """Indices of scrapes that fail: all of them, one now and then, or none."""
    if sight is not Sight.SCRAPED:
        return range(len(scrapes))
    if random.random() >= FAILED_SCRAPES * len(scrapes):
        return range(0)
    one = random.randrange(len(scrapes))
    return range(one, one + 1)


def _line(counter: _Counter, values: list[int], stamps: list[bytes], failed: range) -> bytes:
    """Samples of one series: from its first event on; a failed scrape marks it stale, once."""
    born = next((index for index, value in enumerate(values) if value), len(values))
    if not failed:
        counter.shown = counter.shown or born < len(values)
        return samples(values[born:], stamps[born:])
    before, after = slice(born, failed.start), slice(max(born, failed.stop), None)
    shown = counter.shown or born < failed.start
    marker = [STALE] if shown else []
    counter.shown = bool(values[after])
    at = [*stamps[before], *stamps[failed.start : failed.start + len(marker)], *stamps[after]]
    return samples([*values[before], *marker, *values[after]], at)


def _hide(counters: Sequence[_Counter], at: int, written: dict[bytes, bytearray]) -> None:
    """The process is gone: what was seen alive ends with a stale marker."""
    for counter in counters:
        if counter.shown:
            written.setdefault(counter.name, bytearray()).extend(samples([STALE], [stamp(at)]))
