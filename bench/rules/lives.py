"""Pods: when each process starts and ends. Counters begin at zero with every one of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Final

from bench.rules.profile import END, START, Profile
from sloctl.duration import DAY, HOUR, MINUTE

DEPLOY_EVERY: Final = 53 * HOUR
RESTART_AFTER: Final = 3 * DAY


@dataclass(frozen=True, slots=True)
class Life:
    """One process, scraped as *instance* at every Unix time that is *phase* modulo the scrape interval."""

    instance: str
    phase: int
    start: int
    end: int


def lives(random: Random, profile: Profile, since: int) -> list[list[Life]]:
    """The lives of each pod from *since* on, in time order."""
    return [
        [life for life in _pod(random, profile, number) if life.end > since] for number in range(profile.pods)
    ]


def _pod(random: Random, profile: Profile, number: int) -> Iterator[Life]:
    """Replaced by every rolling deploy (one pod a minute), restarted now and then in between."""
    for deploy, since in enumerate(range(START, END, DEPLOY_EVERY)):
        start = since + number * MINUTE if deploy else START
        until = min(since + DEPLOY_EVERY + number * MINUTE, END)
        instance, phase = f"pod-{number}-{deploy}:8080", random.randrange(profile.scrape)
        while start < until:
            end = min(start + int(random.expovariate(1 / RESTART_AFTER)) + HOUR, until)
            yield Life(instance, phase, start, end)
            # Long enough that at least one scrape fails.
            start = end + profile.scrape + 5
