"""The board as pages: rendered here, escaped by the template engine, readable without the script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any, Final

import jinja2

from sloctl import formatting, timestamps
from sloctl.duration import format_duration, humanize_duration
from sloctl.sidecar import messages
from sloctl.sidecar.engine.engine import MAX_GROUPS
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.http.api.convert import STATE_NAMES
from sloctl.sidecar.http.page import slo_facts as facts
from sloctl.sidecar.http.page.charts import ChartDrawing
from sloctl.sidecar.http.page.query import (
    ChartRange,
    SortOrder,
    group_key,
    label_url,
    range_choices,
    slo_url,
)
from sloctl.sidecar.http.page.slo_list import SloListing, steady_burn
from sloctl.slo.health import Health

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("sloctl.sidecar.http.page", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "STATE_NAMES": STATE_NAMES,
    "Health": Health,
    "SortOrder": SortOrder,
    "duration": format_duration,
    "humanize_duration": humanize_duration,
    "facts": facts,
    "group_key": group_key,
    "inf": inf,
    "label_url": label_url,
    "max_groups": MAX_GROUPS,
    "range_choices": range_choices,
    "slo_url": slo_url,
    "steady_burn": steady_burn,
    "formatting": formatting,
    "messages": messages,
    "timestamps": timestamps,
}


@dataclass(frozen=True, slots=True)
class PageFrame:
    """What every page shows around its own: *tick* is in the reader's seconds, *speed* that of our time.

    *paging* is how many of the *board* page; *version* is that of the packaged files, so that a browser may
    keep them for good.
    """

    snapshot: Snapshot
    paging_count: int
    now: float
    tick: float
    speed: float
    version: str


@dataclass(frozen=True, slots=True)
class SloDetail:
    """One entry, its *siblings* (the groups of its SLO, the worst first), and its charts."""

    entry: SloState
    siblings: Sequence[SloState]
    requested_range: ChartRange | None
    errors: tuple[ChartRange, ChartDrawing] | None
    budget: tuple[ChartRange, ChartDrawing] | None

    def range_of(self, seconds: int) -> ChartRange:
        """That long, up to the same moment."""
        return ChartRange(seconds, None if self.requested_range is None else self.requested_range.until)


def render_list_page(frame: PageFrame, listing: SloListing, sparklines: Mapping[str, str]) -> str:
    """*sparklines* are paths, by the `group_key` of the entry."""
    return _render_template("list.html", frame, listing=listing, sparklines=sparklines)


def render_detail_page(frame: PageFrame, detail: SloDetail) -> str:
    return _render_template("slo.html", frame, detail=detail, entry=detail.entry)


def render_missing_page(frame: PageFrame) -> str:
    return _render_template("missing.html", frame)


def _render_template(template: str, frame: PageFrame, **context: Any) -> str:  # noqa: ANN401 - what each template shows
    at = None if frame.snapshot.at is None else datetime.fromtimestamp(frame.snapshot.at, UTC)
    return _TEMPLATES.get_template(template).render(frame=frame, at=at, **context)
