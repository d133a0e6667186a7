"""How many events happen: a day curve of 10:1, and Poisson draws cheap enough for tens of millions."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from random import Random

from bench.rules.profile import START
from sloctl.duration import DAY, HOUR

WEEKEND = 0.6
TROUGH = 0.1


def day_curve(at: int) -> float:
    """Traffic at Unix time *at*, as a share of a weekday's peak at 13:00; a tenth at 01:00."""
    wave = (1 + math.cos(2 * math.pi * ((at - 13 * HOUR) % DAY) / DAY)) / 2
    weekday = ((at - START) // DAY) % 7
    return (TROUGH + (1 - TROUGH) * wave) * (WEEKEND if weekday >= 5 else 1.0)


def seeded(seed: int | str) -> Random:
    """Randomness that repeats."""
    return Random(seed)  # noqa: S311 - nothing here is a secret


def shares(count: int) -> list[float]:
    """How *count* routes share the traffic: each has two thirds of the one before."""
    weights = [(2 / 3) ** number for number in range(count)]
    return [weight / sum(weights) for weight in weights]


def poisson(random: Random, mean: float) -> int:
    """One draw."""
    return poissons(random, mean, 1)[0]


def poissons(random: Random, mean: float, count: int) -> Sequence[int]:
    """*count* independent draws of the same mean."""
    if mean <= 0:
        return [0] * count
    first, weights = _distribution(mean)
    return random.choices(range(first, first + len(weights)), cum_weights=weights, k=count)


@lru_cache(maxsize=20_000)
def _distribution(mean: float) -> tuple[int, list[float]]:
    """The first likely value, and the cumulated weights from there on; what is cut off weighs below 1e-12."""
    spread = 8 * math.sqrt(mean) + 8
    first = max(0, int(mean - spread))
    weights = [
        math.exp(value * math.log(mean) - mean - math.lgamma(value + 1))
        for value in range(first, int(mean + spread) + 1)
    ]
    return first, list(accumulate(weights))
