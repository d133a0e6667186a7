"""The document of real inputs names tests that exist."""

import re
from pathlib import Path

import pytest

TEXT = Path("docs/real-inputs.md").read_text()
NAMED = sorted(set(re.findall(r"`([a-z_0-9/]+\.py)::(test_[a-z0-9_]+)`", TEXT)))
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and not line.startswith("| input ")]


@pytest.mark.parametrize(("path", "test"), NAMED)
def test_a_test_that_the_document_names_exists(path: str, test: str) -> None:
    assert re.search(rf"^(?:async )?def {test}\(", Path("tests", path).read_text(), re.MULTILINE)


def test_every_row_names_what_holds_it() -> None:
    assert [row for row in ROWS if "::test_" not in row and "by hand" not in row] == []


def test_a_case_that_the_document_names_exists() -> None:
    cases = re.findall(r"_problems` \(`([a-z-]+)`\)", TEXT)

    assert [case for case in cases if not Path("tests/spec/cases", f"{case}.yaml").exists()] == []
    assert len(cases) == 6
