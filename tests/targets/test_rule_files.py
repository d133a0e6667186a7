"""A rule file writes once what rules share, and means the same as one that repeats it."""

import subprocess
from pathlib import Path

import pytest
import yaml

from sloctl.naming import LABEL_STYLES
from sloctl.rules.groups import rule_groups
from sloctl.targets.prometheus import render_rule_file, render_rules
from tests.real import promtool
from tests.rules.specimens import shop

SLOS = (
    shop(name="orders", labels={"team": "checkout"}),
    shop(name="orders.fast", labels={"team": "checkout"}, group_by=("uri",)),
    shop(name="returns", description="Parcels come back.\nEven slowly.", labels={"team": "x" * 400}),
)


@pytest.mark.parametrize("style", LABEL_STYLES)
def test_shared_text_reads_as_if_it_were_repeated(style: str) -> None:
    groups = [group for slo in SLOS for group in rule_groups(slo, LABEL_STYLES[style])]

    shared, repeated = render_rule_file(groups), render_rules(groups)

    assert yaml.safe_load(shared) == yaml.safe_load(repeated)
    assert len(shared) < len(repeated)


def test_prometheus_reads_what_is_shared(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    groups = [group for slo in SLOS for group in rule_groups(slo, LABEL_STYLES["slo"])]
    rules.write_text(render_rule_file(groups))

    done = subprocess.run(
        [promtool(), "check", "rules", str(rules)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_labels_and_alert_texts_stand_once() -> None:
    one, other = (shop(name=name, labels={"team": "checkout"}) for name in ("orders", "returns"))
    groups = [group for slo in (one, other) for group in rule_groups(slo, LABEL_STYLES["slo"])]

    text = render_rule_file(groups)

    assert text.count('slo_name: "orders"') == 1
    assert text.count("error budget is gone") == 1


def test_no_line_of_a_rule_file_is_too_long_to_review() -> None:
    groups = [group for slo in SLOS[:2] for group in rule_groups(slo, LABEL_STYLES["slo"])]

    assert max(map(len, render_rule_file(groups).splitlines())) <= 300


def test_labels_of_a_large_file_are_no_aliases_which_prometheus_would_refuse() -> None:
    groups = rule_groups(shop(labels={"team": "checkout"}), LABEL_STYLES["slo"])

    text = render_rule_file(groups * 900)

    # From the 300,000th node on, of which a rule has about twenty.
    assert "labels: *" in text[: len(text) // 4]
    assert "labels: *" not in text[len(text) // 4 * 3 :]
    assert "summary: *" in text[len(text) // 4 * 3 :]


def test_a_description_that_is_a_template_or_long_stands_in_the_alerts() -> None:
    texts = ("Orders of {{ $labels.uri }} go through.", "Orders go through. " * 60)

    files = [render_rule_file(rule_groups(shop(description=it), LABEL_STYLES["slo"])) for it in texts]

    assert ["slo_description" in file for file in files] == [False, False]
    assert [file.count("go through") >= 5 for file in files] == [True, True]
