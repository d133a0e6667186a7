"""The facts of an SLO besides its numbers: its selectors, its queries, its owner, and links to open next."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, assert_never
from urllib.parse import quote, urlsplit

from sloctl import links as links_to
from sloctl import naming
from sloctl.duration import HOUR, MINUTE, format_duration
from sloctl.formatting import format_seconds
from sloctl.links import dashboard_uid, join_url
from sloctl.model import (
    CompositeIndicator,
    ConditionIndicator,
    ErrorRatioIndicator,
    JourneyPart,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    PromQL,
    QueryIndicator,
    RatioIndicator,
    Selector,
    Slo,
)
from sloctl.naming import LabelStyle
from sloctl.promql import (
    aggregate_by,
    format_matchers,
    format_number,
    format_selector,
    metric_selector,
    range_selector,
)
from sloctl.sidecar.engine.snapshot import SloState, Snapshot
from sloctl.sidecar.sources import PART_LABEL
from sloctl.slo.lowering import CounterPair, lower_indicator, part_slo

# An annotation that says where Prometheus is.
PROMETHEUS_ANNOTATION: Final = "prometheus_url"
# And one that says where Alertmanager is.
ALERTMANAGER_ANNOTATION: Final = "alertmanager_url"
# In an annotation that is a URL; `{{` begins a template of Prometheus.
_PLACEHOLDER: Final = re.compile(r"(?<!\{)\{([a-zA-Z_][a-zA-Z0-9_]*)\}(?!\})")
_COUNTED_NAMES: Final = {"error": "bad events", "minus": "less these", "good": "good events"}


@dataclass(frozen=True, slots=True)
class ExternalLink:
    """A link that leaves the page; *url* is http or https, whatever an annotation says."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """PromQL with its *name*; *url* opens it in Prometheus where the spec says where that is."""

    name: str
    promql: PromQL
    url: str | None = None


def external_links(state: SloState, begin: float, end: float, *, style: LabelStyle) -> Sequence[ExternalLink]:
    """Give the runbook first, then dashboards, the failing series, a silence, and every other URL.

    *begin* and *end* (Unix seconds) are those of the charts, for links that can show a range; *style* has the
    labels of the alerts.
    """
    slo, links = state.slo, list[ExternalLink]()
    for name, written in slo.annotations.items():
        if not is_url(value := _fill_template(written, state, begin, end)):
            continue
        match name:
            case links_to.GRAFANA_ANNOTATION:
                milliseconds = f"from={1000 * int(begin)}", f"to={1000 * int(end)}"
                board = join_url(value, f"d/{dashboard_uid(slo.service)}", *milliseconds)
                links.append(ExternalLink("Grafana dashboard", board))
            case _ if name == PROMETHEUS_ANNOTATION:
                if (failing := failing_query(state)) is not None:
                    links.append(ExternalLink("Failing series", _graph_url(value, failing, begin, end)))
            case _ if name == ALERTMANAGER_ANNOTATION:
                links.append(ExternalLink("Silence in Alertmanager", _silence_url(value, state, style)))
            case links_to.SIDECAR_ANNOTATION:
                pass
            case _:
                words = name.removesuffix("_url").replace("_", " ")
                links.append(ExternalLink(words[:1].upper() + words[1:], value))
    return sorted(links, key=lambda link: (not link.name.startswith("Runbook"), link.name))


def failing_query(state: SloState) -> PromQL | None:
    """Write a query of the bad events by the label that tells them apart; None where nothing counts them."""
    pair = lower_indicator(state.slo.indicator)
    if not isinstance(pair, CounterPair):
        return None
    labels = [each.label for each in state.contributors[:1]] or list(state.slo.group_by)

    def grown(selectors: Sequence[Selector]) -> PromQL:
        sides = [f"increase({range_selector(format_selector(each), 5 * MINUTE)})" for each in selectors]
        return aggregate_by("sum", labels, " or ".join(sides))

    return f"{grown(pair.error)} - {grown(pair.minus)}" if pair.minus else grown(pair.error)


def _graph_url(base: str, query: PromQL, begin: float, end: float) -> str:
    ended = datetime.fromtimestamp(end, UTC)
    return join_url(
        base,
        "graph",
        f"g0.expr={quote(query, safe='')}",
        "g0.tab=0",
        f"g0.range_input={max(1, round((end - begin) / MINUTE))}m",
        f"g0.end_input={quote(f'{ended:%Y-%m-%d %H:%M:%S}')}",
    )


def _silence_url(base: str, state: SloState, style: LabelStyle) -> str:
    """Link to Alertmanager's form for a new silence, filled in with what all alerts of the SLO carry."""
    labels = {**style.id_label(state.slo), **state.group_labels}
    matchers = format_matchers({name: value for name, value in labels.items() if value})
    return f"{base.rstrip('/')}/#/silences/new?filter={quote(f'{{{matchers}}}', safe='')}"


def _fill_template(text: str, state: SloState, begin: float, end: float) -> str:
    """Fill `{service}`, `{name}`, `{from}`, `{until}`, `{from_ms}`, `{until_ms}` and labels of the group."""
    moments = {"from": begin, "until": end}
    values = {
        "service": state.slo.service,
        "name": state.slo.name,
        **state.group_labels,
        **{name: f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}" for name, at in moments.items()},
        **{f"{name}_ms": str(1000 * int(at)) for name, at in moments.items()},
    }
    return _PLACEHOLDER.sub(lambda found: quote(values.get(found[1], found[0]), safe=""), text)


