"""The documents as a site: it builds strictly, and every page is found."""

import re
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.site.build import ELSEWHERE, ROOT, build_site, stage_pages

# Pages behind the list of decisions, and a file for programs.
_BEHIND_OTHERS: Final = re.compile(r"decisions/.*")


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


def test_the_site_asks_nothing_of_another_host(staged: Path) -> None:
    build_site(staged)

    pages = [page.read_text() for page in (staged / "build/site").rglob("*.html")]
    fetched = {url for page in pages for url in re.findall(r'(?:src|href)="(https?://[^"]+)"', page)}
    links = {url for page in pages for url in re.findall(r'<a [^>]*href="(https?://[^"]+)"', page)}
    assert len(pages) > len(ELSEWHERE)
    assert fetched - links == set()


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
