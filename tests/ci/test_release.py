"""What a release is made by: the changelog's section, and a workflow without movable parts."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NOTES = ROOT / "tests" / "tools" / "release-notes"


def test_the_notes_of_a_release_are_its_section() -> None:
    notes = subprocess.run([NOTES, "Unreleased"], capture_output=True, text=True, check=True).stdout

    assert notes.startswith("\nTo become 0.1.0.\n\n### Added\n")
    assert "\n## " not in notes


def test_a_version_without_a_section_has_no_notes() -> None:
    assert subprocess.run([NOTES, "9.9.9"], capture_output=True, check=False).returncode == 1


@pytest.mark.parametrize("workflow", ["ci.yml", "release.yml"])
def test_every_action_is_pinned_by_commit(workflow: str) -> None:
    text = (ROOT / ".github" / "workflows" / workflow).read_text()

    used = re.findall(r"uses: (\S+)", text)

    assert used
    assert [each for each in used if not re.fullmatch(r"[\w/-]+@[0-9a-f]{40}", each)] == []
