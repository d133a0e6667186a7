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
from sloctl.sidecar.component import MetricType, ReloadResult, SelfMetric
from sloctl.spec import read_specs

# Kubernetes itself takes up to a minute to bring a changed ConfigMap.
CHECK_INTERVAL_SECONDS: Final = 10.0

# The (path, content) of every spec.
SpecTexts: TypeAlias = Sequence[tuple[str, bytes]]

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpecFiles:
    """*look* reads the specs and may raise files.Unreadable; *seen* is what is watched already of them."""

    read_texts: Callable[[], SpecTexts]
    loaded: SpecTexts


class SpecWatcher:
    """What is watched, and how the last attempt to change it ended; *apply* takes what replaces it."""

    def __init__(
        self, files: SpecFiles, *, apply: Callable[[Sequence[Slo]], Awaitable[None]], time: Clock
    ) -> None:
        self._files = files
        self._apply = apply
        self._time = time
        self._reload_lock = asyncio.Lock()
        # Why they cannot be read, where they cannot.
        self._loaded: SpecTexts | str = files.loaded
        self.last_reload = ReloadResult(time.now(), is_in_force=True)

    async def reload_specs(self) -> ReloadResult:
        """Read the specs and watch what they say; at an error, what was watched before."""
        async with self._reload_lock:
            self.last_reload = await self._taken(await self._read_texts())
            return self.last_reload

    @asynccontextmanager
    async def watch_files(self, *, every: float = CHECK_INTERVAL_SECONDS) -> AsyncIterator[None]:
        """Reloads on SIGHUP and within *every* seconds of a change, while open."""
        wanted = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, wanted.set)
        task = asyncio.create_task(self._reload_on_change(wanted, every), name="specs")
        try:
            yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def self_metrics(self) -> Iterable[SelfMetric]:
        """Whether the specs in force are those on disk, and since when."""
        return (
            SelfMetric(
                "sloctl_specs_last_reload_successful",
                "Whether the specs as they stand now are watched; 0 while older ones are.",
                MetricType.GAUGE,
                float(self.last_reload.is_in_force),
            ),
            SelfMetric(
                "sloctl_specs_last_reload_timestamp_seconds",
                "When the specs were last read.",
                MetricType.GAUGE,
                self.last_reload.at,
            ),
        )

    def issues(self) -> Mapping[str, str]:
        """Why older specs are still watched."""
        errors = [problem for problem in self.last_reload.problems if problem.level is ProblemLevel.ERROR]
        if self.last_reload.is_in_force or not errors:
            return {}
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return {"specs": f"the specs as they were before are still watched: {errors[0]}{more}"}

    async def _reload_on_change(self, wanted: asyncio.Event, every: float) -> None:
        """Contents are compared, not dates: swapping a ConfigMap leaves no date that says so."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(wanted.wait(), every)
            asked = wanted.is_set()
            wanted.clear()
            if asked or await self._read_texts() != self._loaded:
                await self.reload_specs()

    async def _read_texts(self) -> SpecTexts | str:
        try:
            return await asyncio.to_thread(self._files.read_texts)
        except SpecFileError as unreadable:
            return str(unreadable)

    async def _taken(self, texts: SpecTexts | str) -> ReloadResult:
        self._loaded = texts
        # Thousands of specs take seconds, and ticks go on meanwhile.
        slos, problems = await asyncio.to_thread(_parse_texts, texts)
        for problem in problems:
            _log.log(logging.ERROR if problem.level is ProblemLevel.ERROR else logging.WARNING, "%s", problem)
        is_sound = all(problem.level is ProblemLevel.WARNING for problem in problems)
        if is_sound:
            await self._apply(slos)
        _log.info("%s", f"watching {len(slos)} SLOs" if is_sound else "watching the specs from before")
        return ReloadResult(self._time.now(), is_in_force=is_sound, problems=problems)


def _parse_texts(texts: SpecTexts | str) -> tuple[Sequence[Slo], tuple[Problem, ...]]:
    if isinstance(texts, str):
        path, _, reason = texts.partition(": ")
        return (), (Problem(Place(path, 1, 1), "unreadable", reason),)
    specs = read_specs(texts)
    return specs.slos, specs.problems
