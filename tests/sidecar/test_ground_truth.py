"""Whatever happens to targets, no more is counted than happened; and all of it, where that can be known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import MINUTE
from sloctl.model import CountedSide, LabelMatcher, MatchOp, RatioIndicator, Selector, Slo
from sloctl.sidecar.sources import UnsupportedSlo
from sloctl.sidecar.sources.counting.counter_increases import Baseline, advance_baseline
from sloctl.sidecar.sources.counting.series_weights import (
    SeriesWeights,
    SloGroup,
    countable_pair,
    metric_names,
)
from sloctl.sidecar.sources.counting.tally import HeldCounts, merge_tallies, tally_samples
from sloctl.sidecar.sources.scrape.exposition import ExpositionParser
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import AVAILABILITY, slo

START = 1_700_000_000.0
TICK = 5.0
# Two metrics that need not be born, or restarted, at the same moment in the eyes of who scrapes.
BY_STATUS = slo(AVAILABILITY)
BY_GOOD = slo(
    RatioIndicator(
        CountedSide.GOOD,
        numerator=(Selector("good_total", (LabelMatcher("job", MatchOp.NOT_EQUAL, "x"),)),),
        total=(Selector("all_total"),),
    )
)


@dataclass(frozen=True)
class Step:
    """One tick of one target: events, perhaps a restart, events, a scrape that may fail or miss a series."""

    before: tuple[int, int] = (0, 0)
    restarts: bool = False
    after: tuple[int, int] = (0, 0)
    fails: bool = False
    hides_errors: bool = False


@dataclass
class Process:
    """A target as it truly is: (good, bad) events so far, and since it started."""

    started: float
    dates: bool
    happened: tuple[int, int] = (0, 0)
    shown: tuple[int, int] = (0, 0)
    # Lost with the process they were counted in, before anybody saw them.
    unseen: tuple[int, int] = (0, 0)
    lost: tuple[int, int] = (0, 0)
    born: list[float | None] = field(default_factory=lambda: [None, None])

    def live(self, step: Step, now: float) -> None:
        self._count(step.before, now - 4)
        if step.restarts:
            self.lost = plus(self.lost, self.unseen)
            self.unseen = self.shown = (0, 0)
            self.started, self.born = now - 3, [None, None]
        self._count(step.after, now - 2)
        if not step.fails:
            self.unseen = (0, 0)

    def _count(self, events: tuple[int, int], at: float) -> None:
        self.happened, self.shown = plus(self.happened, events), plus(self.shown, events)
        self.unseen = plus(self.unseen, events)
        self.born = [
            at if birth is None and more else birth for birth, more in zip(self.born, events, strict=True)
        ]

    def exposed(self, *, hides_errors: bool) -> str:
        good, bad = self.shown
        lines = []
        if good:
            lines += [f'requests_total{{status="200"}} {good}', f"good_total {good}"]
        if bad and not hides_errors:
            lines += [f'requests_total{{status="500"}} {bad}']
        if good + bad:
            lines += [f"all_total {good + bad}"]
        return "\n".join([*lines, *(self._dates() if self.dates else [])]) + "\n"

    def _dates(self) -> list[str]:
        good, bad = self.born
        first = min((birth for birth in self.born if birth is not None), default=None)
        names = {'requests_created{status="200"}': good, 'requests_created{status="500"}': bad}
        names |= {"good_created": good, "all_created": first}
        return [f"{name} {birth!r}" for name, birth in names.items() if birth is not None]


class Watcher:
    """What the source does with one target, without the network."""

    def __init__(self, counted: Slo) -> None:
        pair = countable_pair(counted)
        assert not isinstance(pair, UnsupportedSlo)
        self.exposition, self.shares = (
            ExpositionParser(metric_names(pair), {}),
            SeriesWeights([(counted, pair)]),
        )
        self.baseline = Baseline()
        self.owed: HeldCounts = {}
        self.debts: Mapping[SloGroup, float] = {}

    def see(self, text: str | None, now: float) -> EventCounts:
        if text is None:
            self.baseline = self.baseline.after_interruption()
            return EventCounts(0.0, 0.0)
        samples = self.exposition.parse_samples(f"{text}# EOF\n", openmetrics=True)
        self.baseline, scrape = advance_baseline(self.baseline, samples, now)
        told = tally_samples(scrape, self.shares, self.owed)
        self.owed = told.held_counts
        counts, self.debts = merge_tallies([told], self.debts)
        return next(iter(counts.values()), EventCounts(0.0, 0.0))


def plus(one: tuple[int, int], other: tuple[int, int]) -> tuple[int, int]:
    return one[0] + other[0], one[1] + other[1]


def lived(
    counted: Slo, steps: Sequence[Step], *, dates: bool
) -> tuple[list[tuple[EventCounts, EventCounts]], Process]:
    """After each step what was counted since the first scrape and what truly happened since; and the end."""
    # A service that has been there for a minute, and has had one request.
    process, watcher = Process(START, dates, shown=(1, 0), born=[START - 100.0, None]), Watcher(counted)
    seen, story = EventCounts(0.0, 0.0), []
    for number, step in enumerate([Step(), *steps]):
        now = START + number * TICK if number else START - MINUTE
        process.live(step, now)
        text = None if step.fails else process.exposed(hides_errors=step.hides_errors)
        more = watcher.see(text, now)
        seen = EventCounts(error=seen.error + more.error, total=seen.total + more.total)
        good, bad = process.happened
        story.append((seen, EventCounts(error=bad, total=good + bad)))
    return story, process


EVENTS = st.tuples(st.integers(0, 9), st.integers(0, 9))
STEPS = st.lists(
    st.builds(
        Step,
        before=EVENTS,
        restarts=st.sampled_from([False, False, False, True]),
        after=EVENTS,
        fails=st.sampled_from([False, False, True]),
        hides_errors=st.sampled_from([False, False, True]),
    ),
    max_size=25,
)


@pytest.mark.parametrize("counted", [BY_STATUS, BY_GOOD], ids=["errors named", "good named"])
@given(steps=STEPS, dates=st.booleans())
def test_no_more_is_counted_than_happened(counted: Slo, steps: list[Step], *, dates: bool) -> None:
    story, _ = lived(counted, steps, dates=dates)

    for seen, truth in story:
        assert seen.total <= truth.total
        assert seen.error <= truth.error


WELL_SEEN = st.lists(
    st.one_of(
        st.builds(Step, after=EVENTS),
        # A process that starts anew shows itself before it counts.
        st.builds(Step, restarts=st.just(value=True)),
    ),
    max_size=25,
)


@pytest.mark.parametrize("counted", [BY_STATUS, BY_GOOD], ids=["errors named", "good named"])
@given(steps=WELL_SEEN)
def test_where_nothing_happened_unseen_all_is_counted(counted: Slo, steps: list[Step]) -> None:
    """Without creation times a counter that outgrew its old value after a restart hides that it did."""
    story, _ = lived(counted, steps, dates=any(step.restarts for step in steps))

    assert all(seen == truth for seen, truth in story)


@given(steps=STEPS)
def test_with_creation_times_only_what_died_unseen_is_missing(steps: list[Step]) -> None:
    """Whatever fails and restarts: once a scrape shows all, all that a scrape could show has been counted."""
    whole = [replace(step, hides_errors=False) for step in steps]
    story, process = lived(BY_STATUS, [*whole, Step()], dates=True)

    seen, truth = story[-1]
    good, bad = process.lost
    assert seen == EventCounts(error=truth.error - bad, total=truth.total - good - bad)
