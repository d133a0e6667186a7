"""The queries of the pages: everything is in the URL, and a parameter that cannot be meant is passed over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlencode

from sloctl.duration import DAY, HOUR, MINUTE, format_duration
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.slo.health import Health

_HEALTH_BY_KEY: Final = {health.key: health for health in Health}
# Of a chart, besides the window.
_RANGE_SECONDS: Final = (HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY)
# From and until may be this near; seconds.
_SHORTEST_RANGE: Final = 5 * MINUTE
# A URL of more than 8 kB is refused; escaped, a character takes up to twelve bytes.
_MAX_GROUP_CHARACTERS: Final = 400
GROUP_KEY_PARAMETER: Final = "group-key"


class SortOrder(Enum):
    """The order of the list."""

    WORST = "worst"
    BUDGET = "budget"
    BURN = "burn"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """The SLOs to list, and their order; *label* is `name=value`, *page* counts from 1."""

    text: str = ""
    label: str = ""
    state: Health | None = None
    sort: SortOrder = SortOrder.WORST
    by_service: bool = False
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.label or self.state is not None)

    @property
    def url(self) -> str:
        fields: Mapping[str, str] = {
            "text": self.text,
            "label": self.label,
            "state": "" if self.state is None else self.state.key,
            "sort": "" if self.sort is SortOrder.WORST else self.sort.value,
            "by": "service" if self.by_service else "",
            "page": "" if self.page == 1 else str(self.page),
        }
        parameters = urlencode({name: value for name, value in fields.items() if value})
        return f"/?{parameters}" if parameters else "/"

    def url_of_page(self, number: int) -> str:
        return replace(self, page=number).url

    def url_sorted_by(self, sort: SortOrder) -> str:
        return replace(self, sort=sort, page=1).url

    def url_with_state(self, health: Health | None) -> str:
        return replace(self, state=health, page=1).url


def parse_list_query(parameters: Mapping[str, str]) -> ListQuery:
    sorts = {sort.value: sort for sort in SortOrder}
    page = parameters.get("page", "1")
    return ListQuery(
        text=parameters.get("text", "").strip(),
        label=parameters.get("label", "").strip(),
        state=_HEALTH_BY_KEY.get(parameters.get("state", "")),
        sort=sorts.get(parameters.get("sort", ""), SortOrder.WORST),
        by_service=parameters.get("by", "") == "service",
        page=max(1, int(page)) if page.isdecimal() and len(page) < 7 else 1,
    )


@dataclass(frozen=True, slots=True)
class ChartRange:
    """The last *seconds* up to *until* (Unix seconds), or up to now."""

    seconds: int
    until: float | None = None

    @property
    def name(self) -> str:
        return format_duration(self.seconds)

    def moved(self, share: float, now: float) -> "ChartRange":
        """Give the range *share* of its length later, or earlier where that is negative; never past *now*."""
        until = (self.until or now) + share * self.seconds
        return ChartRange(self.seconds, None if until >= now else until)

    def widened(self, window: int, now: float) -> "ChartRange":
        """Give the range three times as long around the same middle, at most a *window*."""
        seconds = min(window, 3 * self.seconds)
        until = (self.until or now) + (seconds - self.seconds) / 2
        return ChartRange(seconds, None if until >= now else until)


def range_choices(window: int) -> list[int]:
    """List the ranges of a chart that may be asked for, in seconds; *window* is the longest."""
    return [*(seconds for seconds in _RANGE_SECONDS if seconds < window), window]


def parse_chart_range(parameters: Mapping[str, str], window: int) -> ChartRange | None:
    """Give the range that is asked for, None for none."""
    begin, end = _parse_time(parameters.get("from", "")), _parse_time(parameters.get("until", ""))
    if begin is not None and end is not None and end > begin:
        return ChartRange(max(_SHORTEST_RANGE, min(window, round(end - begin))), end)
    names = {format_duration(seconds): seconds for seconds in range_choices(window)}
    seconds, until = names.get(parameters.get("range", "")), _parse_time(parameters.get("until", ""))
    if seconds is None and until is None:
        return None
    return ChartRange(seconds or 6 * HOUR, until)


def slo_url(state: SloState, chart_range: ChartRange | None = None) -> str:
    """Make the URL of a page: with the labels of the group, or with its key where those are too long."""
    path = f"/slo/{quote(state.slo.service, safe='')}/{quote(state.slo.name, safe='')}"
    parameters = list(state.group_labels.items())
    if sum(map(len, state.group)) > _MAX_GROUP_CHARACTERS:
        parameters = [(GROUP_KEY_PARAMETER, group_key(state))]
    if chart_range is not None:
        if chart_range.until is None:
            parameters.append(("range", chart_range.name))
        else:
            begin = chart_range.until - chart_range.seconds
            parameters += [("from", _format_time(begin)), ("until", _format_time(chart_range.until))]
    return f"{path}?{urlencode(parameters)}" if parameters else path


def _format_time(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def group_key(state: SloState) -> str:
    """Make a dozen characters that tell *state* from all others."""
    return sha256("\n".join((state.slo.id, *state.group)).encode(errors="replace")).hexdigest()[:12]


def label_url(name: str, value: str) -> str:
    """Make the URL of the list of all SLOs with this label."""
    return ListQuery(label=f"{name}={value}").url


def _parse_time(text: str) -> float | None:
    """Read RFC 3339 or Unix seconds; None for anything else, and for a time that no history reaches."""
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=UTC) if "-" in text else None
        seconds = at.timestamp() if at is not None else float(text)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < 1e11 else None
