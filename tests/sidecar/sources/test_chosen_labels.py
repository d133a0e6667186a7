"""Which labels of a Prometheus's series are broken down where the configuration names none."""

from collections.abc import Sequence

from sloctl.model import Labels
from sloctl.sidecar.sources.prometheus.label_counts import choose_labels


def weighted(**weights: float) -> Sequence[tuple[Labels, float]]:
    """Series named pod_route, of one job."""
    return [
        ({"job": "shop", "pod": name.partition("_")[0], "route": name.partition("_")[2]}, weight)
        for name, weight in weights.items()
    ]


def test_the_label_whose_value_has_most_of_the_errors_comes_first() -> None:
    events = weighted(a_pay=50, b_pay=50, a_cart=50, b_cart=50)

    assert choose_labels(weighted(a_pay=5, b_pay=5), events, set()) == ("route", "pod")
    assert choose_labels(weighted(a_pay=5, a_cart=5), events, set()) == ("pod", "route")


def test_a_label_that_is_the_same_everywhere_or_ignored_is_not_chosen() -> None:
    events = weighted(a_pay=50, b_pay=50)

    assert choose_labels(weighted(a_pay=5), events, {"pod"}) == ()


def test_of_many_labels_four_are_chosen() -> None:
    events = [({f"label{number}": value for number in range(9)}, 1.0) for value in "ab"]

    assert len(choose_labels(events[:1], events, set())) == 4
