"""How numbers look: one colour and one word for each meaning, everywhere.

Colours: Okabe and Ito, Color Universal Design (2008), told apart by people with any colour vision. No colour
carries a meaning that no text says. What is absent is grey and reads "no data": never 0, never 100 %.
"""

from typing import Final

from msgspec import Struct

from sloctl.dashboards.fields import (
    Color,
    ColorMode,
    Mapping,
    Shown,
    SpecialMap,
    SpecialMatch,
    Threshold,
    Thresholds,
    ValueMap,
)
from sloctl.duration import DAY

VERMILLION: Final = "#D55E00"
ORANGE: Final = "#E69F00"
PURPLE: Final = "#CC79A7"
SKY_BLUE: Final = "#56B4E9"
GREEN: Final = "#009E73"
GREY: Final = "#999999"

NO_DATA: Final = "no data"
RATIO: Final = "percentunit"
COUNT: Final = "short"
TIMES: Final = "suffix:×"

BY_THRESHOLD: Final = Color(ColorMode.THRESHOLDS)
BY_NAME: Final = Color(ColorMode.PALETTE)

# Grafana maps text that is no number as if it were absent: only for columns and panels of numbers.
ABSENT: Final = SpecialMap(SpecialMatch("null+nan", Shown(NO_DATA, color=GREY)))

# From here on the time until a budget is gone is only called long; seconds.
LONG: Final = 365 * DAY
TIME_LEFT_WORDS: Final = ValueMap(
    {"0": Shown("gone", color=VERMILLION), str(LONG): Shown("over a year", color=SKY_BLUE)}
)

QUIET, PENDING, TICKET, PAGE = range(4)
ALERT_WORDS: Final = ValueMap(
    {
        str(PAGE): Shown("page", color=VERMILLION, index=0),
        str(TICKET): Shown("ticket", color=ORANGE, index=1),
        str(PENDING): Shown("pending", color=PURPLE, index=2),
        str(QUIET): Shown("quiet", color=SKY_BLUE, index=3),
    }
)


class Number(Struct, frozen=True):
    """How one kind of number looks, in a cell or on its own."""

    unit: str
    decimals: int
    thresholds: Thresholds
    mappings: tuple[Mapping, ...] = (ABSENT,)


def steps(first: str, *more: tuple[float, str]) -> Thresholds:
    """*first* from minus infinity, then each colour from its value upwards."""
    above = (Threshold(color, value) for value, color in more)
    return Thresholds("absolute", (Threshold(first, None), *above))


PLAIN: Final = steps(SKY_BLUE)
COUNTED: Final = Number(COUNT, 0, PLAIN)
COUNTED_BAD: Final = Number(COUNT, 0, steps(SKY_BLUE, (1.0, VERMILLION)))
BUDGET_LEFT: Final = Number(RATIO, 2, steps(VERMILLION, (0.0, ORANGE), (0.25, SKY_BLUE)))
BURN_RATE: Final = Number(TIMES, 2, steps(SKY_BLUE, (1.0, ORANGE), (10.0, VERMILLION)))
TIME_LEFT: Final = Number("s", 1, PLAIN, (TIME_LEFT_WORDS, ABSENT))
ALERT_STATE: Final = Number(COUNT, 0, PLAIN, (ALERT_WORDS, ABSENT))
