"""First values of new series on the real rule engine: what is born counts, whatever else is new does not."""

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from sloctl import compiler
from sloctl.model import CountedSide, Indicator, LatencyIndicator, RatioIndicator, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import shop

ALL: Final = (read_selector("r_total"),)
ERROR: Final = RatioIndicator(CountedSide.ERROR, (read_selector('r_total{code=~"5.."}'),), ALL)
GOOD: Final = RatioIndicator(CountedSide.GOOD, (read_selector('r_total{code!~"5.."}'),), ALL)
LATENCY: Final = LatencyIndicator(read_selector("h"), Fraction("0.3"))
SIDES: Final = {"error": ERROR, "good": GOOD}
FIRST_SCRAPE: Final = 81


def slos(indicators: Mapping[str, Indicator], group_by: Sequence[str] = (), scrape: int = 15) -> list[Slo]:
    return [
        shop(name=name, indicator=it, group_by=group_by, scrape_interval=scrape)
        for name, it in indicators.items()
    ]


def counts_between(
    name: str, low: float, high: float, *, side: str = "error", minute: int = 100
) -> Expectation:
    """The sum of all rollups of an SLO up to *minute* lies between two numbers."""
    counted = f'sum(sum_over_time(slo:sli_{side}:increase1m{{slo_name="{name}"}}[{minute - 1}m]))'
    return Expectation(minute, f"({counted} >= bool {low}) * ({counted} <= bool {high})", 1)


def counts(name: str, value: float, *, side: str = "error", minute: int = 45) -> Expectation:
    return counts_between(name, value - 0.01, value + 0.01, side=side, minute=minute)


def counts_nothing(names: Iterable[str] = SIDES) -> list[Expectation]:
    return [counts(name, 0, side=side) for name in names for side in ("error", "total")]


def on_trial(directory: Path, watched: Sequence[Slo], trials: Sequence[Trial]) -> str:
    return run_trials(directory, compiler.compile_rules(watched, NATIVE_STYLE), trials)


def there(labels: str, ok: int = 9000, bad: int = 3000) -> dict[str, str]:
    """The series of a process that counts nothing new."""
    return {
        f'r_total{{{labels},code="200"}}': f"{ok}+0x200",
        f'r_total{{{labels},code="500"}}': f"{bad}+0x200",
    }


def coming(labels: str) -> dict[str, str]:
    """The series of a process that comes with old counters."""
    return {series: f"_x{FIRST_SCRAPE} {values}" for series, values in there(labels).items()}


# Births on both sides

ONE_EVENT: Final = {'r_total{svc="x",job="a",instance="i",uri="/",code="200"}': "0x200 1x400"}
TWENTY_BORN: Final = {
    f'r_total{{svc="x",job="a",instance="i",uri="/o/{n}",code="500"}}': f"_x{80 + 8 * n} 1x400"
    for n in range(20)
}


@pytest.mark.parametrize("group_by", [(), ("svc",)])
def test_born_errors_are_events_as_well(group_by: Sequence[str], tmp_path: Path) -> None:
    within = Expectation(125, "max(max_over_time(slo:sli_error:ratio_rate5m[2h])) <= bool 1", 1)
    expected = [
        it
        for name in SIDES
        for it in (
            counts(name, 20, minute=100),
            # An increase from 0 to 1 is extrapolated no further than to zero: 0.8 to 1.
            counts_between(name, 20.7, 21.3, side="total"),
        )
    ]
    trial = Trial("births", ONE_EVENT | TWENTY_BORN, [*expected, within])

    assert on_trial(tmp_path, slos(SIDES, group_by), [trial]) == "SUCCESS"


def test_good_births_lower_the_ratio(tmp_path: Path) -> None:
    born = {
        f'r_total{{job="a",instance="i",uri="/o/{n}",code="{"500" if n < 2 else "200"}"}}': (
            f"_x{110 + 8 * n} 1x400"
        )
        for n in range(20)
    }
    sixty = {'r_total{job="a",instance="i",uri="/",code="200"}': "0x100 0+1x60 60x300"}
    expected = [
        it
        for name in SIDES
        for it in (counts(name, 2, minute=100), counts_between(name, 79, 81, side="total"))
    ]

    assert on_trial(tmp_path, slos(SIDES), [Trial("births", sixty | born, expected)]) == "SUCCESS"


def test_slow_routes_are_born_with_their_requests(tmp_path: Path) -> None:
    lines = histogram('uri="/"', "0x200 1x400", "0x200 1x400")
    for n in range(20):
        lines |= histogram(f'uri="/o/{n}"', f"_x{80 + 8 * n} 1x400", f"_x{80 + 8 * n} 0x400")
    expected = [counts("latency", 20, minute=100), counts_between("latency", 20.7, 21.3, side="total")]

    assert on_trial(tmp_path, slos({"latency": LATENCY}), [Trial("births", lines, expected)]) == "SUCCESS"


