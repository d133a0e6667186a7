"""Two sets of SLOs → the changes of each, with what follows from them."""

from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Final, TypeAlias

from msgspec import Struct

from sloctl.duration import format_duration, humanize_duration
from sloctl.formatting import describe_window
from sloctl.model import AlertKind, Exclusion, PolicyRow, Slo
from sloctl.naming import LabelStyle, alert_name, spent_share
from sloctl.promql import format_number
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RecordingRule
from sloctl.slo.exclusions import describe_time
from sloctl.slo.lowering import lower_indicator
from sloctl.slo.policy import alert_factor, alert_threshold
from sloctl.slo.service_hours import describe_hours


class ChangeKind(Enum):
    """What became of an SLO."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class MeaningChange(Struct, frozen=True):
    """One thing that means something else, and whether somebody loses by it."""

    what: str
    text: str
    is_breaking: bool = False


class SloChange(Struct, frozen=True):
    """All that changes of one SLO."""

    slo_id: str
    kind: ChangeKind
    changes: tuple[MeaningChange, ...]

    @property
    def is_breaking(self) -> bool:
        return any(change.is_breaking for change in self.changes)


def compare_slos(base: Iterable[Slo], head: Iterable[Slo], style: LabelStyle) -> list[SloChange]:
    """Return the SLOs that are not the same in both, in order of id."""
    before, after = ({slo.id: slo for slo in slos} for slos in (base, head))
    changed = []
    for slo_id in sorted(before.keys() | after.keys()):
        old, new = before.get(slo_id), after.get(slo_id)
        if old is None and new is not None:
            changed.append(SloChange(slo_id, ChangeKind.ADDED, tuple(_describe_added(new, style))))
        elif new is None and old is not None:
            gone = MeaningChange(
                "slo", f"{_promise(old)} is gone, with its history and alerts", is_breaking=True
            )
            changed.append(SloChange(slo_id, ChangeKind.REMOVED, (gone,)))
        elif old is not None and new is not None:
            changes = [change for compare in _COMPARISONS for change in compare(old, new)]
            changes += _compare_cost(old, new, style)
            if changes:
                changed.append(SloChange(slo_id, ChangeKind.CHANGED, tuple(changes)))
    return changed


def _describe_added(slo: Slo, style: LabelStyle) -> Iterator[MeaningChange]:
    yield MeaningChange("slo", f"{_promise(slo)}, {_budget_text(slo)} of budget")
    rules, series = _cost(slo, style)
    yield MeaningChange("cost", f"{rules} rules, {series} recorded series for each budget")


def _compare_objective(old: Slo, new: Slo) -> Iterator[MeaningChange]:
    if old.objective != new.objective or old.window != new.window:
        budgets = f"budget {_budget_text(old)} → {_budget_text(new)}"
        if old.objective != new.objective:
            objectives = f"{format_number(old.objective * 100)} % → {format_number(new.objective * 100)} %"
            lowered = new.objective < old.objective
            note = ", which promises less" if lowered else ""
            yield MeaningChange("objective", f"{objectives}{note}: {budgets}", lowered)
        else:
            windows = f"{describe_window(old.window)} → {describe_window(new.window)}"
            yield MeaningChange("window", f"{windows}: {budgets}")


def _compare_window(old: Slo, new: Slo) -> Iterator[MeaningChange]:
    if old.window != new.window and old.objective != new.objective:
        windows = f"{describe_window(old.window)} → {describe_window(new.window)}"
        yield MeaningChange("window", windows)


def _compare_indicator(old: Slo, new: Slo) -> Iterator[MeaningChange]:
    if old.time_slice != new.time_slice or lower_indicator(old.indicator) != lower_indicator(new.indicator):
        text = "other events are counted, and what was recorded before stays in the windows"
        yield MeaningChange("indicator", text, is_breaking=True)
    if old.group_by != new.group_by:
        before, after = (", ".join(slo.group_by) or "one budget" for slo in (old, new))
        text = f"{before} → {after}: the history starts anew, with other groups"
        yield MeaningChange("groupBy", text, is_breaking=True)


def _compare_alerts(old: Slo, new: Slo) -> Iterator[MeaningChange]:
    """Compare which alerts there are, and what they wait for besides their rows."""
    before, after = old.alerting.enabled_alerts, new.alerting.enabled_alerts
    for kind in AlertKind:
        if kind in before and kind not in after:
            yield MeaningChange("alert", f"{kind.value} is gone", is_breaking=True)
        elif kind in after and kind not in before:
            yield MeaningChange("alert", f"{kind.value} is new")
        elif kind in after:
            yield from _compare_routing(old, new, kind)
    yield from _compare_spent_steps(old, new)
    if _floors(old) != _floors(new):
        yield MeaningChange("alert", f"{_floors(old)} → {_floors(new)}")


def _compare_spent_steps(old: Slo, new: Slo) -> Iterator[MeaningChange]:
    """Compare at which shares of the budget there are alerts."""
    before, after = ({step.share: step for step in slo.alerting.spent_steps} for slo in (old, new))
    for share in sorted(before.keys() | after.keys()):
        step, other = before.get(share), after.get(share)
        if step is None and other is not None:
            yield MeaningChange("alert", f"{other.severity.value} at {spent_share(other)} spent is new")
        elif step is not None and other is None:
            text = f"{step.severity.value} at {spent_share(step)} spent is gone"
            yield MeaningChange("alert", text, is_breaking=True)
        elif step is not None and other is not None and step != other:
            severities = f"{step.severity.value} → {other.severity.value}"
            what = severities if step.severity is not other.severity else "other labels or another name"
            yield MeaningChange("alert", f"{spent_share(step)} spent: {what}")


def _compare_routing(old: Slo, new: Slo, kind: AlertKind) -> Iterator[MeaningChange]:
    """Compare what an alert of both is called, and what it is routed by."""
    names = [alert_name(slo.alerting, kind) for slo in (old, new)]
    if names[0] != names[1]:
        text = f"{kind.value} is called {names[1]}, no longer {names[0]}: routes and silences may miss it"
        yield MeaningChange("alert", text, is_breaking=True)
    labels = [slo.alerting.enabled_alerts[kind].labels for slo in (old, new)]
    if labels[0] != labels[1]:
        yield MeaningChange("alert", f"{kind.value} has other labels: routes may miss it")
    severities = [slo.alerting.severity_of(kind).value for slo in (old, new)]
    if severities[0] != severities[1]:
        yield MeaningChange("alert", f"{kind.value}: {severities[0]} → {severities[1]}")


def _compare_policy(old: Slo, new: Slo) -> Iterator[MeaningChange]:
    """Compare what each row waits for; one that waits for an error ratio of 1 can never fire."""
    before, after = (
        {(row.severity, row.long, row.short): row for row in slo.alerting.policy} for slo in (old, new)
    )
    for key in sorted(before.keys() | after.keys(), key=lambda key: (key[0].value, key[1], key[2])):
        row_before, row_after = before.get(key), after.get(key)
        name = f"{key[0].value} on {format_duration(key[1])} and {format_duration(key[2])}"
        if row_after is None and row_before is not None:
            yield MeaningChange("policy", f"{name} is gone: {_row_text(row_before, old)}", is_breaking=True)
        elif row_before is None and row_after is not None:
            yield MeaningChange("policy", f"{name} is new: {_row_text(row_after, new)}")
        elif row_before is not None and row_after is not None:
            texts = _row_text(row_before, old), _row_text(row_after, new)
            unreachable = _is_unreachable(row_after, new) and not _is_unreachable(row_before, old)
            if texts[0] != texts[1]:
                never = ", and can never fire" if unreachable else ""
                yield MeaningChange("policy", f"{name}: {texts[0]} → {texts[1]}{never}", unreachable)


def _compare_metadata(old: Slo, new: Slo) -> Iterator[MeaningChange]:
    """Compare what is said of an SLO, and how often its service is scraped."""
    if old.scrape_interval != new.scrape_interval:
        intervals = f"{format_duration(old.scrape_interval)} → {format_duration(new.scrape_interval)}"
        yield MeaningChange("scrapeInterval", intervals)
    for what, before, after in (
        ("label", old.labels, new.labels),
        ("annotation", old.annotations, new.annotations),
    ):
        for name in sorted(before.keys() | after.keys()):
            if before.get(name) != after.get(name):
                values = f"{before.get(name, 'none')} → {after.get(name, 'none')}"
                yield MeaningChange(what, f"{name}: {values}")
    if old.description != new.description:
        yield MeaningChange("description", f"{old.description or 'none'} → {new.description or 'none'}")


def _compare_hours(old: Slo, new: Slo) -> Iterator[MeaningChange]:
    """Compare the service hours; what was recorded before stays as it was."""
    before, after = (describe_hours(slo.active_hours) or "always" for slo in (old, new))
    if before != after:
        yield MeaningChange("activeHours", f"{before} → {after}, from now on")


def _compare_exclusions(old: Slo, new: Slo) -> Iterator[MeaningChange]:
    """Compare which times do not count; one that is over by its own end is no longer there either."""
    for exclusion in new.exclusions:
        if exclusion not in old.exclusions:
            yield MeaningChange("exclusion", f"{_exclusion_text(exclusion)} counts no longer")
    for exclusion in old.exclusions:
        if exclusion not in new.exclusions:
            yield MeaningChange("exclusion", f"{_exclusion_text(exclusion)} counts again")


def _exclusion_text(exclusion: Exclusion) -> str:
    return f"{describe_time(exclusion.time)} ({exclusion.reason})"


def _compare_cost(old: Slo, new: Slo, style: LabelStyle) -> Iterator[MeaningChange]:
    before, after = _cost(old, style), _cost(new, style)
    if before != after:
        text = f"rules {before[0]} → {after[0]}, recorded series for each budget {before[1]} → {after[1]}"
        yield MeaningChange("cost", text)


_Comparison: TypeAlias = Callable[[Slo, Slo], Iterator[MeaningChange]]
_COMPARISONS: Final[tuple[_Comparison, ...]] = (
    _compare_objective,
    _compare_window,
    _compare_indicator,
    _compare_alerts,
    _compare_policy,
    _compare_hours,
    _compare_exclusions,
    _compare_metadata,
)


def _promise(slo: Slo) -> str:
    return f"{format_number(slo.objective * 100)} % over {describe_window(slo.window)}"


def _budget_text(slo: Slo) -> str:
    """Say how long a total outage may last in the window."""
    return humanize_duration(float(slo.budget * slo.window.seconds))


def _row_text(row: PolicyRow, slo: Slo) -> str:
    factor = format_number(round(alert_factor(row, slo.window.seconds), 4))
    ratio = format_number(round(alert_threshold(row, slo.window.seconds, slo.budget) * 100, 4))
    pending = f" for {format_duration(row.pending)}" if row.pending else ""
    return f"above {factor}× ({ratio} % errors){pending}"


def _is_unreachable(row: PolicyRow, slo: Slo) -> bool:
    return alert_threshold(row, slo.window.seconds, slo.budget) >= 1


def _floors(slo: Slo) -> str:
    alerting = slo.alerting
    confidence = f", {format_number(alerting.confidence * 100)} % confidence" if alerting.confidence else ""
    waits = f", soon gone within {format_duration(alerting.exhausting_within)}"
    return (
        f"at least {alerting.min_errors} errors{confidence}{waits}, "
        f"no data after {format_duration(alerting.no_data_after)}"
    )


def _cost(slo: Slo, style: LabelStyle) -> tuple[int, int]:
    """Return how many rules there are, and how many of them record a series."""
    rules = [rule for group in rule_groups(slo, style) for rule in group.rules]
    return len(rules), sum(isinstance(rule, RecordingRule) for rule in rules)
