"""Malformed specs, each with every problem it has; the last lines of a case are what validate prints."""

from pathlib import Path
from typing import Final

import pytest

from sloctl.cli.main import main

CASES: Final = sorted((Path(__file__).parent / "cases").glob("*.yaml"))
EXPECTED: Final = "#> "


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_malformed_spec_gives_all_its_problems(
    case: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(case.parent)

    code = main(["validate", case.name, "-o", "concise"])

    assert capsys.readouterr().out.splitlines() == expected(case)
    assert code == exit_code(case)


def test_there_are_more_than_a_hundred_cases() -> None:
    assert len(CASES) > 100


def exit_code(case: Path) -> int:
    """Warnings and notes alone fail nothing."""
    return int(any(not {"warning", "note"} & set(line.split(": ")) for line in expected(case)))


def expected(case: Path) -> list[str]:
    lines = case.read_text(encoding="utf-8").splitlines()
    return [line.removeprefix(EXPECTED) for line in lines if line.startswith(EXPECTED)]
