"""What a report says of each SLO over its span, and of services, teams and tiers together."""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from sloctl.duration import HOUR
from sloctl.model import Labels, Severity, Slo
from sloctl.prometheus.answers import QueryRange
from sloctl.report.recorded import RecordedCounts
from sloctl.slo import burn
from sloctl.slo.event_series import EventSeries
from sloctl.slo.exclusions import describe_exclusions, exclude_from_series
from sloctl.slo.replay import replay_policy
from sloctl.slo.resolutions import EventCounts

# Alerts this close to each other are one incident, seconds.
_SAME_INCIDENT: Final = HOUR // 2
# A change of what was spent below this is no trend: a twentieth of the budget.
STEADY_CHANGE: Final = 0.05


class BurnIncident(Struct, frozen=True):
    """Burn alerts that overlap, or nearly; *began* is the onset of the burn (`find_onset`), Unix seconds.

    *severity* is the worst of them, *spent* the share of the span's budget that the errors in it took.
    """

    severity: Severity
    began: int
    ended: int
    errors: float
    spent: float | None


class SloReport(Struct, frozen=True):
    """One SLO, or one group of it, over the span; *known_share* of it is known, 0 where nothing is.

    *spent* is the share of the budget of the span's own events, *spent_before* that of the span before; None
    without events. *budget_curve* is what was left of it, by Unix seconds. *excluded* are the exclusions
    that all this is without, in words; *spent_with_excluded* is the share with them.
    """

    slo: Slo
    group: Labels
    counts: EventCounts
    known_share: float
    is_met: bool | None
    spent: float | None
    spent_before: float | None
    incidents: tuple[BurnIncident, ...]
    budget_curve: tuple[tuple[int, float], ...]
    excluded: tuple[str, ...] = ()
    spent_with_excluded: float | None = None

    @property
    def title(self) -> str:
        """The id, with the values of the group."""
        values = ", ".join(f"{name}={value}" for name, value in self.group.items())
        return f"{self.slo.id} {{{values}}}" if values else self.slo.id

    @property
    def longest(self) -> BurnIncident | None:
        """The incident that lasted longest."""
        return max(self.incidents, key=lambda incident: incident.ended - incident.began, default=None)

    @property
    def incident_share(self) -> float | None:
        """The share of all errors that fell into incidents; None without errors."""
        if self.counts.error <= 0:
            return None
        return min(1.0, sum(incident.errors for incident in self.incidents) / self.counts.error)


class RollCall(Struct, frozen=True):
    """How the SLOs of a service, team or tier fared; *worst* is the most spent of them."""

    kind: str
    name: str
    met: int
    missed: int
    unknown: int
    worst: SloReport | None


class Report(Struct, frozen=True):
    """All SLOs over *span*; *unreviewed* are those whose reviewBy is past or missing, with that date."""

    span: QueryRange
    slos: tuple[SloReport, ...]
    roll_calls: tuple[RollCall, ...]
    unreviewed: tuple[tuple[str, str | None], ...]

    @property
    def without_data(self) -> tuple[SloReport, ...]:
        """The SLOs of which no event is known."""
        return tuple(slo for slo in self.slos if slo.is_met is None)


