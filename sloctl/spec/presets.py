"""Indicators of software that everyone runs: tables, filled with parameters that are text.

A parameter becomes the value of a label matcher, never PromQL. Metric names are those that
current versions of the exporters use.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias, assert_never

from msgspec import Struct

from sloctl.model import Counted, Indicator, Latency, Matcher, MatchOp, Probe, Ratio, Selector
from sloctl.spec import values
from sloctl.spec.findings import Refusal

THRESHOLD: Final = "threshold"


class RatioPreset(Struct, frozen=True):
    """*labels* are the parameters, each with the label that it is the value of."""

    labels: Mapping[str, str]
    error: Selector
    total: Selector


class LatencyPreset(Struct, frozen=True):
    """As RatioPreset; the threshold is one more parameter."""

    labels: Mapping[str, str]
    histogram: Selector


class ProbePreset(Struct, frozen=True):
    """As RatioPreset."""

    labels: Mapping[str, str]
    gauge: Selector


Preset: TypeAlias = RatioPreset | LatencyPreset | ProbePreset


def _series(metric: str, *matchers: Matcher) -> Selector:
    return Selector(metric, matchers)


_JOB: Final = {"job": "job"}
_SERVER_ERROR: Final = Matcher("status", MatchOp.MATCH, "5..")
_UNARY: Final = Matcher("grpc_type", MatchOp.EQUAL, "unary")
# The codes that gRPC's own documentation lays at the server's door.
_GRPC_SERVER_ERROR: Final = Matcher(
    "grpc_code", MatchOp.MATCH, "Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"
)
# Requests that are meant to last.
_SHORT_LIVED: Final = Matcher("verb", MatchOp.NOT_MATCH, "WATCH|CONNECT")
_AT_DESTINATION: Final = Matcher("reporter", MatchOp.EQUAL, "destination")

PRESETS: Final[Mapping[str, Preset]] = {
    "blackbox-probe": ProbePreset(_JOB, gauge=_series("probe_success")),
    "envoy-availability": RatioPreset(
        {"job": "job", "cluster": "envoy_cluster_name"},
        error=_series(
            "envoy_cluster_upstream_rq_xx", Matcher("envoy_response_code_class", MatchOp.EQUAL, "5")
        ),
        total=_series("envoy_cluster_upstream_rq_completed"),
    ),
    "grpc-availability": RatioPreset(
        _JOB,
        error=_series("grpc_server_handled_total", _UNARY, _GRPC_SERVER_ERROR),
        total=_series("grpc_server_handled_total", _UNARY),
    ),
    "grpc-latency": LatencyPreset(_JOB, histogram=_series("grpc_server_handling_seconds", _UNARY)),
    "istio-availability": RatioPreset(
        {"service": "destination_service"},
        error=_series(
            "istio_requests_total", _AT_DESTINATION, Matcher("response_code", MatchOp.MATCH, "5..")
        ),
        total=_series("istio_requests_total", _AT_DESTINATION),
    ),
    "kube-apiserver-availability": RatioPreset(
        _JOB,
        error=_series("apiserver_request_total", _SHORT_LIVED, Matcher("code", MatchOp.MATCH, "5..")),
        total=_series("apiserver_request_total", _SHORT_LIVED),
    ),
    "kube-apiserver-latency": LatencyPreset(
        _JOB, histogram=_series("apiserver_request_sli_duration_seconds", _SHORT_LIVED)
    ),
    "micrometer-availability": RatioPreset(
        _JOB,
        error=_series("http_server_requests_seconds_count", _SERVER_ERROR),
        total=_series("http_server_requests_seconds_count"),
    ),
    "micrometer-latency": LatencyPreset(_JOB, histogram=_series("http_server_requests_seconds")),
    "nginx-ingress-availability": RatioPreset(
        {"ingress": "ingress"},
        error=_series("nginx_ingress_controller_requests", _SERVER_ERROR),
        total=_series("nginx_ingress_controller_requests"),
    ),
    "nginx-ingress-latency": LatencyPreset(
        {"ingress": "ingress"}, histogram=_series("nginx_ingress_controller_request_duration_seconds")
    ),
}


def parameters(preset: Preset) -> tuple[str, ...]:
    """What has to be given, and nothing else may be."""
    return (*preset.labels, THRESHOLD) if isinstance(preset, LatencyPreset) else tuple(preset.labels)


def built(preset: Preset, given: Mapping[str, str]) -> Indicator | Refusal:
    """The indicator for exactly the preset's parameters; refused where the threshold is no duration."""
    chosen = tuple(Matcher(label, MatchOp.EQUAL, given[name]) for name, label in preset.labels.items())
    match preset:
        case RatioPreset(error=error, total=total):
            return Ratio(Counted.ERROR, part=(_narrowed(error, chosen),), total=(_narrowed(total, chosen),))
        case LatencyPreset(histogram=histogram):
            threshold = values.threshold(given[THRESHOLD])
            return (
                threshold
                if isinstance(threshold, Refusal)
                else Latency(_narrowed(histogram, chosen), threshold)
            )
        case ProbePreset(gauge=gauge):
            return Probe(_narrowed(gauge, chosen))
        case _:
            assert_never(preset)


def _narrowed(series: Selector, matchers: tuple[Matcher, ...]) -> Selector:
    return Selector(series.metric, (*matchers, *series.matchers))
