"""The board as metrics of its own, rendered once per board.

Its one law: what is not known is absent. Of an SLO without data for longer than its no-data limit, only its
counters and the age of its data are left: old numbers never look like new ones.
"""

from collections.abc import Iterator
from math import inf, isinf
from typing import Final

from sloctl.decimals import format_number
from sloctl.duration import format_duration
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.board import SloState, Snapshot
from sloctl.sidecar.parts import Kind
from sloctl.sidecar.verdict import AlertState
from sloctl.sidecar.views.metrics_text import Family, Format, exposition, labels_text, sample

EVENTS: Final = Family("slo_events_total", "Events counted.", Kind.COUNTER)
ERRORS: Final = Family("slo_error_events_total", "Bad events counted.", Kind.COUNTER)
RATIO: Final = Family("slo_error_ratio", "Bad events per event over a lookback.", Kind.GAUGE)
BURN: Final = Family(
    "slo_burn_rate", "Times faster than sustainable that the budget burns over a lookback.", Kind.GAUGE
)
LEFT: Final = Family(
    "slo_error_budget_remaining_ratio", "Share of the error budget left; negative when overspent.", Kind.GAUGE
)
EXHAUSTION: Final = Family(
    "slo_time_to_exhaustion_seconds",
    "Until the budget is gone at this burn; absent where nothing burns.",
    Kind.GAUGE,
)
FIRING: Final = Family("slo_alert_firing", "Whether the page or the ticket fires.", Kind.GAUGE)
INFO: Final = Family("slo_info", "What the spec says of the SLO; always 1.", Kind.GAUGE)
AGE: Final = Family("slo_data_age_seconds", "Age of the newest data behind these numbers.", Kind.GAUGE)
FAMILIES: Final = (EVENTS, ERRORS, RATIO, BURN, LEFT, EXHAUSTION, FIRING, INFO, AGE)

# So many entries at a time: about two milliseconds.
_PIECE: Final = 50
# Labels of ours; a group's of the same name moves aside, as Prometheus does it.
_OWN: Final = frozenset({"lookback", "severity"})


class BoardText:
    """One board as text, as of *now* (Unix seconds); after *until* some of its numbers are too old.

    Complete once `parts` has ended.
    """

    def __init__(self, board: Snapshot, now: float) -> None:
        self.board = board
        self.until = inf
        self._now = now
        self._lines: dict[Family, list[str]] = {family: [] for family in FAMILIES if family is not AGE}
        self._seen: list[tuple[str, float]] = []
        self._described: set[str] = set()
        self._encoded: dict[Format, bytes] = {}

    @classmethod
    def of(cls, board: Snapshot, now: float) -> "BoardText":
        """All in one go."""
        text = cls(board, now)
        for _ in text.parts():
            pass
        return text

    def parts(self) -> Iterator[None]:
        """Makes the text piece by piece, so that others have their turn in between."""
        for number, entry in enumerate(self.board.states, start=1):
            self._add(entry)
            if number % _PIECE == 0:
                yield

    def exposition(self, form: Format, now: float) -> bytes:
        encoded = self._encoded.get(form)
        if encoded is None:
            encoded = self._encoded[form] = exposition(self._lines.items(), form)
        ages = [sample(AGE.name, labels, now - last) for labels, last in self._seen]
        return encoded + exposition([(AGE, ages)], form)

    def _add(self, entry: SloState) -> None:
        slo = entry.slo
        labels = labels_text(*NATIVE_STYLE.identity_labels(slo).items(), *_group(entry))
        if slo.id not in self._described:
            self._described.add(slo.id)
            self._lines[INFO].append(sample(INFO.name, _described(entry), 1.0))
        if entry.last is None:
            return
        self._seen.append((labels, entry.last))
        self._lines[EVENTS].append(sample(EVENTS.name, labels, entry.events))
        self._lines[ERRORS].append(sample(ERRORS.name, labels, entry.errors))
        limit = entry.last + slo.alerting.no_data_after
        if self._now <= limit:
            self.until = min(self.until, limit)
            self._add_burns(entry, labels)
            for family, more, value in _gauges(entry):
                self._lines[family].append(sample(family.name, labels + more, value))

    def _add_burns(self, entry: SloState, labels: str) -> None:
        """Four lines of five are of these."""
        ratios, rates = self._lines[RATIO], self._lines[BURN]
        for burn in entry.burns:
            if burn.error_ratio is not None and burn.burn_rate is not None:
                over = f'{{{labels},lookback="{format_duration(burn.lookback)}"}}'
                ratios.append(f"{RATIO.name}{over} {burn.error_ratio!r}\n")
                rates.append(f"{BURN.name}{over} {burn.burn_rate!r}\n")


def _gauges(entry: SloState) -> Iterator[tuple[Family, str, float]]:
    """The known ones beside the burns, each with its own label as text."""
    if entry.budget.left is not None:
        yield LEFT, "", entry.budget.left
    seconds = entry.budget.time_to_exhaustion
    if seconds is not None and not isinf(seconds):
        yield EXHAUSTION, "", seconds
    for alert in entry.alerts:
        if alert.state is not AlertState.UNKNOWN:
            yield FIRING, f',severity="{alert.severity.value}"', float(alert.state is AlertState.FIRING)


def _group(entry: SloState) -> Iterator[tuple[str, str]]:
    for name, value in entry.group_labels.items():
        yield f"exported_{name}" if name in _OWN else name, value


def _described(entry: SloState) -> str:
    slo = entry.slo
    return labels_text(
        *NATIVE_STYLE.identity_labels(slo).items(),
        (NATIVE_STYLE.objective, f"{format_number(100 * slo.objective)}%"),
        (NATIVE_STYLE.window, format_duration(slo.window.seconds)),
        *slo.labels.items(),
    )
