"""Masks: sums of rollups without those of a time that does not count.

A window is a sum of small recorded counts, so it can be summed through a mask: a scalar of the instant's own
`time()` that is 0 where nothing is excluded. Each instant of a subquery sees one rollup, that of the step
before it. A rollup does not count where any of it lies in an excluded time: its own minute or, of a coarse
one, its own five, and the scrape before that an increase looks back to (`excluded_reach`).

Long lookbacks are sums of coarse rollups. Of these a fixed time is subtracted again, by the minute, over its
own stretch alone, which is exact and cheap; the instants of the stretch that have left the window are told
by the moment of the evaluation (`@ end()`). What recurs, a budget reset and what is longer than a day are
masked, five-minute rollups as a whole.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import Final

from sloctl import naming
from sloctl.duration import DAY, HOUR, format_duration
from sloctl.model import Exclusion, ExclusionEffect, FixedTime, PromQL, RecurringTime, Slo
from sloctl.promql import aggregate_by, join_operands, last_range, quote_string, range_selector
from sloctl.rules.clock_times import recurs_at
from sloctl.rules.rule import RecordingRule
from sloctl.rules.scope import Scope
from sloctl.slo.exclusions import describe_time, merge_spans
from sloctl.slo.lowering import recorded_after
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP

# The moment of the evaluation, also within a subquery; whole seconds.
_NOW: Final = "scalar(last_over_time(vector(time())[1s:1s] @ end()))"
# A longer stretch is masked: subtracting it would read more rollups than the whole window has.
_LONGEST_SUBTRACTED: Final = DAY
# Of more stretches the text of the rules would be some megabytes. A mask of a hundred over a month takes
# Prometheus minutes, where subtracting them takes a tenth of a second.
_MOST_SUBTRACTED: Final = 200
# More stretches than so many are compared as a vector.
_MOST_SCALARS: Final = 8
# What is left of a sum after a subtraction, and is no event but the rounding of floats.
LEAST_EVENTS: Final = Fraction(1, 100)


def excluded_reach(scope: Scope, step: int) -> int:
    """Return how many seconds after its end an excluded time is still in what an instant of *step* sees.

    The rollup that the instant sees is up to a step old, and holds what was scraped in the step before it, or
    of a coarse one in a minute before that; of a journey what its parts had counted before.
    """
    minute = 0 if step == FINE_STEP else FINE_STEP
    return 2 * step + minute + scope.slo.scrape_interval + recorded_after(scope.slo)


def excluded_times(slo: Slo, rollup: str) -> tuple[Exclusion, ...]:
    """Return the exclusions that hold for a rollup: excluded events that are good are events all the same."""
    if not rollup.startswith(naming.EVENT_COUNT_PREFIX):
        return slo.exclusions
    return tuple(each for each in slo.exclusions if each.effect is ExclusionEffect.IGNORE)


def fine_rollup(rollup: str) -> str:
    """Return the metric of the fine rollups that a coarse one is summed from."""
    is_events = rollup.startswith(naming.EVENT_COUNT_PREFIX)
    return naming.event_count_metric(FINE_STEP) if is_events else naming.error_count_metric(FINE_STEP)


def is_subtracted(slo: Slo, exclusion: Exclusion) -> bool:
    """Tell whether an exclusion is subtracted from long lookbacks; else they are masked."""
    fixed = [each for each in slo.exclusions if _is_stretch(each)]
    # Groups of different labels may have members in common, which would be subtracted twice.
    keys = {tuple(label for label, _ in each.groups) for each in fixed if each.groups}
    return _is_stretch(exclusion) and len(fixed) <= _MOST_SUBTRACTED and len(keys) <= 1


def mask_rollup(seen: PromQL, exclusions: Sequence[Exclusion], reach: int) -> PromQL:
    """Leave out of *seen*, one rollup at each instant of a subquery, those of an excluded time."""
    by_group: dict[tuple[tuple[str, str], ...], list[Exclusion]] = {}
    for exclusion in exclusions:
        by_group.setdefault(exclusion.groups, []).append(exclusion)
    masked = seen
    if every := by_group.pop((), None):
        # Several times as fast as a set operation.
        masked = f"{masked} * ({excluded_at(every, reach)} == bool 0)"
    for group, some in sorted(by_group.items()):
        labels = ", ".join(label for label, _ in group)
        hit = f"vector({excluded_at(some, reach)}) > 0"
        for label, value in group:
            hit = _with_label(hit, label, value)
        masked = f"{masked} unless on ({labels}) ({hit})"
    return masked


def excluded_at(exclusions: Iterable[Exclusion], reach: int) -> PromQL:
    """Build the scalar that is above 0 at each `time()` that is excluded, or less than *reach* after that."""
    fixed = [
        (-1 if each.time.start is None else each.time.start, each.time.end + reach)
        for each in exclusions
        if isinstance(each.time, FixedTime)
    ]
    terms = []
    if fixed:
        terms.append(_within_spans(merge_spans(fixed)))
    terms += [recurs_at(each.time, reach) for each in exclusions if isinstance(each.time, RecurringTime)]
    return f"({' + '.join(terms)})"


def _within_spans(spans: Sequence[tuple[int, int]]) -> PromQL:
    """Build the scalar that is above 0 within one of *spans*, which are in order and apart.

    Of many, the starts and the ends are a vector each: Prometheus makes those once for all instants of a
    subquery and compares them as a whole, where a scalar of its own for each took a hundred times as long.
    """
    if len(spans) > _MOST_SCALARS:
        always = sum(start < 0 for start, _ in spans)
        starts = _moments_vector(start for start, _ in spans if start >= 0)
        ends = _moments_vector(end for _, end in spans)
        return f"{always} + scalar(sum({starts} < bool time()) - sum({ends} <= bool time()))"
    begun = " + ".join("1" if start < 0 else f"(time() > bool {start})" for start, _ in spans)
    return begun + "".join(f" - (time() >= bool {end})" for _, end in spans)


def _moments_vector(moments: Iterable[int]) -> PromQL:
    """Write a vector with a sample for each of *moments*, joined by halves: a chain would be hashed anew."""
    parts = [
        f'label_replace(vector({moment}), "slo_part", "{number}", "", "")'
        for number, moment in enumerate(moments)
    ]
    while len(parts) > 1:
        parts = [
            f"({' or '.join(parts[place : place + 2])})" if place + 1 < len(parts) else parts[place]
            for place in range(0, len(parts), 2)
        ]
    return parts[0]


def masked_sum(
    scope: Scope, rollup: PromQL, exclusions: Sequence[Exclusion], *, seconds: int, step: int
) -> PromQL:
    """Sum the rollups of the last *seconds* that count, as `sum_over_time` of a range sums all of them.

    The offset lets the last instant see the newest rollup, at every phase of the reader.
    """
    masked = mask_rollup(
        f"last_over_time({last_range(rollup, step)})", exclusions, excluded_reach(scope, step)
    )
    subquery = f"[{format_duration(seconds)}:{format_duration(step)}]"
    return f"sum_over_time(({masked}){subquery} offset -{format_duration(step - 1)}999ms)"


def phase_rules(scope: Scope) -> list[RecordingRule]:
    """Record the phase of the fine rollups, by which those of a stretch are told that are in a window."""
    if not any(is_subtracted(scope.slo, each) for each in scope.slo.exclusions):
        return []
    return [scope.rollup_rule(naming.ROLLUPS_PHASE, f"vector(time() % {FINE_STEP})")]


def subtracted_sums(scope: Scope, rollup: str, *, start: PromQL) -> list[PromQL]:
    """Build what was counted in each subtracted stretch after *start*, negative, with a label of its own.

    *rollup* is the metric of the fine rollups. The window holds the rollups that were recorded after *start*,
    and an instant sees the one of its own minute, which was recorded at the phase of the fast group.
    """
    slo = scope.slo
    held = excluded_times(slo, rollup)
    subtracted = [each for each in held if is_subtracted(slo, each)]
    masked = [each for each in held if not is_subtracted(slo, each)]
    reach = excluded_reach(scope, FINE_STEP)
    whole = _stretches(each for each in subtracted if not each.groups)
    by_group = {group: whole if not group else [] for group in sorted({it.groups for it in subtracted})}
    for group in by_group:
        if group:
            by_group[group] = _without(_stretches(it for it in subtracted if it.groups == group), whole)
    phase = f"last_over_time({range_selector(scope.recorded_series(naming.ROLLUPS_PHASE), HOUR)} @ end())"
    recorded = f"(time() - ({FINE_STEP} - scalar({aggregate_by('max', (), phase)})) % {FINE_STEP})"
    sums: list[PromQL] = []
    for group, stretches in by_group.items():
        for begin, end in stretches:
            first = begin // FINE_STEP * FINE_STEP
            last = -(-(end + reach) // FINE_STEP) * FINE_STEP - FINE_STEP
            seen = f"last_over_time({last_range(scope.recorded_series(rollup, **dict(group)), FINE_STEP)})"
            counted = mask_rollup(
                f"{seen} * ({recorded} > bool {start}) * ({recorded} <= bool {_NOW})",
                masked,
                # By the coarse rollups that were left out already.
                excluded_reach(scope, COARSE_STEP),
            )
            stretch = last_range(f"({counted})", last - first, resolution=FINE_STEP)
            part = quote_string(f"excluded {len(sums)}")
            total = f"-1 * sum_over_time({stretch} @ {last})"
            sums.append(f'label_replace({total}, "{scope.style.part}", {part}, "", "")')
    return sums


def rolling_start(seconds: int) -> PromQL:
    """Build the scalar of the moment so many seconds before the evaluation."""
    return f"{_NOW} - {seconds}"


def since_reset(slo: Slo, since: PromQL) -> PromQL:
    """Build since when there are counts: *since*, or the last reset of the whole budget if that is later."""
    ends = [
        each.time.end
        for each in slo.exclusions
        if isinstance(each.time, FixedTime) and each.is_reset and not each.groups
    ]
    reset = max(ends, default=None)
    return since if reset is None else f"clamp_min({since}, {reset})"


def is_excluded_now(scope: Scope) -> PromQL:
    """Build a vector with a sample while a time is excluded for the whole SLO; no text without any."""
    running = [each for each in scope.slo.exclusions if not each.groups and not each.is_reset]
    return f"vector({excluded_at(running, excluded_reach(scope, FINE_STEP))}) > 0" if running else ""


def active_exclusions(scope: Scope) -> PromQL:
    """Build a series for each exclusion, with its reason: 1 while it holds, 0 otherwise."""
    reach = excluded_reach(scope, FINE_STEP)
    alternatives = []
    for exclusion in scope.slo.exclusions:
        named = {
            "slo_exclusion": exclusion.reason,
            "slo_exclusion_time": describe_time(exclusion.time),
            "slo_exclusion_effect": exclusion.effect.value,
            "slo_exclusion_by": exclusion.by,
            "slo_exclusion_link": exclusion.link,
            **dict(exclusion.groups),
        }
        series = f"vector({excluded_at([exclusion], reach)} > bool 0)"
        for label, value in named.items():
            if value:
                series = _with_label(series, label, value)
        alternatives.append(series)
    return join_operands(alternatives, "or")


def _with_label(series: PromQL, label: str, value: str) -> PromQL:
    return f'label_replace({series}, "{label}", {quote_string(value.replace("$", "$$"))}, "", "")'


def _is_stretch(exclusion: Exclusion) -> bool:
    time = exclusion.time
    if not isinstance(time, FixedTime) or time.start is None:
        return False
    return time.end - time.start <= _LONGEST_SUBTRACTED


def _stretches(exclusions: Iterable[Exclusion]) -> list[tuple[int, int]]:
    return merge_spans(
        (each.time.start, each.time.end)
        for each in exclusions
        if isinstance(each.time, FixedTime) and each.time.start is not None
    )


def _without(spans: Iterable[tuple[int, int]], others: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Cut *others*, which are in order, out of *spans*."""
    left = []
    for start, end in spans:
        begin = start
        for other_start, other_end in others:
            if other_start < end and other_end > begin:
                if other_start > begin:
                    left.append((begin, other_start))
                begin = max(begin, other_end)
        if begin < end:
            left.append((begin, end))
    return left
