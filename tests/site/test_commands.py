"""Every command of the documents is run, or stands in a table with the reason why not; ours are parsed."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
import yaml

from sloctl.cli.main import COMMANDS, build_command_parser, load_command
from tests.site.build import ROOT

PAGES: Final = [
    ROOT / "README.md",
    ROOT / "SECURITY.md",
    *sorted(page for page in (ROOT / "docs").rglob("*.md") if not page.name.startswith("first-hour-")),
]
ASKS_A_SERVER: Final = "asks a server: parsed here, and asked of real ones by the tests of the command"
# By how a command begins: what is not run here, and why. The first hours are followed in tests/first_hour.
NOT_RUN: Final = {
    "sloctl status": ASKS_A_SERVER,
    "sloctl report": ASKS_A_SERVER,
    "sloctl push": ASKS_A_SERVER,
    "sloctl backtest": ASKS_A_SERVER,
    "sloctl sidecar": ASKS_A_SERVER,
    "sloctl validate slos --prometheus": ASKS_A_SERVER,
    "sloctl completion zsh": "writes where zsh looks; tests/cli/test_completion.py runs it",
    "make": "its target is looked up here; the run would be that of the whole house",
    "pip install": "it is installed; tests/test_packaging.py installs the wheel",
    "promtool test": "tests/rule_tests runs what it is given",
    "git diff": "shows what the commands before it did, in a repository",
    "vmalert": "`make test-engines` builds it and runs the files",
    "amtool silence": "asks an Alertmanager",
    "kubectl": "asks a cluster; tests/helm and tests/targets hold what is sent against Kubernetes's schemas",
    "helm": "asks a cluster; tests/helm renders the chart, `make e2e` installs it",
    "docker": "no container engine; tests/helm/test_image.py runs the steps of the Dockerfile",
}
_FENCE: Final = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN: Final = re.compile(r"`(sloctl [a-z]+ [^`…]+)`")
_REMARK: Final = re.compile(r"\s+# .*$|\s{3,}\S.*$")


def typed_commands() -> Iterator[tuple[str, str]]:
    """The commands in the blocks of each page, in order."""
    for page in PAGES:
        for language, text in _FENCE.findall(page.read_text()):
            lines = re.sub(r" *\\\n\s*", " ", text).splitlines()
            if language == "console":
                lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
            if language in {"sh", "console"}:
                for line in lines:
                    command = _REMARK.sub("", line).strip()
                    if command and not command.startswith("#"):
                        yield page.relative_to(ROOT).as_posix(), command


TYPED: Final = list(typed_commands())
RUN: Final = [(page, command) for page, command in TYPED if not command.startswith(tuple(NOT_RUN))]
OURS: Final = sorted({command for _, command in TYPED if command.startswith("sloctl ")})
MENTIONED: Final = sorted(
    {span for page in PAGES for span in _SPAN.findall(page.read_text()) if span.split()[1] in COMMANDS}
)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the pages take for granted: specs in slos/, one more in shop.yaml, and all of them compiled."""
    place = tmp_path_factory.mktemp("reader")
    shutil.copytree(ROOT / "slos", place / "slos")
    readme = (ROOT / "README.md").read_text()
    spec = next(text for language, text in _FENCE.findall(readme) if language == "yaml")
    for name in ("shop.yaml", "slos/shop.yaml"):
        (place / name).write_text(spec)
    run("sloctl compile slos -d .", place)
    return place


@pytest.fixture
def folder(prepared: Path, tmp_path: Path) -> Path:
    """A copy of it for one command."""
    return Path(shutil.copytree(prepared, tmp_path / "reader"))


@pytest.mark.parametrize("command", OURS)
def test_every_command_of_ours_is_what_its_parser_takes(
    command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROMETHEUS_URL", "http://127.0.0.1:9090")
    words = shlex.split(re.split(r" [|>&]", command)[0])[1:]
    parser = build_command_parser(load_command(words[0]), words[0])

    assert isinstance(parser.parse_command_line(words[1:]), Namespace)


@pytest.mark.parametrize("command", MENTIONED)
def test_every_command_that_a_sentence_mentions_has_these_options(command: str) -> None:
    _, name, *words = shlex.split(command)
    known = build_command_parser(load_command(name), name).format_help()

    assert [word for word in words if word.startswith("-") and word not in known] == []


@pytest.mark.parametrize(("page", "command"), RUN, ids=[f"{page}-{command[:40]}" for page, command in RUN])
def test_a_command_of_the_documents_runs(page: str, command: str, folder: Path) -> None:
    if command.startswith("promtool") and shutil.which("promtool") is None:
        pytest.skip("missing real part: promtool")

    assert run(command, folder) == 0


def test_what_is_not_run_is_on_a_page() -> None:
    assert [begin for begin in NOT_RUN if not any(each.startswith(begin) for _, each in TYPED)] == []


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {command.split()[1] for _, command in TYPED if command.startswith("make ")}

    assert named - targets == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_of_yaml_can_be_read(page: Path) -> None:
    for language, text in _FENCE.findall(page.read_text()):
        # Of a chart's template only Helm makes YAML.
        if language == "yaml" and "{{-" not in text:
            assert list(yaml.safe_load_all(text)) != [None], text


def run(command: str, folder: Path) -> int:
    """Type *command* into bash in *folder*; returns its exit code."""
    variables = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder),
    }
    (folder / ".config/fish/completions").mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=variables, check=False, capture_output=True, timeout=120
    )
    return done.returncode
