"""Changes as text, Markdown for a pull request, and JSON."""

import json
from collections import Counter
from collections.abc import Sequence
from html import escape

from sloctl.problems import escape_unprintable
from sloctl.spec_changes.compare import ChangeKind, SloChange


def render_text(changes: Sequence[SloChange]) -> str:
    lines = []
    for slo in changes:
        lines.append(f"{slo.slo_id}: {slo.kind.value}")
        for change in slo.changes:
            mark = "! " if change.is_breaking else "  "
            lines.append(f"  {mark}{change.what}: {escape_unprintable(change.text)}")
    lines.append(summarize_changes(changes))
    return "\n".join(lines) + "\n"


def render_markdown(changes: Sequence[SloChange]) -> str:
    """Render a table, with what is breaking in bold; nothing of a spec can end a cell or become markup."""
    lines = [f"### SLOs: {summarize_changes(changes)}"]
    if changes:
        lines += ["", "| SLO | what | change |", "|---|---|---|"]
    for slo in changes:
        for number, change in enumerate(slo.changes):
            name = f"`{slo.slo_id}` {slo.kind.value}" if number == 0 else ""
            text = escape(escape_unprintable(change.text), quote=False)
            for char in "\\|`*_[]":
                text = text.replace(char, f"\\{char}")
            lines.append(f"| {name} | {change.what} | {f'**{text}**' if change.is_breaking else text} |")
    return "\n".join(lines) + "\n"


def render_json(changes: Sequence[SloChange]) -> str:
    document = [
        {
            "slo": slo.slo_id,
            "kind": slo.kind.value,
            "breaking": slo.is_breaking,
            "changes": [
                {"what": change.what, "text": change.text, "breaking": change.is_breaking}
                for change in slo.changes
            ],
        }
        for slo in changes
    ]
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def summarize_changes(changes: Sequence[SloChange]) -> str:
    """Say how many are of which kind: `1 added, 2 changed; 1 breaking`."""
    kinds = Counter(slo.kind for slo in changes)
    counted = ", ".join(f"{kinds[kind]} {kind.value}" for kind in ChangeKind if kinds[kind])
    breaking = sum(slo.is_breaking for slo in changes)
    return f"{counted or 'nothing changes'}{f'; {breaking} breaking' if breaking else ''}"
