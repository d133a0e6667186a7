"""An objective in words: what is promised, what alerts, where to read on."""

from collections.abc import Iterator, Sequence

from sloctl import links
from sloctl.dashboards.lookbacks import AlertLine
from sloctl.dashboards.shown import markdown, web_address
from sloctl.decimals import decimal
from sloctl.duration import format_duration
from sloctl.lower import counts_are_events, lower
from sloctl.model import Severity, Slo


def promise(slo: Slo, alerts: Sequence[AlertLine]) -> str:
    """Markdown about *slo*, its own words escaped."""
    paragraphs = [_objective(slo), *_alerts(alerts), _links(slo)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def short_promise(slo: Slo) -> str:
    return f"{decimal(100 * slo.objective)}% over {format_duration(slo.window.seconds)}"


def events(slo: Slo) -> str:
    """What one count is."""
    return "events" if counts_are_events(lower(slo.indicator)) else "minutes"


def _objective(slo: Slo) -> str:
    promised = (
        f"**{decimal(100 * slo.objective)}%** of {events(slo)} are good over any "
        f"**{format_duration(slo.window.seconds)}**; {decimal(100 * slo.budget)}% may be bad."
    )
    if slo.group_by:
        promised += f" For each {' and '.join(f'`{label}`' for label in slo.group_by)} on its own."
    meaning = markdown(slo.description)
    return f"**Good means:** {meaning}\n\n{promised}" if meaning else promised


def _alerts(lines: Sequence[AlertLine]) -> Iterator[str]:
    for severity, verb in ((Severity.PAGE, "Pages"), (Severity.TICKET, "Opens a ticket")):
        rows = [line for line in lines if line.row.severity is severity]
        if rows:
            yield f"**{verb}** when the error ratio is above\n\n{_rows(rows)}"
    if not lines:
        yield "No alert on how fast the budget burns."


def _rows(lines: Sequence[AlertLine]) -> str:
    return "\n".join(
        f"- {line.above} ({line.times}) in the last {format_duration(line.row.long)} "
        f"and {format_duration(line.row.short)}"
        for line in lines
    )


def _links(slo: Slo) -> str:
    """Every `*_url` annotation that is a web address, the runbook first; of the sidecar, the SLO's page."""
    written = {name: text for name, text in slo.annotations.items() if name != links.GRAFANA}
    if links.SIDECAR in written:
        written[links.SIDECAR] = links.below(written[links.SIDECAR], f"slo/{slo.id}")
    names = sorted(
        (name for name in written if name.endswith("_url")),
        key=lambda name: (name != "runbook_url", name),
    )
    addresses = ((name, web_address(written[name])) for name in names)
    return " · ".join(f"[{_title(name)}]({address})" for name, address in addresses if address is not None)


def _title(name: str) -> str:
    return markdown(name.removesuffix("_url").replace("_", " ").capitalize()) or "Link"
