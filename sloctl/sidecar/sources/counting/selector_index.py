"""Which series a selector means, and for one series the few of many selectors that mean it."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Generic, TypeAlias, TypeVar

from sloctl.model import LabelMatcher, Labels, MatchOp, Selector
from sloctl.sidecar.sources.counting.re2_patterns import compile_pattern
from sloctl.sidecar.sources.scrape.exposition import SeriesId

_Wanted = TypeVar("_Wanted")
_ValueCondition: TypeAlias = Callable[[str], bool]
# What a series is looked up by: its metric, and one label that a selector fixes, if it fixes any.
_IndexKey: TypeAlias = tuple[str, tuple[str, str] | None]
_NO_LABEL: Final = None


def matches_labels(selector: Selector, labels: Labels) -> bool:
    """Whether series of the selector's metric with *labels* are meant; an absent label is empty.

    Raises NotAPattern.
    """
    return all(holds(labels.get(label, "")) for label, holds in _conditions(selector))


class SelectorIndex(Generic[_Wanted]):
    """For a series, what was wanted with selectors that mean it; raises NotAPattern when made.

    A thousand selectors cost a series little: only those are tried whose metric, and whose most telling label
    value, it has.
    """

    def __init__(self, wanted: Iterable[tuple[Selector, _Wanted]]) -> None:
        given = list(wanted)
        spread = Counter(
            (selector.metric, fixed) for selector, _ in given for fixed in fixed_labels(selector)
        )
        self._filed: dict[_IndexKey, list[tuple[Sequence[tuple[str, _ValueCondition]], _Wanted]]] = {}
        for selector, what in given:
            fixed = fixed_labels(selector)
            rarest = min(fixed, key=lambda label: spread[selector.metric, label]) if fixed else _NO_LABEL
            self._filed.setdefault((selector.metric, rarest), []).append((_conditions(selector), what))

    def find_matches(self, series: SeriesId) -> list[_Wanted]:
        """One for each selector, in no order to rely on."""
        labels = dict(series.labels)
        keys = [(series.metric, label) for label in (_NO_LABEL, *series.labels)]
        return [
            what
            for key in keys
            for conditions, what in self._filed.get(key, ())
            if all(holds(labels.get(label, "")) for label, holds in conditions)
        ]


def fixed_labels(selector: Selector) -> list[tuple[str, str]]:
    """The labels that all its series have with the same value."""
    return [
        (matcher.label, matcher.value)
        for matcher in selector.matchers
        if matcher.op is MatchOp.EQUAL and matcher.value
    ]


def _conditions(selector: Selector) -> list[tuple[str, _ValueCondition]]:
    return [(matcher.label, _value_condition(matcher)) for matcher in selector.matchers]


def _value_condition(matcher: LabelMatcher) -> _ValueCondition:
    wanted = matcher.value
    match matcher.op:
        case MatchOp.EQUAL:
            return lambda value: value == wanted
        case MatchOp.NOT_EQUAL:
            return lambda value: value != wanted
        case MatchOp.MATCH:
            pattern = compile_pattern(wanted)
            return lambda value: pattern.fullmatch(value) is not None
        case MatchOp.NOT_MATCH:
            pattern = compile_pattern(wanted)
            return lambda value: pattern.fullmatch(value) is None
