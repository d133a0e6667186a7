"""What Prometheus scrapes of a service whose every minute is known, in promtool's notation.

A story is a list of stretches; a world says which series tell it for one SLO. Neither knows our rules.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

SCRAPES_A_MINUTE: Final = 4


@dataclass(frozen=True, slots=True)
class StoryPart:
    """So many minutes in which a share of *events* a minute fails; None is a target that is not there."""

    minutes: int
    events: float = 120
    failing: float | None = 0.0


Story: TypeAlias = Sequence[StoryPart]
Lines: TypeAlias = dict[str, str]


@dataclass(frozen=True, slots=True)
class GoodAndBad:
    """Each event increments the counter of good ones or that of bad ones."""

    good: str
    bad: str

    def series_of(self, story: Story) -> Lines:
        return {
            self.good: _counter((it.minutes, _share(it, failed=False)) for it in story),
            self.bad: _counter((it.minutes, _share(it, failed=True)) for it in story),
        }


@dataclass(frozen=True, slots=True)
class AllAndPart:
    """Each event increments *total*, and *part* too where it is one: as a histogram's count and bucket."""

    total: str
    part: str
    part_failed: bool

    def series_of(self, story: Story) -> Lines:
        return {
            self.total: _counter((it.minutes, None if it.failing is None else it.events) for it in story),
            self.part: _counter((it.minutes, _share(it, failed=self.part_failed)) for it in story),
        }


@dataclass(frozen=True, slots=True)
class Gauge:
    """One series that is *bad* for the failing share of the time, spread evenly, and else *good*.

    It changes every *grain* scrapes: a minute for what is looked at once a minute.
    """

    series: str
    good: float
    bad: float
    grain: int = SCRAPES_A_MINUTE

    def series_of(self, story: Story) -> Lines:
        return {self.series: " ".join(value for it in story for value in self._values(it))}

    def _values(self, it: StoryPart) -> list[str]:
        if it.failing is None:
            return [f"_x{it.minutes * SCRAPES_A_MINUTE}"]
        grains = range(it.minutes * SCRAPES_A_MINUTE // self.grain)
        failed = [int((number + 1) * it.failing) > int(number * it.failing) for number in grains]
        return [f"{self.bad if bad else self.good}x{self.grain - 1}" for bad in failed]


@dataclass(frozen=True, slots=True)
class PartRollups:
    """What the rules of the SLOs *faulty* and *sound*, parts of a journey, recorded each minute."""

    faulty: str
    sound: str
    inline: Gauge

    def series_of(self, story: Story) -> Lines:
        never = [StoryPart(it.minutes, it.events, None if it.failing is None else 0.0) for it in story]
        rollups = {
            f'slo:sli_{name}:increase1m{{slo_id="{slo_id}"}}': " ".join(map(value, of_slo))
            for slo_id, of_slo in ((self.faulty, story), (self.sound, never))
            for name, value in (("total", _minutes_of_events), ("error", _minutes_of_errors))
        }
        return rollups | self.inline.series_of(never)


World: TypeAlias = GoodAndBad | AllAndPart | Gauge | PartRollups


def _minutes_of_events(it: StoryPart) -> str:
    return _constant(it.minutes, None if it.failing is None else it.events)


def _minutes_of_errors(it: StoryPart) -> str:
    return _constant(it.minutes, _share(it, failed=True))


def _constant(minutes: int, value: float | None) -> str:
    scrapes = minutes * SCRAPES_A_MINUTE
    return f"_x{scrapes}" if value is None else f"{value:.6f}x{scrapes - 1}"


def _share(it: StoryPart, *, failed: bool) -> float | None:
    if it.failing is None:
        return None
    return it.events * (it.failing if failed else 1 - it.failing)


def _counter(increments: Iterable[tuple[int, float | None]]) -> str:
    """A counter that grows by so much a minute for so many minutes, stretch after stretch."""
    value, runs = 0.0, []
    for minutes, increment in increments:
        scrapes = minutes * SCRAPES_A_MINUTE
        if increment is None:
            runs.append(f"_x{scrapes}")
            continue
        step = increment / SCRAPES_A_MINUTE
        runs.append(f"{value + step:.6f}+{step:.6f}x{scrapes - 1}")
        value += step * scrapes
    return " ".join(runs)
