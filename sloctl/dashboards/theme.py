"""Looks of numbers: one colour and one word for each meaning, everywhere.

Colours: Okabe and Ito, Color Universal Design (2008), told apart by people with any colour vision. No colour
carries a meaning that no text says. What is absent is grey and reads "no data": never 0, never 100 %.
"""

from typing import Final

from msgspec import Struct

from sloctl.dashboards.grafana_schema import (
    Color,
    ColorMode,
    ColorThreshold,
    SpecialMatch,
    SpecialValueMap,
    Thresholds,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)
from sloctl.duration import DAY

VERMILLION: Final = "#D55E00"
ORANGE: Final = "#E69F00"
PURPLE: Final = "#CC79A7"
SKY_BLUE: Final = "#56B4E9"
GREEN: Final = "#009E73"
GREY: Final = "#999999"

NO_DATA: Final = "no data"
RATIO_UNIT: Final = "percentunit"
COUNT_UNIT: Final = "short"
TIMES_UNIT: Final = "suffix:×"

BY_THRESHOLD: Final = Color(ColorMode.THRESHOLDS)
BY_NAME: Final = Color(ColorMode.PALETTE)

# Grafana maps text that is no number as if it were absent: only for columns and panels of numbers.
ABSENT_VALUE: Final = SpecialValueMap(SpecialMatch("null+nan", ValueMappingResult(NO_DATA, color=GREY)))

# Stands for a budget that is not burning faster than it may; longer than any window, in seconds.
NOT_BURNING: Final = 1000 * DAY
# Stands for a budget of a calendar window that lasts until its period ends.
LASTS_PERIOD: Final = 2000 * DAY
TIME_LEFT_WORDS: Final = ValueMap(
    {
        "0": ValueMappingResult("gone", color=VERMILLION),
        str(NOT_BURNING): ValueMappingResult("not burning", color=SKY_BLUE),
        str(LASTS_PERIOD): ValueMappingResult("not this period", color=SKY_BLUE),
    }
)

QUIET, PENDING, TICKET, PAGE = range(4)
ALERT_WORDS: Final = ValueMap(
    {
        str(PAGE): ValueMappingResult("page", color=VERMILLION, index=0),
        str(TICKET): ValueMappingResult("ticket", color=ORANGE, index=1),
        str(PENDING): ValueMappingResult("pending", color=PURPLE, index=2),
        str(QUIET): ValueMappingResult("quiet", color=SKY_BLUE, index=3),
    }
)


class NumberStyle(Struct, frozen=True):
    """The looks of one kind of number, in a cell or on its own."""

    unit: str
    decimals: int
    thresholds: Thresholds
    mappings: tuple[ValueMapping, ...] = (ABSENT_VALUE,)


def color_thresholds(first: str, *more: tuple[float, str]) -> Thresholds:
    """Colour from minus infinity with *first*, then from each value upwards with its colour."""
    above = (ColorThreshold(color, value) for value, color in more)
    return Thresholds("absolute", (ColorThreshold(first, None), *above))


PLAIN_COLOR: Final = color_thresholds(SKY_BLUE)
COUNTED: Final = NumberStyle(COUNT_UNIT, 0, PLAIN_COLOR)
COUNTED_BAD: Final = NumberStyle(COUNT_UNIT, 0, color_thresholds(SKY_BLUE, (1.0, VERMILLION)))
BUDGET_LEFT: Final = NumberStyle(RATIO_UNIT, 2, color_thresholds(VERMILLION, (0.0, ORANGE), (0.25, SKY_BLUE)))
AVAILABILITY: Final = NumberStyle(RATIO_UNIT, 3, PLAIN_COLOR)
BURN_RATE: Final = NumberStyle(TIMES_UNIT, 2, color_thresholds(SKY_BLUE, (1.0, ORANGE), (10.0, VERMILLION)))
TIME_LEFT: Final = NumberStyle("s", 1, PLAIN_COLOR, (TIME_LEFT_WORDS, ABSENT_VALUE))
ALERT_STATE: Final = NumberStyle(COUNT_UNIT, 0, PLAIN_COLOR, (ALERT_WORDS, ABSENT_VALUE))
