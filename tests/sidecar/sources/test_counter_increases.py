"""How much counters grew, from scrape to scrape."""

from collections.abc import Mapping
from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.sidecar.sources.counting.counter_increases import MAX_BASELINE_AGE, Baseline, advance_baseline
from sloctl.sidecar.sources.counting.series import ExposedSample, SeriesId

A = SeriesId("a_total", (("job", "shop"),))
B = SeriesId("b_total", (("job", "shop"),))
START = 1_700_000_000.0
TICK = 5.0


def increases(*scrapes: Mapping[SeriesId, float]) -> list[dict[str, float | None]]:
    """The increase of each series in each scrape; an empty scrape is one that failed."""
    return sampled(
        *([ExposedSample(series, value) for series, value in scrape.items()] for scrape in scrapes)
    )


def sampled(*scrapes: list[ExposedSample], tick: float = TICK) -> list[dict[str, float | None]]:
    baseline, grown = Baseline(), []
    for number, scrape in enumerate(scrapes):
        if not scrape:
            baseline = baseline.after_interruption()
            continue
        baseline, observed = advance_baseline(baseline, scrape, START + number * tick)
        grown.append({each.series.metric: each.increase for each in observed})
    return grown


def test_the_first_scrape_of_a_target_counts_nothing() -> None:
    assert increases({A: 100}) == [{"a_total": None}]


def test_a_counter_counts_what_it_grew() -> None:
    assert increases({A: 100}, {A: 107})[-1] == {"a_total": 7}


def test_a_counter_that_fell_was_reset_and_counts_from_zero() -> None:
    assert increases({A: 100}, {A: 4})[-1] == {"a_total": 4}


def test_a_series_born_between_two_scrapes_counts_from_zero() -> None:
    assert increases({A: 100}, {A: 100, B: 3})[-1] == {"a_total": 0, "b_total": 3}


def test_a_series_first_seen_after_a_failed_scrape_is_not_known_to_be_new() -> None:
    assert increases({A: 100}, {}, {A: 110, B: 3})[-1] == {"a_total": 10, "b_total": None}


def test_a_series_that_vanished_goes_on_from_where_it_was() -> None:
    assert increases({A: 1, B: 50}, {A: 1}, {A: 1, B: 52})[-1] == {"a_total": 0, "b_total": 2}


def test_a_series_that_vanished_and_comes_back_lower_was_reset() -> None:
    assert increases({A: 1, B: 50}, {A: 1}, {A: 1, B: 2})[-1] == {"a_total": 0, "b_total": 2}


def test_a_series_that_is_not_there_when_all_others_restart_restarts_with_them() -> None:
    assert increases({A: 100, B: 50}, {A: 3}, {A: 9, B: 60})[-1] == {"a_total": 6, "b_total": 60}


def test_a_series_that_is_not_there_when_some_others_restart_goes_on() -> None:
    c = SeriesId("c_total", ())

    grown = increases({A: 100, B: 50, c: 7}, {A: 3, c: 7}, {A: 9, B: 60, c: 7})

    assert grown[-1] == {"a_total": 6, "b_total": 10, "c_total": 0}


@pytest.mark.parametrize(("back", "counted"), [(50.0, None), (52.0, None), (7.0, 7.0)])
def test_what_was_gone_for_long_is_new_only_if_it_comes_back_lower(
    back: float, counted: float | None
) -> None:
    scrapes = [{A: 1.0, B: 50.0}, *[{A: 1.0}] * int(MAX_BASELINE_AGE / TICK + 6), {A: 1.0, B: back}]

    assert increases(*scrapes)[-1] == {"a_total": 0, "b_total": counted}


def test_a_series_is_established_once_it_was_there_for_a_minute() -> None:
    baseline, established = Baseline(), []
    for second in (0, 55, 60):
        baseline, (increase,) = advance_baseline(baseline, [ExposedSample(A, 1.0)], START + second)
        established.append(increase.is_established)

    assert established == [False, False, True]


def test_a_sample_from_the_future_mutes_none_that_follow() -> None:
    first, ahead = ExposedSample(A, 100, at=START), ExposedSample(A, 101, at=START + 9000)
    next_one = ExposedSample(A, 107, at=START + 9)

    assert [each["a_total"] for each in sampled([first], [ahead], [next_one])] == [None, 1, 6]


def test_a_creation_time_that_drifts_is_no_restart() -> None:
    drifting = [[ExposedSample(A, 100 + n, created=START - 3600 + 1.2 * n)] for n in range(20)]

    assert [each["a_total"] for each in sampled(*drifting)] == [None, *[1] * 19]


def test_a_gauge_called_like_a_creation_time_restarts_nothing() -> None:
    before = ExposedSample(A, 100, created=START - 60, is_declared=False)
    after = ExposedSample(A, 105, created=START + 4, is_declared=False)

    assert sampled([before], [after])[-1] == {"a_total": 5}


def test_of_processes_that_take_turns_only_the_newest_counts() -> None:
    older = [ExposedSample(A, 900, created=START - 700)]
    newer = [ExposedSample(A, 500 + n, created=START - 300) for n in range(3)]

    counted = sampled(older, [newer[0]], older, [newer[1]], older, [newer[2]])

    assert [each["a_total"] for each in counted] == [None, None, None, 1, None, 1]


