"""Text in columns for a terminal."""

from collections.abc import Collection, Sequence
from itertools import accumulate
from typing import Final

_GAP: Final = 2


def format_table(rows: Sequence[Sequence[str]], *, width: int, right: Collection[int] = ()) -> str:
    """As many columns as fit into *width*, the first ones first; those in *right* are set to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    fitting = sum(end <= width + _GAP for end in accumulate(wide + _GAP for wide in widths))
    return "\n".join(_aligned(row[:fitting], widths[:fitting], right) for row in rows)


def _aligned(row: Sequence[str], widths: Sequence[int], right: Collection[int]) -> str:
    cells = [
        cell.rjust(width) if column in right else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return (" " * _GAP).join(cells).rstrip()
