"""Checks of the events that an SLO counts: errors within the events, and how many there are."""

from collections.abc import Iterator, Sequence
from typing import Final

from sloctl.checks.live.results import Certainty, LiveQuestion, LiveResult, failed, passed, unknown
from sloctl.duration import DAY, format_duration
from sloctl.formatting import format_count, format_error_ratio, format_rounded
from sloctl.model import (
    CountedSide,
    ErrorRatioIndicator,
    PromQL,
    QueryIndicator,
    RatioIndicator,
    Selector,
    Severity,
)
from sloctl.promql import fill_window, format_selector
from sloctl.slo.policy import alert_threshold, rows_of_severity

_DAY: Final = format_duration(DAY)
# Two sides are scraped at different moments, and increase() extrapolates.
_TOLERANCE: Final = 1.02


def check_subset(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find series of errors, or of good events, of the total's own metric that total does not select."""
    ratio = question.located.slo.indicator
    if not isinstance(ratio, RatioIndicator):
        return
    for side, selector in ((key, each) for key, selectors in ratio.counted_sides for each in selectors):
        totals = [format_selector(each) for each in ratio.total if each.metric == selector.metric]
        if not totals:
            continue
        outside = question.server.number(f"count({format_selector(selector)} unless ({' or '.join(totals)}))")
        if outside:
            yield failed(
                question,
                "subset",
                f"{format_count(outside)} series that {side} selects are none of total",
                node=question.located.node.at("indicator", "ratio", side),
                code="live-outside-total",
            )
        else:
            yield passed(question, "subset", f"all series of {side} are of total")


def check_ratio(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find ratios outside of 0 and 1 over the last day, which the rules would cut off."""
    node = question.located.node.at("indicator")
    match question.located.slo.indicator:
        case ErrorRatioIndicator(ratio):
            values = [sample.value for sample in question.server.query(fill_window(ratio, _DAY))]
            if not values:
                yield unknown(question, "ratio", "the ratio of the last day has no value")
            elif bad := [value for value in values if not -1e-9 <= value <= 1 + 1e-9]:
                yield failed(
                    question,
                    "ratio",
                    f"the ratio of the last day is {format_rounded(bad[0])}, and a share is between 0 and 1",
                    node=node.at("errorRatio"),
                    code="live-ratio-range",
                )
            else:
                yield passed(question, "ratio", f"{format_error_ratio(max(values))} bad in the last day")
        case RatioIndicator(counted) | QueryIndicator(counted):
            part, total = _counted_in_day(question)
            if not total:
                yield unknown(question, "ratio", "there was no event in the last day")
            elif (part or 0) > total * _TOLERANCE:
                yield failed(
                    question,
                    "ratio",
                    f"in the last day {counted.value} counts {format_count(part)}, "
                    f"and total {format_count(total)}",
                    node=node,
                    code="live-above-total",
                    certainty=Certainty.LIKELY,
                )
            else:
                errors = (part or 0) if counted is CountedSide.ERROR else max(total - (part or 0), 0)
                yield passed(question, "ratio", f"{format_error_ratio(errors / total)} bad in the last day")


def check_minus(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find more events taken from the errors than there were, which the rules would cut off at none."""
    ratio = question.located.slo.indicator
    if not isinstance(ratio, RatioIndicator) or not ratio.minus:
        return
    error, minus = (
        question.server.number(_increase_in_day(side)) or 0 for side in (ratio.numerator, ratio.minus)
    )
    seen = f"in the last day minus counts {format_count(minus)}, and error {format_count(error)}"
    if minus > error * _TOLERANCE:
        yield failed(
            question,
            "minus",
            seen,
            node=question.located.node.at("indicator", "ratio", "minus"),
            code="live-minus-above-error",
            certainty=Certainty.LIKELY,
        )
    else:
        yield passed(question, "minus", seen)


def check_traffic(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find budgets of less than one failure, and tell how many failures page."""
    slo = question.located.slo
    if not isinstance(slo.indicator, RatioIndicator | QueryIndicator):
        return
    _, total = _counted_in_day(question)
    if not total:
        yield unknown(question, "traffic", "there was no event in the last day")
        return
    events = total * slo.window.seconds / DAY
    allowed = float(slo.budget) * events
    first = next(iter(rows_of_severity(slo.alerting.policy, Severity.PAGE)), None)
    pages = ""
    if first is not None and slo.alerting.page is not None:
        share = float(alert_threshold(first, slo.window.seconds, slo.budget))
        failures = max(share * total * first.long / DAY, slo.alerting.min_errors)
        pages = f"; {format_count(max(failures, 1))} failures in {format_duration(first.long)} page"
    seen = (
        f"about {format_count(events)} events in {format_duration(slo.window.seconds)}, of which "
        f"{format_rounded(allowed, 3)} may be bad{pages}"
    )
    if allowed < 1:
        yield failed(
            question,
            "traffic",
            seen,
            node=question.located.node.at("objective"),
            code="live-little-traffic",
            certainty=Certainty.LIKELY,
        )
    else:
        yield passed(question, "traffic", seen, Certainty.LIKELY)


def _counted_in_day(question: LiveQuestion) -> tuple[float | None, float | None]:
    """Return the counted side and the total of the last day, over all groups."""
    indicator = question.located.slo.indicator
    if isinstance(indicator, QueryIndicator):
        queries = [f"sum({fill_window(each, _DAY)})" for each in (indicator.numerator, indicator.total)]
    elif isinstance(indicator, RatioIndicator):
        queries = [_increase_in_day(side) for side in (indicator.numerator, indicator.total)]
    else:
        return None, None
    part, total = (question.server.number(query) for query in queries)
    if isinstance(indicator, RatioIndicator) and indicator.minus:
        part = max((part or 0) - (question.server.number(_increase_in_day(indicator.minus)) or 0), 0)
    return part, total


def _increase_in_day(counters: Sequence[Selector]) -> PromQL:
    return _join_sums([f"sum(increase({format_selector(each)}[{_DAY}]))" for each in counters])


def _join_sums(sums: list[PromQL]) -> PromQL:
    # One that is absent must not take the others along.
    return " + ".join(f"({each} or vector(0))" for each in sums) if len(sums) > 1 else sums[0]
