"""Parse exposition text into samples; lines of other metrics are skipped, and each series is parsed once."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Collection
from math import isfinite
from typing import Final, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from sloctl.model import Labels
from sloctl.sidecar.sources.counting.series import MAX_SAMPLES, ExposedSample, LabelPair, SeriesId

# The Accept header of Prometheus, so that names are spelled as Prometheus stores them.
ACCEPT: Final = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
OPENMETRICS: Final = "application/openmetrics-text"
CONTENT_TYPES: Final = frozenset({OPENMETRICS, "text/plain"})

# With more names than this an alternation of them is slower than looking each line's name up.
_FEW_NAMES: Final = 32
_NAME_END: Final = re.compile(r"[{ \t]")
# Everything up to the value; the value; a timestamp; an exemplar.
_SAMPLE_LINE: Final = re.compile(
    r'([a-zA-Z_:][a-zA-Z0-9_:]*(?:[ \t]*\{[^"}]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"}]*)*\})?)'
    r"(?:(?<=\})[ \t]*|[ \t]+)([^ \t_]+)(?:[ \t]+([^ \t#_]+))?(?:[ \t]+#.*)?\s*"
)
_SUFFIX: Final = re.compile(r"_(?:total|count|sum|bucket|created)$")
# With labels it is that of another process, as behind a federation.
_PROCESS_START: Final = re.compile(r"\nprocess_start_time_seconds[ \t]+([0-9.eE+]+)(?=\s)")
# `_created` is a name anybody may use: a Unix time later than 2001 is taken for one.
_EARLIEST_CREATION: Final = 1e9


def process_start(text: str) -> float | None:
    """Return the start of the process that exposes *text* (Unix seconds); None where nothing tells."""
    starts = _PROCESS_START.findall(text)
    return float(starts[0]) if len(starts) == 1 else None


class _ParsedSeries(NamedTuple):
    """The text before a value, parsed; series of one *origin* were created together, as a histogram's are."""

    series: SeriesId
    origin: SeriesId


class ExpositionParser:
    """A parser for the samples of *metrics* from one target, whose own labels it attaches.

    It remembers the series it parsed: the same one a tick later costs a look-up.
    """

    def __init__(self, metrics: Collection[str], target_labels: Labels) -> None:
        self._metrics = frozenset(metrics)
        self._created = frozenset(f"{_SUFFIX.sub('', metric)}_created" for metric in metrics)
        self._find_lines = _line_finder(self._metrics | self._created)
        self._target_labels = target_labels
        self._parsed: dict[str, _ParsedSeries] = {}
        self._labels: dict[LabelPair, LabelPair] = {}
        # Metrics with too many samples in the last text.
        self.left_out: frozenset[str] = frozenset()

    def parse_samples(self, text: str, *, openmetrics: bool = False) -> list[ExposedSample]:
        """Return the samples in the order of *text*.

        Raises ValueError for a line of a wanted metric that is no sample, and for a text that was cut off.
        """
        if openmetrics and not text.rstrip().endswith("# EOF"):
            raise ValueError("OpenMetrics that does not end with # EOF was cut off")
        # Both formats ask for it: 50 may be the beginning of 50123, and series that follow would be missing.
        if text and not openmetrics and not text.endswith("\n"):
            raise ValueError("the last line does not end with a line break: the text was cut off")
        lines = self._find_lines(text)
        lines = self._drop_largest_metrics(lines)
        if len(self._parsed) > 2 * len(lines) + 1000:
            # Most of what is remembered is gone: labels that change all the time.
            self._parsed.clear()
            self._labels.clear()
        parsed = [self._parse_line(line, 1 if openmetrics else 1000) for line in lines]
        creations = [line for line in parsed if line[0].series.metric in self._created]
        if not creations:
            return [ExposedSample(head.series, value, at) for head, value, at in parsed]
        # Text declares it a gauge, creation time or not; OpenMetrics only what is none.
        names = {head.series.metric for head, *_ in creations} if openmetrics else set[str]()
        gauges = {name for name in names if f"# TYPE {name} " in text}
        created = {
            head.origin: value
            for head, value, _ in creations
            if isfinite(value) and value > _EARLIEST_CREATION and head.series.metric not in gauges
        }
        return [
            ExposedSample(head.series, value, at, created.get(head.origin), is_declared=openmetrics)
            for head, value, at in parsed
            if head.series.metric in self._metrics
        ]

    def _drop_largest_metrics(self, lines: list[str]) -> list[str]:
        """Leave out whole metrics, the largest first, down to MAX_SAMPLES lines.

        A part of one would make series come and go, which look like new ones.
        """
        self.left_out = frozenset()
        if len(lines) <= MAX_SAMPLES:
            return lines
        sizes = Counter(_NAME_END.split(line, maxsplit=1)[0] for line in lines)
        left_out, remaining = set[str](), len(lines)
        for name, size in sizes.most_common():
            if remaining <= MAX_SAMPLES:
                break
            left_out.add(name)
            remaining -= size
        self.left_out = frozenset(left_out)
        return [line for line in lines if _NAME_END.split(line, maxsplit=1)[0] not in left_out]

    def _parse_line(self, line: str, ticks_per_second: int) -> tuple[_ParsedSeries, float, float | None]:
        spelled, _, value = line.rpartition(" ")
        head = self._parsed.get(spelled)
        if head is not None and "_" not in value:
            return head, float(value), None
        found = _SAMPLE_LINE.fullmatch(line)
        if found is None:
            raise ValueError(f"not a sample: {line[:200]!r}")
        spelled, value, timestamp = found.groups()
        head = self._parsed.get(spelled) or self._parse_series(spelled)
        return head, float(value), float(timestamp) / ticks_per_second if timestamp else None

    def _parse_series(self, spelled: str) -> _ParsedSeries:
        # A sample line alone reads the same in both formats. The strict OpenMetrics parser would refuse all
        # metrics for one family out of order.
        ((sample,),) = (family.samples for family in text_string_to_metric_families(f"{spelled} 0\n"))
        # As in Prometheus, the target's labels win, the exposed ones move to `exported_…`; empty is absent.
        own = self._target_labels
        moved = {f"exported_{name}" if name in own else name: value for name, value in sample.labels.items()}
        attached = sorted((name, value) for name, value in {**moved, **own}.items() if value)
        # The same labels come again and again: one object for each keeps thousands of series small.
        labels = tuple(self._labels.setdefault(label, label) for label in attached)
        bounded = any(name == "le" for name, _ in labels)
        of_all_bounds = tuple(label for label in labels if label[0] != "le") if bounded else labels
        origin = SeriesId(sys.intern(_SUFFIX.sub("", sample.name)), of_all_bounds)
        self._parsed[spelled] = _ParsedSeries(SeriesId(sys.intern(sample.name), labels), origin)
        return self._parsed[spelled]


def _line_finder(metrics: Collection[str]) -> Callable[[str], list[str]]:
    """Return a function that finds the lines of these metrics in a text; both ways run at the speed of C."""
    if not 0 < len(metrics) <= _FEW_NAMES:
        return lambda text: [
            line for line in text.split("\n") if _NAME_END.split(line, maxsplit=1)[0] in metrics
        ]
    names = "|".join(sorted(metrics, key=len, reverse=True))
    # With the line break in front the search skips from line to line.
    wanted = re.compile(rf"\n((?:{names})[{{ \t][^\n]*)")
    return lambda text: wanted.findall(f"\n{text}")
