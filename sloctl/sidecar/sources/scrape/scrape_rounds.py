"""Rounds of scrapes, in which a target that does not answer holds up no other.

Each target has a scrape of its own, which goes on over as many rounds as it takes. A round waits for those
that answered quickly the last time, and hardly for the slow ones: what these count comes with the round in
which they have answered. The slow ones share half of the connections; when they are more, they take turns:
by two lines, of those that answered lately and of the others, the longest not asked first in each. A turn is
short at first and twice as long each time it was not enough, so that one that answers at once, after all,
does not wait for a hundred that never do.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import Final, NamedTuple, TypeAlias

from sloctl.sidecar.runtime import cancel_tasks
from sloctl.sidecar.sources.counting.counter_increases import MAX_BASELINE_AGE
from sloctl.sidecar.sources.counting.plan import CountingPlan
from sloctl.sidecar.sources.counting.tally import Tally
from sloctl.sidecar.sources.scrape.scraper import TargetScraper
from sloctl.sidecar.sources.scrape.targets import TargetState

# A round waits so long for a target that was quick the last time.
PATIENCE_SECONDS: Final = 1.0
# And so long for one that was slow, and may be well again.
_SLOW_PATIENCE_SECONDS: Final = 0.1
# The first turn of a slow target, while others wait for theirs.
_FIRST_TURN_SECONDS: Final = 2.0


class CountedScrape(NamedTuple):
    """The tally of one scrape, and the plan by which it was counted, which may be replaced meanwhile."""

    plan: CountingPlan
    tally: Tally


# Scrapes one target; None where that failed.
Scrape: TypeAlias = Callable[[TargetScraper], Awaitable[CountedScrape | None]]


@dataclass(frozen=True, slots=True)
class _RunningScrape:
    task: asyncio.Future[CountedScrape | None]
    began: float


class ScrapeRounds:
    """The scrapes that are under way, at most *most_at_once* of them."""

    def __init__(self, *, most_at_once: int) -> None:
        # One for the quick ones, whatever happens.
        self._most_at_once = max(2, most_at_once)
        self._most_slow = self._most_at_once // 2
        self._running: dict[TargetScraper, _RunningScrape] = {}
        # The longest not asked first, with the seconds of its next turn.
        self._slow: dict[TargetScraper, float] = {}

    async def run_round(self, scrapers: Sequence[TargetScraper], scrape: Scrape) -> list[CountedScrape]:
        """Ask all targets that are not being asked; return the scrapes that ended by then."""
        known = set(scrapers)
        self._slow = {scraper: turn for scraper, turn in self._slow.items() if scraper in known}
        counted = self._collect_counted()
        await self._give_up_excess()
        await self.end_turns()
        quick = deque(each for each in scrapers if each not in self._slow and each not in self._running)
        slow = self._start_slow(scrape)
        while quick:
            wave = [quick.popleft() for _ in range(min(len(quick), self._most_at_once - len(self._running)))]
            self._start(wave, scrape)
            await asyncio.wait([self._running[each].task for each in wave], timeout=PATIENCE_SECONDS)
            for each in wave:
                if not self._running[each].task.done():
                    self._slow[each] = _FIRST_TURN_SECONDS
            counted += self._collect_counted()
            await self._give_up_excess()
        if slow:
            await asyncio.wait(slow, timeout=_SLOW_PATIENCE_SECONDS)
        return counted + self._collect_counted()

    def states(self, scrapers: Iterable[TargetScraper]) -> tuple[TargetState, ...]:
        """Return the states of *scrapers*: one that is waited for longer than a round does is down."""
        now = asyncio.get_running_loop().time()
        return tuple(
            scraper.state
            if (running := self._running.get(scraper)) is None or now - running.began < PATIENCE_SECONDS
            else replace(scraper.state, up=False, error=f"no answer for {now - running.began:.0f} s so far")
            for scraper in scrapers
        )

    async def end_scrapes(self) -> None:
        """Cancel what is under way."""
        await cancel_tasks([running.task for running in self._running.values()])
        self._running.clear()

    def _start(self, scrapers: Iterable[TargetScraper], scrape: Scrape) -> None:
        now = asyncio.get_running_loop().time()
        for scraper in scrapers:
            self._running[scraper] = _RunningScrape(asyncio.ensure_future(scrape(scraper)), now)

    def _start_slow(self, scrape: Scrape) -> list[asyncio.Future[CountedScrape | None]]:
        now = asyncio.get_running_loop().time()
        waiting = self.waiting_slow()
        lately = [each for each in waiting if now - each.answered_at <= MAX_BASELINE_AGE]
        others = [each for each in waiting if now - each.answered_at > MAX_BASELINE_AGE]
        by_turns = [each for pair in zip_longest(lately, others) for each in pair if each is not None]
        chosen = by_turns[: max(0, self._most_slow - sum(each in self._slow for each in self._running))]
        for scraper in chosen:
            # To the end: others have their turn before it is asked again.
            self._slow[scraper] = self._slow.pop(scraper)
        self._start(chosen, scrape)
        return [self._running[each].task for each in chosen]

    def waiting_slow(self) -> list[TargetScraper]:
        return [each for each in self._slow if each not in self._running]

    def _collect_counted(self) -> list[CountedScrape]:
        """Take the scrapes that have ended; who was quick is no longer slow."""
        ended = [(scraper, running) for scraper, running in self._running.items() if running.task.done()]
        counted: list[CountedScrape] = []
        for scraper, running in ended:
            del self._running[scraper]
            if (scraper.state.seconds or 0.0) < PATIENCE_SECONDS:
                self._slow.pop(scraper, None)
            if (result := running.task.result()) is not None:
                counted.append(result)
        return counted

    async def _give_up_excess(self) -> None:
        """Give up scrapes of slow targets that are more than may be under way."""
        slow = sorted((each for each in self._running if each in self._slow), key=_last_answer_first)
        await self._give_up(slow[self._most_slow :])

    async def end_turns(self) -> None:
        """Give up scrapes whose turn is over, for as many as wait; their next one is longer."""
        now = asyncio.get_running_loop().time()
        overdue = [
            scraper
            for scraper, running in self._running.items()
            if (turn := self._slow.get(scraper)) is not None and now - running.began > turn
        ]
        ended = overdue[: len(self.waiting_slow())]
        for scraper in ended:
            self._slow[scraper] *= 2
        await self._give_up(ended)

    async def _give_up(self, scrapers: Iterable[TargetScraper]) -> None:
        now = asyncio.get_running_loop().time()
        for scraper in scrapers:
            running = self._running.pop(scraper)
            await cancel_tasks([running.task])
            scraper.record_failure("no answer yet, and others wait for the connection", now - running.began)


def _last_answer_first(scraper: TargetScraper) -> float:
    """Order by the last good answer: who answers late goes before who never does."""
    return -scraper.answered_at
