"""The facts of an SLO besides its numbers: its selectors, its queries, its owner, and links to open next."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, assert_never
from urllib.parse import quote, urlsplit

from sloctl import naming
from sloctl.duration import HOUR, MINUTE
from sloctl.formatting import format_seconds
from sloctl.links import GRAFANA_ANNOTATION, SIDECAR_ANNOTATION, dashboard_uid, join_url
from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    LatencyIndicator,
    NativeLatencyIndicator,
    ProbeIndicator,
    PromQL,
    QueryIndicator,
    RatioIndicator,
    Selector,
    Slo,
)
from sloctl.promql import format_selector, metric_selector
from sloctl.sidecar.engine.snapshot import SloState

# An annotation that says where Prometheus is.
PROMETHEUS_ANNOTATION: Final = "prometheus_url"
_COUNTED_NAMES: Final = {CountedSide.ERROR: "bad events", CountedSide.GOOD: "good events"}


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


def external_links(slo: Slo) -> Sequence[ExternalLink]:
    """Give the runbook first, then dashboards and every other annotation that is a URL."""
    links = []
    for name, value in slo.annotations.items():
        if name == GRAFANA_ANNOTATION and is_url(value):
            dashboard = join_url(value, f"d/{dashboard_uid(slo.service)}")
            links.append(ExternalLink("Grafana dashboard", dashboard))
        elif name not in {PROMETHEUS_ANNOTATION, SIDECAR_ANNOTATION} and is_url(value):
            words = name.removesuffix("_url").replace("_", " ")
            links.append(ExternalLink(words[:1].upper() + words[1:], value))
    return sorted(links, key=lambda link: (not link.name.startswith("Runbook"), link.name))


def plain_annotations(slo: Slo) -> Sequence[tuple[str, str]]:
    """Give the annotations that are no links."""
    return [(name, value) for name, value in slo.annotations.items() if not is_url(value)]


def slo_owner(slo: Slo) -> str | None:
    return next((slo.labels[name] for name in ("owner", "team") if name in slo.labels), None)


def indicator_queries(slo: Slo) -> Iterator[NamedQuery]:
    """Give the bad events and all events as the spec writes them."""
    match slo.indicator:
        case RatioIndicator() as ratio:
            yield NamedQuery(_COUNTED_NAMES[ratio.counted], _join_selectors(ratio.numerator))
            yield NamedQuery("events", _join_selectors(ratio.total))
        case LatencyIndicator() | NativeLatencyIndicator() as latency:
            name = f"good: at most {format_seconds(latency.threshold)}, of"
            yield NamedQuery(name, format_selector(latency.histogram))
        case ConditionIndicator() as condition:
            yield NamedQuery("a minute is good when this is 1", condition.good)
            yield NamedQuery("a minute without an answer is", condition.when_absent.value)
        case ProbeIndicator() as probe:
            yield NamedQuery("bad samples are 0, of", format_selector(probe.gauge))
        case QueryIndicator() as query:
            yield NamedQuery(_COUNTED_NAMES[query.counted], query.numerator.text)
            yield NamedQuery("events", query.total.text)
        case ErrorRatioIndicator() as error_ratio:
            yield NamedQuery("error ratio of a minute", error_ratio.ratio.text)
        case _:
            assert_never(slo.indicator)


def recorded_queries(state: SloState) -> Iterator[NamedQuery]:
    """Give the series that the compiled rules record of *state*, ready to paste."""
    slo = state.slo
    labels = {**naming.NATIVE_STYLE.id_label(slo), **state.group_labels}
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


def _join_selectors(counters: Sequence[Selector]) -> PromQL:
    return "\n".join(format_selector(counter) for counter in counters)


def is_url(text: str) -> bool:
    """Tell whether a link may lead there: nothing that a browser runs, nothing that stays on this host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
