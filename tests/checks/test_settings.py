"""`.sloctl.yaml`: where it holds, what it asks, what it changes, and its own mistakes."""

import json
import re
from pathlib import Path
from typing import Final

import jsonschema
import pytest
import yaml

from sloctl.cli.main import main

ROOT: Final = Path(__file__).parents[2]
HEADER: Final = "apiVersion: sloctl.dev/v1\nkind: RepositorySettings\n"
SPEC: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata:
  name: shop
  labels: {team: checkout}
spec:
  slos:
    - name: availability
      objective: 99.9%
      indicator: {ratio: {error: 'job:e_total:sum{job="a"}', total: 't_total{job="a"}'}}
"""
RECORDED: Final = "warning: job:e_total:sum is recorded"


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "slos" / "team").mkdir(parents=True)
    (tmp_path / "slos" / "team" / "shop.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def validate(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    main(["validate", "-o", "concise", *arguments])
    return capsys.readouterr().out.splitlines()


def test_a_severity_is_raised(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / ".sloctl.yaml").write_text(f"{HEADER}severities: {{recorded-sum: error}}\n")

    code = main(["validate", "slos", "-o", "concise"])

    assert capsys.readouterr().out.startswith("slos/team/shop.yaml:10:34: job:e_total:sum is recorded")
    assert code == 1


def test_a_finding_that_is_off_is_not_told(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / ".sloctl.yaml").write_text(f"{HEADER}severities: {{recorded-sum: off}}\n")

    assert validate(capsys, "slos") == []


@pytest.mark.parametrize("folder", [".", "slos", "slos/team"])
def test_it_holds_from_wherever_it_is_asked(
    repository: Path, folder: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / ".sloctl.yaml").write_text(f"{HEADER}severities: {{recorded-sum: off}}\n")
    monkeypatch.chdir(repository / folder)

    assert validate(capsys, str(repository / "slos"), ".") == []


def test_the_nearest_holds_alone(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / ".sloctl.yaml").write_text(f"{HEADER}severities: {{recorded-sum: off}}\n")
    (repository / "slos" / ".sloctl.yaml").write_text(HEADER)

    assert RECORDED in validate(capsys, "slos")[0]


def test_none_above_the_repository_holds(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / ".sloctl.yaml").write_text(f"{HEADER}severities: {{recorded-sum: off}}\n")
    (repository / "slos" / ".git").mkdir()

    assert RECORDED in validate(capsys, "slos")[0]


def test_its_defaults_compile_where_a_spec_says_nothing(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / ".sloctl.yaml").write_text(
        f"{HEADER}defaults:\n  scrapeInterval: 15s\n  window: 28d\n"
        "  alerting: {labels: {pager: shop}, exhausted: {disabled: true}}\n"
    )

    main(["compile", "slos"])

    rules = capsys.readouterr().out
    assert "ratio_rate4w" in rules
    assert "[1m15s]" in rules
    assert 'pager: "shop"' in rules
    assert "SLOErrorBudgetExhausted" not in rules


def test_a_spec_overrides_its_defaults(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / ".sloctl.yaml").write_text(f"{HEADER}defaults: {{window: 28d}}\n")
    spec = repository / "slos" / "team" / "shop.yaml"
    spec.write_text(SPEC.replace("objective: 99.9%", "objective: 99.9%\n      window: 7d"))

    main(["compile", "slos"])

    rules = capsys.readouterr().out
    assert "ratio_rate1w" in rules
    assert "ratio_rate4w" not in rules


def test_what_it_asks_for_is_told_where_it_is_missing(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / ".sloctl.yaml").write_text(
        f"{HEADER}severities: {{recorded-sum: off}}\n"
        "required: {labels: [team, tier], annotations: [runbook_url]}\n"
        "names: {service: '[a-z]+-api', slo: 'avail.*', labels: {team: 'pay|shop'}}\n"
    )

    assert validate(capsys, "slos") == [
        "slos/team/shop.yaml:4:9: warning: the annotation runbook_url is missing, which .sloctl.yaml asks "
        "for: write it under metadata.annotations [missing-annotation]",
        "slos/team/shop.yaml:4:9: warning: the label tier is missing, which .sloctl.yaml asks for: write it "
        "under metadata.labels [missing-label]",
        "slos/team/shop.yaml:4:9: warning: a service name matches [a-z]+-api here, as .sloctl.yaml says, "
        "got shop [name-mismatch]",
        "slos/team/shop.yaml:5:18: warning: the label team matches pay|shop here, as .sloctl.yaml says, "
        "got checkout [name-mismatch]",
    ]


def test_its_own_mistakes_are_located(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / ".sloctl.yaml").write_text(
        f"{HEADER}severities: {{recorded-sums: off}}\n"
        "required: {labels: [7up]}\nnames: {slo: '[a'}\ndefaults: {window: 1h, scrapeInterval: 1}\n"
    )

    assert validate(capsys, "slos", "--min-severity", "error") == [
        ".sloctl.yaml:3:14: recorded-sums is no finding that can be weighed otherwise: did you mean "
        "recorded-sum? [unknown-code]",
        ".sloctl.yaml:4:21: a label name is at most 63 letters, digits and _, no digit first, got 7up "
        "[label-name]",
        ".sloctl.yaml:5:14: not a regular expression: unterminated character set at position 0 "
        "[name-pattern]",
        ".sloctl.yaml:6:20: window is a whole number of days, 1d to 365d, got 1h [window-range]",
        ".sloctl.yaml:6:40: scrapeInterval is a duration like 30s, 30m or 30d, got the number 1 [wrong-type]",
    ]


def test_it_is_one_document(repository: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (repository / ".sloctl.yaml").write_text(f"{HEADER}---\n{HEADER}")

    assert validate(capsys, "slos")[0] == (
        ".sloctl.yaml:1:1: .sloctl.yaml has one document, got 2 [one-document]"
    )


def test_an_error_of_a_spec_cannot_be_taken_back(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = repository / "slos" / "team" / "shop.yaml"
    spec.write_text(SPEC.replace("99.9%", "100%  # sloctl:ignore recorded-sum wrong code"))

    assert "[objective-range]" in validate(capsys, "slos")[0]


def test_one_failure_is_too_many_at_little_traffic(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (repository / ".sloctl.yaml").write_text(f"{HEADER}severities: {{recorded-sum: off}}\n")

    assert validate(capsys, "slos", "--per-second", "1") == []
    assert validate(capsys, "slos", "--per-second", "0.0001") == [
        "slos/team/shop.yaml:9:18: warning: 99.9 % of 259 events in 30d leaves 0.26 bad ones, so that one "
        "overspends the budget: at most 99.6 %, or a longer window [no-budget-for-one]"
    ]


def test_the_settings_in_the_docs_are_sound_and_keep_to_the_schema(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs" / "validate.md").read_text(), re.DOTALL)
    [example] = [block for block in blocks if "RepositorySettings" in block]
    (repository / ".sloctl.yaml").write_text(example)
    main(["schema", "settings"])
    schema = json.loads(capsys.readouterr().out)

    jsonschema.validate(yaml.safe_load(example.replace("off", '"off"')), schema)

    assert [line for line in validate(capsys, "slos") if ".sloctl.yaml:" in line] == []
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**yaml.safe_load(HEADER), "defaults": {"windw": "28d"}}, schema)
