"""An SLI, with the objective and the budgeting method of its SLO → an indicator of ours.

- Occurrences of a ratio: the events that its queries count.
- Occurrences of a threshold: one event a minute, good where the comparison holds.
- Timeslices: of a minute or five, slices of ours; else one event a minute, good where the
  slice up to now is.
- RatioTimeslices, and a ratio that is computed elsewhere: each minute is bad to the degree of its ratio.
"""

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from msgspec import Struct, structs

from sloctl.duration import MINUTE, format_duration
from sloctl.model import CountedSide, PromQL, WindowQuery
from sloctl.problems import ProblemLevel
from sloctl.promql import fill_window, format_number
from sloctl.slo.window_queries import kept_labels
from sloctl.spec.dialects.openslo.catalogue import OpensloCatalogue
from sloctl.spec.dialects.openslo.queries import (
    RangedQuery,
    add_windows,
    find_query,
    selector_text,
    threshold_query,
)
from sloctl.spec.dialects.openslo.values import read_duration, read_number
from sloctl.spec.dialects.query_shapes import (
    ErrorRatioShape,
    ShapedQuery,
    indicator_node,
    shape_events,
    shape_ratio,
)
from sloctl.spec.dialects.translation import ReadingOptions, mapping_at, text_at
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import join_words, quote_value
from sloctl.spec.yaml_nodes import Node

OPERATORS: Final = {"lt": "<", "lte": "<=", "gt": ">", "gte": ">="}
# Below two scrapes of a minute, a slice holds no increase.
_LEAST_SLICE: Final = 2 * MINUTE

SAMPLED_THRESHOLD: Final = Violation(
    "openslo-threshold",
    "an occurrence is a minute here: the query is asked once in each, and is good where the comparison holds",
    ProblemLevel.NOTE,
)
RAW_RATIO: Final = Violation(
    "openslo-raw",
    "a ratio that is computed elsewhere has no counts, so each minute weighs alike",
    ProblemLevel.NOTE,
)
_OWN_SLICES: Final = (MINUTE, 5 * MINUTE)
_COUNTED_KINDS: Final = frozenset({"ratio", "latency", "probe", "query"})
SLICE_LOOK: Final = Violation(
    "openslo-slices",
    "slices are looked at each minute; one without any event counts as neither good nor bad",
    ProblemLevel.NOTE,
)


class MeasuredObjective(Struct, frozen=True):
    """What an objective needs to be measured: its own node, its SLI, and the budgeting method."""

    objective: Node
    sli: Node
    method: str
    method_node: Node


class TranslatedSli(Struct, frozen=True):
    """An indicator of ours, its groups, and what was understood differently.

    *original* is the error ratio over `$window` that the queries are meant to give, where they count.
    """

    node: Node
    group_by: tuple[str, ...] = ()
    notes: tuple[tuple[Node, Violation], ...] = ()
    original: PromQL | None = None


