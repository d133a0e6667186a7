"""Rules in the groups that Mimir, a Thanos ruler and vmalert take: nothing lost, nothing read too early."""

import re
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml

from sloctl.api import read_spec_files, read_specs
from sloctl.cli.main import main
from sloctl.model import Slo, TimeSlice, WhenAbsent
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.dependencies import read_series, recorded_series
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule, RuleGroup
from sloctl.rules.staging import STAGE_SECONDS, staged_rule_groups
from sloctl.targets.mimir import fit_groups
from sloctl.targets.thanos_ruler import place_groups
from tests.real import promtool
from tests.rules.specimens import shop

ROOT = Path(__file__).parents[2]
SLOS = str(ROOT / "slos")


def compiled(directory: Path, *options: str) -> dict[str, str]:
    """File to text of a compilation of the repository's own SLOs."""
    assert main(["compile", SLOS, "-d", str(directory), "--only", "rules", *options]) == 0
    return {str(file.relative_to(directory)): file.read_text() for file in directory.rglob("*.yaml")}


def group_sizes(groups: list[RuleGroup]) -> dict[str, int]:
    return {group.name: len(group.rules) for group in groups}


def fitted(number: int) -> list[RuleGroup]:
    slos = [shop(name=f"route-{each}") for each in range(number)]
    return fit_groups("shop", (group for slo in slos for group in rule_groups(slo, NATIVE_STYLE)))


def test_mimir_gets_the_small_groups_of_a_service_joined() -> None:
    assert group_sizes(fitted(2)) == {
        "slo:shop/route-0:fast": 17,
        "slo:shop:every60s.1": 8,
        "slo:shop:every300s.1": 20,
        "slo:shop:every1800s.1": 4,
        "slo:shop/route-1:fast": 17,
    }


def test_a_tenant_of_mimir_holds_forty_slos_of_a_service() -> None:
    assert len(fitted(40)) == 40 + 8 + 20 + 4
    assert len(fitted(38)) <= 70


def test_no_group_for_mimir_has_more_than_twenty_rules_and_no_rule_is_lost() -> None:
    slos = [shop(name=f"route-{each}") for each in range(7)]
    groups = [group for slo in slos for group in rule_groups(slo, NATIVE_STYLE)]
    large = [RuleGroup("slo:shop/all:fast", 60, tuple(rule for group in groups for rule in group.rules))]

    for given in (groups, large):
        made = fit_groups("shop", given)

        assert max(len(group.rules) for group in made) <= 20
        rules = sorted(str(rule) for group in made for rule in group.rules)
        assert rules == sorted(str(rule) for group in given for rule in group.rules)
        assert len({group.name for group in made}) == len(made)


def test_a_split_keeps_the_page_with_what_it_reads() -> None:
    fast, objective, *_ = rule_groups(shop(), NATIVE_STYLE)
    whole = RuleGroup("slo:shop/checkout:fast", 60, (*objective.rules, *fast.rules))

    page = fit_groups("shop", [whole])[0]

    alert = next(rule for rule in page.rules if "SLOErrorBudgetBurn" in str(rule))
    assert read_series(alert) - {"slo:rollups:since_seconds"} <= recorded_series(page.rules)


