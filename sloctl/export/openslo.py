"""SLOs → OpenSLO's objects, version v1, one text a service."""

import json
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Final, TypeAlias, assert_never

import yaml
from msgspec import Struct

from sloctl.duration import DAY, HOUR, MINUTE, format_duration
from sloctl.model import (
    IDENTITY_LABELS,
    AlertKind,
    CalendarPeriod,
    CompositeIndicator,
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    LatencyIndicator,
    NativeLatencyIndicator,
    PolicyRow,
    ProbeIndicator,
    PromQL,
    QueryIndicator,
    RatioIndicator,
    RollingWindow,
    Selector,
    Severity,
    Slo,
    Window,
)
from sloctl.promql import aggregate_by, format_number, format_selector
from sloctl.slo.bucket_bounds import equal_bound
from sloctl.slo.lowering import event_seconds
from sloctl.slo.policy import alert_factor
from sloctl.spec.dialects.openslo.annotations import OWN_ANNOTATIONS
from sloctl.spec.dialects.openslo.fields import VERSION
from sloctl.spec.dialects.openslo.policies import ALERTMANAGER, BUDGET_SHARE, SHORT_LOOKBACK
from sloctl.spec.reader import LocatedSlo
from sloctl.spec.yaml_nodes import mapping_in, merge_nodes

_CALENDAR_DURATIONS: Final = {
    CalendarPeriod.WEEK: "1w",
    CalendarPeriod.MONTH: "1M",
    CalendarPeriod.QUARTER: "1Q",
    CalendarPeriod.YEAR: "1Y",
}
OpensloObject: TypeAlias = dict[str, object]
_DEFAULT_SCRAPE_INTERVAL: Final = MINUTE
_ANNOTATIONS: Final = {key: name for name, key in OWN_ANNOTATIONS.items()}
_UNITS: Final = ((DAY, "d"), (HOUR, "h"), (MINUTE, "m"))


class OpensloFile(Struct, frozen=True):
    """The objects of one service, as text."""

    service: str
    text: str


def export_openslo(slos: Sequence[LocatedSlo]) -> list[OpensloFile]:
    """Write the objects of every service, in order of its name; without journeys."""
    files = []
    written = sorted((it for it in slos if not is_journey(it.slo)), key=lambda it: it.slo.id)
    for service, members in groupby(written, key=lambda it: it.slo.service):
        of_service = list(members)
        objects = [service_object(service, of_service[0]), *map(slo_object, of_service)]
        files.append(OpensloFile(service, dump_objects(objects)))
    return files


def is_journey(slo: Slo) -> bool:
    """Tell whether *slo* is made of parts, for which OpenSLO has no formula."""
    return isinstance(slo.indicator, CompositeIndicator)


def dump_objects(objects: Iterable[OpensloObject]) -> str:
    """Write objects as documents of one file."""
    text: str = yaml.dump_all(
        objects, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=1_000_000
    )
    return text


