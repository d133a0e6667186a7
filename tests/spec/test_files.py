"""Which files an argument names, and what validate says about them."""

import io
import json
import os
import re
import socket
from pathlib import Path

import pytest
import yaml

from sloctl.cli.main import main
from sloctl.files import SpecFileError, is_read_once, read_spec_files
from sloctl.problems import Place, Problem, ProblemLevel
from sloctl.spec.findings import limit_problems
from sloctl.spec.yaml_nodes import MAX_BYTES
from tests.spec.specs import SPEC

NO_INPUT = io.BytesIO()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.yaml", "a.yml", "team/c.yaml", "team/.hidden.yaml", "..data/old.yaml", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "paths"),
    [
        (["."], ["a.yml", "b.yaml", "team/c.yaml"]),
        (["team", "b.yaml", "./b.yaml"], ["b.yaml", "team/c.yaml"]),
        (["*.yaml"], ["b.yaml"]),
        (["**/*.y*ml"], ["a.yml", "b.yaml", "team/c.yaml"]),
        (["notes.txt"], ["notes.txt"]),
        (["-", "a.yml"], ["<stdin>", "a.yml"]),
    ],
)
def test_arguments_name_files(folder: Path, arguments: list[str], paths: list[str]) -> None:
    texts = read_spec_files(arguments, NO_INPUT)

    assert [path for path, _ in texts] == paths


@pytest.mark.parametrize(
    ("argument", "message"),
    [
        ("none.yaml", "none.yaml: No such file or directory"),
        ("*.json", "*.json: no file matches"),
        ("empty", "empty: no *.yaml, *.yml or *.json spec in it"),
    ],
)
def test_what_names_no_file_is_told(folder: Path, argument: str, message: str) -> None:
    (folder / "empty").mkdir()

    with pytest.raises(SpecFileError) as unreadable:
        read_spec_files([argument], NO_INPUT)

    assert str(unreadable.value) == message


def test_a_file_that_is_called_like_a_glob_is_that_file(folder: Path) -> None:
    (folder / "[a].yaml").write_text("x")

    assert read_spec_files(["[a].yaml"], NO_INPUT) == [("[a].yaml", b"x")]


def test_a_linked_folder_is_read_like_any_other(folder: Path) -> None:
    (folder / "elsewhere").mkdir()
    (folder / "elsewhere/d.yaml").write_text("d")
    (folder / "team/more").symlink_to("../elsewhere")

    texts = read_spec_files(["team"], NO_INPUT)

    assert [path for path, _ in texts] == ["team/c.yaml", "team/more/d.yaml"]


def test_each_file_is_read_once_however_links_lead_there(folder: Path) -> None:
    (folder / "team/up").symlink_to("..")
    (folder / "again").symlink_to("team")
    (folder / "loop").symlink_to("loop")
    (folder / "z.yaml").symlink_to("b.yaml")

    texts = read_spec_files([".", "again", "again/c.yaml", "z.yaml"], NO_INPUT)

    assert [path for path, _ in texts] == ["a.yml", "b.yaml", "team/c.yaml"]


def test_a_dangling_link_is_told(folder: Path) -> None:
    (folder / "team/gone.yaml").symlink_to("nowhere")

    with pytest.raises(SpecFileError, match=r"team/gone.yaml: No such file or directory"):
        read_spec_files(["team"], NO_INPUT)


def test_specs_in_json_stand_beside_those_in_yaml(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "team/c.yaml").write_text(SPEC)
    spec = yaml.safe_load(SPEC.replace("name: shop", "name: till"))
    (folder / "team/till.json").write_text(json.dumps(spec, indent="\t"))
    (folder / "team/dashboard.json").write_text('{"panels": []}')
    main(["schema"])
    (folder / "team/slo.schema.json").write_text(capsys.readouterr().out)

    code = main(["validate", "team"])

    assert capsys.readouterr() == ("", "2 files, 2 SLOs, no problems\n")
    assert code == 0


