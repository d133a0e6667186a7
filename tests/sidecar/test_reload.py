"""Specs that change while the sidecar runs."""

import asyncio
import io
import os
import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

from sloctl.files import SpecText, read_spec_files
from sloctl.model import Slo
from sloctl.sidecar.clock import start_clock
from sloctl.sidecar.reload import SpecFiles, SpecWatcher

SPEC = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {{name: shop}}
spec:
  slos:
    - name: availability
      objective: {objective}
      indicator: {{ratio: {{error: 'errors_total', total: 'requests_total'}}}}
"""
GOOD, STRICTER, BROKEN = (SPEC.format(objective=objective) for objective in ("99%", "99.9%", "101%"))


class Watched:
    """The specs of a directory, and what was applied of them."""

    def __init__(self, directory: Path) -> None:
        self.applied: asyncio.Queue[Sequence[Slo]] = asyncio.Queue()
        self._directory = str(directory)
        files = SpecFiles(self._look, self._look())
        self.specs = SpecWatcher(files, apply_slos=self.applied.put, time=start_clock(since=1_700_000_000))

    def _look(self) -> Sequence[SpecText]:
        return read_spec_files([self._directory], io.BytesIO())

    async def budgets(self) -> list[float]:
        slos = await asyncio.wait_for(self.applied.get(), 30)
        return [round(float(slo.budget), 9) for slo in slos]


def mounted(directory: Path, text: str, version: str) -> None:
    """As Kubernetes changes a ConfigMap: a new directory, then `..data` is swapped in one rename."""
    new = directory / f"..{version}"
    new.mkdir()
    (new / "shop.yaml").write_text(text)
    link = directory / "..data_tmp"
    link.symlink_to(new.name)
    link.rename(directory / "..data")
    if not (directory / "shop.yaml").is_symlink():
        (directory / "shop.yaml").symlink_to("..data/shop.yaml")


async def test_a_reload_watches_what_the_specs_say_now(tmp_path: Path) -> None:
    mounted(tmp_path, GOOD, "1")
    watched = Watched(tmp_path)
    mounted(tmp_path, STRICTER, "2")

    outcome = await watched.specs.reload_specs()

    assert outcome.is_in_force
    assert await watched.budgets() == [0.001]


async def test_a_broken_spec_keeps_the_old_ones_and_says_so_until_it_is_mended(tmp_path: Path) -> None:
    mounted(tmp_path, GOOD, "1")
    watched = Watched(tmp_path)
    mounted(tmp_path, BROKEN, "2")

    outcome = await watched.specs.reload_specs()

    assert (outcome.is_in_force, watched.applied.empty()) == (False, True)
    assert [str(problem) for problem in outcome.problems] == [
        f"{tmp_path}/shop.yaml:7:18: objective must be below 100 %, got 101%: "
        "without an error budget nothing can burn [objective-range]"
    ]
    assert watched.specs.issues()["specs"].startswith("the specs as they were before are still watched: ")
    assert next(figure.value for figure in watched.specs.self_metrics()) == 0

    mounted(tmp_path, GOOD, "3")
    await watched.specs.reload_specs()

    assert watched.specs.issues() == {}
    assert next(figure.value for figure in watched.specs.self_metrics()) == 1


async def test_specs_that_are_gone_keep_the_old_ones(tmp_path: Path) -> None:
    mounted(tmp_path, GOOD, "1")
    watched = Watched(tmp_path)
    (tmp_path / "shop.yaml").unlink()

    outcome = await watched.specs.reload_specs()

    assert [str(problem) for problem in outcome.problems] == [
        f"{tmp_path}:1:1: no *.yaml, *.yml or *.json spec in it [unreadable]"
    ]


async def test_a_swapped_config_map_is_noticed_by_itself(tmp_path: Path) -> None:
    mounted(tmp_path, GOOD, "1")
    watched = Watched(tmp_path)

    async with watched.specs.watch_files(interval=0.05):
        mounted(tmp_path, STRICTER, "2")

        assert await watched.budgets() == [0.001]


async def test_sighup_reloads_at_once(tmp_path: Path) -> None:
    mounted(tmp_path, GOOD, "1")
    watched = Watched(tmp_path)
    mounted(tmp_path, STRICTER, "2")

    async with watched.specs.watch_files(interval=3600):
        os.kill(os.getpid(), signal.SIGHUP)

        assert await watched.budgets() == [0.001]


async def test_a_flood_of_reloads_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    mounted(tmp_path, GOOD, "1")
    watched = Watched(tmp_path)

    results = [await watched.specs.reload_specs() for _ in range(3)]

    assert [result.is_in_force for result in results] == [True] * 3
    assert caplog.messages == ["the specs are unchanged"] * 3


async def test_a_fifo_among_the_specs_does_not_end_reloading(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mounted(tmp_path, GOOD, "1")
    watched = Watched(tmp_path)
    os.mkfifo(tmp_path / "fifo.yaml")
    mounted(tmp_path, STRICTER, "2")

    async with watched.specs.watch_files(interval=0.05):
        assert await watched.budgets() == [0.001]

    assert "fifo.yaml:1:1: warning: a FIFO, a socket or a device is left out" in caplog.text


@pytest.mark.parametrize(
    "junk",
    [
        pytest.param(GOOD + "    - x\n" * 30_000, id="SLOs"),
        pytest.param(
            "---\napiVersion: sloctl.dev/v1\nkind: ServiceLevelObjectives\n" * 14_000, id="documents"
        ),
        pytest.param("a: 1\n" * 150_000, id="the same key"),
    ],
)
async def test_junk_takes_a_hundred_lines_and_holds_up_nothing(
    junk: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mounted(tmp_path, GOOD, "1")
    watched = Watched(tmp_path)
    for number in range(3):
        (tmp_path / f"junk-{number}.yaml").write_text(junk)
    loop = asyncio.get_running_loop()
    longest, began = 0.0, loop.time()
    before = began

    reloading = asyncio.create_task(watched.specs.reload_specs())
    while not reloading.done():
        await asyncio.sleep(0.01)
        longest, before = max(longest, loop.time() - before), loop.time()

    assert not reloading.result().is_in_force
    assert len(caplog.messages) <= 102
    assert "203 more problems: sloctl validate" in caplog.text
    # What is read on the loop itself holds it up from beginning to end.
    assert longest < (loop.time() - began) / 2
