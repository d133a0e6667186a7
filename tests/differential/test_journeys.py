"""Journeys on Prometheus's rule engine, against what happened in each minute of their parts."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest
from msgspec import structs

from sloctl.duration import HOUR, MINUTE
from sloctl.model import (
    CompositeIndicator,
    CompositeRule,
    CountedSide,
    JourneyPart,
    RatioIndicator,
    Slo,
    SloName,
)
from sloctl.naming import NATIVE_STYLE, NEW_SERIES
from sloctl.promql import read_selector
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule, RuleGroup
from sloctl.slo.resolutions import EventCounts
from tests.conftest import Figure
from tests.differential.engine import Recording, Story, record
from tests.differential.scraped import Scraped
from tests.differential.streams import BY_CODE, Child, Target, scraped
from tests.rules.specimens import shop

HORIZON: Final = 4 * HOUR
SCRAPES: Final = 4
WEIGHTS: Final = {"browse": Fraction(1), "pay": Fraction(3), "search": Fraction(1, 2)}
# Of each part the good and the bad events of a scrape, for so many minutes; None is a target that is down.
STORIES: Final[Mapping[str, Sequence[tuple[tuple[int, int] | None, int]]]] = {
    "browse": [((20, 0), 40), ((10, 10), 20), ((19, 1), 180)],
    "pay": [((5, 0), 50), ((0, 5), 30), ((5, 0), 20), (None, 25), ((5, 0), 115)],
    "search": [((3, 0), 130), ((0, 0), 20), ((1, 2), 15), ((3, 0), 75)],
}


# Parts of the journey's own, and at which second the others, and then the journey, have their turns.
LAYOUTS: Final[Sequence[tuple[Sequence[str], Sequence[int]]]] = (
    ((), (0, 15, 45, 30)),
    ((), (45, 0, 0, 0)),
    (("search",), (0, 15, 30)),
)


def minutes_of(part: str) -> list[EventCounts | None]:
    return [
        None if each is None else EventCounts(float(each[1] * SCRAPES), float(sum(each) * SCRAPES))
        for each, minutes in STORIES[part]
        for _ in range(minutes)
    ]


def world() -> list[Scraped]:
    targets = []
    for part, stretches in STORIES.items():
        by_scrape = [each for each, minutes in stretches for _ in range(minutes * SCRAPES)]
        failed = frozenset(number for number, each in enumerate(by_scrape) if each is None)
        good, bad = ([(each or (0, 0))[side] for each in by_scrape] for side in (0, 1))
        child = Child("/", good, bad, head=(1000, 1000))
        targets.append(Target(part, (child,), failed=failed))
    return scraped(targets, BY_CODE, HORIZON)


def requests(part: str) -> RatioIndicator:
    return RatioIndicator(
        CountedSide.ERROR,
        (read_selector(f'requests_total{{instance="{part}", code="500"}}'),),
        (read_selector(f'requests_total{{instance="{part}"}}'),),
    )


def named(part: str) -> Slo:
    return shop(service=part, name="availability", indicator=requests(part))


def journey(rule: CompositeRule, *, inline: Sequence[str] = ()) -> Slo:
    parts = tuple(
        JourneyPart(
            part, None if part in inline else SloName(part, "availability"), requests(part), WEIGHTS[part]
        )
        for part in STORIES
    )
    return shop(name="journey", indicator=CompositeIndicator(rule, parts))


def counting_groups(slo: Slo) -> list[RuleGroup]:
    """The rules that count each minute."""
    groups = [
        structs.replace(
            group,
            rules=tuple(
                rule
                for rule in group.rules
                if isinstance(rule, RecordingRule)
                and (rule.record == NEW_SERIES or rule.record.endswith(":increase1m"))
            ),
        )
        for group in rule_groups(slo, NATIVE_STYLE)
    ]
    return [group for group in groups if group.rules]


def truth(rule: CompositeRule) -> EventCounts:
    """Errors and events of all minutes of which everything is known."""
    errors = total = 0.0
    for minute in zip(*(minutes_of(part) for part in STORIES), strict=True):
        known = {part: counts for part, counts in zip(STORIES, minute, strict=True) if counts is not None}
        if len(known) < len(STORIES):
            continue
        if rule is CompositeRule.SUM:
            errors += sum(counts.error for counts in known.values())
            total += sum(counts.total for counts in known.values())
            continue
        ratios = {
            part: counts.error_ratio for part, counts in known.items() if counts.error_ratio is not None
        }
        total += 1
        if rule is CompositeRule.WORST:
            errors += max(ratios.values())
        else:
            weight = sum(WEIGHTS[part] for part in ratios)
            errors += sum(float(WEIGHTS[part] / weight) * ratio for part, ratio in ratios.items())
    return EventCounts(errors, total)


def recorded_minutes(recording: Recording, slo: Slo) -> dict[int, EventCounts]:
    """What a recording has of an SLO's minutes, by the second at which they were recorded."""
    minutes = {}
    for at, samples in recording.items():
        values = {it.labels["__name__"]: it.value for it in samples if it.labels.get("slo_id") == slo.id}
        if "slo:sli_total:increase1m" in values:
            minutes[at] = EventCounts(values["slo:sli_error:increase1m"], values["slo:sli_total:increase1m"])
    return minutes


def sums(minutes: Mapping[int, EventCounts]) -> EventCounts:
    return EventCounts(sum(it.error for it in minutes.values()), sum(it.total for it in minutes.values()))


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("rule", CompositeRule)
def test_a_journey_counts_the_minutes_that_there_were(
    tmp_path: Path, rule: CompositeRule, layout: tuple[Sequence[str], Sequence[int]], figure: Figure
) -> None:
    inline, phases = layout
    slo = journey(rule, inline=inline)
    slos = [*(named(part) for part in STORIES if part not in inline), slo]
    turns = {f"slo:{it.id}:fast": turn for it, turn in zip(slos, phases, strict=False)}
    groups = [group for it in slos for group in counting_groups(it)]
    story = Story(world(), HORIZON, range(turns[f"slo:{slo.id}:fast"], HORIZON, MINUTE))
    expected = truth(rule)

    [recording] = record(tmp_path, groups, [story], evaluated=15, phases=turns)

    minutes = recorded_minutes(recording, slo)
    counted = sums(minutes)
    ratio, real = counted.error / counted.total, expected.error / expected.total
    figure(f"{rule.value}, turns {phases}: {ratio:.4%}, really {real:.4%}, of {counted.total:.0f} events")
    # A few minutes at the edges of the silence and of the story.
    assert counted.total == pytest.approx(expected.total, rel=0.03)
    assert ratio == pytest.approx(real, rel=0.03)
    assert not {at for at in minutes if 103 * MINUTE < at < 125 * MINUTE}


def test_a_journey_of_a_journey_waits_for_it_with_all_its_parts(tmp_path: Path) -> None:
    inner = journey(CompositeRule.WORST)
    parts = (
        JourneyPart("inner", SloName(inner.service, inner.name), inner.indicator),
        JourneyPart("browse", SloName("browse", "availability"), requests("browse")),
    )
    outer = shop(name="outer", indicator=CompositeIndicator(CompositeRule.WORST, parts))
    slos = [*(named(part) for part in STORIES), inner, outer]
    story = Story(world(), HORIZON, range(0, HORIZON, MINUTE))

    [recording] = record(tmp_path, [group for it in slos for group in counting_groups(it)], [story])

    inside, outside = recorded_minutes(recording, inner), recorded_minutes(recording, outer)
    assert len(outside) > 200
    assert outside == {at + MINUTE: counts for at, counts in inside.items() if at + MINUTE < HORIZON}
