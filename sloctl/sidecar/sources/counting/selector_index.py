"""Match series by selectors: one selector, or the few of thousands that match one series."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

from sloctl.model import LabelMatcher, Labels, MatchOp, Selector
from sloctl.sidecar.sources.counting.re2_patterns import compile_pattern
from sloctl.sidecar.sources.counting.series import LabelPair, SeriesId

_Indexed = TypeVar("_Indexed")
# A label, and whether a value of it is meant.
_Condition: TypeAlias = tuple[str, Callable[[str], bool]]
# The metric of a series, and one label that a selector fixes, if it fixes any.
_IndexKey: TypeAlias = tuple[str, LabelPair | None]
_NO_LABEL: Final = None


def matches_labels(selector: Selector, labels: Labels) -> bool:
    """Say whether *selector* matches a series of its metric with *labels*; an absent label is empty.

    Raises UnsupportedPattern.
    """
    return all(holds(labels.get(label, "")) for label, holds in _label_conditions(selector))


class SelectorIndex(Generic[_Indexed]):
    """Values filed under selectors and found by the series that those match.

    A thousand selectors cost a series little: only those are tried whose metric, and whose rarest fixed
    label, it has. Raises UnsupportedPattern when made.
    """

    def __init__(self, indexed: Iterable[tuple[Selector, _Indexed]]) -> None:
        given = list(indexed)
        uses = Counter((selector.metric, label) for selector, _ in given for label in fixed_labels(selector))
        self._filed: dict[_IndexKey, list[tuple[Sequence[_Condition], _Indexed]]] = {}
        for selector, value in given:
            fixed = fixed_labels(selector)
            rarest = min(fixed, key=lambda label: uses[selector.metric, label]) if fixed else _NO_LABEL
            filed = self._filed.setdefault((selector.metric, rarest), [])
            filed.append((_label_conditions(selector), value))

    def find_matches(self, series: SeriesId) -> list[_Indexed]:
        """Return the value of each selector that matches *series*, in no order to rely on."""
        labels = dict(series.labels)
        keys = [(series.metric, label) for label in (_NO_LABEL, *series.labels)]
        return [
            value
            for key in keys
            for conditions, value in self._filed.get(key, ())
            if all(holds(labels.get(label, "")) for label, holds in conditions)
        ]


def fixed_labels(selector: Selector) -> list[LabelPair]:
    """Return the labels that have one value in all series of *selector*."""
    return [
        (matcher.label, matcher.value)
        for matcher in selector.matchers
        if matcher.op is MatchOp.EQUAL and matcher.value
    ]


def _label_conditions(selector: Selector) -> list[_Condition]:
    return [(matcher.label, _value_condition(matcher)) for matcher in selector.matchers]


def _value_condition(matcher: LabelMatcher) -> Callable[[str], bool]:
    wanted = matcher.value
    match matcher.op:
        case MatchOp.EQUAL:
            return lambda value: value == wanted
        case MatchOp.NOT_EQUAL:
            return lambda value: value != wanted
        case MatchOp.MATCH:
            return compile_pattern(wanted).matches_whole
        case MatchOp.NOT_MATCH:
            pattern = compile_pattern(wanted)
            return lambda value: not pattern.matches_whole(value)
