"""Whatever an indicator says, nothing but counts is recorded: no NaN, errors within 0 and the events."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

from sloctl import compiler
from sloctl.model import CountedSide, Indicator, ProbeIndicator, QueryIndicator, RatioIndicator
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_query, read_selector
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.rules.specimens import shop

EVENTS: Final = "sum(increase(t[$window]))"
# NaN wherever nothing happens.
OF_ALL: Final = f"{EVENTS} * (sum(increase(e[$window])) / {EVENTS})"
BY_POD: Final = "sum by (pod) (increase(t[$window]))"
BY_POD_ERRORS: Final = f"{BY_POD} * (sum by (pod) (increase(e[$window])) / {BY_POD})"


def query(part: str, total: str = EVENTS, counted: CountedSide = CountedSide.ERROR) -> Indicator:
    return QueryIndicator(counted, read_query(part), read_query(total))


QUERIES: Final = {
    "errors": query(OF_ALL),
    "good": query(f"{EVENTS} - ({OF_ALL})", counted=CountedSide.GOOD),
    "total": query("sum(increase(e[$window]))", total=f"{EVENTS} * ({EVENTS} / {EVENTS})"),
}


def judged(directory: Path, indicator: Indicator, trial: Trial, *, group_by: Sequence[str] = ()) -> str:
    slo = shop(indicator=indicator, group_by=group_by)
    return run_trials(directory, compiler.compile_rules([slo], NATIVE_STYLE), [trial])


def ratio(value: float | None, minute: int = 30, *, of: str = "") -> Expectation:
    return Expectation(minute, f"sum(round(slo:sli_error:ratio_rate5m{{{of}}}, 0.001))", value)


NEVER_NAN: Final = [
    Expectation(30, f"count(count_over_time(({it} != {it})[30m:1m]))", None)
    for it in ("slo:sli_total:increase1m", "slo:sli_error:increase1m")
]


@pytest.mark.parametrize("part", QUERIES)
def test_quiet_minutes_of_a_query_mute_no_outage(part: str, tmp_path: Path) -> None:
    series = {"t": "0+10x80 800+0x8 810+10x400", "e": "0+0x88 10+10x400"}
    trial = Trial("two quiet minutes", series, [ratio(1), *NEVER_NAN])

    assert judged(tmp_path, QUERIES[part], trial) == "SUCCESS"


@pytest.mark.parametrize("part", ["errors", "good"])
def test_events_of_unknown_errors_are_no_events(part: str, tmp_path: Path) -> None:
    series = {"t": "0+10x200", "e": "NaN " * 200}
    nothing = Expectation(30, "count(slo:sli_total:increase1m or slo:sli_error:increase1m)", None)

    assert judged(tmp_path, QUERIES[part], Trial("unknown", series, [nothing])) == "SUCCESS"


def test_a_nan_in_a_counter_is_no_event(tmp_path: Path) -> None:
    series = {"t": "0+10x80 NaN 820+10x100", "e": "0+1x80 NaN 82+1x100"}
    counters = RatioIndicator(CountedSide.ERROR, (read_selector("e"),), (read_selector("t"),))

    trial = Trial("a NaN", series, [ratio(0.1), *NEVER_NAN])

    assert judged(tmp_path, counters, trial) == "SUCCESS"


@pytest.mark.parametrize(("errors", "published"), [(f"2 * {EVENTS}", 1), (f"0.5 * {EVENTS} - {EVENTS}", 0)])
def test_errors_of_a_query_lie_within_the_events(errors: str, published: float, tmp_path: Path) -> None:
    trial = Trial("out of bounds", {"t": "0+10x200"}, [ratio(published)])

    assert judged(tmp_path, query(errors), trial) == "SUCCESS"


SILENT: Final = {"a scrape": "NaN 850+10x100", "for good": "NaN " * 100, "without an end": "+Inf " * 100}
# Between the two ends of what an evaluation reads.
INFINITE_WITHIN: Final = "0+10x81 +Inf 830+10x200"
OF_TWO_METRICS: Final = {
    "good": RatioIndicator(CountedSide.GOOD, (read_selector("ok"),), (read_selector("t"),)),
    "errors": RatioIndicator(CountedSide.ERROR, (read_selector("bad"),), (read_selector("t"),)),
}


@pytest.mark.parametrize("length", SILENT)
@pytest.mark.parametrize("side", OF_TWO_METRICS)
def test_a_counter_that_is_no_number_makes_no_outage(side: str, length: str, tmp_path: Path) -> None:
    """One pod's counter of good events, or of bad ones, says NaN at an evaluation; the others go on."""
    series = {
        't{pod="a"}': "0+10x200",
        'ok{pod="a"}': f"0+10x83 {SILENT[length]}",
        'bad{pod="a"}': f"0x83 {SILENT[length]}".replace("850+10", "0"),
        't{pod="b"}': "0+10x200",
        'ok{pod="b"}': "0+9x200",
        'bad{pod="b"}': "0+1x200",
    }
    of_both = Expectation(20, "round(sum(slo:sli_error:ratio_rate5m), 0.001)", 0.05)
    while_silent = Expectation(21, "round(sum(slo:sli_error:increase1m), 0.001)", 4)
    of_the_other = Expectation(
        30, "round(sum(slo:sli_total:increase1m), 0.001)", 80 if "scrape" in length else 40
    )

    trial = Trial(length, series, [of_both, while_silent, of_the_other, *NEVER_NAN])

    assert judged(tmp_path, OF_TWO_METRICS[side], trial) == "SUCCESS"


