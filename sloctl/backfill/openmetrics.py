"""OpenMetrics lines, the form in which promtool loads the past."""

from collections.abc import Iterator, Mapping

from sloctl.model import Labels
from sloctl.promql import quote_string


def format_samples(metric: str, labels: Labels, points: Mapping[int, float]) -> Iterator[str]:
    """Write one series, a line for each of *points* by Unix time."""
    inside = ",".join(f"{name}={quote_string(value)}" for name, value in sorted(labels.items()))
    for at, value in points.items():
        yield f"{metric}{{{inside}}} {value!r} {at}\n"
