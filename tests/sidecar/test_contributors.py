"""Contributors: label values that carry more of the errors than of the traffic."""

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from sloctl.duration import HOUR, MINUTE
from sloctl.sidecar.engine.contributors import MAX_LABEL_VALUES, Contributor, ContributorTracker
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts
from tests.sidecar.specimens import slo

SHOP = slo()
T0 = 1_700_006_400.0


def by_pod(**errors: float) -> Mapping[tuple[str, str], EventCounts]:
    """A hundred requests to each pod."""
    return {("pod", pod): EventCounts(failed, 100) for pod, failed in errors.items()}


def watched(tracker: ContributorTracker, at: float, by_label: Mapping[tuple[str, str], EventCounts]) -> None:
    errors = sum(counts.error for counts in by_label.values())
    total = sum(counts.total for counts in by_label.values())
    tracker.record_counts(at, EventCounts(errors, total), by_label)


def test_the_one_bad_pod_is_named_with_its_shares() -> None:
    tracker = ContributorTracker()
    watched(tracker, T0, by_pod(a=30, b=1, c=0, d=0))

    assert tracker.top_contributors(T0) == (
        Contributor("pod", "a", 300, errors=30, share_of_errors=30 / 31, share_of_traffic=0.25),
        Contributor("pod", "a", 3600, errors=30, share_of_errors=30 / 31, share_of_traffic=0.25),
    )


def test_the_worst_lift_comes_first() -> None:
    tracker = ContributorTracker()
    by_label = {
        ("route", "/pay"): EventCounts(60, 500),
        ("pod", "a"): EventCounts(40, 100),
        ("version", "2"): EventCounts(100, 1000),
    }
    tracker.record_counts(T0, EventCounts(100, 1000), by_label)

    assert [
        (each.label, round(each.lift, 6)) for each in tracker.top_contributors(T0) if each.lookback == 300
    ] == [
        ("pod", 4.0),
        ("route", 1.2),
    ]


def test_a_value_that_errs_hardly_more_often_than_all_burns_nothing() -> None:
    tracker = ContributorTracker()
    tracker.record_counts(
        T0, EventCounts(100, 1000), {("pod", "a"): EventCounts(52, 500), ("pod", "b"): EventCounts(48, 500)}
    )

    assert tracker.top_contributors(T0) == ()


def test_the_shares_of_one_label_are_at_most_all_of_the_errors() -> None:
    tracker = ContributorTracker()
    estimated = {("pod", "a"): EventCounts(80, 300), ("pod", "b"): EventCounts(40, 200)}
    tracker.record_counts(T0, EventCounts(100, 1000), estimated)

    shares = [each.share_of_errors for each in tracker.top_contributors(T0) if each.lookback == 300]

    assert sum(shares) == 1


def test_a_value_that_errs_as_often_as_the_others_burns_nothing() -> None:
    tracker = ContributorTracker()
    watched(tracker, T0, by_pod(a=10, b=10))

    assert tracker.top_contributors(T0) == ()


def test_a_value_is_measured_against_the_traffic_since_it_was_first_counted() -> None:
    """A source tells of a value once it has erred; what came before it is no measure for it."""
    tracker = ContributorTracker()
    tracker.record_counts(T0, EventCounts(1, 10_000), {("pod", "b"): EventCounts(1, 100)})
    tracker.record_counts(T0 + 5, EventCounts(50, 200), {("pod", "a"): EventCounts(50, 100)})

    (worst, *_) = [each for each in tracker.top_contributors(T0 + 5) if each.value == "a"]

    assert worst.share_of_traffic == 0.5


def test_five_minutes_later_only_the_hour_remembers() -> None:
    tracker = ContributorTracker()
    watched(tracker, T0, by_pod(a=30, b=0))
    later = T0 + 6 * MINUTE
    tracker.advance_to(later)

    assert [each.lookback for each in tracker.top_contributors(later)] == [3600]


def test_an_hour_later_nothing_is_left() -> None:
    tracker = ContributorTracker()
    watched(tracker, T0, by_pod(a=30, b=0))

    tracker.advance_to(T0 + HOUR + 5 * MINUTE)

    assert tracker.is_idle
    assert tracker.top_contributors(T0 + HOUR + 5 * MINUTE) == ()


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 3)), max_size=300))
def test_among_many_values_the_one_with_most_errors_is_never_lost(others: list[tuple[int, int]]) -> None:
    tracker = ContributorTracker()
    for n, (other, errors) in enumerate(others):
        tracker.record_counts(
            T0 + n, EventCounts(errors, 100), {("path", f"/{other}"): EventCounts(errors, 10)}
        )
        tracker.record_counts(T0 + n, EventCounts(4, 100), {("pod", "a"): EventCounts(4, 10)})

    bad = [each for each in tracker.top_contributors(T0 + 300) if (each.value, each.lookback) == ("a", 3600)]

    assert [each.errors for each in bad] == ([4 * len(others)] if others else [])


def test_the_number_of_values_is_bounded() -> None:
    tracker = ContributorTracker()
    for n in range(10 * MAX_LABEL_VALUES):
        tracker.record_counts(T0 + n, EventCounts(1, 10), {("path", f"/{n}"): EventCounts(1, 10)})

    assert len(tracker.tallies) == MAX_LABEL_VALUES


def test_the_snapshot_tells_it_of_each_group() -> None:
    engine = Engine([SHOP], interval=5)
    reading = SloCounts({(): EventCounts(20, 200)}, {("pod", "a"): EventCounts(20, 100)})

    snapshot = engine.record_tick(T0, [IntervalCounts(T0, {SHOP.id: reading})])

    assert [(each.value, each.share_of_traffic) for each in only(snapshot.states).contributors] == [
        ("a", 0.5),
        ("a", 0.5),
    ]


def test_where_nothing_errs_nothing_is_held() -> None:
    engine = Engine([SHOP], interval=5)
    reading = SloCounts({(): EventCounts(0, 200)}, {("pod", "a"): EventCounts(0, 100)})

    snapshot = engine.record_tick(T0, [IntervalCounts(T0, {SHOP.id: reading})])

    assert only(snapshot.states).contributors == ()


def only(states: tuple[SloState, ...]) -> SloState:
    (state,) = states
    return state