@pytest.mark.parametrize("scrape", [15, 30, 60])
@pytest.mark.parametrize("phase", range(4))
def test_one_scrape_without_a_number_makes_no_error(scrape: int, phase: int, tmp_path: Path) -> None:
    scrapes = 40 + phase
    series = {"t": "0+10x200", "ok": f"0+10x{scrapes} NaN {10 * scrapes + 20}+10x150"}
    slo = shop(indicator=OF_TWO_METRICS["good"], scrape_interval=scrape)
    minute = 45 * scrape // 15
    errors = Expectation(minute, f"sum(sum_over_time(slo:sli_error:increase1m[{minute}m]))", 0)
    trial = Trial("a scrape", series, [errors], scrape=f"{scrape}s")

    assert run_trials(tmp_path, compiler.compile_rules([slo], NATIVE_STYLE), [trial]) == "SUCCESS"


def test_good_events_without_an_end_for_a_scrape_make_no_outage(tmp_path: Path) -> None:
    errors = Expectation(26, "sum(sum_over_time(slo:sli_error:increase1m[10m]))", 0)

    trial = Trial("endless", {"t": "0+10x300", "ok": INFINITE_WITHIN}, [errors])

    assert judged(tmp_path, OF_TWO_METRICS["good"], trial) == "SUCCESS"


@pytest.mark.parametrize("value", ["NaN", "+Inf"])
def test_a_total_that_is_no_number_hides_no_errors_of_others(value: str, tmp_path: Path) -> None:
    series = {
        't{pod="a"}': f"{value} " * 200,
        'ok{pod="a"}': "0+10x200",
        't{pod="b"}': "0+10x200",
        'ok{pod="b"}': "0+5x200",
    }

    trial = Trial("of one pod", series, [ratio(0.5), *NEVER_NAN])

    assert judged(tmp_path, OF_TWO_METRICS["good"], trial) == "SUCCESS"


def test_the_repair_takes_no_silence_for_an_outage(tmp_path: Path) -> None:
    series = {"t": "0+10x2400", "ok": "0+10x1800 " + "NaN " * 600}
    repaired = Expectation(
        590, 'sum(sum_over_time(slo:sli_error:increase5m{slo_part="repair"}[2h])) or on () vector(0)', 0
    )

    trial = Trial("good events are unknown for two hours", series, [repaired])

    assert judged(tmp_path, OF_TWO_METRICS["good"], trial) == "SUCCESS"


@pytest.mark.parametrize("value", ["+Inf", "-Inf"])
def test_a_counter_without_an_end_poisons_no_window(value: str, tmp_path: Path) -> None:
    series = {"t": f"0+10x81 {value} 830+10x200", "e": f"0+1x81 {value} 83+1x200"}
    counters = RatioIndicator(CountedSide.ERROR, (read_selector("e"),), (read_selector("t"),))
    hour = Expectation(45, "sum(round(slo:sli_error:ratio_rate1h, 0.01))", 0.1)

    assert judged(tmp_path, counters, Trial("endless", series, [hour])) == "SUCCESS"


def test_a_division_by_nothing_poisons_no_window(tmp_path: Path) -> None:
    by_nothing = query(f"{EVENTS} * (sum(increase(e[$window])) / sum(increase(z[$window])))")
    series = {"t": "0+10x400", "e": "0+1x400", "z": "0+10x80 800+0x8 810+10x400"}
    hour = Expectation(45, "sum(round(slo:sli_error:ratio_rate1h, 0.1))", 0.1)

    assert judged(tmp_path, by_nothing, Trial("by nothing", series, [hour])) == "SUCCESS"


def test_more_bad_events_than_events_are_all_events(tmp_path: Path) -> None:
    counters = RatioIndicator(CountedSide.ERROR, (read_selector("e"),), (read_selector("t"),))

    assert (
        judged(tmp_path, counters, Trial("more", {"t": "0+10x200", "e": "0+30x200"}, [ratio(1)])) == "SUCCESS"
    )


def test_a_gauge_below_zero_is_bad_and_no_more(tmp_path: Path) -> None:
    probe = ProbeIndicator(read_selector("up"))

    assert judged(tmp_path, probe, Trial("below zero", {"up": "-1x200"}, [ratio(1)])) == "SUCCESS"


@pytest.mark.parametrize(("errors", "published"), [("0+5x200", 0.5), ("0+10x200", 1)])
def test_a_quiet_pod_hides_no_other(errors: str, published: float, tmp_path: Path) -> None:
    series = {
        't{pod="a"}': "5x200",
        'e{pod="a"}': "5x200",
        't{pod="b"}': "0+10x200",
        'e{pod="b"}': errors,
    }
    trial = Trial("one quiet pod", series, [ratio(published), ratio(None, of='pod="a"')])

    assert judged(tmp_path, query(BY_POD_ERRORS, total=BY_POD), trial) == "SUCCESS"
    assert judged(tmp_path, query(BY_POD_ERRORS, total=BY_POD), trial, group_by=("pod",)) == "SUCCESS"
