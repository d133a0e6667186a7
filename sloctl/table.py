"""Text in columns, for a terminal and for Markdown: the one table printer."""

from collections.abc import Collection, Sequence
from itertools import accumulate
from math import inf
from typing import Final

_GAP: Final = 2


def format_table(
    rows: Sequence[Sequence[str]], *, width: float = inf, right: Collection[int] = (), margin: str = ""
) -> str:
    """Align *rows*, the first of which are the headings, in columns.

    Only as many columns are shown as fit into *width*, from the left; those in *right* are set to the right.
    Each line begins with *margin*.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ends = accumulate((column + _GAP for column in widths), initial=len(margin))
    fitting = sum(end <= width + _GAP for end in ends) - 1
    lines = []
    for row in rows:
        cells = [
            cell.rjust(widths[column]) if column in right else cell.ljust(widths[column])
            for column, cell in enumerate(row[:fitting])
        ]
        lines.append((margin + (" " * _GAP).join(cells)).rstrip())
    return "\n".join(lines)


def format_markdown_table(rows: Sequence[Sequence[str]]) -> str:
    """Write *rows*, the first of which are the headings, as a table of Markdown."""
    escapes = str.maketrans({"\\": "\\\\", "|": "\\|", "<": "&lt;", "`": "\\`", "*": "\\*"})
    lines = [f"| {' | '.join(cell.translate(escapes) for cell in row)} |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])