def test_mimir_is_told_of_more_groups_than_a_tenant_has(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = (
        "apiVersion: sloctl.dev/v1\nkind: ServiceLevelObjectives\nmetadata: {name: shop}\nspec: {slos: [%s]}"
    )
    slo = "{name: r%d, objective: 99%%, indicator: {probe: {metric: 'up{route=\"%d\"}'}}}"
    (tmp_path / "shop.yaml").write_text(spec % ", ".join(slo % (n, n) for n in range(60)))

    main(
        ["compile", str(tmp_path / "shop.yaml"), "-d", str(tmp_path), "--target", "mimir", "--only", "rules"]
    )

    told = capsys.readouterr().err
    assert re.search(
        r"^\d+ groups in one tenant, and Mimir takes 70: raise ruler_max_rule_groups", told, re.MULTILINE
    )


@pytest.mark.parametrize(
    "options", [("mimir",), ("thanos-ruler",), ("thanos-ruler", "--place", "fast=e,slow=c")]
)
def test_promtool_takes_what_is_prometheus(options: tuple[str, ...], tmp_path: Path) -> None:
    files = [
        str(tmp_path / file)
        for file in compiled(tmp_path, "--target", *options)
        if not file.startswith("alertmanager/")
    ]

    subprocess.run([promtool(), "check", "rules", *files], check=True, capture_output=True)


def test_a_file_for_mimir_is_called_as_its_namespace(tmp_path: Path) -> None:
    files = compiled(tmp_path, "--target", "mimir")

    assert "mimir/sloctl.payments-api.yaml" in files


def test_places_share_the_rules_and_lose_none() -> None:
    groups = rule_groups(shop(), NATIVE_STYLE)

    placed = place_groups(groups)

    edge, central = ([rule for it in part for rule in it.rules] for part in (placed.fast, placed.slow))
    assert sorted(map(str, [*edge, *central])) == sorted(str(rule) for it in groups for rule in it.rules)


def test_no_rule_at_the_edge_reads_what_is_recorded_centrally() -> None:
    placed = place_groups(rule_groups(shop(), NATIVE_STYLE))

    edge = [rule for group in placed.fast for rule in group.rules]
    central = recorded_series(rule for group in placed.slow for rule in group.rules)

    assert frozenset().union(*map(read_series, edge)) & central == frozenset()
    assert sorted(central) == [
        "slo:period_burn_rate:ratio",
        "slo:period_error_budget_remaining:ratio",
        "slo:sli_error:increase1d",
        "slo:sli_error:increase3d",
        "slo:sli_error:ratio_rate1d",
        "slo:sli_error:ratio_rate2h",
        "slo:sli_error:ratio_rate30d",
        "slo:sli_error:ratio_rate3d",
    ]


@pytest.mark.parametrize("slo", read_specs(read_spec_files([SLOS])).slos, ids=lambda slo: slo.id)
def test_what_is_shipped_can_be_placed_and_staged(slo: Slo) -> None:
    placed = place_groups(rule_groups(slo, NATIVE_STYLE))
    staged = staged_rule_groups(slo, NATIVE_STYLE, rule_groups)

    edge = [rule for group in placed.fast for rule in group.rules]
    central = recorded_series(rule for group in placed.slow for rule in group.rules)
    assert frozenset().union(*map(read_series, edge)) & central == frozenset()
    assert max(map(offset_of, staged)) < 60
    assert len({group.name for group in staged}) == len(staged)


def test_places_are_folders_of_their_own(tmp_path: Path) -> None:
    files = compiled(tmp_path, "--target", "thanos-ruler", "--place", "fast=edge,slow=central")

    assert {"edge/alerts/payments-api.yaml", "central/alerts/payments-api.yaml"} <= files.keys()


@pytest.mark.parametrize("text", ["edge", "fast=edge", "fast=a,slow=a", "fast=../a,slow=b", "fast=,slow=b"])
def test_two_folders_are_asked_for(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["compile", SLOS, "-d", ".", "--target", "thanos-ruler", "--place", text])

    assert "two different folders, as in fast=edge,slow=central" in capsys.readouterr().err


def test_a_place_is_of_thanos(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", SLOS, "-d", ".", "--place", "fast=a,slow=b"]) == 2
    assert "--place is of --target thanos-ruler" in capsys.readouterr().err


def offset_of(group: RuleGroup) -> int:
    return int(group.settings[0].removeprefix("eval_offset: ").removesuffix("s"))


def test_no_rule_for_vmalert_reads_what_its_own_group_records() -> None:
    for group in staged_rule_groups(shop(), NATIVE_STYLE, rule_groups):
        own = recorded_series(group.rules)
        for rule in group.rules:
            # Rollups go on from what they recorded at earlier turns.
            assert read_series(rule) & own - recorded_series([rule]) == frozenset()


@pytest.mark.parametrize("name", ["checkout", "cart", "search", "login", "a", "b", "c", "d"])
def test_a_stage_for_vmalert_comes_after_all_that_it_reads(name: str) -> None:
    slo: Slo = shop(name=name)

    groups = staged_rule_groups(slo, NATIVE_STYLE, rule_groups)

    recorded = {record: offset_of(group) for group in groups for record in recorded_series(group.rules)}
    for group in (group for group in groups if ":fast" in group.name):
        for rule in group.rules:
            fine = [record for record in read_series(rule) if "30d" not in record and "since" not in record]
            assert all(recorded[record] + STAGE_SECONDS <= offset_of(group) for record in fine)
    assert max(map(offset_of, groups)) < 60


def test_vmalert_counts_first_values_itself_and_repairs_nothing(tmp_path: Path) -> None:
    files = compiled(tmp_path, "--target", "victoriametrics")

    text = files["victoriametrics/payments-api.yaml"]
    assert "new_series" not in text
    assert ":repair" not in text


def test_slices_stay_slices_for_vmalert() -> None:
    slo = shop(time_slice=TimeSlice(good=Fraction(99, 100), seconds=300, when_empty=WhenAbsent.IGNORE))

    rules = {
        rule.record: rule.expr
        for group in staged_rule_groups(slo, NATIVE_STYLE, rule_groups)
        for rule in group.rules
        if isinstance(rule, RecordingRule)
    }

    assert "requests_total" in rules["slo:slice_total:increase1m"]
    assert "slo:slice_total:increase1m" in rules["slo:sli_total:increase1m"]
    assert "slo:slice_error:increase1m" in rules["slo:sli_error:increase1m"]


def test_a_vmrule_has_the_groups_of_the_plain_file(tmp_path: Path) -> None:
    plain = compiled(tmp_path, "--target", "victoriametrics")
    objects = compiled(tmp_path, "--target", "victoriametrics-operator")

    rules: list[Any] = [yaml.safe_load(text) for file, text in objects.items() if "-rules" in file]
    assert {(each["apiVersion"], each["kind"]) for each in rules} == {
        ("operator.victoriametrics.com/v1beta1", "VMRule")
    }
    written = [group for each in rules for group in each["spec"]["groups"]]
    given = [
        group
        for file, text in plain.items()
        if file.startswith("victoriametrics/")
        for group in yaml.safe_load(text)["groups"]
    ]
    assert sorted(written, key=str) == sorted(given, key=str)


def test_a_native_histogram_is_none_for_victoriametrics(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shop.yaml").write_text(
        "apiVersion: sloctl.dev/v1\nkind: ServiceLevelObjectives\nmetadata: {name: shop}\nspec:\n  slos:\n"
        "    - name: latency\n      objective: 99%\n      indicator:\n"
        "        latency: {histogram: seconds, threshold: 300ms, native: true}\n"
    )

    code = main(["compile", str(tmp_path), "-d", str(tmp_path), "--target", "victoriametrics"])

    assert code == 1
    assert (
        "shop/latency counts a native histogram, which VictoriaMetrics cannot read: give it the classic one "
        "[target-native]" in (capsys.readouterr().err)
    )
