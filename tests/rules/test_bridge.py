"""Sloth's recorded history in our long windows, on a real Prometheus."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from sloctl import naming
from sloctl.cli.main import main
from sloctl.duration import DAY, MINUTE
from sloctl.model import RollingWindow
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.bridge import BRIDGED_SECONDS, bridged_rule_groups
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule, RuleGroup
from sloctl.slo.policy import workbook_policy
from tests.differential.kinds import RATIO, alerting
from tests.real import Prometheus, backfill, running_prometheus

NOW = 1793491200 + 20 * DAY
SINCE = NOW - 2 * DAY
WEEK = 7 * DAY
SLO = RATIO.slo(
    window=RollingWindow(WEEK), alerting=structs.replace(alerting(min_errors=0), policy=workbook_policy(WEEK))
)
OURS, THEIRS = 0.001, 0.021


def history() -> Iterator[tuple[str, float, float]]:
    """Two days of Sloth, once NaN and still running; then two days of ours."""
    sloth = f'slo:sli_error:ratio_rate5m{{sloth_id="{SLO.service}-{SLO.name}",sloth_window="5m"}}'
    own = f'{{slo_id="{SLO.id}"}}'
    for at in range(NOW - 4 * DAY, NOW + 1, 5 * MINUTE):
        yield sloth, float("nan") if at == NOW - 3 * DAY else THEIRS, at
        if at > SINCE:
            yield f"slo:sli_total:increase5m{own}", 1000, at
            yield f"slo:sli_error:increase5m{own}", 1000 * OURS, at
            yield f"slo:rollups:since_seconds{own}", SINCE, at
            yield f"slo:bridged:seconds{own}", 2 * DAY, at


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("bridge")
    backfill(directory, history())
    with running_prometheus(directory) as started:
        yield started


def recorded(prometheus: Prometheus, metric: str) -> float:
    (rule,) = (
        rule
        for group in bridged_rule_groups(SLO, NATIVE_STYLE)
        for rule in group.rules
        if isinstance(rule, RecordingRule) and rule.record == metric
    )
    (sample,) = prometheus.instant(rule.expr, at=NOW)
    return sample.value


def expressions(groups: tuple[RuleGroup, ...]) -> dict[str, str]:
    return {
        rule.record: rule.expr for group in groups for rule in group.rules if isinstance(rule, RecordingRule)
    }


def test_a_window_that_is_not_full_has_their_time_too(prometheus: Prometheus) -> None:
    ratio = recorded(prometheus, naming.error_ratio_metric(WEEK))

    assert ratio == pytest.approx((OURS + THEIRS) / 2, rel=0.01)


def test_their_history_ends_where_ours_begins(prometheus: Prometheus) -> None:
    assert recorded(prometheus, BRIDGED_SECONDS) == pytest.approx(2 * DAY, rel=0.01)


def test_a_lookback_that_is_full_counts_ours_alone(prometheus: Prometheus) -> None:
    assert recorded(prometheus, naming.error_ratio_metric(DAY)) == pytest.approx(OURS)


def test_what_is_covered_includes_their_time(prometheus: Prometheus) -> None:
    assert recorded(prometheus, naming.PERIOD_COVERED) == pytest.approx(4 / 7, rel=0.01)


def test_without_a_bridge_the_rules_are_as_ever() -> None:
    bridged = expressions(bridged_rule_groups(SLO, NATIVE_STYLE))
    plain = expressions(rule_groups(SLO, NATIVE_STYLE))

    changed = {record for record in plain if bridged[record] != plain[record]}
    assert changed == {naming.PERIOD_COVERED, *map(naming.error_ratio_metric, (DAY, 3 * DAY, WEEK))}


def test_a_bridge_needs_series_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compile", str(tmp_path), "--bridge", "sloth", "--label-style", "sloth"]) == 2

    assert "--bridge reads Sloth's series" in capsys.readouterr().err
