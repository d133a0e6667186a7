"""Checks of an objective against how many events there are to keep it."""

from collections.abc import Iterator
from fractions import Fraction

from sloctl.checks.findings import CheckFinding, ReviewOptions
from sloctl.duration import MINUTE, format_duration
from sloctl.formatting import format_count, format_rounded
from sloctl.model import ConditionIndicator, ErrorRatioIndicator, ProbeIndicator, Slo
from sloctl.promql import format_number
from sloctl.spec.reader import LocatedSlo


def check_objective_resolution(located: LocatedSlo, _: ReviewOptions) -> Iterator[CheckFinding]:
    """Find an objective that one bad minute, or one bad sample of a probe, overspends."""
    slo = located.slo
    match slo.indicator:
        case ConditionIndicator():
            interval, noun = MINUTE, "minutes"
        case ProbeIndicator():
            interval, noun = (
                slo.scrape_interval,
                f"samples of a target every {format_duration(slo.scrape_interval)}",
            )
        case _:
            return
    events = Fraction(slo.window.seconds, interval)
    if events * slo.budget < 1:
        yield CheckFinding(
            located.node.at("objective"), "objective-too-fine", _overspent_text(slo, events, noun)
        )


def check_budget_of_one(located: LocatedSlo, options: ReviewOptions) -> Iterator[CheckFinding]:
    """Find an objective that one failure overspends at the traffic that was given."""
    slo = located.slo
    counts_minutes = isinstance(slo.indicator, ConditionIndicator | ErrorRatioIndicator | ProbeIndicator)
    if options.per_second is None or counts_minutes:
        return
    events = Fraction(options.per_second) * slo.window.seconds
    if events * slo.budget < 1:
        message = _overspent_text(slo, events, "events")
        yield CheckFinding(located.node.at("objective"), "no-budget-for-one", message)


def _overspent_text(slo: Slo, events: Fraction, noun: str) -> str:
    """Say how many bad events the budget holds, and which objective would hold one."""
    allowed = format_rounded(float(events * slo.budget), 2)
    objective = format_number(slo.objective * 100)
    text = (
        f"{objective} % of {format_count(float(events))} {noun} in {format_duration(slo.window.seconds)} "
        f"leaves {allowed} bad ones, so that one overspends the budget"
    )
    if events <= 1:
        return f"{text}: there are too few events for an objective"
    # To the first decimal that leaves one event.
    digits = 0
    while (finest := (1 - 1 / events) * 100 * 10**digits // 1 / Fraction(10**digits)) <= 0:
        digits += 1
    while digits < 12 and events * (1 - finest / 100) >= 2:
        digits += 1
        finest = Fraction((1 - 1 / events) * 100 * 10**digits // 1, 10**digits)
    return f"{text}: at most {format_number(finest)} %, or a longer window"
