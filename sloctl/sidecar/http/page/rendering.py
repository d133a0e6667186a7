"""Pages from templates, escaped by the template engine and readable without the script."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import inf
from typing import Any, Final

import jinja2

from sloctl import formatting, timestamps
from sloctl.duration import HOUR, format_duration, humanize_duration
from sloctl.naming import LabelStyle, lookback_name
from sloctl.sidecar import messages
from sloctl.sidecar.engine.changes import ServiceChange
from sloctl.sidecar.engine.engine import MAX_GROUPS
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.engine.timeline import FiringPeriod
from sloctl.sidecar.http.page import slo_facts
from sloctl.sidecar.http.page.charts import AxisTick, ChartDrawing
from sloctl.sidecar.http.page.query import (
    ChartRange,
    SortOrder,
    group_key,
    label_url,
    range_choices,
    slo_url,
)
from sloctl.slo.health import Health
from sloctl.timestamps import format_day_time

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("sloctl.sidecar.http.page", "templates"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.globals |= {
    "Health": Health,
    "SortOrder": SortOrder,
    "chart_range": ChartRange,
    "facts": slo_facts,
    "format_duration": format_duration,
    "lookback_name": lookback_name,
    "formatting": formatting,
    "group_key": group_key,
    "humanize_duration": humanize_duration,
    "inf": inf,
    "label_url": label_url,
    "max_groups": MAX_GROUPS,
    "messages": messages,
    "range_choices": range_choices,
    "slo_url": slo_url,
    "timestamps": timestamps,
}


@dataclass(frozen=True, slots=True)
class PageFrame:
    """The head of every page: *tick* is in the reader's seconds, *speed* that of the sidecar's time.

    *paging_count* is how many SLOs and groups page, *issues* what does not work, by component; *version* is
    that of the packaged files, so that a browser may keep them for good.
    """

    snapshot: Snapshot
    paging_count: int
    issues: Mapping[str, str]
    now: float
    tick: float
    speed: float
    version: str


@dataclass(frozen=True, slots=True)
class SloCharts:
    """The charts of one range, one under the other."""

    error_ratio: ChartDrawing
    traffic: ChartDrawing
    budget: ChartDrawing


@dataclass(frozen=True, slots=True)
class SloDetail:
    """One SLO or group, its *siblings* (all groups of the SLO, the worst first), and its charts.

    *shown_range* is the requested one, else one that fits; *now* is that of the snapshot, Unix seconds;
    *label_style* that of the series and alerts which links name. *burning_since* is None where
    nothing burns.
    """

    state: SloState
    siblings: Sequence[SloState]
    requested_range: ChartRange | None
    shown_range: ChartRange
    now: float
    charts: SloCharts | None
    past_alerts: Sequence[FiringPeriod]
    changes: Sequence[ServiceChange]
    label_style: LabelStyle
    burning_since: float | None

    @property
    def change_marks(self) -> Sequence[AxisTick]:
        """Place the changes on the charts."""
        seconds = self.end - self.begin
        return [
            AxisTick(
                f"{100 * (each.at - self.begin) / seconds:.2f}%", f"{format_day_time(each.at)}: {each.text}"
            )
            for each in self.changes
        ]

    @property
    def begin(self) -> float:
        return self.end - self.shown_range.seconds

    @property
    def end(self) -> float:
        return self.shown_range.until or self.now

    def range_around(self, firing: FiringPeriod) -> ChartRange:
        """Give a range of which an alert has a third."""
        seconds = max(HOUR, round(3 * (firing.end - firing.begin)))
        seconds = min(seconds, self.state.slo.window.seconds)
        until = (firing.begin + firing.end + seconds) / 2
        return ChartRange(seconds, min(until, self.now))


def render_page(template: str, frame: PageFrame, **context: Any) -> str:  # noqa: ANN401 - as each template needs
    at = None if frame.snapshot.at is None else datetime.fromtimestamp(frame.snapshot.at, UTC)
    return _TEMPLATES.get_template(template).render(frame=frame, at=at, **context)
