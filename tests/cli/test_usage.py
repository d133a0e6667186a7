"""Wrong words on the command line: what was found, what comes nearest, exit code 2."""

import pytest

from sloctl.cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["complie"], "sloctl: there is no command complie: did you mean compile? (see sloctl --help)\n"),
        (["zzz"], "sloctl: there is no command zzz (see sloctl --help)\n"),
        (["a\x1b[2J"], "sloctl: there is no command a\\x1b[2J (see sloctl --help)\n"),
        (["--verson"], "sloctl: there is no option --verson: did you mean --version? (see sloctl --help)\n"),
        (
            ["compile", "slos", "--taget", "operator"],
            "sloctl compile: there is no option --taget: did you mean --target?"
            " (see sloctl compile --help)\n",
        ),
        (
            ["compile", "slos", "--taget=operator"],
            "sloctl compile: there is no option --taget: did you mean --target?"
            " (see sloctl compile --help)\n",
        ),
        (["version", "now"], "sloctl version: now is one word too many (see sloctl version --help)\n"),
    ],
)
def test_a_wrong_word_names_the_nearest(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(words)

    assert left.value.code == 2
    assert capsys.readouterr().err == said


def test_the_version_names_what_reads_specs(capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["version"])

    assert code == 0
    assert capsys.readouterr().out.startswith("sloctl 0.1.0 (Python 3.")
