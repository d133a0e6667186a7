"""What the documents show is what happens."""

import pkgutil
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from sloctl.cli.main import main
from sloctl.problem_formats.text import render_problems
from sloctl.sidecar.config import read as configuration
from sloctl.spec import read_specs

DOCUMENTS = [Path("README.md"), *sorted(Path("docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# How the three lines of measured figures begin.
_FIGURES = ("- **Cost.**", "- **Truth.**", "- **Pages.**")
_LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for document in DOCUMENTS:
        for number, (found, text) in enumerate(_FENCE.findall(document.read_text()), start=1):
            if found == language:
                yield f"{document} block {number}", text


def documents(kind: str) -> list[tuple[str, str]]:
    """Whole files: blocks that begin as documents of this kind do."""
    head = f"apiVersion: sloctl.dev/v1\nkind: {kind}\n"
    return [(place, text) for place, text in blocks("yaml") if text.startswith(head)]


SPECS = documents("ServiceLevelObjectives")
CONFIGURATIONS = documents("SidecarConfiguration")


@pytest.mark.parametrize(("place", "text"), SPECS, ids=[place for place, _ in SPECS])
def test_every_whole_spec_in_the_documents_is_sound(place: str, text: str) -> None:
    specs = read_specs([(place, text.encode())])

    assert specs.problems == ()
    assert specs.slos != ()


@pytest.mark.parametrize(("place", "text"), CONFIGURATIONS, ids=[place for place, _ in CONFIGURATIONS])
def test_every_configuration_in_the_documents_is_sound(place: str, text: str) -> None:
    settings, problems = configuration.read_configuration(place, text.encode())

    assert problems == ()
    assert settings is not None


def test_the_readme_has_a_spec_and_a_session() -> None:
    assert [place for place, _ in SPECS if place.startswith("README")] != []
    assert [place for place, _ in blocks("console") if place.startswith("README")] != []


def test_the_sessions_of_the_readme_print_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yaml").write_text(next(text for place, text in SPECS if place.startswith("README")))
    sessions = [text for place, text in blocks("console") if place.startswith("README")]
    monkeypatch.chdir(tmp_path)

    printed = [_run_session(session, capsys) for session in sessions]

    assert printed == sessions


def test_the_problems_of_the_readme_are_those_of_its_spec_with_its_mistakes() -> None:
    spec = next(text for place, text in SPECS if place.startswith("README"))
    for right, wrong in (("99.9%", "100%"), ("window:", "windw:"), ("250ms", "250")):
        spec = spec.replace(right, wrong)

    problems = read_specs([("shop.yaml", spec.encode())]).problems

    assert render_problems(problems, {"shop.yaml": spec.encode()}) in dict(blocks("text")).values()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_leads_somewhere(document: Path) -> None:
    missing = [to for to in _LINK.findall(document.read_text()) if not (document.parent / to).exists()]

    assert missing == []


def test_the_figures_of_the_readme_are_those_of_the_benchmark() -> None:
    found = _in_short("200 series")
    ours, sloth, pyrra = found["samples read a minute"]
    true, sloth_true, pyrra_true = map(_off, found["whole window, no downtime in it"])
    down, _, _ = map(_off, found["whole window, downtime in it"])
    page, sloth_page, pyrra_page = found["page after the true crossing, mean"]

    assert [
        f"- **Cost.** {ours} samples read a minute; Sloth {sloth}, Pyrra {pyrra}.",
        f"- **Truth.** The 30-day error ratio is off by {true}; with a downtime inside, by {down}. "
        f"Sloth: {sloth_true}; Pyrra: {pyrra_true}.",
        f"- **Pages.** {page} after the true error ratio crosses the threshold, in the mean; "
        f"Sloth {sloth_page}, Pyrra {pyrra_page}.",
    ] == [line for line in Path("README.md").read_text().splitlines() if line.startswith(_FIGURES)]


def test_every_name_in_the_two_walks_of_the_architecture_exists() -> None:
    _, *walks = Path("docs/architecture.md").read_text().split("\n## ")[:3]
    steps = [line for walk in walks for line in walk.splitlines() if re.match(r"\d+\. ", line)]
    names = {name for step in steps for name in re.findall(r"`([a-z_.]+(?:\.\w+)+)`", step)}

    assert len(steps) == 20
    assert [name for name in sorted(names) if not _exists(f"sloctl.{name}")] == []


def test_every_module_has_its_row_in_the_architecture() -> None:
    rows = re.findall(r"^\| (`.*?) \|", Path("docs/architecture.md").read_text(), re.MULTILINE)
    modules = {name.rstrip("/") for row in rows for name in re.findall(r"`([^`]+)`", row)}

    assert modules == {
        path.stem
        for path in Path("sloctl").iterdir()
        if not path.name.startswith("__") and path.suffix != ".typed"
    }


def test_the_readme_fits_a_reader() -> None:
    assert len(Path("README.md").read_text().splitlines()) < 150


def _exists(name: str) -> bool:
    """Whether *name* is a module, or something that a module has."""
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True


def _in_short(profile: str) -> dict[str, list[str]]:
    """Rows of the benchmark's last table: a figure, and its cell for sloctl, Sloth and Pyrra."""
    _, _, table = Path("docs/benchmarks.md").read_text().partition("### In short")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {row[1]: row[2:5] for row in rows if row[0] == profile}


def _off(cell: str) -> str:
    """The relative errors of a cell like `0.05% / 0.63%; 0.6`, whose last is an error of the budget."""
    middle, worst = cell.partition(";")[0].split(" / ")
    return f"{middle} in the median and {worst} at worst"


def _run_session(session: str, capsys: pytest.CaptureFixture[str]) -> str:
    """The session as it goes now: each command with what it prints, on either stream."""
    printed = []
    for line in session.splitlines():
        if line.startswith("$ sloctl "):
            main(shlex.split(line.removeprefix("$ sloctl ")))
            output = capsys.readouterr()
            printed.append(f"{line}\n{output.out}{output.err}")
    return "".join(printed)
