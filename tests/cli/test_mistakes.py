"""Sixty mistakes, and the message of each: docs/mistakes.md is what is expected."""

import re
from pathlib import Path
from typing import Final

import pytest

from sloctl.cli.main import main
from tests.cli.mistakes import MISTAKES, SPEC, Mistake

DOCUMENT: Final = (Path(__file__).parents[2] / "docs/mistakes.md").read_text(encoding="utf-8")
# A title, and below it the block of what is said.
SAID: Final = dict(re.findall(r"^\*\*([^\n]+)\*\*\n\n```txt\n(.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL))


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.title)
def test_a_mistake_is_told_as_in_the_document(
    mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    Path("shop.yaml").write_text(mistake.spec, encoding=mistake.encoding)

    try:
        main(mistake.command)
    except SystemExit as leaving:
        assert leaving.code == 2  # noqa: PT017 - the parser's own way to end

    printed = capsys.readouterr()
    assert SAID[mistake.title] == (printed.out or printed.err)


def test_there_are_sixty_and_each_is_another() -> None:
    assert len(MISTAKES) >= 60
    assert len({mistake.title for mistake in MISTAKES}) == len(MISTAKES)
    assert list(SAID) == [mistake.title for mistake in MISTAKES]


def test_the_spec_without_a_mistake_is_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("shop.yaml").write_text(SPEC)

    assert main(["validate", "shop.yaml"]) == 0
    assert capsys.readouterr().err == "1 file, 1 SLO, no problems\n"
    assert f"```yaml\n{SPEC}```" in DOCUMENT
