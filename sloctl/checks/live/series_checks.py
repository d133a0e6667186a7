"""Checks of the series behind an SLO: there, with the labels and at the pace that the rules rely on."""

import re
from collections.abc import Iterator
from difflib import get_close_matches
from fractions import Fraction
from typing import Final

from sloctl.checks.findings import matcher_pattern
from sloctl.checks.live.results import Certainty, LiveQuestion, LiveResult, failed, passed, unknown
from sloctl.checks.live.selected import SelectedSeries, selected_series
from sloctl.duration import format_duration
from sloctl.formatting import format_count, format_seconds
from sloctl.model import LabelMatcher, LatencyIndicator, MatchOp, RatioIndicator, Selector
from sloctl.promql import aggregate_by, format_selector
from sloctl.slo.lowering import CounterPair, lower_indicator
from sloctl.spec.messages import join_words, quote_value

# So many values of a label are looked at for one that is close.
_MAX_VALUES: Final = 50
_PACE_SECONDS: Final = 600
_BOUND: Final = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]{1,2})?")


def check_series(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find selectors without a series, and say which matcher is at fault and what is close to it."""
    for selected in selected_series(question.located):
        text = format_selector(selected.selector)
        if count := question.server.number(f"count({text})"):
            yield passed(question, "series", f"{text}: {format_count(count)} now")
            continue
        if past := question.server.number(f"count(last_over_time({text}[1d]))"):
            if selected.may_be_absent:
                yield passed(
                    question, "series", f"{text}: {format_count(past)} in the last day", Certainty.LIKELY
                )
            else:
                yield failed(
                    question,
                    "series",
                    f"{text} has no series now, and had {format_count(past)} in the last day",
                    node=selected.node,
                    code="live-series-gone",
                )
            continue
        yield _missing_series(question, selected)


def _missing_series(question: LiveQuestion, selected: SelectedSeries) -> LiveResult:
    selector = selected.selector
    if not question.server.number(f"count(last_over_time({selector.metric}[1d]))"):
        names = question.server.document("/api/v1/label/__name__/values") or []
        close = get_close_matches(selector.metric, [str(name) for name in names], n=3)
        hint = f"; there is {join_words(close, last='and')}" if close else ""
        return failed(
            question,
            "series",
            f"no series in the last day is called {selector.metric}{hint}",
            node=selected.node,
            code="live-no-series",
            part=rf"\b{selector.metric}\b",
        )
    for matcher in selector.matchers:
        # Each matcher beside those that fix the process, so that a value of another job is none.
        if question.server.number(
            f"count(last_over_time({format_selector(Selector(selector.metric, (matcher,)))}[1d]))"
        ):
            continue
        values = _values_of(question, selector.metric, matcher.label)
        if values and selected.may_be_absent and matcher.op is not MatchOp.EQUAL:
            continue
        close = get_close_matches(matcher.value, values, n=3) or values[:5]
        hint = (
            f"the values are {join_words(map(quote_value, close), last='and')}"
            if values
            else "no series has it"
        )
        written = f'{matcher.label}{matcher.op.value}"{matcher.value}"'
        return failed(
            question,
            "series",
            f"{written} selects no series of {selector.metric} in the last day: {hint}",
            node=selected.node,
            code="live-no-value",
            # An error that has not happened yet may have a value that is not there yet.
            certainty=Certainty.LIKELY if values and selected.may_be_absent else Certainty.CERTAIN,
            part=matcher_pattern(matcher),
        )
    text = format_selector(selector)
    if selected.may_be_absent:
        return passed(
            question, "series", f"{text}: none in the last day, as without errors", Certainty.LIKELY
        )
    return failed(
        question,
        "series",
        f"{text} selects no series in the last day, though each matcher alone does",
        node=selected.node,
        code="live-no-series",
    )


def _values_of(question: LiveQuestion, metric: str, label: str) -> list[str]:
    query = f"topk({_MAX_VALUES}, count by ({label}) (last_over_time({metric}[1d])))"
    return sorted(sample.labels[label] for sample in question.server.query(query) if label in sample.labels)


def check_bucket(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find a threshold that is no bound of the histogram."""
    latency = question.located.slo.indicator
    pair = lower_indicator(latency)
    if (
        not isinstance(latency, LatencyIndicator)
        or not isinstance(pair, CounterPair)
        or pair.bucket_proof is None
    ):
        return
    proof = pair.bucket_proof
    bound, above, below = (format_selector(each) for each in (proof.bound, proof.above, proof.below))
    buckets = format_selector(Selector(f"{latency.histogram.metric}_bucket", latency.histogram.matchers))
    threshold = format_seconds(latency.threshold)
    if question.server.number(f"count({bound})"):
        yield passed(question, "bucket", f"{threshold} is a bound of {latency.histogram.metric}")
        return
    if question.server.number(f"count(min without (le) ({above}) > 0 unless ignoring (le) {below})"):
        yield passed(
            question,
            "bucket",
            f"{threshold} is no bound yet: this client makes one with its first observation",
            Certainty.LIKELY,
        )
        return
    bounds = sorted(
        Fraction(sample.labels["le"])
        for sample in question.server.query(f"count by (le) ({buckets})")
        if _BOUND.fullmatch(sample.labels.get("le", ""))
    )
    if not bounds:
        yield unknown(question, "bucket", f"{buckets} has no series, so its bounds are not known")
        return
    nearest = [
        *[each for each in bounds if each < latency.bound][-1:],
        *[each for each in bounds if each > latency.bound][:1],
    ]
    near = join_words([format_seconds(each * latency.unit) for each in nearest], last="and")
    yield failed(
        question,
        "bucket",
        f"{threshold} is no bound of {latency.histogram.metric}, so nothing can be counted: "
        f"the nearest are {near}",
        node=question.located.node.at("indicator", "latency", "threshold"),
        code="live-no-bucket",
    )


def check_group_labels(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find labels of groupBy that selected series lack."""
    for index, label in enumerate(question.located.slo.group_by):
        for selected in selected_series(question.located):
            series = question.server.number(f"count({format_selector(selected.selector)})")
            present = LabelMatcher(label, MatchOp.NOT_EQUAL, "")
            narrowed = Selector(selected.selector.metric, (*selected.selector.matchers, present))
            labelled = question.server.number(f"count({format_selector(narrowed)})")
            if series and (labelled or 0) < series:
                lacking = format_count(series - (labelled or 0))
                yield failed(
                    question,
                    "group labels",
                    f"{lacking} of {format_count(series)} series of {selected.selector.metric} "
                    f"have no label {label}",
                    node=question.located.node.at("groupBy", index),
                    code="live-no-group-label",
                )
            elif series:
                yield passed(
                    question, "group labels", f"every series of {selected.selector.metric} has {label}"
                )


def check_scrape_interval(question: LiveQuestion) -> Iterator[LiveResult]:
    """Compare how often samples come with what the spec says; the rules rely on it."""
    slo = question.located.slo
    for selected in selected_series(question.located)[:1]:
        text = format_selector(selected.selector)
        samples = question.server.number(f"quantile(0.5, count_over_time({text}[{_PACE_SECONDS}s]))")
        if not samples or samples < 2:
            yield unknown(question, "scrape interval", f"{text} has too few samples in ten minutes")
            continue
        observed = _PACE_SECONDS / samples
        # One sample more or less in ten minutes says nothing.
        slack = 1 + 1.5 / samples
        seen = f"{selected.selector.metric} has a sample about every {observed:.0f} s"
        written = question.located.document.at("spec", "scrapeInterval")
        if observed > slo.scrape_interval * slack:
            yield failed(
                question,
                "scrape interval",
                f"{seen}, and scrapeInterval is {format_duration(slo.scrape_interval)}: events would be lost",
                node=written,
                code="live-scrape-interval",
                certainty=Certainty.LIKELY,
            )
        elif observed * slack < slo.scrape_interval:
            yield failed(
                question,
                "scrape interval",
                f"{seen}, and scrapeInterval is {format_duration(slo.scrape_interval)}: rules read more than "
                "they need, and count later",
                node=written,
                code="live-scrape-interval",
                certainty=Certainty.LIKELY,
            )
        else:
            yield passed(question, "scrape interval", seen, Certainty.LIKELY)


def check_same_processes(question: LiveQuestion) -> Iterator[LiveResult]:
    """Find series of errors at processes that have no series of events: their first value never counts."""
    ratio = question.located.slo.indicator
    if not isinstance(ratio, RatioIndicator) or not ratio.count_new_series:
        return
    identity = ", ".join(ratio.identity_labels)
    total = " or ".join(map(format_selector, ratio.total))
    for side, selector in ((key, each) for key, selectors in ratio.counted_sides for each in selectors):
        elsewhere = question.server.number(
            f"count({format_selector(selector)} unless on ({identity}) ({total}))"
        )
        if elsewhere:
            yield failed(
                question,
                "processes",
                f"{format_count(elsewhere)} series of {selector.metric} are of processes without total, so "
                "the first value of a new one does not count: give identityLabels that both sides have alike",
                node=question.located.node.at("indicator", "ratio", side),
                code="live-new-series-elsewhere",
            )
        else:
            yield passed(question, "processes", f"{selector.metric} is of processes that have total too")


def check_series_cost(question: LiveQuestion) -> Iterator[LiveResult]:
    """Tell how many series the rules read once a minute, and how many groups they record."""
    selected = selected_series(question.located)
    counts = [question.server.number(f"count({format_selector(each.selector)})") or 0 for each in selected]
    series = sum(counts)
    groups = 1.0
    if question.located.slo.group_by and selected:
        by_group = aggregate_by("count", question.located.slo.group_by, format_selector(selected[0].selector))
        groups = question.server.number(f"count({by_group})") or 0
    samples = series * (1 + 60 / question.located.slo.scrape_interval)
    yield passed(
        question,
        "cost",
        f"the rules read {format_count(series)} series, about {format_count(samples)} samples a minute, "
        f"for {format_count(groups)} budgets",
        Certainty.LIKELY,
    )
