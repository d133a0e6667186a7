"""No data, on the real rule engine: of an SLO, of one of its groups, and what is no data at all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from sloctl import compiler
from sloctl.model import CountedSide, RatioIndicator
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import shop

REQUESTS: Final = RatioIndicator(
    CountedSide.ERROR, (read_selector('r_total{code="500"}'),), (read_selector("r_total"),)
)
GONE: Final = "0+10x80 stale"


def on_trial(directory: Path, series: Mapping[str, str], *expected: Expectation) -> str:
    slos = [
        shop(name="plain", indicator=REQUESTS),
        shop(name="clusters", indicator=REQUESTS, group_by=("cluster",)),
    ]
    return run_trials(
        directory, compiler.compile_rules(slos, NATIVE_STYLE), [Trial("data", series, expected)]
    )


def firing(minute: int, name: str, value: float | None, labels: str = "") -> Expectation:
    alerts = f'ALERTS{{alertname="SLONoData",alertstate="firing",slo_name="{name}"{labels}}}'
    return Expectation(minute, f"count({alerts})", value)


def test_a_group_whose_series_end_is_heard(tmp_path: Path) -> None:
    series = {'r_total{cluster="eu",code="200"}': "0+10x500", 'r_total{cluster="us",code="200"}': GONE}

    told = on_trial(
        tmp_path,
        series,
        firing(20, "clusters", None),
        firing(90, "clusters", 1, ',cluster="us"'),
        firing(90, "clusters", 1),
        firing(90, "plain", None),
    )

    assert told == "SUCCESS"


def test_an_slo_whose_series_end_is_heard(tmp_path: Path) -> None:
    told = on_trial(
        tmp_path,
        {'r_total{cluster="us",code="200"}': GONE},
        firing(20, "plain", None),
        firing(90, "plain", 1),
        firing(90, "clusters", 1, ',cluster="us"'),
    )

    assert told == "SUCCESS"


def test_nothing_from_the_start_is_no_data(tmp_path: Path) -> None:
    told = on_trial(tmp_path, {"other": "0x500"}, firing(20, "plain", 1), firing(20, "clusters", 1))

    assert told == "SUCCESS"


def test_a_quiet_group_has_data(tmp_path: Path) -> None:
    series = {
        'r_total{cluster="eu",code="200"}': "0+10x80 800x400",
        'r_total{cluster="us",code="200"}': "0+10x500",
    }

    told = on_trial(tmp_path, series, firing(90, "plain", None), firing(90, "clusters", None))

    assert told == "SUCCESS"


def test_a_gauge_that_counts_nothing_is_no_data(tmp_path: Path) -> None:
    told = on_trial(
        tmp_path, {'r_total{code="200"}': "90x500"}, firing(5, "plain", None), firing(60, "plain", 1)
    )

    assert told == "SUCCESS"


@pytest.mark.parametrize("has_route", ["events", "errors"])
@pytest.mark.parametrize("side", ["errors", "good"])
def test_a_group_label_on_one_side_alone_is_no_data(side: str, has_route: str, tmp_path: Path) -> None:
    counted = CountedSide.ERROR if side == "errors" else CountedSide.GOOD
    one_sided = RatioIndicator(counted, (read_selector("part_total"),), (read_selector("all_total"),))
    slo = shop(name="routes", indicator=one_sided, group_by=("route",))
    labels = {"events": ("", '{route="/a"}'), "errors": ('{route="/a"}', "")}[has_route]
    names = ("part_total", "all_total")
    series = {f"{name}{label}": "0+10x2000" for name, label in zip(names, labels, strict=True)}
    expected = [
        Expectation(400, 'count({__name__=~"slo:sli_(error|total):increase.*"})', None),
        firing(60, "routes", 1),
    ]

    told = run_trials(tmp_path, compiler.compile_rules([slo], NATIVE_STYLE), [Trial("one", series, expected)])

    assert told == "SUCCESS"


def test_a_group_without_the_label_on_both_sides_has_data(tmp_path: Path) -> None:
    two = RatioIndicator(CountedSide.ERROR, (read_selector("bad_total"),), (read_selector("all_total"),))
    slo = shop(name="routes", indicator=two, group_by=("route",))
    series = {
        'bad_total{route="/a"}': "0+1x200",
        "bad_total": "0+2x200",
        'all_total{route="/a"}': "0+10x200",
        "all_total": "0+10x200",
    }
    ratio = "max(round(slo:sli_error:ratio_rate5m{%s}, 0.01))"
    expected = [Expectation(30, ratio % 'route="/a"', 0.1), Expectation(30, ratio % 'route=""', 0.2)]

    told = run_trials(
        tmp_path, compiler.compile_rules([slo], NATIVE_STYLE), [Trial("both", series, expected)]
    )

    assert told == "SUCCESS"