class _PlainDumper(yaml.SafeDumper):
    """A dumper without aliases, which hide from a reader what stands where."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - of none
        return True


def service_object(name: str, member: LocatedSlo) -> OpensloObject:
    """Make the object of a service."""
    description = mapping_in(member.document, "spec").entries.get("description")
    spec = {"description": description.text} if description is not None and description.text else {}
    return {"apiVersion": VERSION, "kind": "Service", "metadata": {"name": name}, "spec": spec}


def time_window(window: Window) -> OpensloObject:
    """Make a rolling window, or one of a calendar from the first day of 2024 on, which was a Monday."""
    if isinstance(window, RollingWindow):
        return {"duration": shorthand(window.seconds), "isRolling": True}
    calendar = {"startTime": "2024-01-01 00:00:00", "timeZone": window.time_zone}
    return {"duration": _CALENDAR_DURATIONS[window.period], "isRolling": False, "calendar": calendar}


def slo_object(located: LocatedSlo) -> OpensloObject:
    """Make the object of an SLO, with its indicator and its alert policies inside."""
    slo = located.slo
    metadata: OpensloObject = {"name": slo.name}
    if slo.labels:
        metadata["labels"] = dict(slo.labels)
    metadata["annotations"] = {**slo.annotations, **own_annotations(located)}
    spec: OpensloObject = {"description": slo.description} if slo.description else {}
    spec |= {
        "service": slo.service,
        "indicator": {"metadata": {"name": f"{slo.name}-events"}, "spec": {"ratioMetric": ratio_metric(slo)}},
        "timeWindow": [time_window(slo.window)],
        "budgetingMethod": "Occurrences" if slo.time_slice is None else "Timeslices",
        "objectives": [{"target": float(slo.objective), **slice_objective(slo)}],
    }
    policies = [alert_policy(slo, row) for row in slo.alerting.policy]
    if policies and {AlertKind.PAGE, AlertKind.TICKET} & slo.alerting.enabled_alerts.keys():
        spec["alertPolicies"] = policies
    return {"apiVersion": VERSION, "kind": "SLO", "metadata": metadata, "spec": spec}


def slice_objective(slo: Slo) -> OpensloObject:
    """Return what an objective says of its slices; nothing without any."""
    if slo.time_slice is None:
        return {}
    window = format_duration(slo.time_slice.seconds)
    return {"timeSliceTarget": float(slo.time_slice.good), "timeSliceWindow": window}


def own_annotations(located: LocatedSlo) -> Mapping[str, str]:
    """Return what OpenSLO has no field for, as JSON in annotations of ours."""
    slo = located.slo
    defaults = mapping_in(mapping_in(located.document, "spec"), "alerting")
    alerting = merge_nodes(defaults, mapping_in(located.node, "alerting"))
    shown: dict[str, object] = {
        key: entry.value for key, entry in alerting.entries.items() if key != "policy"
    }
    if event_seconds(slo) is not None:
        # Of the service they are passed over; an SLO's own are a mistake where it counts minutes.
        shown = {key: value for key, value in shown.items() if key not in {"minErrors", "confidence"}}
    if {AlertKind.PAGE, AlertKind.TICKET} - slo.alerting.enabled_alerts.keys():
        # Its lookbacks are recorded all the same, and no policy that alerts holds them.
        shown["policy"] = [policy_row(slo, row) for row in slo.alerting.policy]
    annotations = {_ANNOTATIONS["alerting"]: json.dumps(shown, ensure_ascii=False)}
    if slo.scrape_interval != _DEFAULT_SCRAPE_INTERVAL:
        annotations[_ANNOTATIONS["scrapeInterval"]] = format_duration(slo.scrape_interval)
    if slo.review_by is not None:
        annotations[_ANNOTATIONS["reviewBy"]] = json.dumps(slo.review_by)
    if not says_all(slo):
        value = written_indicator(located)
        annotations[_ANNOTATIONS["indicator"]] = json.dumps(value, ensure_ascii=False)
        if slo.group_by:
            annotations[_ANNOTATIONS["groupBy"]] = json.dumps(list(slo.group_by))
    return annotations


def written_indicator(located: LocatedSlo) -> object:
    """Return an indicator as a spec has it, its slices around it."""
    value, slices = located.node.at("indicator").value, located.slo.time_slice
    if slices is None:
        return value
    return {
        "timeSlice": {
            "of": value,
            "good": f"{format_number(100 * slices.good)}%",
            "slice": format_duration(slices.seconds),
            "whenEmpty": slices.when_empty.value,
        }
    }


def says_all(slo: Slo) -> bool:
    """Tell whether queries alone say what an indicator counts."""
    if slo.time_slice is not None:
        return False
    match slo.indicator:
        case RatioIndicator(count_new_series=True, identity_labels=labels, minus=minus):
            return labels == IDENTITY_LABELS and not minus
        case LatencyIndicator(count_new_series=True, identity_labels=labels, histogram=histogram):
            return labels == IDENTITY_LABELS and histogram.metric.endswith("_seconds")
        case _:
            return False


def raw_metric(indicator: ErrorRatioIndicator | ConditionIndicator) -> OpensloObject:
    """Make the query of an indicator that gives a ratio by itself."""
    if isinstance(indicator, ErrorRatioIndicator):
        return {"rawType": "failure", "raw": metric_source(indicator.ratio.text)}
    return {"rawType": "success", "raw": metric_source(indicator.good)}


def ratio_metric(slo: Slo) -> OpensloObject:
    """Make the queries of an indicator."""
    match slo.indicator:
        case RatioIndicator(counted, numerator, total, minus=minus):
            part = " - ".join(
                [sum_counters(slo, numerator), *(f"({sum_counters(slo, (it,))})" for it in minus)]
            )
            return counter_metric(counted, part, sum_counters(slo, total))
        case LatencyIndicator(histogram) as latency:
            bucket = Selector(f"{histogram.metric}_bucket", (*histogram.matchers, equal_bound(latency.bound)))
            every = Selector(f"{histogram.metric}_count", histogram.matchers)
            return counter_metric(CountedSide.GOOD, sum_counters(slo, (bucket,)), sum_counters(slo, (every,)))
        case NativeLatencyIndicator(histogram) as latency:
            grown = aggregate_by("sum", slo.group_by, f"increase({format_selector(histogram)}[$window])")
            count, bound = f"histogram_count({grown})", format_number(latency.bound)
            return window_metric(
                CountedSide.GOOD, f"histogram_fraction(0, {bound}, {grown}) * {count}", count
            )
        case ProbeIndicator(gauge):
            ones, samples = (
                aggregate_by("sum", slo.group_by, f"{function}({format_selector(gauge)}[$window])")
                for function in ("sum_over_time", "count_over_time")
            )
            return window_metric(CountedSide.GOOD, ones, samples)
        case QueryIndicator(counted, numerator, total):
            return window_metric(counted, numerator.text, total.text)
        case ErrorRatioIndicator() | ConditionIndicator() as of_minutes:
            return raw_metric(of_minutes)
        case CompositeIndicator():
            raise TypeError(f"{slo.id} is a journey, which OpenSLO cannot say")
        case _:
            assert_never(slo.indicator)


def counter_metric(counted: CountedSide, part: PromQL, total: PromQL) -> OpensloObject:
    """Make a ratio of counters, whose increase is counted."""
    return {"counter": True, **window_metric(counted, part, total)}


def window_metric(counted: CountedSide, part: PromQL, total: PromQL) -> OpensloObject:
    """Make a ratio of queries."""
    side = "good" if counted is CountedSide.GOOD else "bad"
    return {side: metric_source(part), "total": metric_source(total)}


def metric_source(query: PromQL) -> OpensloObject:
    return {"metricSource": {"type": "Prometheus", "spec": {"query": query}}}


def sum_counters(slo: Slo, counters: Iterable[Selector]) -> PromQL:
    """Write a sum of counters by the groups of an SLO."""
    return " + ".join(aggregate_by("sum", slo.group_by, format_selector(counter)) for counter in counters)


def alert_policy(slo: Slo, row: PolicyRow) -> OpensloObject:
    """Make a policy of one row: OpenSLO knows one lookback in each."""
    name = f"{slo.name}-{row.severity.value}-{shorthand(row.long)}"
    factor = alert_factor(row, slo.window.seconds)
    annotations = {SHORT_LOOKBACK: format_duration(row.short)}
    if Fraction(repr(float(factor))) != factor:
        annotations[BUDGET_SHARE] = f"{format_number(100 * row.budget_share)}%"
    condition = {
        "kind": "burnrate",
        "op": "gt",
        "threshold": float(factor),
        "lookbackWindow": shorthand(row.long),
        "alertAfter": shorthand(row.pending),
    }
    kinds = {Severity.PAGE: AlertKind.PAGE, Severity.TICKET: AlertKind.TICKET}
    return {
        "kind": "AlertPolicy",
        "metadata": {"name": name},
        "spec": {
            "alertWhenBreaching": kinds[row.severity] in slo.alerting.enabled_alerts,
            "alertWhenNoData": slo.alerting.no_data is not None,
            "conditions": [
                {
                    "kind": "AlertCondition",
                    "metadata": {"name": name, "annotations": annotations},
                    "spec": {"severity": row.severity.value, "condition": condition},
                }
            ],
            "notificationTargets": [
                {
                    "kind": "AlertNotificationTarget",
                    "metadata": {"name": ALERTMANAGER},
                    "spec": {"target": ALERTMANAGER},
                }
            ],
        },
    }


def policy_row(slo: Slo, row: PolicyRow) -> OpensloObject:
    """Write a row of a policy as a spec of ours has it."""
    return {
        "severity": row.severity.value,
        "factor": float(alert_factor(row, slo.window.seconds)),
        "long": format_duration(row.long),
        "short": format_duration(row.short),
        "for": format_duration(row.pending),
    }


def shorthand(seconds: int) -> str:
    """Write a duration in the largest unit that it is whole in."""
    size, unit = next((it for it in _UNITS if seconds and seconds % it[0] == 0), (MINUTE, "m"))
    return f"{seconds // size}{unit}"