def histogram(labels: str, every: str, fast: str) -> dict[str, str]:
    own = f'job="a",instance="i",{labels}'
    return {
        f"h_count{{{own}}}": every,
        f'h_bucket{{{own},le="0.1"}}': fast,
        f'h_bucket{{{own},le="0.3"}}': fast,
        f'h_bucket{{{own},le="1"}}': every,
        f'h_bucket{{{own},le="+Inf"}}': every,
    }


# What is renamed

BEFORE_THE_MARKER: Final = {"at once": (80, " stale"), "a scrape": (79, ""), "a minute's end": (81, "")}


@pytest.mark.parametrize("marker", BEFORE_THE_MARKER)
def test_renamed_series_are_no_births(marker: str, tmp_path: Path) -> None:
    starts, stale = BEFORE_THE_MARKER[marker]
    lines = {}
    for code in ("200", "500"):
        own = f'job="shop",instance="i",code="{code}"'
        lines[f"r_total{{{own}}}"] = f"5000+0x{starts - 1}{stale or ' _ _ stale'}"
        lines[f'r_total{{{own},version="v2"}}'] = f"_x{starts} 5000+0x120"

    assert on_trial(tmp_path, slos(SIDES), [Trial("renamed", lines, counts_nothing())]) == "SUCCESS"


def test_a_birth_beside_series_that_go_on_counts(tmp_path: Path) -> None:
    lines = {
        'r_total{job="shop",instance="i",code="200"}': "5000+0x200",
        'r_total{job="shop",instance="i",code="500"}': "_x81 3x100",
    }
    expected = [counts(name, 3, side=side) for name in SIDES for side in ("error", "total")]

    assert on_trial(tmp_path, slos(SIDES), [Trial("birth", lines, expected)]) == "SUCCESS"


# Whose series they are

COLLECTOR: Final = 'job="collector",instance="otel:8889"'
RESTARTED: Final = {
    f'r_total{{{COLLECTOR},exported_instance="p{n}",code="{code}"}}': (
        f"{value}+0x60 stale _x{19 + 7 * n} {value}+0x100"
    )
    for n in range(6)
    for code, value in (("200", 9000), ("500", 3000))
}
LATECOMERS: Final = {
    "a pod behind a collector": there(f'{COLLECTOR},exported_instance="p1"')
    | coming(f'{COLLECTOR},exported_instance="p2"'),
    "a pod without job and instance": there('pod="a"') | coming('pod="b"'),
    "the same instance in another cluster": there('cluster="eu",job="a",instance="i"')
    | coming('cluster="us",job="a",instance="i"'),
    "a federated pod": there('job="federate",exported_namespace="n",exported_pod="a"')
    | coming('job="federate",exported_namespace="n",exported_pod="b"'),
    "pods of a restarted collector, one by one": RESTARTED,
    "a pushed service": there('service_name="a",k8s_pod_name="a"')
    | coming('service_name="a",k8s_pod_name="b"'),
} | {
    f"told apart by {label} alone": there(f'{label}="a"') | coming(f'{label}="b"')
    for label in ("host", "hostname", "pod_name", "replica", "datacenter", "dc", "environment", "env")
}


def test_another_process_with_old_counters_counts_nothing(tmp_path: Path) -> None:
    trials = [Trial(name, lines, counts_nothing()) for name, lines in LATECOMERS.items()]

    assert on_trial(tmp_path, slos(SIDES), trials) == "SUCCESS"


def test_a_spec_can_say_whose_series_they_are(tmp_path: Path) -> None:
    own = replace(ERROR, identity_labels=("shard",))
    shards = there('job="x",instance="i",shard="1"') | coming('job="x",instance="i",shard="2"')
    trial = Trial("shards", shards, [counts("own", 0), counts("error", 3000)])

    assert on_trial(tmp_path, slos({"own": own, "error": ERROR}), [trial]) == "SUCCESS"


def test_births_count_without_any_identity_label(tmp_path: Path) -> None:
    lines = {'r_total{code="200"}': "9+0x200", 'r_total{code="500"}': "_x81 3x100"}
    behind = there(f'{COLLECTOR},exported_instance="p1"') | {
        f'r_total{{{COLLECTOR},exported_instance="p1",code="503"}}': "_x81 3x100"
    }
    trials = [Trial("none", lines, [counts("error", 3)]), Trial("behind", behind, [counts("error", 3)])]

    assert on_trial(tmp_path, slos({"error": ERROR}), trials) == "SUCCESS"


