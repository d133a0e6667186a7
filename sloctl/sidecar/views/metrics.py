"""The board as metrics of its own. An unknown value is an absent sample; a stale one is told by its age."""

from collections.abc import Callable, Iterable, Iterator
from math import isinf

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from sloctl.duration import format_duration
from sloctl.model import Labels
from sloctl.naming import NATIVE
from sloctl.sidecar.board import Board, Entry


class BoardCollector(Collector):
    """Reads the newest board whenever it is scraped."""

    def __init__(self, newest: Callable[[], Board], now: Callable[[], float]) -> None:
        self._newest = newest
        self._now = now

    def describe(self) -> Iterable[Metric]:
        """Known beforehand, so that registering reads no board."""
        return _Families().all()

    def collect(self) -> Iterator[Metric]:
        families = _Families()
        now = self._now()
        for entry in self._newest().entries:
            if entry.last is not None:
                families.add(entry, now - entry.last)
        yield from families.all()


class _Families:
    def __init__(self) -> None:
        self.events = CounterMetricFamily("slo_events", "Events counted since the sidecar started.")
        self.errors = CounterMetricFamily("slo_error_events", "Bad events counted since the sidecar started.")
        self.ratio = GaugeMetricFamily("slo_error_ratio", "Bad events per event over a lookback.")
        self.burn = GaugeMetricFamily(
            "slo_burn_rate", "Times faster than sustainable that the budget burns over a lookback."
        )
        self.left = GaugeMetricFamily(
            "slo_error_budget_remaining_ratio", "Share of the error budget left; negative when overspent."
        )
        self.exhaustion = GaugeMetricFamily(
            "slo_time_to_exhaustion_seconds", "Until the budget is gone at this burn; absent without burn."
        )
        self.age = GaugeMetricFamily("slo_data_age_seconds", "Age of the newest data behind these numbers.")

    def all(self) -> list[Metric]:
        return [self.events, self.errors, self.ratio, self.burn, self.left, self.exhaustion, self.age]

    def add(self, entry: Entry, age: float) -> None:
        labels = {**NATIVE.identity(entry.slo), **entry.group_labels}
        self.events.add_sample("slo_events_total", labels, entry.events)
        self.errors.add_sample("slo_error_events_total", labels, entry.errors)
        for burn in entry.burns:
            over = {**labels, "lookback": format_duration(burn.lookback)}
            _add(self.ratio, over, burn.error_ratio)
            _add(self.burn, over, burn.burn_rate)
        _add(self.left, labels, entry.budget.left)
        _add(self.exhaustion, labels, entry.budget.time_to_exhaustion)
        _add(self.age, labels, age)


def _add(family: Metric, labels: Labels, value: float | None) -> None:
    if value is not None and not isinf(value):
        family.add_sample(family.name, dict(labels), value)
