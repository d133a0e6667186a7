"""Indicators of software that everyone runs: tables, filled with parameters that are text.

A parameter becomes the value of a label matcher, never PromQL. Metric names are those that
current versions of the exporters use.
"""

from collections.abc import Mapping
from typing import Final, TypeAlias, assert_never

from msgspec import Struct

from sloctl.model import (
    CountedSide,
    Indicator,
    LabelMatcher,
    LatencyIndicator,
    MatchOp,
    ProbeIndicator,
    RatioIndicator,
    Selector,
)
from sloctl.spec import values
from sloctl.spec.findings import Violation

THRESHOLD: Final = "threshold"


class RatioPreset(Struct, frozen=True):
    """A preset of counters; *labels* maps each parameter to the label that it is the value of.

    No series matches two of *error*: they are added up.
    """

    labels: Mapping[str, str]
    error: tuple[Selector, ...]
    total: Selector


class LatencyPreset(Struct, frozen=True):
    """A preset of a histogram; besides *labels*, the threshold is a parameter."""

    labels: Mapping[str, str]
    histogram: Selector


class ProbePreset(Struct, frozen=True):
    """A preset of a gauge that is 1 or 0; *labels* as of RatioPreset."""

    labels: Mapping[str, str]
    gauge: Selector


Preset: TypeAlias = RatioPreset | LatencyPreset | ProbePreset


def _preset_selector(metric: str, *matchers: LabelMatcher) -> Selector:
    return Selector(metric, matchers)


_JOB: Final = {"job": "job"}
_SERVER_ERROR: Final = LabelMatcher("status", MatchOp.MATCH, "5..")
_UNARY: Final = LabelMatcher("grpc_type", MatchOp.EQUAL, "unary")
# The codes that gRPC's own documentation lays at the server's door.
_GRPC_SERVER_ERROR: Final = LabelMatcher(
    "grpc_code", MatchOp.MATCH, "Unknown|DeadlineExceeded|Unimplemented|Internal|Unavailable|DataLoss"
)
# Requests that are meant to last.
_SHORT_LIVED: Final = LabelMatcher("verb", MatchOp.NOT_MATCH, "WATCH|CONNECT")
# The same codes, as numbers: Istio's telemetry counts a gRPC call under its HTTP code, which is 200.
_ISTIO_GRPC_ERROR: Final = LabelMatcher("grpc_response_status", MatchOp.MATCH, "2|4|12|13|14|15")
_AT_DESTINATION: Final = LabelMatcher("reporter", MatchOp.EQUAL, "destination")

PRESETS: Final[Mapping[str, Preset]] = {
    "blackbox-probe": ProbePreset(_JOB, gauge=_preset_selector("probe_success")),
    "envoy-availability": RatioPreset(
        {"job": "job", "cluster": "envoy_cluster_name"},
        error=(
            _preset_selector(
                "envoy_cluster_upstream_rq_xx", LabelMatcher("envoy_response_code_class", MatchOp.EQUAL, "5")
            ),
        ),
        total=_preset_selector("envoy_cluster_upstream_rq_completed"),
    ),
    "grpc-availability": RatioPreset(
        _JOB,
        error=(_preset_selector("grpc_server_handled_total", _UNARY, _GRPC_SERVER_ERROR),),
        total=_preset_selector("grpc_server_handled_total", _UNARY),
    ),
    "grpc-latency": LatencyPreset(_JOB, histogram=_preset_selector("grpc_server_handling_seconds", _UNARY)),
    "istio-availability": RatioPreset(
        {"service": "destination_service"},
        error=(
            _preset_selector(
                "istio_requests_total", _AT_DESTINATION, LabelMatcher("response_code", MatchOp.MATCH, "5..")
            ),
            _preset_selector(
                "istio_requests_total",
                _AT_DESTINATION,
                LabelMatcher("response_code", MatchOp.NOT_MATCH, "5.."),
                _ISTIO_GRPC_ERROR,
            ),
        ),
        total=_preset_selector("istio_requests_total", _AT_DESTINATION),
    ),
    "kube-apiserver-availability": RatioPreset(
        _JOB,
        error=(
            _preset_selector(
                "apiserver_request_total", _SHORT_LIVED, LabelMatcher("code", MatchOp.MATCH, "5..")
            ),
        ),
        total=_preset_selector("apiserver_request_total", _SHORT_LIVED),
    ),
    "kube-apiserver-latency": LatencyPreset(
        _JOB, histogram=_preset_selector("apiserver_request_sli_duration_seconds", _SHORT_LIVED)
    ),
    "micrometer-availability": RatioPreset(
        _JOB,
        error=(_preset_selector("http_server_requests_seconds_count", _SERVER_ERROR),),
        total=_preset_selector("http_server_requests_seconds_count"),
    ),
    "micrometer-latency": LatencyPreset(_JOB, histogram=_preset_selector("http_server_requests_seconds")),
    "nginx-ingress-availability": RatioPreset(
        {"ingress": "ingress"},
        error=(_preset_selector("nginx_ingress_controller_requests", _SERVER_ERROR),),
        total=_preset_selector("nginx_ingress_controller_requests"),
    ),
    "nginx-ingress-latency": LatencyPreset(
        {"ingress": "ingress"},
        histogram=_preset_selector("nginx_ingress_controller_request_duration_seconds"),
    ),
}


def preset_parameters(preset: Preset) -> tuple[str, ...]:
    """Return the parameters that have to be given; no others may be."""
    return (*preset.labels, THRESHOLD) if isinstance(preset, LatencyPreset) else tuple(preset.labels)


def build_indicator(preset: Preset, given: Mapping[str, str]) -> Indicator | Violation:
    """Build the indicator from exactly the preset's parameters; a bad threshold is a violation."""
    chosen = tuple(LabelMatcher(label, MatchOp.EQUAL, given[name]) for name, label in preset.labels.items())
    match preset:
        case RatioPreset(error=error, total=total):
            return RatioIndicator(
                CountedSide.ERROR,
                numerator=tuple(_add_matchers(each, chosen) for each in error),
                total=(_add_matchers(total, chosen),),
            )
        case LatencyPreset(histogram=histogram):
            threshold = values.parse_threshold(given[THRESHOLD])
            return (
                threshold
                if isinstance(threshold, Violation)
                else LatencyIndicator(_add_matchers(histogram, chosen), threshold)
            )
        case ProbePreset(gauge=gauge):
            return ProbeIndicator(_add_matchers(gauge, chosen))
        case _:
            assert_never(preset)


def _add_matchers(series: Selector, matchers: tuple[LabelMatcher, ...]) -> Selector:
    return Selector(series.metric, (*matchers, *series.matchers))
