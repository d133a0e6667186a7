"""The site of the documents: run as `python -m tests.site.build`, or `make docs`; strict about links.

Pages are staged in build/docs: those of docs/, and those that stand elsewhere in the repository, where GitHub
or PyPI looks for them. A link to what is no page of the site becomes the name of the file in the repository.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
STAGE: Final = ROOT / "build/docs"
# Pages that stand elsewhere, by their name on the site.
ELSEWHERE: Final = {
    "CHANGELOG.md": "changelog.md",
    "SECURITY.md": "security.md",
    "helm/sloctl/README.md": "chart.md",
}
_DECISIONS: Final = "decisions/index.md"
# Where the table of all codes stands on the site; a reader of the repository has docs/problems.md.
_CODES: Final = "<!-- codes -->"
_ENTRY: Final = re.compile(r"^### (\S+)\n(.+?)(?=\n\n|\n#|\Z)", re.MULTILINE | re.DOTALL)
_LINK: Final = re.compile(r"(!?)\[([^\]]*)\]\(([^)#\s]+)(#[^)\s]*)?\)")


def main() -> int:
    stage_pages(STAGE)
    return build_site(ROOT).returncode


def build_site(directory: Path) -> subprocess.CompletedProcess[str]:
    """Build what is staged below *directory*, beside its zensical.toml; a link that leads nowhere fails."""
    program = Path(sys.executable).with_name("zensical")
    # Its cache does not see that another page was staged.
    command = [str(program), "build", "--clean", "--strict"]
    return subprocess.run(command, cwd=directory, check=False, text=True)


def stage_pages(stage: Path) -> None:
    """Put every page and picture of the site below *stage*."""
    shutil.rmtree(stage, ignore_errors=True)
    pages = {
        source.relative_to(ROOT).as_posix(): source.relative_to(ROOT / "docs").as_posix()
        for source in sorted((ROOT / "docs").rglob("*"))
        if source.is_file()
    } | ELSEWHERE
    pages["docs/decisions"] = _DECISIONS
    for source, name in pages.items():
        place = stage / name
        place.parent.mkdir(parents=True, exist_ok=True)
        if name == _DECISIONS:
            place.write_text(list_decisions())
        elif source.endswith(".md"):
            text = (ROOT / source).read_text().replace(_CODES, tabulate_codes())
            place.write_text(resolve_links(source, text, pages))
        else:
            shutil.copy(ROOT / source, place)


def list_decisions() -> str:
    """Write the page that lists every decision by its title."""
    titles = [
        (page.read_text().partition("\n")[0].removeprefix("# "), page.name)
        for page in sorted((ROOT / "docs/decisions").glob("*.md"))
    ]
    lines = [f"- [{title}]({name})" for title, name in titles]
    introduction = "What was chosen, why, and what else was tried; each with its date."
    return "\n".join(["# Decisions", "", introduction, "", *lines, ""])


def tabulate_codes() -> str:
    """Write the table of every problem's code, with the first sentence of its explanation."""
    rows = []
    for code, text in sorted(_ENTRY.findall((ROOT / "docs/problems.md").read_text())):
        # Links of that page are its own, and its level is not what the reader looks for.
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", " ".join(text.split())).replace("|", "\\|")
        told = re.sub(r"^A (warning|note)[^.]*\. ", "", plain)
        rows.append(f"| [{code}](problems.md#{code}) | {re.split(r'(?<=[.]) (?=[A-Z`])', told)[0]} |")
    return "\n".join(["| code | |", "|---|---|", *rows])


def resolve_links(source: str, text: str, pages: dict[str, str]) -> str:
    """Point the links of a page to where pages stand on the site."""

    def resolve(link: re.Match[str]) -> str:
        mark, words, to, anchor = link[1], link[2], link[3], link[4] or ""
        if ":" in to:
            return link[0]
        target = (ROOT / source).parent.joinpath(to).resolve().relative_to(ROOT).as_posix()
        if target in pages:
            up = "../" * pages[source].count("/")
            return f"{mark}[{words}]({up}{pages[target]}{anchor})"
        if not (ROOT / target).exists():
            return link[0]
        return f"{words} (`{target}` in the repository)"

    return _LINK.sub(resolve, text)


if __name__ == "__main__":
    sys.exit(main())
