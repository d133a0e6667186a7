"""Say why a selector matches nothing that the targets expose, and which names come nearest."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from sloctl.model import ProbeIndicator, Selector
from sloctl.promql import format_selector, quote_string
from sloctl.sidecar.sources.counting.selector_index import matches_labels
from sloctl.sidecar.sources.counting.series import SeriesId
from sloctl.sidecar.sources.counting.series_weights import CountablePair

_SAMPLE_NAME: Final = re.compile(rb"(?m)^[a-zA-Z_:][a-zA-Z0-9_:]*")
# So much of a text is searched for names, and of so many a nearest one is looked for.
SEARCHED_BYTES: Final = 1024 * 1024
_MOST_NAMES: Final = 2000
_MOST_NEAREST: Final = 3


@dataclass(frozen=True, slots=True)
class ExposedSeries:
    """The names of all metrics in one answer of a target, and the series of those that an SLO names."""

    names: frozenset[str]
    series: tuple[SeriesId, ...]

    @classmethod
    def from_body(cls, body: bytes | bytearray, series: Iterable[SeriesId]) -> "ExposedSeries":
        names = {name.decode() for name in _SAMPLE_NAME.findall(body[:SEARCHED_BYTES])}
        return cls(frozenset(sorted(names)[:_MOST_NAMES]), tuple(series))


def explain_unmatched(pair: CountablePair, exposed: Collection[ExposedSeries]) -> str | None:
    """Say which selector of the events of *pair* matches none of *exposed*; None where each does."""
    selectors = (pair.gauge,) if isinstance(pair, ProbeIndicator) else pair.total
    found = (_explain_selector(selector, exposed) for selector in selectors)
    return next((why for why in found if why is not None), None)


def _explain_selector(selector: Selector, exposed: Collection[ExposedSeries]) -> str | None:
    labels = [
        dict(series.labels) for each in exposed for series in each.series if series.metric == selector.metric
    ]
    if any(matches_labels(selector, each) for each in labels):
        return None
    text = f"nothing matches {format_selector(selector)}"
    if not labels:
        names = {name for each in exposed for name in each.names}
        nearest = get_close_matches(selector.metric, sorted(names), n=_MOST_NEAREST)
        there_is = f"; there is {', '.join(nearest)}" if nearest else ""
        return f"{text}: no target exposes {selector.metric}{there_is}"
    for matcher in selector.matchers:
        if any(matches_labels(Selector(selector.metric, (matcher,)), each) for each in labels):
            continue
        values = sorted({each.get(matcher.label, "") for each in labels})
        nearest = get_close_matches(matcher.value, values, n=_MOST_NEAREST) or values[:_MOST_NEAREST]
        return f"{text}: {matcher.label} is {', '.join(map(quote_string, nearest))}"
    return f"{text}: each of its matchers matches, but no series has all of them"