@pytest.mark.parametrize("argument", [".", "*.yaml"])
def test_what_is_no_file_is_told_and_left_out(
    folder: Path, argument: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in folder.rglob("*.y*ml"):
        path.write_text(SPEC.replace("name: shop", f"name: {path.stem.strip('.')}"))
    os.mkfifo("fifo.yaml")
    Path("null.yaml").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.yaml")

        code = main(["validate", argument])

    assert capsys.readouterr().out.splitlines() == [
        f"{name}.yaml:1:1: warning: a FIFO, a socket or a device is left out: "
        "name it to have it read [not-a-file]"
        for name in ("fifo", "null", "socket")
    ]
    assert code == 0


def test_aliases_that_grow_without_end_are_one_problem(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "b.yaml").write_text(SPEC.partition("    - ")[0] + "    - &a {a: *a, b: *a}\n" * 30)

    code = main(["validate", "b.yaml", "-o", "concise"])

    assert code == 1
    assert capsys.readouterr().out.endswith(
        ": with its aliases written out this has more than 1,000,000 values [too-large]\n"
    )


@pytest.mark.parametrize(
    "junk",
    ["    - x\n", "    - !x y\n", "    - &a x\n", "    - {name: A B, objective: 1}\n", "    - 1: 2\n"],
)
def test_of_junk_the_first_problems_and_a_number_are_printed(
    folder: Path, junk: str, capsys: pytest.CaptureFixture[str]
) -> None:
    header = SPEC.partition("    - ")[0]
    (folder / "b.yaml").write_text(header + junk * (900_000 // len(junk)))

    code = main(["validate", "b.yaml", "-o", "concise"])

    *first, last = capsys.readouterr().out.splitlines()
    assert len(first) == 100
    assert re.match(r"b.yaml:\d+:\d+: [\d,]+ more problems from here on: mend those above first", last)
    assert last.endswith("[more-problems]")
    assert code == 1


def test_an_error_behind_a_hundred_warnings_still_refuses() -> None:
    place = Place("b.yaml", 1, 1)
    warnings = [Problem(place, "w", str(number), ProblemLevel.WARNING) for number in range(100)]

    kept = limit_problems([*warnings, Problem(place, "e", "wrong")])

    assert kept[-1] == Problem(place, "more-problems", "1 more problem from here on: mend those above first")


def test_no_more_is_read_than_a_spec_can_be(folder: Path) -> None:
    (_, content), *_ = read_spec_files(["/dev/zero"], NO_INPUT)

    assert content is not None
    assert len(content) == MAX_BYTES + 1


def test_validate_sums_up_on_standard_error(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "team/c.yaml").write_text(SPEC)

    code = main(["validate", "team"])

    assert capsys.readouterr() == ("", "1 file, 1 SLO, no problems\n")
    assert code == 0


def test_a_warning_alone_is_no_reason_to_fail(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "team/c.yaml").write_text(SPEC.replace("99.9%", "90%"))

    code = main(["validate", "team"])

    assert capsys.readouterr().err == "1 file, 1 SLO, 1 warning\n"
    assert code == 0


def test_validate_prints_json_for_programs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "team/c.yaml").write_text(SPEC.replace("99.9%", "99.9"))

    main(["validate", "team", "-o", "json"])

    assert json.loads(capsys.readouterr().out) == [
        {
            "path": "team/c.yaml",
            "line": 8,
            "column": 18,
            "endColumn": 22,
            "level": "error",
            "code": "wrong-type",
            "message": "objective is a percentage like 99.95%, got the number 99.9",
        }
    ]


def test_validate_annotates_pull_requests_on_github(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "team/c,d.yaml").write_text(SPEC.replace("99.9%", '"50%\\n::notice::gotcha"'))

    main(["validate", "team/c,d.yaml", "--output", "github"])

    assert capsys.readouterr().out == (
        "::error file=team/c%2Cd.yaml,line=8,col=18,endColumn=41,title=percentage::"
        'objective is a percentage like 99.95%25, got "50%25\\n::notice::gotcha"\n'
    )


def test_a_missing_file_could_not_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["validate", "none.yaml"])

    assert capsys.readouterr().err == "sloctl validate: none.yaml: No such file or directory\n"
    assert code == 2


def test_a_hostile_file_name_does_not_reach_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "\x1b[31m\u202e.yaml").write_text("")

    main(["validate", "."])

    assert "\\x1b[31m\\u202e.yaml:1:1: " in capsys.readouterr().out


def test_a_directory_can_be_read_again_and_a_pipe_cannot(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")

    assert [is_read_once(name) for name in (".", "b.yaml", "pipe.yaml", "<stdin>")] == [
        False,
        False,
        True,
        True,
    ]
