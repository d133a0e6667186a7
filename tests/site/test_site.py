"""The documents as a site: it builds strictly, and every page is found."""

import ast
import re
import shutil
import tomllib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from tests.site.build import ELSEWHERE, ROOT, build_site, stage_pages
from tests.site.cast import PICTURE, draw_session, record_session
from tests.site.licences import PAGE, licence_page
from tests.site.pictures import pictures

# Pages behind the list of decisions.
_BEHIND_OTHERS: Final = re.compile(r"decisions/.*")
PRIMER_ROWS: Final = re.findall(
    r"^\| ([\d.]+ %) \| (.+?) \| ([\d,]+) \|$", (ROOT / "docs/primer.md").read_text(), re.MULTILINE
)


@pytest.fixture
def staged(tmp_path: Path) -> Path:
    """A folder with all pages, and the settings of the site."""
    stage_pages(tmp_path / "build/docs")
    shutil.copy(ROOT / "zensical.toml", tmp_path)
    return tmp_path


def test_the_site_builds_without_a_warning(staged: Path) -> None:
    built = build_site(staged)

    assert built.returncode == 0
    assert (staged / "build/site/index.html").exists()


@pytest.mark.parametrize("link", ["nowhere.md", "spec.md#nowhere", "#nowhere"])
def test_a_link_that_leads_nowhere_fails_the_build(staged: Path, link: str) -> None:
    with (staged / "build/docs/demo.md").open("a") as page:
        page.write(f"\n[away]({link})\n")

    assert build_site(staged).returncode != 0


def test_every_page_is_in_the_navigation_once(staged: Path) -> None:
    pages = {page.relative_to(staged / "build/docs").as_posix() for page in staged.rglob("*.md")}
    listed = list(navigation())

    assert sorted(set(listed)) == sorted(listed)
    assert {page for page in pages if not _BEHIND_OTHERS.fullmatch(page)} | {"decisions/index.md"} == set(
        listed
    )


def test_twenty_questions_of_strangers_are_answered_two_clicks_from_the_front_page() -> None:
    asked = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", (ROOT / "docs/faq.md").read_text(), re.MULTILINE)
    answers = {number: links_of(answer.replace("(#", "(faq.md#")) for number, _, answer in asked}
    front = links_of((ROOT / "docs/index.md").read_text())
    reached = front | {link for page in front for link in links_of((ROOT / "docs" / page).read_text())}

    assert [int(number) for number, _, _ in asked] == list(range(1, 21))
    assert all(answers.values())
    assert set().union(*answers.values()) <= reached | {"faq.md"}


def test_the_table_of_codes_has_every_code(staged: Path) -> None:
    page = (staged / "build/docs/troubleshooting.md").read_text()
    codes = re.findall(r"^### (\S+)$", (ROOT / "docs/problems.md").read_text(), re.MULTILINE)

    assert re.findall(r"^\| \[([^]]+)\]\(problems.md#", page, re.MULTILINE) == sorted(codes)


def test_every_finding_against_a_prometheus_has_its_remedy_among_the_symptoms() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    problems = (ROOT / "docs/problems.md").read_text()
    live = re.findall(r"^### (live-\S+)$", problems, re.MULTILINE)

    assert [code for code in live if code not in page] == []


def test_every_issue_that_the_page_can_name_has_its_row() -> None:
    page = (ROOT / "docs/troubleshooting.md").read_text()
    rows = {name.split()[0] for name in re.findall(r"^\| `([^`]+)` \| .+ \| .+ \|$", page, re.MULTILINE)}

    assert named_issues() - rows == set()


def test_the_pictures_are_what_is_compiled_and_computed() -> None:
    drawn = {place: picture.render() for place, picture in pictures().items()}

    assert drawn == {place: place.read_text() for place in drawn}


def test_the_cast_is_what_the_commands_print() -> None:
    assert draw_session(record_session()) == PICTURE.read_text()


def test_the_licences_are_those_of_what_is_brought_along() -> None:
    page = licence_page()

    assert page == PAGE.read_text()
    assert re.findall(r"^\| (\S+) \| \|", page, re.MULTILINE) == []
    assert "GPL" not in page


@pytest.mark.parametrize(("objective", "outage", "events"), PRIMER_ROWS)
def test_the_budgets_of_the_primer_are_those_of_their_objectives(
    objective: str, outage: str, events: str
) -> None:
    bad = 1 - Fraction(objective.removesuffix(" %")) / 100
    seconds = round(bad * 30 * 86400)
    hours, minutes, rest = seconds // 3600, seconds % 3600 // 60, seconds % 60

    assert outage in {f"{hours} h {minutes} min", f"{minutes} min {rest} s"}
    assert events == f"{round(bad * 1_000_000):,}"


def test_the_site_asks_nothing_of_another_host(staged: Path) -> None:
    build_site(staged)

    pages = [page.read_text() for page in (staged / "build/site").rglob("*.html")]
    fetched = {url for page in pages for url in re.findall(r'(?:src|href)="(https?://[^"]+)"', page)}
    links = {url for page in pages for url in re.findall(r'<a [^>]*href="(https?://[^"]+)"', page)}
    assert len(pages) > len(ELSEWHERE)
    assert fetched - links == set()


def named_issues() -> set[str]:
    """The keys of every mapping of issues that a component of the sidecar returns or fills."""
    functions = [
        node
        for file in (ROOT / "sloctl/sidecar").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name in {"issues", "_source_issues", "collect_issues"}
    ]
    nodes = [node for function in functions for node in ast.walk(function)]
    keys = [key for node in nodes if isinstance(node, ast.Dict) for key in node.keys]
    keys += [node.key for node in nodes if isinstance(node, ast.DictComp)]
    keys += [node.slice for node in nodes if isinstance(node, ast.Subscript)]
    # The one with an address behind it is a text in parts.
    parts = [key.values[0] if isinstance(key, ast.JoinedStr) else key for key in keys]
    return {
        part.value.strip() for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)
    }


def links_of(page: str) -> set[str]:
    """The pages that a page links to."""
    return set(re.findall(r"\]\(([a-z0-9-]+\.md)(?:#[^)]*)?\)", page))


def navigation() -> Iterator[str]:
    """The pages that the navigation lists, in its order."""
    pending: list[object] = [tomllib.loads((ROOT / "zensical.toml").read_text())["project"]["nav"]]
    while pending:
        match pending.pop(0):
            case str(page):
                yield page
            case list(entries):
                pending[:0] = entries
            case dict(section):
                pending[:0] = section.values()