class SliTranslator:
    """The translation of one SLI; problems go to *findings*, and what has one is None."""

    def __init__(self, catalogue: OpensloCatalogue, options: ReadingOptions, findings: Findings) -> None:
        self._catalogue = catalogue
        self._options = options
        self._findings = findings

    def translate(self, measured: MeasuredObjective) -> TranslatedSli | None:
        """Translate what is measured, or return None after noting what is wrong with it."""
        spec = measured.sli.at("spec")
        if "thresholdMetric" in spec.entries:
            return self.translate_threshold(measured, spec.at("thresholdMetric"))
        ratio = spec.at("ratioMetric")
        op = measured.objective.entries.get("op")
        if op is not None and not self._options.lenient:
            message = "op compares the value of a thresholdMetric, and this is a ratioMetric: remove it"
            self.refuse(measured.objective.keys["op"], code="openslo-op", message=message)
        if "raw" in ratio.entries:
            return self.translate_raw(ratio)
        sides = [key for key in ("good", "bad") if key in ratio.entries]
        if len(sides) != 1 or "total" not in ratio.entries:
            message = "a ratioMetric has total and one of good and bad, or raw"
            self.refuse(ratio, code="openslo-ratio", message=message)
            return None
        counter = ratio.entries.get("counter")
        is_counter = None if counter is None else counter.value is True
        part = self.read_query(ratio.at(sides[0]), is_counter)
        total = self.read_query(ratio.at("total"), is_counter)
        if part is None or total is None:
            return None
        side = CountedSide.GOOD if sides[0] == "good" else CountedSide.ERROR
        if measured.method == "Timeslices":
            return self.translate_slices(measured, part, total, side)
        shaped = shape_events(part.text, total.text, counted=side)
        if measured.method == "RatioTimeslices":
            shaped = self.ratio_of_minutes(measured, part, total, side)
        translated = self.translated(shaped, part, total)
        share = f"({part.text}) / ({total.text})"
        original = share if side is CountedSide.ERROR else f"1 - {share}"
        return None if translated is None else structs.replace(translated, original=original)

    def translate_raw(self, ratio: Node) -> TranslatedSli | None:
        """Translate a ratio that is computed elsewhere: a series of it, or a query over a window."""
        kind = ratio.entries.get("rawType")
        others = [key for key in ("good", "bad", "total") if key in ratio.entries]
        if kind is None or others:
            message = "raw stands alone, with rawType: success or failure"
            self.refuse(ratio, code="openslo-ratio", message=message)
            return None
        query = find_query(ratio.at("raw"), self._catalogue, self._findings)
        if query is None:
            return None
        side = CountedSide.GOOD if kind.text == "success" else CountedSide.ERROR
        averaged = self.read_averaged(query.node)
        if averaged is not None:
            shaped: ShapedQuery | Violation = shape_ratio(averaged, measured=side)
            return self.translated(shaped, RangedQuery(averaged, query.node, (*query.notes, RAW_RATIO)))
        ranged = add_windows(query, self._findings, is_counter=False)
        if ranged is None:
            return None
        return self.translated(shape_ratio(ranged.text, measured=side), ranged)

    def read_averaged(self, node: Node) -> str | None:
        """Return the average of a series that is a ratio already; None of any other query."""
        selector = selector_text(node.text)
        return None if selector is None else f"avg(avg_over_time({selector}[$window]))"

    def translate_threshold(self, measured: MeasuredObjective, metric: Node) -> TranslatedSli | None:
        """Translate a query that is compared with a value: one event a minute."""
        objective = measured.objective
        missing = [key for key in ("op", "value") if key not in objective.entries]
        if missing:
            message = f"a thresholdMetric is compared: give {join_words(missing, last='and')}"
            self.refuse(objective, code="openslo-threshold-value", message=message)
            return None
        value = read_number(objective.at("value"), of="value", findings=self._findings)
        query = find_query(metric, self._catalogue, self._findings)
        if value is None or query is None:
            return None
        text = threshold_query(query.node.text)
        if text is None:
            message = "this query is asked once a minute: write a range of its own, as in [5m]"
            self.refuse(query.node, code="openslo-threshold-window", message=message)
            return None
        comparison = f"({text}) {OPERATORS[objective.at('op').text]} {format_number(value)}"
        if measured.method == "Timeslices":
            sliced = self.read_slice(objective)
            if sliced is None:
                return None
            seconds, target = sliced
            if seconds > MINUTE:
                bare = f"({text}) {OPERATORS[objective.at('op').text]} bool {format_number(value)}"
                held = f"avg_over_time(({bare})[{format_duration(seconds)}:1m])"
                comparison = f"{held} >= {target}"
        condition = mapping_at(query.node, {"good": text_at(query.node, comparison)})
        notes = tuple((query.node, note) for note in (*query.notes, SAMPLED_THRESHOLD))
        return TranslatedSli(mapping_at(query.node, {"condition": condition}), (), notes)

    def translate_slices(
        self, measured: MeasuredObjective, part: RangedQuery, total: RangedQuery, side: CountedSide
    ) -> TranslatedSli | None:
        """Translate slices of a ratio: one event a minute, good where the ratio of the slice is enough."""
        sliced = self.read_slice(measured.objective)
        if sliced is None:
            return None
        seconds, target = sliced
        if (exact := self.exact_slices(sliced, part, total, side)) is not None:
            return exact
        look = format_duration(max(seconds, _LEAST_SLICE))
        numerator, denominator = (fill_window(WindowQuery(it.text), look) for it in (part, total))
        ratio = f"({numerator}) / ({denominator})"
        good = f"{ratio} >= {target}" if side is CountedSide.GOOD else f"1 - {ratio} >= {target}"
        condition = mapping_at(part.node, {"good": text_at(part.node, good)})
        groups = tuple(label for label in kept_labels(WindowQuery(total.text)) if label != "le")
        notes = unique_notes((part, total), (SLICE_LOOK,))
        return TranslatedSli(mapping_at(part.node, {"condition": condition}), groups, notes)

    def exact_slices(
        self, sliced: tuple[int, str], part: RangedQuery, total: RangedQuery, side: CountedSide
    ) -> TranslatedSli | None:
        """Translate slices that a spec of ours has too; None of other lengths, and of what is not counted."""
        seconds, target = sliced
        shaped = shape_events(part.text, total.text, counted=side)
        if seconds not in _OWN_SLICES or isinstance(shaped, Violation):
            return None
        counted = indicator_node(shaped.indicator, part.node)
        if not counted.entries.keys() & _COUNTED_KINDS:
            return None
        texts = {"good": f"{format_number(100 * Fraction(target))}%", "slice": format_duration(seconds)}
        written = {key: text_at(part.node, text) for key, text in texts.items()}
        slices = mapping_at(part.node, {"of": counted, **written})
        node = mapping_at(part.node, {"timeSlice": slices})
        return TranslatedSli(node, shaped.group_by, unique_notes((part, total), shaped.notes))

    def read_slice(self, objective: Node) -> tuple[int, str] | None:
        """Return the seconds of a slice and the share of it that must be good, as text."""
        missing = [key for key in ("timeSliceTarget", "timeSliceWindow") if key not in objective.entries]
        if missing:
            message = f"Timeslices need {join_words(missing, last='and')}"
            self.refuse(objective, code="openslo-time-slice", message=message)
            return None
        seconds = self.read_slice_window(objective)
        target = read_number(objective.at("timeSliceTarget"), of="timeSliceTarget", findings=self._findings)
        if target is not None and not 0 < target <= 1:
            message = f"timeSliceTarget is above 0 and at most 1, got {objective.at('timeSliceTarget').text}"
            self.refuse(objective.at("timeSliceTarget"), code="openslo-time-slice", message=message)
            return None
        return None if seconds is None or target is None else (seconds, format_number(target))

    def read_slice_window(self, objective: Node) -> int | None:
        """Return the seconds of a slice; a bare number is minutes where that is allowed."""
        node = objective.at("timeSliceWindow")
        if isinstance(node.value, int | float) or node.text.isdecimal():
            if not self._options.lenient:
                message = (
                    f"timeSliceWindow is a duration like 5m, got {quote_value(node.text)}: write its unit"
                )
                self.refuse(node, code="openslo-time-slice", message=message)
                return None
            minutes = read_number(node, of="timeSliceWindow", findings=self._findings)
            return None if minutes is None else max(int(minutes), 1) * MINUTE
        duration = read_duration(node, self._findings)
        return None if duration is None else duration.seconds

    def ratio_of_minutes(
        self, measured: MeasuredObjective, part: RangedQuery, total: RangedQuery, side: CountedSide
    ) -> ShapedQuery | Violation:
        """Keep a ratio as one, so that each minute weighs alike, as slices do."""
        if "timeSliceWindow" not in measured.objective.entries:
            message = "RatioTimeslices need timeSliceWindow"
            return Violation("openslo-time-slice", message)
        self.read_slice_window(measured.objective)
        ratio = f"({part.text}) / ({total.text})"
        error = ratio if side is CountedSide.ERROR else f"1 - {ratio}"
        groups = tuple(label for label in kept_labels(WindowQuery(total.text)) if label != "le")
        return ShapedQuery(ErrorRatioShape(error), groups, (SLICE_LOOK,))

    def read_query(self, metric: Node, is_counter: bool | None) -> RangedQuery | None:  # noqa: FBT001 - as the spec has it
        """Read the query of a metric over `$window`."""
        query = find_query(metric, self._catalogue, self._findings)
        return None if query is None else add_windows(query, self._findings, is_counter=is_counter)

    def translated(
        self, shaped: ShapedQuery | Violation, part: RangedQuery, *others: RangedQuery
    ) -> TranslatedSli | None:
        """Write the indicator at the place of its first query."""
        accepted = self._findings.accept_value(shaped, part.node)
        if accepted is None:
            return None
        notes = unique_notes((part, *others), accepted.notes)
        return TranslatedSli(indicator_node(accepted.indicator, part.node), accepted.group_by, notes)

    def refuse(self, node: Node, *, code: str, message: str) -> None:
        """Note a problem of the SLI."""
        self._findings.add_violation(Violation(code, message), node)


def unique_notes(
    queries: Iterable[RangedQuery], others: Iterable[Violation]
) -> tuple[tuple[Node, Violation], ...]:
    """Return each note once, at the first query that it is about."""
    places: dict[Violation, Node] = {}
    first = None
    for query in queries:
        first = first or query.node
        for note in query.notes:
            places.setdefault(note, query.node)
    for note in others:
        if first is not None:
            places.setdefault(note, first)
    return tuple((node, note) for note, node in places.items())
