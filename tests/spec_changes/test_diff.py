"""`sloctl diff`: what changes in meaning, from directories and from git."""

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest

from sloctl.cli.main import main

SPEC: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop, labels: {team: checkout}}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator:
        ratio: {error: 'requests_total{code="500"}', total: requests_total}
"""


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for version in ("old", "new"):
        (tmp_path / version).mkdir()
        (tmp_path / version / "shop.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def compared(versions: Path, capsys: pytest.CaptureFixture[str], *changed: str) -> tuple[int, list[str]]:
    """The exit code and the lines of a change of the spec from one text to another."""
    spec = SPEC
    for wrong, right in zip(changed[::2], changed[1::2], strict=True):
        assert wrong in spec
        spec = spec.replace(wrong, right)
    (versions / "new" / "shop.yaml").write_text(spec)
    code = main(["diff", "old", "new"])
    return code, capsys.readouterr().out.splitlines()


def test_what_is_written_otherwise_and_means_the_same_is_no_change(
    versions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reordered = "ratio: {total: 'requests_total{}', error: 'requests_total{code=\"500\"}'}  # the same"

    code, lines = compared(
        versions, capsys, "ratio: {error: 'requests_total{code=\"500\"}', total: requests_total}", reordered
    )

    assert (code, lines) == (0, ["nothing changes"])


def test_a_lower_objective_is_told_with_its_budgets(
    versions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = compared(versions, capsys, "99.9%", "99.5%")

    assert lines[:3] == [
        "shop/availability: changed",
        "  ! objective: 99.9 % → 99.5 %, which promises less: budget 43m 12s → 3h 36m",
        "    policy: page on 1h and 5m: above 14.4× (1.44 % errors) → above 14.4× (7.2 % errors)",
    ]
    assert lines[-1] == "1 changed; 1 breaking"
    assert code == 1


def test_a_higher_objective_breaks_nothing(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = compared(versions, capsys, "99.9%", "99.95%")

    assert "    objective: 99.9 % → 99.95 %: budget 43m 12s → 21m 36s" in lines
    assert code == 0


def test_another_indicator_is_another_history(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = compared(versions, capsys, 'code="500"', 'code=~"5.."')

    assert lines[1].startswith("  ! indicator: other events are counted")
    assert code == 1


@pytest.mark.parametrize(
    ("alerting", "told"),
    [
        ("{noData: {disabled: true}}", "  ! alert: noData is gone"),
        (
            "{names: {page: Burns}}",
            "  ! alert: page is called Burns, no longer SLOErrorBudgetBurn",
        ),
        (
            "{minErrors: 5}",
            "    alert: at least 2 errors, soon gone within 1d, no data after 10m → ",
        ),
        (
            "{policy: [{severity: page, budgetShare: 2%, long: 1h, short: 5m}]}",
            "  ! policy: page on 6h and 30m is gone: above 6× (0.6 % errors)",
        ),
    ],
)
def test_a_change_of_alerts_is_told(
    versions: Path, alerting: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, lines = compared(versions, capsys, "99.9%", f"99.9%\n      alerting: {alerting}")

    assert [line for line in lines if line.startswith(told)]


def test_an_alert_that_can_no_longer_fire_breaks(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, lines = compared(versions, capsys, "99.9%", "92%")

    assert [line for line in lines if line.endswith("(115.2 % errors), and can never fire")]
    assert code == 1


def test_more_rules_are_told_as_cost(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, lines = compared(versions, capsys, "99.9%", "99.9%\n      alerting: {exhausted: {disabled: true}}")

    assert [line for line in lines if line.startswith("    cost: rules ")]


def test_an_slo_that_goes_breaks_and_one_that_comes_does_not(
    versions: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, lines = compared(versions, capsys, "name: availability", "name: uptime")

    assert lines[0] == "shop/availability: removed"
    assert "shop/uptime: added" in lines
    assert "    slo: 99.9 % over 30d, 43m 12s of budget" in lines
    assert lines[-1] == "1 added, 1 removed; 1 breaking"
    assert code == 1


def test_markdown_cannot_be_broken_by_a_spec(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = 'labels: {team: "a|b*<b>"}'
    (versions / "new" / "shop.yaml").write_text(SPEC.replace("labels: {team: checkout}", hostile))

    main(["diff", "old", "new", "-o", "markdown"])

    assert capsys.readouterr().out == (
        "### SLOs: 1 changed\n\n| SLO | what | change |\n|---|---|---|\n"
        "| `shop/availability` changed | label | team: checkout → a\\|b\\*&lt;b&gt; |\n"
    )


def test_json_says_what_breaks(versions: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (versions / "new" / "shop.yaml").write_text(SPEC.replace("99.9%", "99%"))

    main(["diff", "old", "new", "-o", "json"])

    [slo] = json.loads(capsys.readouterr().out)
    assert (slo["slo"], slo["kind"], slo["breaking"]) == ("shop/availability", "changed", True)
    assert [change["what"] for change in slo["changes"] if change["breaking"]] == ["objective"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a commit of the spec, and its settings at the root."""
    (tmp_path / "slos").mkdir()
    (tmp_path / "slos" / "shop.yaml").write_text(SPEC)
    (tmp_path / ".sloctl.yaml").write_text(
        "apiVersion: sloctl.dev/v1\nkind: RepositorySettings\ndefaults: {window: 28d}\n"
    )
    monkeypatch.chdir(tmp_path)
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com"]
    for arguments in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", *arguments], check=True)
    return tmp_path


def test_a_revision_is_compared_with_the_directory(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / "slos" / "shop.yaml").write_text(SPEC.replace("99.9%", "99.95%"))

    code = main(["diff", "HEAD"])

    assert "    objective: 99.9 % → 99.95 %: budget 40m 19s → 20m 10s" in capsys.readouterr().out.splitlines()
    assert code == 0


def test_a_revision_is_the_same_as_itself(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diff", "HEAD", "HEAD"]) == 0
    assert capsys.readouterr().out == "nothing changes\n"


@pytest.mark.parametrize("version", ["nowhere", "--output=x", "HEAD:slos"])
def test_what_is_no_version_could_not_run(
    repository: Path, version: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["diff", "--", version])

    assert code == 2
    assert capsys.readouterr().err == f"sloctl diff: {version} is no directory and no git revision\n"


def test_a_version_with_mistakes_could_not_run(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / "slos" / "shop.yaml").write_text(SPEC.replace("99.9%", "100%"))

    assert main(["diff", "HEAD"]) == 2
    assert "the specs of slos have the problems above" in capsys.readouterr().err
