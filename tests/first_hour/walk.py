"""The pages of the first hour as walks: what a reader saves and types, in order, and the typing of it."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeAlias

ROOT: Final = Path(__file__).parents[2]
MOST_COMMANDS: Final = 10
_WITHIN: Final = 120.0
# The budget is of the slow group, evaluated every five minutes, and published by the fast one.
_KNOWN_WITHIN: Final = 480.0
# A file is announced by its name, and stands in the next block.
_STEPS: Final = re.compile(
    r"[Ss]ave (?:\[[^]]*\]\((?P<linked>[^)]+)\) )?as `(?P<name>[^`]+)`"
    r"|^```(?P<language>\w+)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class SavedFile:
    """What the reader saves."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class TypedCommand:
    """What the reader types."""

    words: str


Step: TypeAlias = SavedFile | TypedCommand


def read_walk(page: str) -> list[Step]:
    """The steps of a page below docs/."""
    steps: list[Step] = []
    announced = None
    for found in _STEPS.finditer((ROOT / "docs" / page).read_text()):
        if found["linked"]:
            steps.append(SavedFile(found["name"], only_spec(found["linked"])))
        elif found["name"]:
            announced = found["name"]
        elif found["language"] == "sh":
            commands = found["text"].replace("\\\n", " ").splitlines()
            steps += [TypedCommand(" ".join(line.split())) for line in commands if line]
        elif announced is not None:
            steps.append(SavedFile(announced, found["text"]))
            announced = None
    return steps


def only_spec(page: str) -> str:
    """The one block of YAML on a page."""
    [text] = re.findall(r"^```yaml\n(.*?)^```$", (ROOT / "docs" / page).read_text(), re.MULTILINE | re.DOTALL)
    return str(text)


@dataclass(slots=True)
class Reader:
    """Somebody at a terminal in *folder*; *places* are addresses of the page that are others here."""

    folder: Path
    places: Mapping[str, str]
    environment: Mapping[str, str] = field(default_factory=dict)
    background: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def save(self, file: SavedFile) -> None:
        place = self.folder / file.name.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(self.here(file.text))

    def run(self, command: str) -> str:
        """Run a command and return what it printed on both streams; one that ends with & stays running."""
        command = self.here(command)
        if command.endswith(" &"):
            with (self.folder / f"background-{len(self.background)}.log").open("wb") as log:
                process = subprocess.Popen(
                    ["bash", "-c", f"exec {command.removesuffix(' &')}"],
                    cwd=self.folder,
                    env=self.variables(),
                    stdout=log,
                    stderr=subprocess.STDOUT,
                )
            self.background.append(process)
            return ""
        if command == "kill %1":
            self.background[0].send_signal(signal.SIGTERM)
            assert self.background[0].wait(_WITHIN) == 0
            return ""
        done = self.attempt(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    def run_until(self, command: str, words: str) -> str:
        """Run a command again and again until it succeeds and prints *words*, as a reader who waits."""
        command, deadline = self.here(command), time.monotonic() + _KNOWN_WITHIN
        while (done := self.attempt(command)).returncode or words not in done.stdout:
            assert time.monotonic() < deadline, f"{command}\n{done.stdout}"
            time.sleep(0.5)
        return done.stdout

    def attempt(self, command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.variables(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_WITHIN,
        )

    def here(self, text: str) -> str:
        for place, other in self.places.items():
            text = text.replace(place, other)
        return text

    def variables(self) -> dict[str, str]:
        # The sloctl of this checkout, as if it had been installed.
        return {
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.folder),
            **self.environment,
        }


@contextmanager
def reader_in(
    folder: Path, places: Mapping[str, str], environment: Mapping[str, str] = {}
) -> Iterator[Reader]:
    """A reader whose background commands end with the test."""
    reader = Reader(folder, places, environment)
    try:
        yield reader
    finally:
        for process in reader.background:
            process.kill()
            process.wait()
