"""An explanation as text of 80 columns, for a person."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from math import isinf
from textwrap import wrap
from typing import Final

from sloctl.decimals import format_number
from sloctl.duration import format_duration, humanize_duration
from sloctl.explain.course import Explanation, Firing, Outage, Stretch, Threshold
from sloctl.model import Slo
from sloctl.problems import escape_unprintable

WIDTH: Final = 80
_MARGIN: Final = "  "
_GAP: Final = "  "


def text(explanation: Explanation) -> str:
    """Sections with a heading each; user text is on display, never obeyed by a terminal."""
    sections = (
        _title(explanation.slo),
        _section("One event", _event(explanation)),
        _section("The error budget", _budget(explanation)),
        _section("The alerts", _alerts(explanation)),
        _section("An outage, after a clean record and under even traffic", _outages(explanation)),
        _section("Silence", _silence(explanation)),
    )
    return "\n\n".join(sections) + "\n"


def _title(slo: Slo) -> str:
    promise = (
        f"{_plain(format_number(100 * slo.objective))} % good over any {format_duration(slo.window.seconds)}"
    )
    return "\n".join([f"{slo.id}: {promise}", *_wrapped(slo.description, "")])


def _section(heading: str, lines: Iterator[str]) -> str:
    return "\n".join([heading, *lines])


def _event(explanation: Explanation) -> Iterator[str]:
    meaning = explanation.meaning
    yield from _wrapped(meaning.event)
    yield from _quoted(meaning.of)
    yield from _wrapped(meaning.bad)
    yield from _quoted(meaning.bad_of)


def _budget(explanation: Explanation) -> Iterator[str]:
    slo = explanation.slo
    budget, window = slo.budget, format_duration(slo.window.seconds)
    one_in = f", one in {int(1 / budget):,}" if (1 / budget).denominator == 1 else ""
    yield from _wrapped(
        f"{_plain(format_number(100 * budget))} % of the events of any {window} may be bad{one_in}."
    )
    yield from _wrapped(f"As a total outage under even traffic: {_span(explanation.outage_seconds)}.")
    if explanation.events is not None:
        allowed = float(budget) * explanation.events
        yield from _wrapped(f"In events: {_about(allowed)} of the {_about(explanation.events)} of {window}.")
    if slo.group_by:
        yield from _wrapped(f"There is one budget for each {', '.join(slo.group_by)}.")


def _alerts(explanation: Explanation) -> Iterator[str]:
    slo = explanation.slo
    if explanation.thresholds:
        yield from _wrapped(
            f"Burn rate 1× spends the budget in exactly {format_duration(slo.window.seconds)}. A line fires "
            "while both its lookbacks burn faster than its threshold: the long one says that it matters, the "
            f"short one that it goes on{_floors(slo)}."
        )
        yield ""
        yield from _table(
            ("alert", "long", "short", "faster than", "that is bad", "spends of the budget"),
            [_threshold(threshold) for threshold in explanation.thresholds],
        )
        yield ""
        if explanation.meaning.counts and slo.alerting.confidence is None:
            yield from _few_events(explanation.thresholds)
    yield from _wrapped(_others(slo))


def _floors(slo: Slo) -> str:
    alerting = slo.alerting
    floors = []
    if alerting.min_errors > 1:
        floors.append(f"the long one holds at least {alerting.min_errors} bad events")
    if alerting.confidence is not None:
        floors.append(
            f"its ratio is above the threshold with {format_number(100 * alerting.confidence)} % confidence"
        )
    return f"; and only when {' and '.join(floors)}" if floors else ""


def _threshold(threshold: Threshold) -> tuple[str, ...]:
    row = threshold.row
    return (
        row.severity.value,
        format_duration(row.long),
        format_duration(row.short),
        f"{_about(float(threshold.factor))}×",
        _percent(float(threshold.ratio)),
        f"{_percent(float(row.budget_share))} within {format_duration(row.long)}",
    )


def _few_events(thresholds: Sequence[Threshold]) -> Iterator[str]:
    first = thresholds[0]
    enough = "one bad event is" if first.enough == 1 else f"{first.enough} bad events are"
    yield from _wrapped(
        f"With fewer than {first.below:,} events in {format_duration(first.row.long)}, "
        f"{enough} enough for the first {first.row.severity.value} of these."
    )


def _others(slo: Slo) -> str:
    alerting = slo.alerting
    others = {
        "when nothing of the budget is left": alerting.exhausted,
        f"when it will be gone within {format_duration(alerting.exhausting_within)} at the present rate": (
            alerting.exhausting
        ),
        f"when no events were counted for {format_duration(alerting.no_data_after)}": alerting.no_data,
    }
    told = [when for when, alert in others.items() if alert is not None]
    return f"Other tickets: {'; '.join(told)}." if told else ""


def _outages(explanation: Explanation) -> Iterator[str]:
    for number, outage in enumerate(explanation.outages):
        if number:
            yield ""
        yield from _wrapped(f"{_percent(float(outage.bad))} bad: {_gone(outage)}")
        rows = [_firing(firing) for firing in outage.firings if not firing.after.is_never]
        if rows:
            yield from _table(("alert", "fires after", "budget spent", "ends after its end"), rows)
        never = [_name(firing) for firing in outage.firings if firing.after.is_never]
        if never:
            yield from _wrapped(f"Never fires: {'; '.join(never)}.")
    yield ""
    yield from _wrapped(
        "From and to, since rules look once a minute, sum tickets every five, and find scrapes "
        f"{format_duration(explanation.slo.scrape_interval)} apart. What fired by the budget ends as the "
        "window moves on."
    )


def _gone(outage: Outage) -> str:
    if isinf(outage.gone_after):
        return "the budget sustains that for ever."
    return f"the budget is gone after {_span(outage.gone_after)}."


def _firing(firing: Firing) -> tuple[str, ...]:
    # Beyond a hundred budgets the number tells nothing more.
    low, high = (_percent(share, digits=2) if share < 100 else ">9,999 %" for share in firing.spent)
    return (
        _name(firing),
        _stretch(firing.after),
        low if low == high else f"{low.removesuffix(' %')} to {high}",
        "–" if firing.ends is None else _stretch(firing.ends),
    )


def _name(firing: Firing) -> str:
    if firing.row is None:
        return {"exhausting": "budget going", "exhausted": "budget gone"}[firing.alert]
    return f"{firing.alert} {format_duration(firing.row.long)}/{format_duration(firing.row.short)}"


def _stretch(stretch: Stretch) -> str:
    earliest, latest = humanize_duration(stretch.earliest), humanize_duration(stretch.latest)
    return earliest if earliest == latest else f"{earliest} to {latest}"


def _silence(explanation: Explanation) -> Iterator[str]:
    alerting = explanation.slo.alerting
    yield from _wrapped(explanation.meaning.silence)
    if not explanation.meaning.has_silence:
        return
    if alerting.no_data is None:
        yield from _wrapped("No alert tells of it.")
        return
    grouped = " of any group" if explanation.slo.group_by else ""
    yield from _wrapped(
        f"After {format_duration(alerting.no_data_after)} without events to count{grouped} a ticket says so."
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        yield _MARGIN + _GAP.join(cells).rstrip()


def _wrapped(sentence: str, margin: str = _MARGIN) -> list[str]:
    return wrap(
        escape_unprintable(sentence),
        WIDTH,
        initial_indent=margin,
        subsequent_indent=margin,
        break_on_hyphens=False,
    )


def _quoted(queries: Sequence[str]) -> Iterator[str]:
    """Each line of PromQL, deeper than the sentence before it."""
    for query in queries:
        for line in query.splitlines():
            yield from _wrapped(line.strip(), 2 * _MARGIN)


def _percent(share: float, digits: int = 4) -> str:
    return f"{_about(100 * share, digits)} %"


def _about(number: float, digits: int = 4) -> str:
    """To so many digits, or to the whole number; never in powers of ten."""
    if number >= 10 ** (digits - 1):
        return f"{number:,.0f}"
    return _plain(f"{number:.{digits}g}")


def _plain(number: str) -> str:
    return format(Decimal(number), "f")


def _span(seconds: float) -> str:
    return f"{_about(seconds, 2)}s" if 0 < seconds < 1 else humanize_duration(seconds)
