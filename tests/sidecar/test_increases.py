"""How much counters grew, from scrape to scrape."""

from math import inf, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.sidecar.sources.exposition import Series
from sloctl.sidecar.sources.increases import Baseline, advance

A = Series("a_total", (("job", "shop"),))
B = Series("b_total", (("job", "shop"),))


def increases(*scrapes: dict[Series, float]) -> list[dict[str, float | None]]:
    """The increase of each series in each scrape; an empty scrape is one that failed."""
    baseline, grown = Baseline(), []
    for scrape in scrapes:
        if not scrape:
            baseline = baseline.interrupted()
            continue
        baseline, observed = advance(baseline, scrape.items())
        grown.append({metric: series.increase for metric, (series,) in observed.items()})
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


def test_a_vanished_series_is_forgotten_and_comes_back_as_new() -> None:
    assert increases({A: 1, B: 50}, {A: 1}, {A: 1, B: 2})[-1] == {"a_total": 0, "b_total": 2}


@pytest.mark.parametrize("unreadable", [nan, inf, -1.0])
def test_a_value_that_no_counter_has_invents_no_events(unreadable: float) -> None:
    assert increases({A: 100}, {A: unreadable}, {A: 103})[-1] == {"a_total": 3}


def test_a_series_whose_first_value_is_no_number_has_no_baseline_yet() -> None:
    assert increases({B: 1}, {B: 1, A: nan}, {B: 1, A: 9})[-1] == {"b_total": 0, "a_total": None}


def test_of_a_series_exposed_twice_the_first_sample_counts() -> None:
    _, observed = advance(Baseline(), [(A, 5.0), (A, 7.0)])

    assert [series.value for series in observed["a_total"]] == [5.0]


LIVES = st.lists(st.one_of(st.none(), st.integers(0, 20)), min_size=1, max_size=30)


@given(LIVES)
def test_a_counter_with_resets_and_absences_counts_every_event_after_its_first_scrape(
    steps: list[int | None],
) -> None:
    """A step is so many events, or None for a restart: absent once, then from zero."""
    value, expected, scrapes = 0, 0, [{B: 0.0}, {A: 0.0, B: 0.0}]
    for step in steps:
        value = 0 if step is None else value + step
        expected += step or 0
        scrapes.append({B: 0.0} if step is None else {A: float(value), B: 0.0})

    counted = sum(scrape.get("a_total") or 0 for scrape in increases(*scrapes))

    assert counted == expected