def test_errors_of_another_target_are_born_by_job(tmp_path: Path) -> None:
    by_target = RatioIndicator(
        CountedSide.ERROR, (read_selector("failed_total"),), (read_selector("jobs_total"),)
    )
    by_job = replace(by_target, identity_labels=("job",))
    lines = {'jobs_total{job="w",instance="q"}': "0+5x300"} | {
        f'failed_total{{job="w",instance="w",kind="{n}"}}': f"_x{80 + 8 * n} 1x200" for n in range(20)
    }
    trial = Trial("births", lines, [counts("target", 0, minute=70), counts("job", 20, minute=70)])

    assert on_trial(tmp_path, slos({"target": by_target, "job": by_job}), [trial]) == "SUCCESS"


# What was hidden

SCRAPES_AWAY: Final = {15: (1, 2, 4, 12, 16), 30: (1, 2, 4, 8), 60: (1, 2, 4)}


def hidden(scrapes: int, phase: int) -> dict[str, str]:
    away = f" _x{scrapes - 1}" if scrapes > 1 else ""
    return {
        'r_total{job="a",instance="i",code="200"}': "9000+0x200",
        'r_total{job="a",instance="i",code="500"}': f"100x{40 + phase} stale{away} 100x100",
    }


@pytest.mark.parametrize("scrape", SCRAPES_AWAY)
def test_a_series_hidden_for_four_minutes_is_no_birth(scrape: int, tmp_path: Path) -> None:
    minute = {15: 45, 30: 60, 60: 100}[scrape]
    trials = [
        Trial(
            f"{scrapes} scrapes, phase {phase}",
            hidden(scrapes, phase),
            [counts(name, 0, minute=minute) for name in SIDES],
            scrape=f"{scrape}s",
        )
        for scrapes in SCRAPES_AWAY[scrape]
        for phase in range(60 // scrape)
    ]

    assert on_trial(tmp_path, slos(SIDES, scrape=scrape), trials) == "SUCCESS"


def test_a_series_away_for_longer_counts_again(tmp_path: Path) -> None:
    trial = Trial("seven minutes", hidden(30, 0), [counts("error", 100)])

    assert on_trial(tmp_path, slos({"error": ERROR}), [trial]) == "SUCCESS"


@pytest.mark.parametrize("scrape", SCRAPES_AWAY)
def test_a_birth_counts_once_at_every_phase(scrape: int, tmp_path: Path) -> None:
    minute = 120 if scrape == 60 else 45
    trials = [
        Trial(
            f"phase {phase}",
            {
                'r_total{job="a",instance="i",code="200"}': "9000+0x200",
                'r_total{job="a",instance="i",code="500"}': f"_x{40 + phase} 5x100",
            },
            [counts("error", 5, minute=minute)],
            scrape=f"{scrape}s",
        )
        for phase in range(60 // scrape)
    ]

    assert on_trial(tmp_path, slos({"error": ERROR}, scrape=scrape), trials) == "SUCCESS"


def test_a_failed_scrape_adds_nothing(tmp_path: Path) -> None:
    lines = {
        f'r_total{{job="a",instance="i",code="{code}"}}': "100+0x41 stale 100+0x100"
        for code in ("200", "500")
    }

    assert on_trial(tmp_path, slos(SIDES), [Trial("failed", lines, counts_nothing())]) == "SUCCESS"


# What is recorded of births

TWO_METRICS: Final = RatioIndicator(
    CountedSide.ERROR,
    (read_selector('r_total{code=~"5.."}'), read_selector('q_total{code="500"}')),
    (read_selector("q_total"), read_selector("r_total")),
)


def test_births_of_two_metrics_count_on_both_sides(tmp_path: Path) -> None:
    ours = 'job="a",instance="i"'
    lines = {
        f'r_total{{{ours},code="200"}}': "9000+0x200",
        f'q_total{{{ours},code="200"}}': "9000+0x200",
        f'r_total{{{ours},code="500"}}': "_x90 3x100",
        f'q_total{{{ours},code="500"}}': "_x90 5x100",
        f'q_total{{{ours},code="503"}}': "_x90 7x100",
    }
    expected = [counts("both", 8), counts("both", 15, side="total")]

    assert on_trial(tmp_path, slos({"both": TWO_METRICS}), [Trial("two", lines, expected)]) == "SUCCESS"


def test_series_that_differ_by_our_own_labels_are_born_apart(tmp_path: Path) -> None:
    """Such as what another sloctl says of itself."""
    lines = there('job="a",instance="i"') | {
        f'r_total{{job="a",instance="i",slo_id="{name}",slo_name="{name}",code="500"}}': "_x90 3x100"
        for name in ("x/one", "x/two")
    }
    expected = [counts("error", 6), counts("error", 6, side="total")]

    assert on_trial(tmp_path, slos({"error": ERROR}), [Trial("apart", lines, expected)]) == "SUCCESS"


def test_errors_of_another_metric_ask_by_themselves() -> None:
    apart = RatioIndicator(CountedSide.ERROR, (read_selector("failed_total"),), ALL)

    text = compiler.compile_rules(slos({"apart": apart}), NATIVE_STYLE)

    assert "new_series" not in text
    assert "timestamp(failed_total) unless" in text
