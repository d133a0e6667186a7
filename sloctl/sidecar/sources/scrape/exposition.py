"""Parse exposition text into samples; lines of other metrics are skipped, and each series is parsed once."""

import re
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from math import isfinite
from typing import Final, NamedTuple, TypeAlias

from prometheus_client.parser import text_string_to_metric_families

from sloctl.model import Labels
from sloctl.sidecar.sources.counting.series import MAX_SAMPLES, ExposedSample, LabelPair, SeriesId

# The Accept header of Prometheus, so that names are spelled as Prometheus stores them.
ACCEPT: Final = (
    "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
    "text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
OPENMETRICS: Final = "application/openmetrics-text"
Body: TypeAlias = bytes | bytearray
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
_PROCESS_START: Final = "process_start_time_seconds"
_PROCESS_START_LINE: Final = re.compile(
    rb"\nprocess_start_time_seconds[ \t]+([0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,2})?)(?=\s)"
)
# What tells that a text is whole, or that something is no creation time.
_KEPT_COMMENTS: Final = re.compile(r"\n(# (?:EOF|TYPE [^ \n]+_created )[^\n]*)")
# A longer sample names nothing that a person looks for, and each use of it costs its length.
_MAX_SAMPLE_LENGTH: Final = 16 * 1024
# So much is searched, and so many lines are parsed, in one go: some ten milliseconds.
PIECE_BYTES: Final = 256 * 1024
_LINES_PER_PIECE: Final = 500
# `_created` is a name anybody may use: a Unix time later than 2001 is taken for one.
_EARLIEST_CREATION: Final = 1e9


def process_start(body: Body) -> float | None:
    """Return the start of the process that exposes *body* (Unix seconds); None where nothing tells."""
    starts = _PROCESS_START_LINE.findall(body)
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
        self._find_kept = _line_finder(self._metrics | self._created | {_PROCESS_START})
        self._target_labels = target_labels
        self._parsed: dict[str, _ParsedSeries] = {}
        self._labels: dict[LabelPair, LabelPair] = {}
        # Of the last text: metrics with too many samples, and how many samples were too long.
        self.left_out: frozenset[str] = frozenset()
        self.too_long = 0
        self._omitted = 0

    def parse_samples(self, text: str, *, openmetrics: bool = False) -> list[ExposedSample]:
        """Return the samples of *text* at once, as `parse_in_pieces` gives them in the end."""
        pieces = self.parse_in_pieces(text.encode(), openmetrics=openmetrics)
        return next(samples for samples in pieces if samples is not None)

    def parse_in_pieces(
        self, body: Body, *, openmetrics: bool = False, most_samples: int = MAX_SAMPLES, omitted: int = 0
    ) -> Iterator[list[ExposedSample] | None]:
        """Parse in pieces of some ten milliseconds: None while it goes on, then the samples in their order.

        Of more than *most_samples* whole metrics are left out; *omitted* bytes were already. Raises
        ValueError for a line of a wanted metric that is no sample, for what is not UTF-8, and for a text that
        was cut off.
        """
        if openmetrics and not body.rstrip().endswith(b"# EOF"):
            raise ValueError("OpenMetrics that does not end with # EOF was cut off")
        # Both formats ask for it: 50 may be the beginning of 50123, and series that follow would be missing.
        if body and not openmetrics and not body.endswith(b"\n"):
            raise ValueError("the last line does not end with a line break: the text was cut off")
        self._omitted = omitted
        lines: list[str] = []
        for found in self.find_in_pieces(body, most_samples):
            yield None
            lines += found
        if len(self._parsed) > 5 * len(lines) // 4 + 1000:
            # Some of what is remembered is gone: labels that change all the time.
            self._parsed.clear()
            self._labels.clear()
        parsed: list[tuple[_ParsedSeries, float, float | None]] = []
        for start in range(0, len(lines), _LINES_PER_PIECE):
            yield None
            piece = lines[start : start + _LINES_PER_PIECE]
            parsed += [self._parse_line(line, 1 if openmetrics else 1000) for line in piece]
        creations = [line for line in parsed if line[0].series.metric in self._created]
        if not creations:
            yield [ExposedSample(head.series, value, at) for head, value, at in parsed]
            return
        # Text declares it a gauge, creation time or not; OpenMetrics only what is none.
        names = {head.series.metric for head, *_ in creations} if openmetrics else set[str]()
        gauges = {name for name in names if f"# TYPE {name} ".encode() in body}
        created = {
            head.origin: value
            for head, value, _ in creations
            if isfinite(value) and value > _EARLIEST_CREATION and head.series.metric not in gauges
        }
        yield [
            ExposedSample(head.series, value, at, created.get(head.origin), is_declared=openmetrics)
            for head, value, at in parsed
            if head.series.metric in self._metrics
        ]

    def find_in_pieces(self, body: Body, most_samples: int) -> Iterator[list[str]]:
        """Find the lines of the wanted metrics, without the largest metrics where there are too many lines.

        A part of a metric would make series come and go, which look like new ones.
        """
        self.left_out = frozenset()
        found: list[str] = []
        for lines in self.lines_by_piece(body):
            found += lines
            yield []
            if len(found) > most_samples:
                break
        else:
            yield found
            return
        found.clear()
        sizes = Counter[str]()
        for lines in self.lines_by_piece(body):
            sizes.update(_NAME_END.split(line, maxsplit=1)[0] for line in lines)
            yield []
        remaining = sizes.total()
        for name, size in sizes.most_common():
            if remaining > most_samples:
                self.left_out |= {name}
                remaining -= size
        if remaining:
            for lines in self.lines_by_piece(body):
                names = ((line, _NAME_END.split(line, maxsplit=1)[0]) for line in lines)
                yield [line for line, name in names if name not in self.left_out]

    def lines_by_piece(self, body: Body) -> Iterator[list[str]]:
        """Give the lines of wanted metrics, piece by piece; samples that are too long are counted instead."""
        self.too_long, start = 0, 0
        while start < len(body):
            end = body.rfind(b"\n", start, start + PIECE_BYTES) + 1
            if end:
                yield self.find_wanted(body[start:end], start + self._omitted)
            else:
                # One line is longer than a piece: its beginning tells whether it is wanted.
                end = body.find(b"\n", start) + 1 or len(body)
                begin = body[start : start + _MAX_SAMPLE_LENGTH].decode(errors="replace")
                self.too_long += bool(self._find_lines(begin))
            start = end

    def find_wanted(self, piece: Body, start: int) -> list[str]:
        """Find the lines of wanted metrics in *piece*, which starts at a byte of the body."""
        lines = self._find_lines(_decode_piece(piece, start))
        if len(piece) <= _MAX_SAMPLE_LENGTH:
            return lines
        short = [line for line in lines if len(line) <= _MAX_SAMPLE_LENGTH]
        self.too_long += len(lines) - len(short)
        return short

    def keep_wanted(self, piece: Body, start: int) -> bytes:
        """Keep of *piece*, whole lines from a byte of the body on, those that any part of a scrape reads."""
        # The line break is for the search, which skips from one to the next.
        text = f"\n{_decode_piece(piece, start)}"
        lines = [*self._find_kept(text), *_KEPT_COMMENTS.findall(text), ""]
        return "\n".join(lines).encode()

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


def _decode_piece(piece: Body, start: int) -> str:
    try:
        return piece.decode()
    except UnicodeDecodeError as wrong:
        where = f"{wrong.reason} at byte {start + wrong.start}"
        raise ValueError(f"answered what is not UTF-8: {where}") from None


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
