"""The board as metrics of its own, rendered once per board.

Its one law: what is not known is absent. Of an SLO without data for longer than its no-data limit, only its
counters and the age of its data are left: old numbers never look like new ones.
"""

from collections.abc import Iterator
from math import inf, isinf
from typing import Final

from sloctl.duration import format_duration
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import format_number
from sloctl.sidecar.component import MetricType
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.http.metrics.exposition import (
    ExpositionFormat,
    MetricFamily,
    encode_families,
    format_labels,
    format_sample,
)
from sloctl.slo.health import AlertState

EVENTS_TOTAL: Final = MetricFamily("slo_events_total", "Events counted.", MetricType.COUNTER)
ERROR_EVENTS_TOTAL: Final = MetricFamily("slo_error_events_total", "Bad events counted.", MetricType.COUNTER)
ERROR_RATIO: Final = MetricFamily(
    "slo_error_ratio", "Bad events per event over a lookback.", MetricType.GAUGE
)
BURN_RATE: Final = MetricFamily(
    "slo_burn_rate", "Times faster than sustainable that the budget burns over a lookback.", MetricType.GAUGE
)
BUDGET_REMAINING: Final = MetricFamily(
    "slo_error_budget_remaining_ratio",
    "Share of the error budget left; negative when overspent.",
    MetricType.GAUGE,
)
TIME_TO_EXHAUSTION: Final = MetricFamily(
    "slo_time_to_exhaustion_seconds",
    "Until the budget is gone at this burn; absent where nothing burns.",
    MetricType.GAUGE,
)
ALERT_FIRING: Final = MetricFamily(
    "slo_alert_firing", "Whether the page or the ticket fires.", MetricType.GAUGE
)
SLO_INFO: Final = MetricFamily("slo_info", "What the spec says of the SLO; always 1.", MetricType.GAUGE)
DATA_AGE: Final = MetricFamily(
    "slo_data_age_seconds", "Age of the newest data behind these numbers.", MetricType.GAUGE
)
FAMILIES: Final = (
    EVENTS_TOTAL,
    ERROR_EVENTS_TOTAL,
    ERROR_RATIO,
    BURN_RATE,
    BUDGET_REMAINING,
    TIME_TO_EXHAUSTION,
    ALERT_FIRING,
    SLO_INFO,
    DATA_AGE,
)

# So many entries at a time: about two milliseconds.
_BATCH_SIZE: Final = 50
# Labels of ours; a group's of the same name moves aside, as Prometheus does it.
_RESERVED_LABELS: Final = frozenset({"lookback", "severity"})


class SnapshotMetrics:
    """One board as text, as of *now* (Unix seconds); after *until* some of its numbers are too old.

    Complete once `parts` has ended.
    """

    def __init__(self, board: Snapshot, now: float) -> None:
        self.snapshot = board
        self.valid_until = inf
        self._now = now
        self._lines: dict[MetricFamily, list[str]] = {
            family: [] for family in FAMILIES if family is not DATA_AGE
        }
        self._seen: list[tuple[str, float]] = []
        self._described: set[str] = set()
        self._encoded: dict[ExpositionFormat, bytes] = {}

    @classmethod
    def render_snapshot(cls, board: Snapshot, now: float) -> "SnapshotMetrics":
        """All in one go."""
        text = cls(board, now)
        for _ in text.render_parts():
            pass
        return text

    def render_parts(self) -> Iterator[None]:
        """Makes the text piece by piece, so that others have their turn in between."""
        for number, entry in enumerate(self.snapshot.states, start=1):
            self._render_slo(entry)
            if number % _BATCH_SIZE == 0:
                yield

    def encode_metrics(self, form: ExpositionFormat, now: float) -> bytes:
        encoded = self._encoded.get(form)
        if encoded is None:
            encoded = self._encoded[form] = encode_families(self._lines.items(), form)
        ages = [format_sample(DATA_AGE.name, labels, now - last) for labels, last in self._seen]
        return encoded + encode_families([(DATA_AGE, ages)], form)

    def _render_slo(self, entry: SloState) -> None:
        slo = entry.slo
        labels = format_labels(*NATIVE_STYLE.identity_labels(slo).items(), *_group(entry))
        if slo.id not in self._described:
            self._described.add(slo.id)
            self._lines[SLO_INFO].append(format_sample(SLO_INFO.name, _described(entry), 1.0))
        if entry.last is None:
            return
        self._seen.append((labels, entry.last))
        self._lines[EVENTS_TOTAL].append(format_sample(EVENTS_TOTAL.name, labels, entry.events))
        self._lines[ERROR_EVENTS_TOTAL].append(format_sample(ERROR_EVENTS_TOTAL.name, labels, entry.errors))
        limit = entry.last + slo.alerting.no_data_after
        if self._now <= limit:
            self.valid_until = min(self.valid_until, limit)
            self._render_burns(entry, labels)
            for family, more, value in _known_gauges(entry):
                self._lines[family].append(format_sample(family.name, labels + more, value))

    def _render_burns(self, entry: SloState, labels: str) -> None:
        """Four lines of five are of these."""
        ratios, rates = self._lines[ERROR_RATIO], self._lines[BURN_RATE]
        for burn in entry.burns:
            if burn.error_ratio is not None and burn.burn_rate is not None:
                over = f'{{{labels},lookback="{format_duration(burn.lookback)}"}}'
                ratios.append(f"{ERROR_RATIO.name}{over} {burn.error_ratio!r}\n")
                rates.append(f"{BURN_RATE.name}{over} {burn.burn_rate!r}\n")


def _known_gauges(entry: SloState) -> Iterator[tuple[MetricFamily, str, float]]:
    """The known ones beside the burns, each with its own label as text."""
    if entry.budget.left is not None:
        yield BUDGET_REMAINING, "", entry.budget.left
    seconds = entry.budget.time_to_exhaustion
    if seconds is not None and not isinf(seconds):
        yield TIME_TO_EXHAUSTION, "", seconds
    for alert in entry.alerts:
        if alert.state is not AlertState.UNKNOWN:
            yield ALERT_FIRING, f',severity="{alert.severity.value}"', float(alert.state is AlertState.FIRING)


def _group(entry: SloState) -> Iterator[tuple[str, str]]:
    for name, value in entry.group_labels.items():
        yield f"exported_{name}" if name in _RESERVED_LABELS else name, value


def _described(entry: SloState) -> str:
    slo = entry.slo
    return format_labels(
        *NATIVE_STYLE.identity_labels(slo).items(),
        (NATIVE_STYLE.objective, f"{format_number(100 * slo.objective)}%"),
        (NATIVE_STYLE.window, format_duration(slo.window.seconds)),
        *slo.labels.items(),
    )
