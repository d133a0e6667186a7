"""A proof as text, Markdown and JSON."""

from collections.abc import Iterable, Iterator, Sequence
from math import isnan
from typing import Final, TypeAlias

from sloctl.duration import format_duration
from sloctl.proof.comparison import SloComparison, WindowComparison
from sloctl.table import format_markdown_table, format_table

Rows: TypeAlias = list[tuple[str, ...]]
_HEADINGS: Final = ("window", "theirs", "ours", "difference", "largest", "moments", "why")
_UNKNOWN: Final = "–"


def render_proof_text(comparisons: Iterable[SloComparison]) -> str:
    """Write a table for each budget, and a line each on alerts and cost."""
    blocks = []
    for comparison in comparisons:
        table = format_table(window_rows(comparison), right=(1, 2, 3, 4, 5), margin="  ")
        blocks.append(
            "\n".join([comparison.title, table, *(f"  {line}" for line in summary_lines(comparison))])
        )
    return "\n\n".join(blocks) + "\n"


def render_proof_markdown(comparisons: Iterable[SloComparison]) -> str:
    """Write the same for a pull request."""
    parts = []
    for comparison in comparisons:
        parts += [f"### {comparison.title}", format_markdown_table(window_rows(comparison))]
        parts.append("\n".join(f"- {line}" for line in summary_lines(comparison)))
    return "\n\n".join(parts) + "\n"


def proof_objects(comparisons: Sequence[SloComparison]) -> list[dict[str, object]]:
    """Write the same for a program; what is not a number is the text NaN."""
    return [
        {
            "slo": comparison.title,
            "windows": [_window_object(window) for window in comparison.windows],
            "alerts": [
                {"severity": it.severity.value, "theirs": it.theirs, "ours": it.ours, "both": it.both}
                for it in comparison.alerts
            ],
            "rawSamplesPerMinute": {"theirs": comparison.their_samples, "ours": comparison.our_samples},
        }
        for comparison in comparisons
    ]


def window_rows(comparison: SloComparison) -> Rows:
    """Return the windows in order of length, the period last."""
    return [_HEADINGS, *(_window_row(window) for window in comparison.windows)]


def summary_lines(comparison: SloComparison) -> Iterator[str]:
    """Say how often each alert would have fired, and what each side reads."""
    for alert in comparison.alerts:
        counts = f"theirs {alert.theirs}, ours {alert.ours}, at the same incidents {alert.both}"
        yield f"{alert.severity.value}s: {counts}"
    if comparison.their_samples:
        times = comparison.their_samples / comparison.our_samples if comparison.our_samples else 0
        more = f", {times:,.0f} times as many" if times >= 2 else ""
        counts = f"theirs {comparison.their_samples:,}, ours {comparison.our_samples:,}"
        yield f"raw samples read a minute: {counts}{more}"


def _window_row(window: WindowComparison) -> tuple[str, ...]:
    difference = window.difference
    return (
        f"{format_duration(window.window)}{' (period)' if window.is_period else ''}",
        _percent(window.theirs),
        _percent(window.ours),
        _UNKNOWN if difference is None or isnan(difference) else f"{difference:+.1%}",
        _percent(window.largest),
        str(window.moments or _UNKNOWN),
        window.reason.value,
    )


def _percent(ratio: float | None) -> str:
    if ratio is None:
        return _UNKNOWN
    return "NaN" if isnan(ratio) else f"{ratio * 100:.4g} %"


def _window_object(window: WindowComparison) -> dict[str, object]:
    def number(value: float | None) -> float | str | None:
        return "NaN" if value is not None and isnan(value) else value

    return {
        "window": format_duration(window.window),
        "isPeriod": window.is_period,
        "theirs": number(window.theirs),
        "ours": number(window.ours),
        "largestDifference": number(window.largest),
        "moments": window.moments,
        "reason": window.reason.name.lower(),
        "why": window.reason.value,
    }
