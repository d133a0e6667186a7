"""Exposition text → samples. Only the lines of wanted metrics reach the parser."""

from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from sloctl.model import Labels

# What Prometheus asks for, so that names are spelled as Prometheus stores them.
ACCEPT: Final = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
CONTENT_TYPES: Final = frozenset({"application/openmetrics-text", "text/plain"})


class Series(NamedTuple):
    """One time series; *labels* are sorted by name."""

    metric: str
    labels: tuple[tuple[str, str], ...]


def samples(text: str, metrics: Collection[str], target: Labels) -> Iterator[tuple[Series, float]]:
    """The samples of *metrics* in *text*, with the labels of the *target* attached.

    Raises ValueError for a line of theirs that is no sample; lines of other metrics are not looked at.
    """
    # A sample line alone reads the same in both formats. The strict OpenMetrics parser would refuse all
    # metrics for one family out of order.
    for family in text_string_to_metric_families(_lines_of(metrics, text)):
        for sample in family.samples:
            yield Series(sample.name, _attached(sample.labels, target)), float(sample.value)


def _lines_of(metrics: Collection[str], text: str) -> str:
    # A name ends at a brace or a blank; startswith on a tuple runs at the speed of C.
    starts = tuple(f"{metric}{end}" for metric in metrics for end in "{ \t")
    return "\n".join(line for line in text.split("\n") if line.startswith(starts))


def _attached(exposed: Labels, target: Labels) -> tuple[tuple[str, str], ...]:
    """As Prometheus does: the target's labels win, the exposed ones move to `exported_…`."""
    moved = {f"exported_{name}" if name in target else name: value for name, value in exposed.items()}
    return tuple(sorted({**moved, **target}.items()))
