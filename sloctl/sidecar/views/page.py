"""The board as a page: rendered here, styled by one packaged file, no script."""

from typing import Final

import jinja2

from sloctl.duration import format_duration
from sloctl.sidecar.board import Board
from sloctl.sidecar.ledger import MAX_GROUPS
from sloctl.sidecar.views import words

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("sloctl.sidecar.views", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {"words": words, "duration": format_duration, "max_groups": MAX_GROUPS}


def page(board: Board, *, now: float, refresh_seconds: int, speed: float) -> str:
    """Worst first; the browser asks again after *refresh_seconds*. A *speed* of time other than 1 is told."""
    return _TEMPLATES.get_template("board.html").render(
        board=board, now=now, refresh_seconds=refresh_seconds, speed=speed
    )
