"""Pictures of windows and rollups, drawn from real output: run as `python -m tests.site.pictures`.

`docs/rollups.svg` is read out of the compiled rules of a spec in slos/; `docs/burn.svg` out of a replay of
that spec's alerts over made-up counts.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from math import log
from pathlib import Path
from typing import Final

import yaml

from sloctl.duration import format_duration, parse_duration
from sloctl.model import Severity
from sloctl.slo.event_series import EventSeries
from sloctl.slo.policy import alert_threshold
from sloctl.slo.replay import replay_policy
from sloctl.slo.resolutions import FINE_STEP
from sloctl.spec import read_specs
from tests.site.build import ROOT
from tests.site.drawing import BLUE, GREY, INK, VERMILLION, Picture

SPEC: Final = ROOT / "slos/payments-api.yaml"
RULES: Final = ROOT / "alerts/payments-api.yaml"
SLO_ID: Final = "payments-api/availability"
ROLLUPS: Final = ROOT / "docs/rollups.svg"
BURN: Final = ROOT / "docs/burn.svg"
# Of a series of error ratios: the events' rollups that it sums, their step, and how far it reaches.
_SUMMED: Final = re.compile(r"slo:sli_total:increase(1m|5m)\{[^}]*\}\[(\w+)\]")
# A service of 600 requests a minute; a third of them fail from the 60th minute to the 72nd.
_MINUTES: Final = 150
# What was good before the picture begins: as long as the longest lookback of a page.
_BEFORE: Final = 360
_EVENTS: Final = 600.0
_INCIDENT: Final = range(60, 72)
_FAILED: Final = 200.0
_HIGHEST_RATIO: Final = 0.35


def main() -> None:
    for place, picture in pictures().items():
        place.write_text(picture.render())


def pictures() -> dict[Path, Picture]:
    """Every picture by its place."""
    return {ROLLUPS: draw_rollups(list(summed_rollups())), BURN: draw_burn()}


def summed_rollups() -> Iterator[tuple[str, int, int]]:
    """Of each recorded lookback its name, the step of the rollups in it, and how many it sums."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        if not group["name"].startswith(f"slo:{SLO_ID}:"):
            continue
        for rule in group["rules"]:
            name = re.fullmatch(r"slo:sli_error:ratio_rate(\w+)", rule.get("record", ""))
            summed = _SUMMED.search(rule.get("expr", ""))
            if name and summed:
                step = round(parse_duration(summed[1]))
                # A range is half a step shorter than what it sums.
                yield name[1], step, round((parse_duration(summed[2]) + step / 2) / step)


def draw_rollups(rows: list[tuple[str, int, int]]) -> Picture:
    """Draw a bar for each lookback, on a scale where each length is several times the one before."""
    rows = sorted(rows, key=lambda row: row[1] * row[2])
    title = "Which recorded counts each lookback sums"
    picture = Picture(720, 60 + 30 * len(rows), title)
    longest = max(step * number for _, step, number in rows)

    def reach(seconds: float) -> float:
        return 70 + 430 * log(seconds / FINE_STEP) / log(longest / FINE_STEP)

    picture.add_text(20, 24, f"lookbacks from now back, to {format_duration(longest)} on a scale of powers")
    for number, (name, step, count) in enumerate(rows):
        y = 40 + 30 * number
        color = BLUE if step == FINE_STEP else VERMILLION
        edges = [reach(max(step * each, FINE_STEP)) for each in range(count + 1)]
        picture.add_text(20, y + 15, name)
        picture.add_box((70, y, reach(step * count) - 70 + 1, 20), color, opacity=0.35)
        drawn = 0.0
        for left, right in pairwise(edges):
            # What is narrower than two pixels is a tint.
            if right - left >= 2 and right - drawn >= 2:
                picture.add_line([(right, y), (right, y + 20)], color)
                drawn = right
        counts = f"{count:,} rollups of {format_duration(step)}"
        picture.add_text(530, y + 15, counts, fill=color)
    return picture


