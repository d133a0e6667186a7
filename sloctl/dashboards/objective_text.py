"""Text about an objective: what is promised, what alerts, where to read on."""

from collections.abc import Iterator, Sequence
from typing import Final

from sloctl import links, naming
from sloctl.dashboards.escape import escape_markdown, web_address
from sloctl.dashboards.lookbacks import AlertLine
from sloctl.duration import format_duration
from sloctl.formatting import describe_window
from sloctl.model import CalendarWindow, Slo
from sloctl.promql import format_number
from sloctl.slo.exclusions import describe_time
from sloctl.slo.lowering import event_seconds
from sloctl.slo.policy import SEVERITY_VERBS
from sloctl.slo.service_hours import describe_hours

_SHOWN_EXCLUSIONS: Final = 5


def objective_markdown(slo: Slo, alerts: Sequence[AlertLine]) -> str:
    """Describe *slo* as markdown, its own words escaped."""
    paragraphs = [
        _objective_paragraph(slo),
        _hours_paragraph(slo),
        _exclusion_list(slo),
        *_alert_paragraphs(alerts),
        _link_list(slo),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def objective_summary(slo: Slo) -> str:
    return f"{format_number(100 * slo.objective)}% over {describe_window(slo.window)}"


def event_unit(slo: Slo) -> str:
    """Say what one count of *slo* is."""
    if slo.time_slice is not None:
        return f"slices of {format_duration(slo.time_slice.seconds)}"
    return "events" if event_seconds(slo) is None else "minutes"


def _objective_paragraph(slo: Slo) -> str:
    any_window = "" if isinstance(slo.window, CalendarWindow) else "any "
    promised = (
        f"**{format_number(100 * slo.objective)}%** of {event_unit(slo)} are good over {any_window}"
        f"**{describe_window(slo.window)}**; {format_number(100 * slo.budget)}% may be bad."
    )
    if slo.group_by:
        promised += f" For each {' and '.join(f'`{label}`' for label in slo.group_by)} on its own."
    meaning = escape_markdown(slo.description)
    return f"**Good means:** {meaning}\n\n{promised}" if meaning else promised


def _alert_paragraphs(lines: Sequence[AlertLine]) -> Iterator[str]:
    for severity, verb in SEVERITY_VERBS.items():
        rows = "\n".join(
            f"- {line.threshold_text} ({line.factor_text}) in the last "
            f"{format_duration(line.policy_row.long)} and {format_duration(line.policy_row.short)}"
            for line in lines
            if line.policy_row.severity is severity
        )
        if rows:
            yield f"**{verb}** when the error ratio is above\n\n{rows}"
    if not lines:
        yield "No alert on how fast the budget burns."


def _hours_paragraph(slo: Slo) -> str:
    """Say when events count; nothing where they always do."""
    if not slo.active_hours:
        return ""
    hours = escape_markdown(describe_hours(slo.active_hours))
    return f"**Service hours:** {hours}. Outside them, shaded in graphs, nothing counts and nobody is paged."


def _exclusion_list(slo: Slo) -> str:
    """List the times that no number here counts, the last ones where there are many."""
    if not slo.exclusions:
        return ""
    lines = [
        f"- {escape_markdown(each.reason)} ({escape_markdown(describe_time(each.time))})"
        for each in slo.exclusions[-_SHOWN_EXCLUSIONS:]
    ]
    with_it = f"With it: `{naming.BUDGET_REMAINING_WITH_EXCLUDED}`."
    return "\n".join([f"**Excluded** from all numbers here. {with_it}", "", *lines])


def _link_list(slo: Slo) -> str:
    """Link every `*_url` annotation that is a web address, the runbook first.

    That of the sidecar leads to the SLO's page.
    """
    written = {name: text for name, text in slo.annotations.items() if name != links.GRAFANA_ANNOTATION}
    if links.SIDECAR_ANNOTATION in written:
        written[links.SIDECAR_ANNOTATION] = links.join_url(written[links.SIDECAR_ANNOTATION], f"slo/{slo.id}")
    shown = []
    for name in sorted(written, key=lambda name: (name != "runbook_url", name)):
        address = web_address(written[name])
        if name.endswith("_url") and address is not None:
            title = escape_markdown(name.removesuffix("_url").replace("_", " ").capitalize())
            shown.append(f"[{title or 'Link'}]({address})")
    return " · ".join(shown)
