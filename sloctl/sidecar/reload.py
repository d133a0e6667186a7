"""Specs that change while the sidecar runs: read again when their text does, on SIGHUP and when asked.

Its one law: what is watched changes as a whole or not at all. An error anywhere keeps all the old specs, and
is told until a later reload mends it.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Final, TypeAlias

from sloctl.files import SpecFileError
from sloctl.model import Slo
from sloctl.problems import Place, Problem, ProblemLevel
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.parts import Figure, Kind, Reloaded
from sloctl.spec import read_specs

# Kubernetes itself takes up to a minute to bring a changed ConfigMap.
LOOK_SECONDS: Final = 10.0

# The (path, content) of every spec.
Texts: TypeAlias = Sequence[tuple[str, bytes]]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpecFiles:
    """*look* reads the specs and may raise files.Unreadable; *seen* is what is watched already of them."""

    look: Callable[[], Texts]
    seen: Texts


class Specs:
    """What is watched, and how the last attempt to change it ended; *apply* takes what replaces it."""

    def __init__(
        self, files: SpecFiles, *, apply: Callable[[Sequence[Slo]], Awaitable[None]], time: Clock
    ) -> None:
        self._files = files
        self._apply = apply
        self._time = time
        self._busy = asyncio.Lock()
        # Why they cannot be read, where they cannot.
        self._seen: Texts | str = files.seen
        self.last = Reloaded(time.now(), is_in_force=True)

    async def reload(self) -> Reloaded:
        """Read the specs and watch what they say; at an error, what was watched before."""
        async with self._busy:
            self.last = await self._taken(await self._look())
            return self.last

    @asynccontextmanager
    async def watching(self, *, every: float = LOOK_SECONDS) -> AsyncIterator[None]:
        """Reloads on SIGHUP and within *every* seconds of a change, while open."""
        wanted = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, wanted.set)
        task = asyncio.create_task(self._watch(wanted, every), name="specs")
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def figures(self) -> Iterable[Figure]:
        """Whether the specs in force are those on disk, and since when."""
        return (
            Figure(
                "sloctl_specs_last_reload_successful",
                "Whether the specs as they stand now are watched; 0 while older ones are.",
                Kind.GAUGE,
                float(self.last.is_in_force),
            ),
            Figure(
                "sloctl_specs_last_reload_timestamp_seconds",
                "When the specs were last read.",
                Kind.GAUGE,
                self.last.at,
            ),
        )

    def troubles(self) -> Mapping[str, str]:
        """Why older specs are still watched."""
        errors = [problem for problem in self.last.problems if problem.level is ProblemLevel.ERROR]
        if self.last.is_in_force or not errors:
            return {}
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return {"specs": f"the specs as they were before are still watched: {errors[0]}{more}"}

    async def _watch(self, wanted: asyncio.Event, every: float) -> None:
        """Contents are compared, not dates: swapping a ConfigMap leaves no date that says so."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(wanted.wait(), every)
            asked = wanted.is_set()
            wanted.clear()
            if asked or await self._look() != self._seen:
                await self.reload()

    async def _look(self) -> Texts | str:
        try:
            return await asyncio.to_thread(self._files.look)
        except SpecFileError as unreadable:
            return str(unreadable)

    async def _taken(self, texts: Texts | str) -> Reloaded:
        self._seen = texts
        # Thousands of specs take seconds, and ticks go on meanwhile.
        slos, problems = await asyncio.to_thread(_read, texts)
        for problem in problems:
            _log.log(logging.ERROR if problem.level is ProblemLevel.ERROR else logging.WARNING, "%s", problem)
        is_sound = all(problem.level is ProblemLevel.WARNING for problem in problems)
        if is_sound:
            await self._apply(slos)
        _log.info("%s", f"watching {len(slos)} SLOs" if is_sound else "watching the specs from before")
        return Reloaded(self._time.now(), is_in_force=is_sound, problems=problems)


def _read(texts: Texts | str) -> tuple[Sequence[Slo], tuple[Problem, ...]]:
    if isinstance(texts, str):
        path, _, reason = texts.partition(": ")
        return (), (Problem(Place(path, 1, 1), "unreadable", reason),)
    specs = read_specs(texts)
    return specs.slos, specs.problems
