"""Specs that change while the sidecar runs: read again when their text does, on SIGHUP and on request.

The specs change as a whole or not at all: an error anywhere keeps all the old ones, and is an issue until a
later reload succeeds.
"""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from sloctl.files import SpecFileError, SpecText
from sloctl.model import Slo
from sloctl.problems import Place, Problem, ProblemLevel
from sloctl.sidecar.clock import Clock
from sloctl.sidecar.component import MetricType, ReloadResult, SelfMetric
from sloctl.sidecar.runtime import run_in_background
from sloctl.spec import ReadingOptions, read_specs

# Kubernetes itself takes up to a minute to bring a changed ConfigMap.
CHECK_INTERVAL_SECONDS: Final = 10.0

SpecTexts: TypeAlias = Sequence[SpecText]

# Lines of the log that one reload may take.
_MAX_LOGGED_PROBLEMS: Final = 100

_log: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpecFiles:
    """A way to read the specs, which may raise SpecFileError, and the texts that are in force already."""

    read_texts: Callable[[], SpecTexts]
    loaded: SpecTexts
    options: ReadingOptions = field(default_factory=ReadingOptions)


class SpecWatcher:
    """The specs in force, and the result of the last attempt to replace them through *apply_slos*."""

    def __init__(
        self, files: SpecFiles, *, apply_slos: Callable[[Sequence[Slo]], Awaitable[None]], time: Clock
    ) -> None:
        self._files = files
        self._apply_slos = apply_slos
        self._time = time
        self._reload_lock = asyncio.Lock()
        # The reason they cannot be read, where they cannot.
        self._loaded: SpecTexts | str = files.loaded
        self.last_reload = ReloadResult(time.now(), is_in_force=True)

    async def reload_specs(self) -> ReloadResult:
        """Read the specs and put them in force, unless one of them has an error, or they are unchanged."""
        async with self._reload_lock:
            texts = await self._read_texts()
            if texts == self._loaded and self.last_reload.is_in_force:
                _log.info("the specs are unchanged")
                self.last_reload = replace(self.last_reload, at=self._time.now())
                return self.last_reload
            self._loaded = texts
            # Thousands of specs take seconds, and ticks go on meanwhile.
            slos, problems = await asyncio.to_thread(_parse_texts, self._loaded, self._files.options)
            for problem in problems[:_MAX_LOGGED_PROBLEMS]:
                level = logging.ERROR if problem.level is ProblemLevel.ERROR else logging.WARNING
                _log.log(level, "%s", problem)
            if len(problems) > _MAX_LOGGED_PROBLEMS:
                _log.error("%d more problems: sloctl validate", len(problems) - _MAX_LOGGED_PROBLEMS)
            is_sound = all(problem.level is not ProblemLevel.ERROR for problem in problems)
            if is_sound:
                await self._apply_slos(slos)
            _log.info("%s", f"watching {len(slos)} SLOs" if is_sound else "watching the specs from before")
            self.last_reload = ReloadResult(self._time.now(), is_in_force=is_sound, problems=problems)
            return self.last_reload

    @asynccontextmanager
    async def watch_files(self, *, interval: float = CHECK_INTERVAL_SECONDS) -> AsyncIterator[None]:
        """Reload on SIGHUP and within *interval* seconds of a change, while open."""
        requested = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, requested.set)
        try:
            async with run_in_background(self._reload_on_change(requested, interval), name="specs"):
                yield
        finally:
            loop.remove_signal_handler(signal.SIGHUP)
            # asyncio leaves the system's own action behind, which ends the process.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)

    def self_metrics(self) -> Iterable[SelfMetric]:
        """Return whether the specs in force are those on disk, and since when."""
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
        """Name the first error that keeps older specs in force."""
        errors = [problem for problem in self.last_reload.problems if problem.level is ProblemLevel.ERROR]
        if self.last_reload.is_in_force or not errors:
            return {}
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return {"specs": f"the specs as they were before are still watched: {errors[0]}{more}"}

    async def _reload_on_change(self, requested: asyncio.Event, interval: float) -> None:
        """Compare contents, not dates: swapping a ConfigMap leaves no date that says so."""
        while True:
            # Not asyncio.wait_for: before Python 3.12 it loses a cancellation that comes with its result.
            with suppress(TimeoutError):
                async with asyncio.timeout(interval):
                    await requested.wait()
            is_requested = requested.is_set()
            requested.clear()
            if is_requested or await self._read_texts() != self._loaded:
                await self.reload_specs()

    async def _read_texts(self) -> SpecTexts | str:
        try:
            return await asyncio.to_thread(self._files.read_texts)
        except SpecFileError as unreadable:
            return str(unreadable)


def _parse_texts(
    texts: SpecTexts | str, options: ReadingOptions
) -> tuple[Sequence[Slo], tuple[Problem, ...]]:
    if isinstance(texts, str):
        path, _, reason = texts.partition(": ")
        return (), (Problem(Place(path, 1, 1), "unreadable", reason),)
    specs = read_specs(texts, options)
    return specs.slos, specs.problems
