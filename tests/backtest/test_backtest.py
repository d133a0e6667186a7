"""The command over counts of files: what it tells, in each form, and what it refuses."""

import json
import subprocess
from pathlib import Path

import pytest

from sloctl.cli.main import main
from tests.backtest.specs import OUTAGE, SPEC, START, days_of_counts

CALM = """
policy:
  - {severity: page, budgetShare: 50%, long: 6h, short: 30m}
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "shop.yaml").write_text(SPEC)
    (tmp_path / "counts.csv").write_text("\n".join(days_of_counts()))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def backtest(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert main(["backtest", "shop.yaml", "--counts", "counts.csv", *options]) == 0
    return capsys.readouterr().out


@pytest.mark.usefixtures("directory")
def test_an_outage_pages_with_what_it_spent(capsys: pytest.CaptureFixture[str]) -> None:
    [document] = json.loads(backtest(capsys, "-o", "json"))

    page = next(alert for alert in document["alerts"] if alert["severity"] == "page")
    assert page["began"] == "2026-11-03T00:01:00.000Z"
    # Of 43.2 minutes of budget the first is spent at detection, ten in the end.
    assert page["budgetSpentAtDetection"] == pytest.approx(1 / 43.2)
    assert page["budgetSpent"] == pytest.approx(10 / 43.2)


@pytest.mark.usefixtures("directory")
def test_periods_are_judged_by_what_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    [document] = json.loads(backtest(capsys, "-o", "json"))

    assert [(period["length"], period["met"]) for period in document["periods"]] == [
        ("1w", True),
        ("4w", True),
        ("30d", True),
        ("90d", True),
    ]
    assert document["periods"][0]["budgetSpent"] == 0
    assert document["periods"][2]["budgetSpent"] == pytest.approx(10 / 43.2)
    assert document["periods"][3]["knownSeconds"] == 12 * 86400


@pytest.mark.usefixtures("directory")
def test_a_stricter_objective_fires_more(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "calm.yaml").write_text(CALM)

    [document] = json.loads(
        backtest(capsys, "-o", "json", "--objective", "99%,99.99%", "--policy", "calm.yaml")
    )

    found = {it["label"]: (it["pages"], it["met"]) for it in document["alternatives"]}
    assert found == {
        "as it is": (1, True),
        "99 %": (1, True),
        "99.99 %": (1, False),
        "calm.yaml": (0, True),
    }


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
@pytest.mark.usefixtures("directory")
def test_each_form_tells_the_page(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    printed = backtest(capsys, "-o", form)

    assert "page 1h/5m" in printed
    assert "3 Nov 00:01 UTC" in printed


@pytest.mark.usefixtures("directory")
def test_the_page_needs_nothing_from_elsewhere(capsys: pytest.CaptureFixture[str]) -> None:
    printed = backtest(capsys, "-o", "html")

    assert [
        word for word in ("http://", "https://", "<script", "<link", "url(", "src=") if word in printed
    ] == []
    assert "prefers-color-scheme: dark" in printed


def test_group_values_of_strangers_stay_text(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "shop.yaml").write_text(SPEC + "      groupBy: [route]\n")
    (directory / "counts.csv").write_text(
        f"time,total,errors,route\n{START},10,1,<b>|x\n{START + 60},10,1,<b>|x\n"
    )

    page, markdown = backtest(capsys, "-o", "html"), backtest(capsys, "-o", "markdown")

    assert "<b>|x" not in page
    assert "route=&lt;b&gt;|x" in page
    assert "route=&lt;b>\\|x" in markdown


def test_against_a_revision_both_are_told(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(directory)]
    for command in (["init", "-q"], ["add", "shop.yaml"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    (directory / "shop.yaml").write_text(SPEC.replace("99.9%", "99.99%"))

    printed = backtest(capsys, "--against", "HEAD")
    document = json.loads(backtest(capsys, "--against", "HEAD", "-o", "json"))

    assert "99.9 % over 30d → 99.99 % over 30d" in printed
    assert [document[key][0]["objective"] for key in ("against", "backtests")] == [0.999, 0.9999]


def test_a_revision_is_read_with_the_settings_of_its_repository(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com", "-C", str(directory)]
    settings = "apiVersion: sloctl.dev/v1\nkind: RepositorySettings\ndefaults: {window: 28d}\n"
    (directory / ".sloctl.yaml").write_text(settings)
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    (directory / ".sloctl.yaml").write_text(settings.replace("28d", "7d"))

    printed = backtest(capsys, "--against", "HEAD")

    assert "99.9 % over 4w → 99.9 % over 1w" in printed


@pytest.mark.parametrize("revision", ["nowhere", "--help"])
def test_a_revision_that_is_none_could_not_run(
    revision: str, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    subprocess.run(["git", "init", "-q", str(directory)], check=True)

    code = main(["backtest", "shop.yaml", "--counts", "counts.csv", f"--against={revision}"])

    assert code == 2
    assert capsys.readouterr().err == f"sloctl backtest: {revision} is no git revision\n"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a,b\n1,2\n", "counts.csv:1: the first line names the columns"),
        (
            f"time,total,errors\n{START},10,11\n",
            "counts.csv:2: errors must lie between 0 and the total of 10",
        ),
        (f"time,total,errors\n{START},10,nan\n", "counts.csv:2: errors is a number of events, got 'nan'"),
        (f"time,total,errors\n{START}000,10,1\n", "counts.csv:2: time is Unix seconds, not milliseconds"),
        ("time,total,errors\n2026-11-01 00:00,10,1\n", "counts.csv:2: time is Unix seconds or like"),
        (f"time,total,errors\n{START},10\n", "counts.csv:2: errors is a number of events, got ''"),
    ],
)
def test_what_is_no_count_is_told_at_its_line(
    text: str, problem: str, directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (directory / "counts.csv").write_text(text)

    code = main(["backtest", "shop.yaml", "--counts", "counts.csv"])

    assert code == 1
    assert problem in capsys.readouterr().err


def test_no_counts_are_neither_good_nor_bad(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "counts.csv").write_text("time,total,errors,slo\n")

    printed = backtest(capsys)

    assert "nothing was counted: no data is neither good nor bad" in printed


def test_hourly_counts_are_spread_over_their_minutes(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"{at},6000,{600 if at == OUTAGE else 0}" for at in range(START, START + 12 * 86400, 3600)]
    (directory / "counts.csv").write_text("\n".join(["time,total,errors", *rows]))

    [document] = json.loads(backtest(capsys, "-o", "json"))

    assert document["noData"] == []
    assert document["alerts"][0]["began"] == "2026-11-02T23:09:00.000Z"


def test_a_policy_file_with_mistakes_is_told(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "calm.yaml").write_text("policy:\n  - {severity: page, long: 6h}\npolcy: 1\n")

    code = main(["backtest", "shop.yaml", "--counts", "counts.csv", "--policy", "calm.yaml"])

    assert code == 1
    assert "calm.yaml:3:1: unknown key polcy" in capsys.readouterr().err


@pytest.mark.usefixtures("directory")
def test_without_a_source_of_counts_it_could_not_run(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PROMETHEUS_URL", raising=False)

    code = main(["backtest", "shop.yaml"])

    assert code == 2
    assert "counts come from --prometheus URL or --counts FILE" in capsys.readouterr().err
