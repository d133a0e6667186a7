"""A snapshot as text that both exposition formats spell alike; only the lines that describe a family differ.

prometheus-client's own encoder takes 150 ms for a thousand SLOs, in which nobody else is served. It still
encodes everything small, and the tests read this text back with its parsers.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from math import inf
from typing import Final

from sloctl.model import Slo
from sloctl.naming import NATIVE_STYLE, window_name
from sloctl.promql import format_number
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.slo_metrics import DATA_AGE, SLO_INFO, SLO_METRICS, MetricFamily, slo_label_pairs

# So many SLOs are rendered before others get their turn: about two milliseconds.
_BATCH_SIZE: Final = 50
# Of a line without the labels of its SLO: name, lookback, number.
_OTHER_LINE_BYTES: Final = 50
# What a Prometheus takes at once without trouble; some 13,000 SLOs.
MAX_METRICS_BYTES: Final = 32 * 1024 * 1024


class ExpositionFormat(Enum):
    """Prometheus's text format, and OpenMetrics."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


class SnapshotMetrics:
    """One snapshot as text, as of *now* (Unix seconds); after *valid_until* some of its numbers are too old.

    Complete once `render_parts` has ended. SLOs that would make it larger than *max_bytes* are *omitted*: all
    of one or nothing, in the order of the snapshot.
    """

    def __init__(self, snapshot: Snapshot, now: float, max_bytes: int = MAX_METRICS_BYTES) -> None:
        self.omitted = 0
        self._max_bytes = max_bytes
        self._size = 0
        self.snapshot = snapshot
        self.valid_until = inf
        self._now = now
        # Ages change from scrape to scrape.
        self._metrics = [metric for metric in SLO_METRICS if metric is not DATA_AGE]
        self._lines: dict[MetricFamily, list[str]] = {family: [] for family in (*self._metrics, SLO_INFO)}
        self._last_data: list[tuple[str, float]] = []
        self._encoded: dict[ExpositionFormat, bytes] = {}

    @classmethod
    def render_snapshot(cls, snapshot: Snapshot, now: float) -> "SnapshotMetrics":
        """Render everything in one go."""
        metrics = cls(snapshot, now)
        for _ in metrics.render_parts():
            pass
        return metrics

    def render_parts(self) -> Iterator[None]:
        """Render batch by batch, so that others have their turn in between."""
        described: set[str] = set()
        for number, state in enumerate(self.snapshot.states, start=1):
            if self._size > self._max_bytes:
                self.omitted += 1
                continue
            if state.slo.id not in described:
                described.add(state.slo.id)
                self._add_info(state.slo)
            if state.last is not None:
                self._add_state(state, state.last)
            if number % _BATCH_SIZE == 0:
                yield

    def _add_info(self, slo: Slo) -> None:
        labels = format_labels(
            *NATIVE_STYLE.identity_labels(slo).items(),
            (NATIVE_STYLE.objective, f"{format_number(100 * slo.objective)}%"),
            (NATIVE_STYLE.window, window_name(slo.window)),
            *slo.labels.items(),
        )
        self._lines[SLO_INFO].append(format_sample(SLO_INFO.name, labels, 1.0))

    def _add_state(self, state: SloState, last: float) -> None:
        labels = format_labels(*slo_label_pairs(state))
        self._last_data.append((labels, last))
        limit = last + state.slo.alerting.no_data_after
        if self._now <= limit:
            self.valid_until = min(self.valid_until, limit)
        count = 0
        for metric in self._metrics:
            lines, name = self._lines[metric], metric.name
            for extra, value in metric.known_values(state, self._now):
                more = f",{format_labels(*extra)}" if extra else ""
                lines.append(f"{name}{{{labels}{more}}} {value!r}\n")
                count += 1
        # Nearly all of a line are its labels.
        self._size += count * (len(labels) + _OTHER_LINE_BYTES)

    def encode_metrics(self, form: ExpositionFormat, now: float) -> bytes:
        """Encode everything, with ages as of *now* (Unix seconds)."""
        encoded = self._encoded.get(form)
        if encoded is None:
            encoded = self._encoded[form] = _encode_families(self._lines, form)
        ages = [format_sample(DATA_AGE.name, labels, now - last) for labels, last in self._last_data]
        return encoded + _encode_families({DATA_AGE: ages}, form)


@lru_cache(maxsize=2**16)  # the same labels at every snapshot
def format_labels(*labels: tuple[str, str]) -> str:
    """Format labels in the order given, without braces: `slo_id="shop/availability",slo_service="shop"`."""
    return ",".join(
        '{}="{}"'.format(name, value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"'))
        for name, value in labels
    )


def format_sample(name: str, labels: str, value: float) -> str:
    return f"{name}{{{labels}}} {value!r}\n"


def _encode_families(families: Mapping[MetricFamily, Iterable[str]], form: ExpositionFormat) -> bytes:
    """Encode the lines of each family below its header; a family without lines is left out."""
    text = []
    for family, lines in families.items():
        if lines:
            bare = family.name.removesuffix("_total")
            name = bare if form is ExpositionFormat.OPENMETRICS else family.name
            text += [f"# HELP {name} {family.help}\n# TYPE {name} {family.kind.value}\n", *lines]
    return "".join(text).encode()
