"""What the page is asked for: everything stands in the URL, and what cannot be meant is passed over."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from typing import Final
from urllib.parse import quote, urlencode

from sloctl.duration import DAY, HOUR, format_duration
from sloctl.sidecar.engine.snapshot import SloState
from sloctl.sidecar.http.api.convert import STATE_NAMES
from sloctl.slo.health import Health

_HEALTH_BY_NAME: Final = {name: standing for standing, name in STATE_NAMES.items()}
# Of a chart, besides the window.
_RANGE_SECONDS: Final = (HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY)
# A URL of more than 8 kB is refused; escaped, a character takes up to twelve bytes.
_MAX_GROUP_CHARACTERS: Final = 400
GROUP_KEY_PARAMETER: Final = "group-key"


class SortOrder(Enum):
    """What comes first in the list."""

    WORST = "worst"
    BUDGET = "budget"
    BURN = "burn"
    NAME = "name"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which SLOs, in which order; *label* is `name=value`, *page* counts from 1."""

    text: str = ""
    label: str = ""
    state: Health | None = None
    sort: SortOrder = SortOrder.WORST
    by_service: bool = False
    page: int = 1

    @property
    def is_filtered(self) -> bool:
        return bool(self.text or self.label or self.state is not None)

    def url_of_page(self, number: int) -> str:
        return _list_url(replace(self, page=number))

    def url_with_state(self, standing: Health | None) -> str:
        return _list_url(replace(self, state=standing, page=1))


def parse_list_query(asked: Mapping[str, str]) -> ListQuery:
    sorts = {sort.value: sort for sort in SortOrder}
    page = asked.get("page", "1")
    return ListQuery(
        text=asked.get("text", "").strip(),
        label=asked.get("label", "").strip(),
        state=_HEALTH_BY_NAME.get(asked.get("state", "")),  # type: ignore[call-overload]  # of any text
        sort=sorts.get(asked.get("sort", ""), SortOrder.WORST),
        by_service=asked.get("by", "") == "service",
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


def range_choices(window: int) -> list[int]:
    """What may be asked for; seconds."""
    return [*(seconds for seconds in _RANGE_SECONDS if seconds < window), window]


def parse_chart_range(asked: Mapping[str, str], window: int) -> ChartRange | None:
    """None where none is asked for."""
    names = {format_duration(seconds): seconds for seconds in range_choices(window)}
    seconds, until = names.get(asked.get("range", "")), _parse_time(asked.get("until", ""))
    if seconds is None and until is None:
        return None
    return ChartRange(seconds or 6 * HOUR, until)


def slo_url(entry: SloState, shown: ChartRange | None = None) -> str:
    """The page of one SLO, or of one group of it: by its labels, or by a key where those are too long."""
    path = f"/slo/{quote(entry.slo.service, safe='')}/{quote(entry.slo.name, safe='')}"
    asked = list(entry.group_labels.items())
    if sum(map(len, entry.group)) > _MAX_GROUP_CHARACTERS:
        asked = [(GROUP_KEY_PARAMETER, group_key(entry))]
    if shown is not None:
        asked.append(("range", shown.name))
    if shown is not None and shown.until is not None:
        asked.append(("until", f"{datetime.fromtimestamp(shown.until, UTC):%Y-%m-%dT%H:%M:%SZ}"))
    return f"{path}?{urlencode(asked)}" if asked else path


def group_key(entry: SloState) -> str:
    """Tells an entry from all others, in a dozen characters."""
    return sha256("\n".join((entry.slo.id, *entry.group)).encode(errors="replace")).hexdigest()[:12]


def label_url(name: str, value: str) -> str:
    """The list of all SLOs with this label."""
    return _list_url(ListQuery(label=f"{name}={value}"))


def _parse_time(text: str) -> float | None:
    """RFC 3339, or Unix seconds."""
    try:
        at = datetime.fromisoformat(text).replace(tzinfo=UTC) if "-" in text else None
        seconds = at.timestamp() if at is not None else float(text)
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < 1e11 else None


def _list_url(query: ListQuery) -> str:
    fields: Mapping[str, str] = {
        "text": query.text,
        "label": query.label,
        "state": "" if query.state is None else STATE_NAMES[query.state],
        "sort": "" if query.sort is SortOrder.WORST else query.sort.value,
        "by": "service" if query.by_service else "",
        "page": "" if query.page == 1 else str(query.page),
    }
    asked = urlencode({name: value for name, value in fields.items() if value})
    return f"/?{asked}" if asked else "/"
