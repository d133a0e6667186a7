"""Service hours in a spec: one schedule of the week, or several of the same time zone."""

from msgspec import UnsetType

from sloctl.model import RecurringTime
from sloctl.slo.service_hours import is_whole_week
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.schedules import Schedule, read_schedule
from sloctl.spec.yaml_nodes import Node


def read_active_hours(
    written: Schedule | list[Schedule] | UnsetType, node: Node, findings: Findings
) -> tuple[RecurringTime, ...] | None:
    """Read the service hours of an objective, none where it has none; None after a mistake in them."""
    if isinstance(written, UnsetType):
        return ()
    schedules = written if isinstance(written, list) else [written]
    nodes = node.items if isinstance(written, list) else (node,)
    pairs = list(zip(schedules, nodes, strict=True))
    times = [read_schedule(schedule, at, findings, code="active-hours") for schedule, at in pairs]
    hours = tuple(time for time in times if time is not None)
    if len(hours) < len(times):
        return None
    errors = findings.error_count
    for time, (schedule, at) in zip(hours, pairs, strict=True):
        for index, text in enumerate(schedule.days):
            if " " in text:
                message = f"service hours are those of every week: {text} is not in each of them"
                findings.add_violation(Violation("active-hours", message), at.at("days", index))
        if time.time_zone != hours[0].time_zone:
            message = f"all service hours of an objective are of one time zone, here {hours[0].time_zone}"
            place = at.at("timeZone") if "timeZone" in at.entries else at
            findings.add_violation(Violation("active-hours", message), place)
    if findings.error_count == errors and is_whole_week(hours):
        message = "these hours are the whole week: leave activeHours out, or say when nothing counts"
        findings.add_violation(Violation("active-hours", message), node)
    return hours if findings.error_count == errors else None
