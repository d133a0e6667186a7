"""What an SLO is made of, for the page: its selectors, its queries, and what to open next."""

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
from sloctl.sidecar.engine.contributors import Contributor
from sloctl.sidecar.engine.snapshot import SloState

# An annotation that says where Prometheus is.
PROMETHEUS_ANNOTATION: Final = "prometheus_url"
_MIN_LIFT: Final = 1.1


@dataclass(frozen=True, slots=True)
class ExternalLink:
    """Somewhere to go; *url* is http or https, whatever an annotation says."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class NamedQuery:
    """PromQL with its *name*; *link* opens it in Prometheus where the spec says where that is."""

    name: str
    promql: PromQL
    url: str | None = None


def external_links(slo: Slo) -> Sequence[ExternalLink]:
    """Runbook first, dashboards, then every other annotation that is a URL."""
    found = [
        _link(slo, name, value)
        for name, value in slo.annotations.items()
        if name not in {PROMETHEUS_ANNOTATION, SIDECAR_ANNOTATION} and _is_url(value)
    ]
    return sorted(found, key=lambda link: (not link.name.startswith("Runbook"), link.name))


def plain_annotations(slo: Slo) -> Sequence[tuple[str, str]]:
    """Annotations that are no links."""
    return [(name, value) for name, value in slo.annotations.items() if not _is_url(value)]


def slo_owner(slo: Slo) -> str | None:
    return next((slo.labels[name] for name in ("owner", "team") if name in slo.labels), None)


def indicator_queries(slo: Slo) -> Sequence[NamedQuery]:
    """What counts as bad, and what as an event, in the words of the spec."""
    return [NamedQuery(name, text) for name, text in _indicator(slo)]


def recorded_queries(entry: SloState) -> Sequence[NamedQuery]:
    """What the compiled rules record of it, ready to paste."""
    slo = entry.slo
    labels = {**naming.NATIVE_STYLE.id_label(slo), **entry.group_labels}
    series = {
        "budget left": naming.BUDGET_REMAINING,
        "burn rate": naming.CURRENT_BURN_RATE,
        "error ratio, 5m": naming.error_ratio_metric(5 * MINUTE),
        "error ratio, 1h": naming.error_ratio_metric(HOUR),
    }
    base = slo.annotations.get(PROMETHEUS_ANNOTATION, "")
    return [
        NamedQuery(
            name, text := metric_selector(metric, labels), _graph(base, text) if _is_url(base) else None
        )
        for name, metric in series.items()
    ]


def top_contributors(entry: SloState) -> Sequence[Contributor]:
    """What burns, without the label values that err hardly more often than all."""
    return [burning for burning in entry.contributors if burning.lift >= _MIN_LIFT]


def _indicator(slo: Slo) -> Iterator[tuple[str, PromQL]]:
    match slo.indicator:
        case RatioIndicator() as ratio:
            yield _counted_name(ratio.counted), _join_selectors(ratio.numerator)
            yield "events", _join_selectors(ratio.total)
        case LatencyIndicator() | NativeLatencyIndicator() as latency:
            yield f"good: at most {format_seconds(latency.threshold)}, of", format_selector(latency.histogram)
        case ConditionIndicator() as condition:
            yield "a minute is good when this is 1", condition.good
            yield "a minute without an answer is", condition.when_absent.value
        case ProbeIndicator() as probe:
            yield "bad samples are 0, of", format_selector(probe.gauge)
        case QueryIndicator() as query:
            yield _counted_name(query.counted), query.numerator.text
            yield "events", query.total.text
        case ErrorRatioIndicator() as error_ratio:
            yield "error ratio of a minute", error_ratio.ratio.text
        case _:
            assert_never(slo.indicator)


def _counted_name(counted: CountedSide) -> str:
    return "bad events" if counted is CountedSide.ERROR else "good events"


def _join_selectors(counters: Sequence[Selector]) -> PromQL:
    return "\n".join(format_selector(counter) for counter in counters)


def _link(slo: Slo, name: str, value: str) -> ExternalLink:
    if name == GRAFANA_ANNOTATION:
        return ExternalLink("Grafana dashboard", join_url(value, f"d/{dashboard_uid(slo.service)}"))
    words = name.removesuffix("_url").replace("_", " ")
    return ExternalLink(words[:1].upper() + words[1:], value)


def _is_url(text: str) -> bool:
    """Nothing that a browser runs, and nothing that stays on this host."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)


def _graph(base: str, text: PromQL) -> str:
    return join_url(base, "graph", f"g0.expr={quote(text, safe='')}", "g0.tab=0", "g0.range_input=6h")
