"""Clock times in PromQL: what recurs at an hour of some days, by the clock of a time zone.

A subquery's instant has the scalar `time()`. UTC is arithmetic; of other zones the rules carry the moments at
which their clocks change, up to the end of the table, and after it nothing recurs.
"""

from collections.abc import Callable, Sequence
from itertools import groupby, pairwise
from typing import Final

from sloctl.duration import DAY
from sloctl.model import UTC_ZONE, PromQL, RecurringTime
from sloctl.slo.calendar import TABLE_END_YEAR, TABLE_START_YEAR
from sloctl.slo.exclusions import zone_offsets

# Days from the Monday before to the first day of 1970, a Thursday.
_EPOCH_WEEKDAY: Final = 3


def recurs_at(time: RecurringTime, reach: int) -> PromQL:
    """Build the scalar that is above 0 at each `time()` in a recurring time, or up to *reach* after it."""
    return by_zone_offset(time.time_zone, lambda offset: _recurs_with_offset(time, offset, reach))


def by_zone_offset(time_zone: str, build: Callable[[int], PromQL]) -> PromQL:
    """Build a scalar by the seconds that a zone is ahead of UTC at each `time()`: *build* has it for one.

    A zone has two offsets as a rule: each is a constant in a term of its own, which holds in its part of the
    year. After the end of the table the scalar is 0.
    """
    if time_zone == UTC_ZONE:
        return build(0)
    offsets = zone_offsets(time_zone, TABLE_START_YEAR, TABLE_END_YEAR)
    [(end, _)] = zone_offsets(UTC_ZONE, TABLE_END_YEAR + 1, TABLE_END_YEAR + 1)
    terms = []
    for offset in sorted({offset for _, offset in offsets}):
        holds = [(moment, int(its == offset)) for moment, its in offsets]
        part = step_function([*holds, (end, 0)], separator=" + ")
        terms.append(f"({part}) * ({build(offset)})")
    return " + ".join(terms)


def step_function(values: Sequence[tuple[int, int]], separator: str = "\n+ ") -> PromQL:
    """Build what has each value from its moment on: the first, and a difference for each moment behind us."""
    differences = sorted((after - before, moment) for (_, before), (moment, after) in pairwise(values))
    terms = [str(values[0][1])]
    for difference, some in groupby(differences, key=lambda each: each[0]):
        passed = " + ".join(f"(time() >= bool {moment})" for _, moment in some)
        if difference:
            terms.append(f"{difference} * ({passed})")
    return separator.join(terms)


def _recurs_with_offset(time: RecurringTime, offset: int, reach: int) -> PromQL:
    """Build the condition of a recurring time where clocks are *offset* seconds ahead of UTC."""
    lasts = time.seconds + reach
    occurrences = []
    # Of one that ends on the next day, the end is told by the day before.
    for days in range((lasts - 1) // DAY + 1):
        since_midnight = _time_less(time.start_second - offset)
        since = f"{since_midnight} % {DAY}"
        begun = f"({since} > bool 0) * " if days == 0 else ""
        ends = f"({since} < bool {lasts - days * DAY})"
        of_day = _days_at(time, _time_less(time.start_second - offset + days * DAY))
        occurrences.append(f"{begun}{ends}{of_day}")
    return " + ".join(occurrences)


def _days_at(time: RecurringTime, local: PromQL) -> PromQL:
    """Build the factor that is above 0 on the days of a recurring time; none where those are all days."""
    if not time.days:
        return ""
    weekday = f"(({local} - {local} % {DAY}) / {DAY} + {_EPOCH_WEEKDAY}) % 7"
    of_month = f"scalar(day_of_month(vector({local})))"
    named = []
    for number, place in time.days:
        term = f"({weekday} == bool {number})"
        if place == -1:
            term += f" * ({of_month} + 7 > bool scalar(days_in_month(vector({local}))))"
        elif place is not None:
            after = f" * ({of_month} > bool {7 * (place - 1)})" if place > 1 else ""
            term += f"{after} * ({of_month} <= bool {7 * place})"
        named.append(term)
    return f" * ({' + '.join(named)})"


def _time_less(seconds: int) -> PromQL:
    """Write the instant's time less so many seconds; they may be negative."""
    if seconds == 0:
        return "time()"
    return f"(time() - {seconds})" if seconds >= 0 else f"(time() + {-seconds})"