def plain_annotations(slo: Slo) -> Sequence[tuple[str, str]]:
    """Give the annotations that are no links."""
    return [(name, value) for name, value in slo.annotations.items() if not is_url(value)]


def slo_owner(slo: Slo) -> str | None:
    return next((slo.labels[name] for name in ("owner", "team") if name in slo.labels), None)


def indicator_queries(slo: Slo) -> Iterator[NamedQuery]:
    """Give the bad events and all events as the spec writes them; of a journey its parts."""
    if slo.time_slice is not None:
        length = format_duration(slo.time_slice.seconds)
        good = f"at least {format_number(100 * slo.time_slice.good)} % of its events are good"
        yield NamedQuery(f"a slice of {length} is good when", good)
    yield from _counted_queries(slo)


def _counted_queries(slo: Slo) -> Iterator[NamedQuery]:
    match slo.indicator:
        case RatioIndicator() as ratio:
            yield from _ratio_queries(ratio)
        case LatencyIndicator() | NativeLatencyIndicator() as latency:
            name = f"good: at most {format_seconds(latency.threshold)}, of"
            yield NamedQuery(name, format_selector(latency.histogram))
        case ConditionIndicator() as condition:
            yield NamedQuery("a minute is good when this is 1", condition.good)
            yield NamedQuery("a minute without an answer is", condition.when_absent.value)
        case ProbeIndicator() as probe:
            yield NamedQuery("bad samples are 0, of", format_selector(probe.gauge))
        case QueryIndicator() as query:
            yield NamedQuery(_COUNTED_NAMES[query.counted.value], query.numerator.text)
            yield NamedQuery("events", query.total.text)
        case ErrorRatioIndicator() as error_ratio:
            yield NamedQuery("error ratio of a minute", error_ratio.ratio.text)
        case CompositeIndicator(parts=parts):
            yield from (NamedQuery(f"part {part.name}", _part_text(slo, part)) for part in parts)
        case _:
            assert_never(slo.indicator)


@dataclass(frozen=True, slots=True)
class PartFacts:
    """A part of a journey: the states of its SLO as far as it is watched here, and its share of the errors.

    *share_of_errors* is that of the last five minutes; None where the journey had none, or nothing is known.
    """

    name: str
    states: Sequence[SloState]
    share_of_errors: float | None


def journey_parts(state: SloState, snapshot: Snapshot) -> Sequence[PartFacts]:
    """Give the parts of a journey, the one that brings most of its errors first; none of any other SLO."""
    journey = state.slo.indicator
    if not isinstance(journey, CompositeIndicator):
        return ()
    newest = [each for each in state.contributors if each.lookback == 5 * MINUTE and each.label == PART_LABEL]
    shares = {each.value: each.share_of_errors for each in newest}
    ids = {part.slo.id for part in journey.parts if part.slo is not None}
    watched: dict[str, list[SloState]] = {slo_id: [] for slo_id in ids}
    for each in snapshot.states:
        if each.slo.id in ids:
            watched[each.slo.id].append(each)
    parts = [
        PartFacts(
            part.name,
            () if part.slo is None else watched[part.slo.id],
            shares.get(part.name) if shares else None,
        )
        for part in journey.parts
    ]
    return sorted(parts, key=lambda part: (-(part.share_of_errors or 0.0), part.name))


def _part_text(slo: Slo, part: JourneyPart) -> str:
    """Name the SLO that a part is, or write out what is counted of it."""
    if part.slo is not None:
        return part.slo.id
    return "\n".join(f"{query.name}: {query.promql}" for query in indicator_queries(part_slo(slo, part)))


def recorded_queries(state: SloState, *, style: LabelStyle) -> Iterator[NamedQuery]:
    """Give the series that the compiled rules record of *state*, ready to paste."""
    slo = state.slo
    labels = {**style.id_label(slo), **state.group_labels}
    base = slo.annotations.get(PROMETHEUS_ANNOTATION, "")
    metrics = {
        "budget left": naming.BUDGET_REMAINING,
        "burn rate": naming.CURRENT_BURN_RATE,
        "error ratio, 5m": naming.error_ratio_metric(5 * MINUTE),
        "error ratio, 1h": naming.error_ratio_metric(HOUR),
    }
    for name, metric in metrics.items():
        promql = metric_selector(metric, labels)
        expression = f"g0.expr={quote(promql, safe='')}"
        url = join_url(base, "graph", expression, "g0.tab=0", "g0.range_input=6h") if is_url(base) else None
        yield NamedQuery(name, promql, url)


def _ratio_queries(ratio: RatioIndicator) -> Iterator[NamedQuery]:
    for key, counters in ratio.counted_sides:
        yield NamedQuery(_COUNTED_NAMES[key], _join_selectors(counters))
    yield NamedQuery("events", _join_selectors(ratio.total))


def _join_selectors(counters: Sequence[Selector]) -> PromQL:
    return "\n".join(format_selector(counter) for counter in counters)


def is_url(text: str) -> bool:
    """Tell whether a link may lead there: nothing that a browser runs, nothing that stays on this host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
