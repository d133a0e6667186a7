"""Schedules in specs: days, hours and a time zone → a time that comes again."""

import re
from typing import Annotated, Final

from msgspec import Meta, field

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import UTC_ZONE, RecurringTime
from sloctl.slo.exclusions import DAY_NAMES, PLACE_NAMES
from sloctl.spec import values
from sloctl.spec.field_types import Fields
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node

_HOURS: Final = re.compile("([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")
_PLACES: Final = {name: place for place, name in PLACE_NAMES.items()}


class Schedule(Fields, frozen=True, kw_only=True):
    """A time that comes again."""

    days: Annotated[
        list[str],
        Meta(
            description="Weekdays, each by itself, from one to another, or as the first to fifth, or last, "
            "of a month; every day where there are none.",
            examples=[["sunday"], ["monday-friday"], ["first sunday"]],
        ),
    ] = field(default_factory=list)
    hours: Annotated[
        str,
        Meta(
            description="From and to; past midnight where the end is not later. The whole day if not given.",
            examples=["02:00-04:00"],
            extra_json_schema={"pattern": f"^{_HOURS.pattern}$"},
        ),
    ] = "00:00-24:00"
    time_zone: Annotated[str, Meta(description="Whose clock; a name of the time zone database.")] = UTC_ZONE


def read_schedule(schedule: Schedule, node: Node, findings: Findings, *, code: str) -> RecurringTime | None:
    """Read a schedule; mistakes in its days and hours go to *findings* as problems of *code*."""
    days = [
        findings.accept_value(_parse_days(text, code), node.at("days", index))
        for index, text in enumerate(schedule.days)
    ]
    hours = findings.accept_value(_parse_hours(schedule.hours, code), node.at("hours"))
    zone = findings.accept_value(values.parse_time_zone(schedule.time_zone), node.at("timeZone"))
    if hours is None or zone is None or None in days:
        return None
    named = dict.fromkeys(day for some in days if some is not None for day in some)
    return RecurringTime(tuple(named), *hours, zone)


def _parse_days(text: str, code: str) -> tuple[tuple[int, int | None], ...] | Violation:
    """Parse `sunday`, `first sunday` or `monday-friday` into weekdays, with their place in a month."""
    first, _, last = text.lower().partition("-")
    if first in DAY_NAMES and last in DAY_NAMES:
        begin = DAY_NAMES.index(first)
        count = (DAY_NAMES.index(last) - begin) % len(DAY_NAMES) + 1
        return tuple(((begin + number) % len(DAY_NAMES), None) for number in range(count))
    place, _, name = text.lower().rpartition(" ")
    if name in DAY_NAMES and (not place or place in _PLACES):
        return ((DAY_NAMES.index(name), _PLACES.get(place)),)
    form = "a day is a weekday like sunday, or like monday-friday or first sunday"
    return Violation(code, f"{form}, got {quote_value(text)}")


def _parse_hours(text: str, code: str) -> tuple[int, int] | Violation:
    """Parse `02:00-04:00` into the second of the day at which it begins, and how many seconds it lasts."""
    form = _HOURS.fullmatch(text)
    if form is not None:
        hour, minute, end_hour, end_minute = map(int, form.groups())
        begin, end = hour * HOUR + minute * MINUTE, end_hour * HOUR + end_minute * MINUTE
        if hour < 24 and minute < 60 and end_minute < 60 and end <= DAY and begin != end:
            return begin, (end - begin) % DAY or DAY
    return Violation(code, f"hours are like 02:00-04:00, got {quote_value(text)}")
