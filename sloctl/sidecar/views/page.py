"""The board as pages: rendered here, escaped by the template engine, readable without the script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any, Final

import jinja2

from sloctl.duration import format_duration
from sloctl.sidecar.board import Health, SloState, Snapshot
from sloctl.sidecar.ledger import MAX_GROUPS
from sloctl.sidecar.views import page_facts as facts
from sloctl.sidecar.views import words
from sloctl.sidecar.views.api import STANDINGS
from sloctl.sidecar.views.page_charts import Drawing
from sloctl.sidecar.views.page_list import Listing, steady_burn
from sloctl.sidecar.views.page_query import Range, Sort, group_key, label_url, ranges, slo_url

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("sloctl.sidecar.views", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "STANDINGS": STANDINGS,
    "Standing": Health,
    "Sort": Sort,
    "duration": format_duration,
    "facts": facts,
    "group_key": group_key,
    "inf": inf,
    "label_url": label_url,
    "max_groups": MAX_GROUPS,
    "ranges": ranges,
    "slo_url": slo_url,
    "steady_burn": steady_burn,
    "words": words,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What every page shows around its own: *tick* is in the reader's seconds, *speed* that of our time.

    *paging* is how many of the *board* page; *version* is that of the packaged files, so that a browser may
    keep them for good.
    """

    board: Snapshot
    paging: int
    now: float
    tick: float
    speed: float
    version: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One entry, its *siblings* (the groups of its SLO, the worst first), and its charts."""

    entry: SloState
    siblings: Sequence[SloState]
    asked: Range | None
    errors: tuple[Range, Drawing] | None
    budget: tuple[Range, Drawing] | None

    def range_of(self, seconds: int) -> Range:
        """That long, up to the same moment."""
        return Range(seconds, None if self.asked is None else self.asked.until)


def list_page(frame: Frame, listing: Listing, sparklines: Mapping[str, str]) -> str:
    """*sparklines* are paths, by the `group_key` of the entry."""
    return _rendered("list.html", frame, listing=listing, sparklines=sparklines)


def detail_page(frame: Frame, detail: Detail) -> str:
    return _rendered("slo.html", frame, detail=detail, entry=detail.entry)


def missing_page(frame: Frame) -> str:
    return _rendered("missing.html", frame)


def _rendered(template: str, frame: Frame, **context: Any) -> str:  # noqa: ANN401 - what each template shows
    at = None if frame.board.at is None else datetime.fromtimestamp(frame.board.at, UTC)
    return _TEMPLATES.get_template(template).render(frame=frame, at=at, **context)
