"""Event counts from files: CSV, or the rollups in OpenMetrics that `sloctl backfill` writes."""

import ast
import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from math import isfinite
from typing import Final

from sloctl import naming
from sloctl.backtest.fetch import GroupKey
from sloctl.model import Slo
from sloctl.naming import LABEL_STYLES
from sloctl.problems import escape_unprintable
from sloctl.slo.event_series import EventSeries
from sloctl.slo.resolutions import FINE_STEP

_SERIES_LINE: Final = re.compile(
    r"(?P<metric>[a-zA-Z0-9_:]+)\{(?P<labels>.*)\} (?P<value>\S+) (?P<at>\d+(?:\.\d+)?)"
)
_LABEL: Final = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')
_METRICS: Final = {naming.event_count_metric(FINE_STEP): 0, naming.error_count_metric(FINE_STEP): 1}
_WANTED: Final = "time, total, errors or good, and as needed slo and the labels of groupBy"


class FileCounts:
    """The counts of some files by SLO and group; *problems* says, a line each, what was wrong and where."""

    def __init__(self, slos: Sequence[Slo]) -> None:
        self.problems: list[str] = []
        self._slos = {slo.id: slo for slo in slos}
        # Events and errors by the end of their minute.
        self._points: dict[str, dict[GroupKey, tuple[dict[int, float], dict[int, float]]]] = {}

    def read_file(self, path: str, text: str) -> None:
        """Read one file; a name that ends in .csv is a CSV, all else OpenMetrics."""
        if path.endswith(".csv"):
            self._read_csv(path, text)
        else:
            self._read_openmetrics(text)

    def build_series(self, slo: Slo) -> dict[GroupKey, EventSeries]:
        """Return the series of each group of *slo*, all over one span; nothing where nothing was counted."""
        groups = self._points.get(slo.id, {})
        moments = [at for events, _ in groups.values() for at in events]
        if not moments:
            return {}
        start, end = min(moments) - FINE_STEP, max(moments)
        return {
            group: EventSeries.from_points(start, end, step=FINE_STEP, events=events, errors=errors)
            for group, (events, errors) in sorted(groups.items())
        }

    def _read_csv(self, path: str, text: str) -> None:
        rows = csv.DictReader(text.splitlines(), strict=True)
        names = set(rows.fieldnames or ())
        if not {"time", "total"} <= names or not names & {"errors", "good"}:
            self._add_problem(path, 1, f"the first line names the columns: {_WANTED}")
            return
        if "slo" not in names and len(self._slos) > 1:
            self._add_problem(path, 1, "there is no column slo, and more than one SLO: name one with --slo")
            return
        by_group: dict[tuple[str, GroupKey], list[tuple[int, float, float]]] = {}
        try:
            for row in rows:
                slo = self._slos.get(row["slo"] if "slo" in names else next(iter(self._slos)))
                if slo is None:
                    continue
                try:
                    counts = parse_counts(row)
                except ValueError as wrong:
                    self._add_problem(path, rows.line_num, str(wrong))
                    continue
                group = tuple(sorted((name, row[name]) for name in slo.group_by if row.get(name)))
                by_group.setdefault((slo.id, group), []).append(counts)
        except csv.Error as broken:
            self._add_problem(path, rows.line_num, f"this is no CSV: {broken}")
        for (slo_id, group), counted in by_group.items():
            self._add_counts(slo_id, group, spread_over_minutes(counted))

    def _read_openmetrics(self, text: str) -> None:
        by_label = {
            (style.id, style.slo_id(slo)): slo
            for style in LABEL_STYLES.values()
            for slo in self._slos.values()
        }
        for line in text.splitlines():
            found = _SERIES_LINE.fullmatch(line.strip())
            if found is None or found["metric"] not in _METRICS:
                continue
            labels = {name: str(ast.literal_eval(quoted)) for name, quoted in _LABEL.findall(found["labels"])}
            slo = next((by_label[it] for it in labels.items() if it in by_label), None)
            if slo is None:
                continue
            group = tuple(sorted((name, labels[name]) for name in slo.group_by if name in labels))
            points = self._points.setdefault(slo.id, {}).setdefault(group, ({}, {}))
            points[_METRICS[found["metric"]]][minute_of(float(found["at"]))] = float(found["value"])

    def _add_counts(self, slo_id: str, group: GroupKey, counts: Iterable[tuple[int, float, float]]) -> None:
        events, errors = self._points.setdefault(slo_id, {}).setdefault(group, ({}, {}))
        for at, total, bad in counts:
            events[at] = events.get(at, 0.0) + total
            errors[at] = errors.get(at, 0.0) + bad

    def _add_problem(self, path: str, line: int, message: str) -> None:
        self.problems.append(escape_unprintable(f"{path}:{line}: {message}"))


def spread_over_minutes(counted: Iterable[tuple[int, float, float]]) -> Iterator[tuple[int, float, float]]:
    """Spread counts that are further apart than a minute evenly over the minutes that they end.

    In come and out go the end, all events and bad events; how far counts are apart is the shortest distance.
    """
    rows = sorted(counted)
    gaps = [after[0] - before[0] for before, after in pairwise(rows) if after[0] > before[0]]
    minutes = max(1, min(gaps, default=FINE_STEP) // FINE_STEP)
    for at, total, bad in rows:
        for number in range(minutes):
            yield at - number * FINE_STEP, total / minutes, bad / minutes


def parse_counts(row: Mapping[str, str | None]) -> tuple[int, float, float]:
    """Return the end of the minute, all events and bad events; raise ValueError for what is no count."""
    at, total = minute_of(parse_time(row["time"] or "")), parse_count(row, "total")
    errors = parse_count(row, "errors") if "errors" in row else total - parse_count(row, "good")
    if not 0 <= errors <= total:
        raise ValueError(f"errors must lie between 0 and the total of {total:g}, got {errors:g}")
    return at, total, errors


def parse_count(row: Mapping[str, str | None], column: str) -> float:
    text = row[column] or ""
    try:
        count = float(text)
    except ValueError:
        count = -1.0
    if not (isfinite(count) and count >= 0):
        raise ValueError(f"{column} is a number of events, got {text!r}")
    return count


def parse_time(text: str) -> float:
    """Parse Unix seconds, or a moment with its offset as of RFC 3339."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise ValueError(
                f"time is Unix seconds or like 2026-11-21T14:30:00Z, the end of a count; got {text!r}"
            ) from None
        seconds = moment.timestamp()
    if not 0 < seconds < 1e11:
        raise ValueError(f"time is Unix seconds, not milliseconds; got {text!r}")
    return seconds


def minute_of(at: float) -> int:
    """Return the end of the minute that *at* ends or lies in."""
    return -(-int(-(-at // 1)) // FINE_STEP) * FINE_STEP