def draw_burn() -> Picture:
    """Draw an incident: errors by the minute, the two ratios of the page's first row, and when it pages."""
    slo = next(each for each in read_specs([(str(SPEC), SPEC.read_bytes())]).slos if each.id == SLO_ID)
    row = next(each for each in slo.alerting.policy if each.severity is Severity.PAGE)
    errors = [_FAILED if minute in _INCIDENT else 0.0 for minute in range(_MINUTES)]
    series = EventSeries(
        -_BEFORE * FINE_STEP,
        FINE_STEP,
        events=[_EVENTS] * (_BEFORE + _MINUTES),
        errors=[0.0] * _BEFORE + errors,
    )
    picture = Picture(720, 400, "An incident of twelve minutes: rollups, ratios and the page")
    for page in replay_policy(slo, series).of_severity(Severity.PAGE):
        ended = _MINUTES if page.ended is None else page.ended / FINE_STEP
        left, right = across(page.began / FINE_STEP), across(ended)
        picture.add_box((left, 40, right - left, 310), VERMILLION, opacity=0.12)
        told = f"pages at minute {page.began // FINE_STEP}, over at minute {ended:g}"
        picture.add_text(left + 4, 54, told, fill=VERMILLION)
    draw_errors(picture, errors)
    threshold = float(alert_threshold(row, slo.window.seconds, slo.budget))
    draw_ratios(picture, series, {row.short: BLUE, row.long: INK}, threshold)
    promise = f"{SLO_ID}: {float(slo.objective):.2%} over {format_duration(slo.window.seconds)}"
    picture.add_text(20, 390, promise, fill=GREY)
    return picture


def draw_errors(picture: Picture, errors: list[float]) -> None:
    """Draw a bar for each minute with errors."""
    picture.add_text(20, 24, "errors in each minute, as the rules record them")
    for minute, count in enumerate(errors):
        if count:
            height = 60 * count / _FAILED
            picture.add_box((across(minute), 140 - height, 630 / _MINUTES, height), GREY)
    picture.add_line([(60, 140), (690, 140)], GREY)
    picture.add_text(54, 86, f"{_FAILED:g}", anchor="end", fill=GREY)


def draw_ratios(picture: Picture, series: EventSeries, colors: dict[int, str], threshold: float) -> None:
    """Draw the error ratio of each lookback, and the threshold that both must exceed."""
    y = 175
    for lookback, color in colors.items():
        picture.add_line(
            [(across(minute + 1), up(ratio_at(series, minute, lookback))) for minute in range(_MINUTES)],
            color,
        )
        picture.add_text(690, y, f"{format_duration(lookback)} ratio", anchor="end", fill=color)
        y += 16
    picture.add_line([(60, up(threshold)), (690, up(threshold))], VERMILLION, dash="5 4")
    picture.add_text(690, y, f"threshold {threshold:.2%}", anchor="end", fill=VERMILLION)
    picture.add_line([(60, 350), (690, 350)], GREY)
    for ratio in (0.0, 0.1, 0.2, 0.3):
        picture.add_text(54, up(ratio) + 4, f"{ratio:.0%}", anchor="end", fill=GREY)
    for minute in range(0, _MINUTES + 1, 30):
        picture.add_text(across(minute), 370, f"{minute} min", anchor="middle", fill=GREY)


def across(minute: float) -> float:
    """The place of a minute."""
    return 60 + 630 * minute / _MINUTES


def up(ratio: float) -> float:
    """The height of a ratio."""
    return 350 - 190 * ratio / _HIGHEST_RATIO


def ratio_at(series: EventSeries, minute: int, lookback: int) -> float:
    """The error ratio of a lookback that ends with a minute of the picture."""
    ratio = series.counts_at(_BEFORE + minute, lookback).error_ratio
    assert ratio is not None
    return ratio


if __name__ == "__main__":
    main()