def report_slo(slo: Slo, group: Labels, recorded: RecordedCounts | None, span: QueryRange) -> SloReport:
    """Judge one budget over *span*; the series may begin earlier, so that lookbacks are full."""
    if recorded is None:
        return SloReport(slo, group, EventCounts(0.0, 0.0), 0.0, None, None, None, (), ())
    whole, series = recorded.repaired, exclude_from_series(slo, group, recorded.repaired)
    first = (span.start - series.start) // series.step
    counts = series.counts_between(first, len(series))
    ratio = counts.error_ratio
    allowed = float(slo.budget) * counts.total
    curve = tuple(
        (series.moment_at(index), 1 - series.counts_between(first, index + 1).error / allowed)
        for index in range(first, len(series), HOUR // series.step)
        if allowed > 0
    )
    return SloReport(
        slo=slo,
        group=group,
        counts=counts,
        known_share=series.known.count(1, first) / max(1, len(series) - first),
        is_met=None if ratio is None else ratio <= float(slo.budget),
        spent=burn.burn_rate(slo.budget, ratio),
        # Of the span before only the sum is known, with what may be excluded from it.
        spent_before=None
        if describe_exclusions(slo, group, span.start - (span.end - span.start), span.start)
        else burn.burn_rate(slo.budget, recorded.before.error_ratio),
        incidents=tuple(
            find_incidents(slo, exclude_from_series(slo, group, recorded.counted), span, allowed)
        ),
        budget_curve=curve,
        excluded=describe_exclusions(slo, group, span.start, span.end),
        spent_with_excluded=burn.burn_rate(slo.budget, whole.counts_between(first, len(whole)).error_ratio),
    )


def find_incidents(slo: Slo, series: EventSeries, span: QueryRange, allowed: float) -> Iterable[BurnIncident]:
    """Join the burn alerts of a replay into incidents; *allowed* are the bad events of the span's budget."""
    spans: list[tuple[int, int, Severity]] = []
    for alert in replay_policy(slo, series).alerts:
        ended = series.end if alert.ended is None else alert.ended
        if alert.policy_row is None or ended <= span.start:
            continue
        began = max(span.start, find_onset(slo, series, alert.began, alert.policy_row.long))
        if spans and began <= spans[-1][1] + _SAME_INCIDENT:
            start, end, severity = spans.pop()
            worst = Severity.PAGE if Severity.PAGE in {severity, alert.severity} else Severity.TICKET
            spans.append((start, max(end, ended), worst))
        else:
            spans.append((began, ended, alert.severity))
    for began, ended, severity in spans:
        first, last = ((at - series.start) // series.step for at in (began, ended))
        errors = series.counts_between(first, last).error
        yield BurnIncident(severity, began, ended, errors, errors / allowed if allowed > 0 else None)


def find_onset(slo: Slo, series: EventSeries, at: int, most: int) -> int:
    """Go back from *at* while every step burned faster than the budget sustains, *most* seconds at most.

    A step without events does not end a burn.
    """
    budget, index = float(slo.budget), (at - series.start) // series.step - 1
    onset = index
    for earlier in range(index, max(-1, index - most // series.step), -1):
        ratio = series.counts_between(earlier, earlier + 1).error_ratio
        if ratio is not None and ratio <= budget:
            break
        if ratio is not None:
            onset = earlier
    return series.start + onset * series.step


def build_report(span: QueryRange, slos: Sequence[SloReport], *, today: str) -> Report:
    """Put all SLOs together, the most spent first; *today* is like 2026-11-01, for reviews."""
    order = sorted(slos, key=lambda it: (it.spent is None, -(it.spent or 0.0), it.title))
    kinds = ("service", *(label for label in ("team", "tier") if any(label in it.slo.labels for it in slos)))
    calls = [
        call_roll(kind, name, [it for it in order if _name_of(it, kind) == name])
        for kind in kinds
        for name in sorted({_name_of(it, kind) for it in slos})
    ]
    reviews = {it.slo.id: it.slo.review_by for it in slos}
    unreviewed = [(slo_id, by) for slo_id, by in sorted(reviews.items()) if by is None or by < today]
    return Report(span, tuple(order), tuple(calls), tuple(unreviewed))


def call_roll(kind: str, name: str, slos: Sequence[SloReport]) -> RollCall:
    """Count the SLOs of one service, team or tier."""
    verdicts = [it.is_met for it in slos]
    worst = max((it for it in slos if it.spent is not None), key=lambda it: it.spent or 0.0, default=None)
    return RollCall(kind, name, verdicts.count(True), verdicts.count(False), verdicts.count(None), worst)


def _name_of(report: SloReport, kind: str) -> str:
    return report.slo.service if kind == "service" else report.slo.labels.get(kind, "none")