@pytest.mark.parametrize("older", [700.0, 303.0])
def test_processes_that_take_turns_are_told_by_their_start(older: float) -> None:
    baseline, counted = Baseline(), []
    turns = [(900.0, older), (500.0, 300.0), (900.0, older), (501.0, 300.0), (930.0, older), (503.0, 300.0)]
    for number, (value, age) in enumerate(turns):
        baseline, (increase,) = advance_baseline(
            baseline, [ExposedSample(A, value)], START + number * TICK, process_start=START - age
        )
        counted.append((increase.increase, increase.is_other_process))

    assert counted == [(None, False), (None, True), (None, True), (1, False), (None, True), (2, False)]


def test_a_target_that_was_gone_for_too_long_starts_anew() -> None:
    assert sampled([ExposedSample(A, 100)], [ExposedSample(A, 999)], tick=MAX_BASELINE_AGE + 1)[-1] == {
        "a_total": None
    }


@pytest.mark.parametrize("unreadable", [nan, inf, -1.0])
def test_a_value_that_no_counter_has_invents_no_events(unreadable: float) -> None:
    assert increases({A: 100}, {A: unreadable}, {A: 103})[-1] == {"a_total": 3}


def test_a_series_whose_first_value_is_no_number_has_no_baseline_yet() -> None:
    assert increases({B: 1}, {B: 1, A: nan}, {B: 1, A: 9})[-1] == {"b_total": 0, "a_total": None}


def test_of_a_series_exposed_twice_the_first_sample_counts() -> None:
    _, observed = advance_baseline(Baseline(), [ExposedSample(A, 5.0), ExposedSample(A, 7.0)], START)

    assert [series.value for series in observed] == [5.0]


def test_a_counter_created_anew_counts_from_zero_although_it_is_higher_than_before() -> None:
    before = ExposedSample(A, 100, created=START - 100)
    after = ExposedSample(A, 120, created=START + 2)

    assert sampled([before], [after])[-1] == {"a_total": 120}


def test_a_process_that_restarts_goes_on_as_the_newest() -> None:
    baseline, _ = advance_baseline(Baseline(), [ExposedSample(A, 100)], START, process_start=START - 900)

    _, (increase,) = advance_baseline(baseline, [ExposedSample(A, 3)], START + TICK, process_start=START + 1)

    assert (increase.increase, increase.is_other_process) == (3, False)


def test_a_creation_time_that_wavers_is_no_reset() -> None:
    before = ExposedSample(A, 100, created=START - 100)
    after = ExposedSample(A, 120, created=START - 99.2)

    assert sampled([before], [after])[-1] == {"a_total": 20}


def test_the_counter_of_an_older_process_has_no_baseline() -> None:
    before = ExposedSample(A, 100, created=START - 100)
    after = ExposedSample(A, 120, created=START - 900)

    assert sampled([before], [after])[-1] == {"a_total": None}


def test_a_series_created_while_scrapes_failed_counts_from_zero() -> None:
    born = ExposedSample(B, 7, created=START + 3)

    assert sampled([ExposedSample(A, 1)], [], [ExposedSample(A, 1), born])[-1] == {"a_total": 0, "b_total": 7}


def test_a_series_created_before_the_first_scrape_has_no_baseline() -> None:
    assert sampled([ExposedSample(A, 1, created=START - 1)])[-1] == {"a_total": None}


def test_a_series_first_seen_long_after_its_creation_was_not_born_now() -> None:
    shown_again = ExposedSample(B, 7, created=START - 3600)

    assert sampled([ExposedSample(A, 1)], [ExposedSample(A, 1), shown_again])[-1] == {
        "a_total": 0,
        "b_total": None,
    }


def test_a_sample_no_newer_than_the_last_counts_nothing() -> None:
    first, older = ExposedSample(A, 100, at=START), ExposedSample(A, 40, at=START - 10)
    newer = ExposedSample(A, 103, at=START + 9)

    assert [each["a_total"] for each in sampled([first], [older], [newer])] == [None, 0, 3]


def test_a_sample_of_long_ago_is_not_there() -> None:
    assert sampled([ExposedSample(A, 100, at=START - MAX_BASELINE_AGE - 1), ExposedSample(B, 1)]) == [
        {"b_total": None}
    ]


LIVES = st.lists(st.one_of(st.none(), st.integers(1, 20)), min_size=1, max_size=30)


@given(LIVES)
def test_a_counter_with_restarts_counts_every_event_after_its_first_scrape(steps: list[int | None]) -> None:
    """A step is so many events, or None for a restart of the process: absent once, then from zero."""
    value, beat, expected, scrapes = 0, 0, 0, [{B: 0.0}, {A: 0.0, B: 0.0}]
    for step in steps:
        value, beat = (0, 0) if step is None else (value + step, beat + 1)
        expected += step or 0
        scrapes.append({B: 0.0} if step is None else {A: float(value), B: float(beat)})

    counted = sum(scrape.get("a_total") or 0 for scrape in increases(*scrapes))

    assert counted == expected
