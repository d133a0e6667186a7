"""`sloctl exclude` writes an exclusion, and leaves alone what is there."""

from datetime import datetime
from pathlib import Path
from typing import Final

import pytest

from sloctl.cli.main import main
from sloctl.spec import read_specs
from tests.real import stopped_clock
from tests.spec.specs import SPEC

INCIDENT: Final = ["--from", "2026-11-21T10:00:00Z", "--until", "2026-11-21T10:40:00Z", "--reason", "Down."]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "slos").mkdir()
    (tmp_path / "slos" / "shop.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "slos"


def slo_id() -> str:
    [slo] = read_specs([("shop.yaml", SPEC.encode())]).slos
    return slo.id


def test_a_first_exclusion_begins_a_file(folder: Path) -> None:
    code = main(["exclude", slo_id(), *INCIDENT, "--by", "anna", "--link", "https://example.com/42"])

    service, _, name = slo_id().partition("/")
    assert code == 0
    assert (folder / "exclusions.yaml").read_text() == (
        "apiVersion: sloctl.dev/v1\n"
        "kind: Exclusions\n"
        "metadata: {name: exclusions}\n"
        "spec:\n"
        "  exclusions:\n"
        '    - reason: "Down."\n'
        f"      match: {{service: {service}, name: {name}}}\n"
        '      from: "2026-11-21T10:00:00Z"\n'
        '      until: "2026-11-21T10:40:00Z"\n'
        '      by: "anna"\n'
        '      link: "https://example.com/42"\n'
    )


def test_another_one_is_added_below_and_comments_stay(folder: Path) -> None:
    main(["exclude", slo_id(), *INCIDENT])
    file = folder / "exclusions.yaml"
    written = file.read_text().replace("spec:\n", "spec:  # ours\n") + "    # the last word"
    file.write_text(written)

    code = main(["exclude", slo_id(), "--until", "2020-11-20T00:00:00Z", "--reason", 'A "new" budget: now'])

    assert code == 0
    assert file.read_text().startswith(written + "\n    - reason: ")
    specs = read_specs([(str(path), path.read_bytes()) for path in folder.iterdir()])
    assert [each.reason for each in specs.slos[0].exclusions] == ["Down.", 'A "new" budget: now']


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--until", "noon"], "until is a moment with its offset"),
        (["--from", "2026-11-21T11:00:00Z", "--until", "2026-11-21T10:00:00Z"], "until must be later"),
    ],
)
def test_a_mistake_writes_nothing(
    folder: Path, words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["exclude", slo_id(), *words, "--reason", "Down."])

    assert (code, (folder / "exclusions.yaml").exists()) == (1, False)
    assert said in capsys.readouterr().err


def test_an_slo_that_no_spec_has_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["exclude", "shop/nothing", *INCIDENT])

    assert (code, (folder / "exclusions.yaml").exists()) == (2, False)
    assert "no spec has shop/nothing" in capsys.readouterr().err


def test_a_list_that_is_not_at_the_end_of_its_file_is_left_alone(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["exclude", slo_id(), *INCIDENT])
    file = folder / "exclusions.yaml"
    turned = file.read_text().replace("metadata: {name: exclusions}\n", "") + "metadata: {name: exclusions}\n"
    file.write_text(turned)

    code = main(["exclude", slo_id(), *INCIDENT])

    assert (code, file.read_text()) == (2, turned)
    assert "its list of exclusions is not at its end; add this to it:" in capsys.readouterr().err


def test_diff_and_explain_name_what_is_excluded(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder.parent / "before").mkdir()
    (folder.parent / "before" / "shop.yaml").write_text(SPEC)
    main(["exclude", slo_id(), *INCIDENT])
    capsys.readouterr()
    time = "2026-11-21 10:00 UTC to 2026-11-21 10:40 UTC"

    # Later the window has left it behind, and nothing changes.
    with stopped_clock(datetime.fromisoformat("2026-12-01T00:00:00Z").timestamp()):
        main(["diff", "before", "slos"])
        changes = capsys.readouterr().out
        main(["explain", "slos"])
        explained = " ".join(capsys.readouterr().out.split())

    assert f"{time} (Down.) counts no longer" in changes
    assert f"Not counted: {time}. Down." in explained
