"""The public SLI plugins (`sloth-common/...`), by what their documentation says they measure.

A plugin is a program that returns a query. These are the same queries as tables; they then take the way of
every other query. A filter is what stands between the braces of a selector, as the plugins take it.
"""

from collections.abc import Callable, Mapping
from typing import Final

from msgspec import Struct

from sloctl.promql import quote_string
from sloctl.spec.findings import Violation
from sloctl.spec.messages import join_words, quote_value, suggest_name

_PREFIX: Final = "sloth-common/"
# What plugins take for a failed request.
_FAILED: Final = 'code=~"(5..|429)"'
_NO_SERVER_ERROR: Final = 'code!~"5.."'


class SliPlugin(Struct, frozen=True):
    """A plugin: the options that it needs and takes, and the ratio of errors that it measures with them."""

    error_ratio: Callable[[Mapping[str, str]], str]
    needed: tuple[str, ...] = ()
    taken: tuple[str, ...] = ("filter",)


def plugin_query(plugin_id: str, options: Mapping[str, str]) -> str | Violation:
    """Return the query of a public plugin over `$window`; a violation where there is none to return."""
    name = plugin_id.removeprefix(_PREFIX)
    plugin = SLI_PLUGINS.get(name) if plugin_id.startswith(_PREFIX) else None
    if plugin is None:
        if plugin_id in _WITHOUT_QUERY:
            return Violation("sli-plugin", _WITHOUT_QUERY[plugin_id])
        public = [f"{_PREFIX}{known}" for known in SLI_PLUGINS]
        hint = suggest_name(plugin_id, public) if plugin_id.startswith("sloth") else ""
        message = (
            f"the plugin {quote_value(plugin_id)} is a program, and sloctl runs none: write the query that "
            "it returns, as sli.raw or sli.events"
        )
        return Violation("sli-plugin", f"unknown plugin {quote_value(plugin_id)}{hint}" if hint else message)
    missing = [option for option in plugin.needed if not options.get(option)]
    unknown = [option for option in options if option not in (*plugin.needed, *plugin.taken)]
    if missing:
        takes = join_words(plugin.needed, last="and")
        return Violation("sli-plugin", f"the option {missing[0]} is missing: {plugin_id} needs {takes}")
    if unknown:
        hint = suggest_name(unknown[0], (*plugin.needed, *plugin.taken))
        return Violation("sli-plugin", f"unknown option {quote_value(unknown[0])}{hint}")
    return plugin.error_ratio(options)


def series_text(metric: str, options: Mapping[str, str], *matchers: str) -> str:
    written = options.get("filter", "").strip().strip("{},").strip().strip("{},")
    errors_left_out = (
        (_NO_SERVER_ERROR,) if options.get("exclude_errors", "").lower() in {"true", "1"} else ()
    )
    return f"{metric}{{{', '.join(part for part in (written, *errors_left_out, *matchers) if part)}}}"


def rate_text(metric: str, options: Mapping[str, str], *matchers: str) -> str:
    return f"sum(rate({series_text(metric, options, *matchers)}[$window]))"


def option_matcher(options: Mapping[str, str], option: str, label: str, operator: str = "=") -> str:
    return f"{label}{operator}{quote_string(options[option])}"


def failed_share(
    metric: str, failed: str, *chosen: tuple[str, str, str]
) -> Callable[[Mapping[str, str]], str]:
    """Measure the failed among all; *chosen* are option, label and operator of further matchers."""

    def error_ratio(options: Mapping[str, str]) -> str:
        matchers = [option_matcher(options, *each) for each in chosen]
        return f"{rate_text(metric, options, *matchers, failed)} / {rate_text(metric, options, *matchers)}"

    return error_ratio


def slow_share(
    histogram: str, *chosen: tuple[str, str, str], always: tuple[str, ...] = ()
) -> Callable[[Mapping[str, str]], str]:
    """Measure the observations above the option `bucket` among all."""

    def error_ratio(options: Mapping[str, str]) -> str:
        matchers = [*always, *(option_matcher(options, *each) for each in chosen)]
        fast = rate_text(f"{histogram}_bucket", options, *matchers, option_matcher(options, "bucket", "le"))
        return f"1 - ({fast} / {rate_text(f'{histogram}_count', options, *matchers)})"

    return error_ratio


def coredns_availability(options: Mapping[str, str]) -> str:
    codes = f"rcode=~{quote_string(options.get('custom_rcode_regex') or 'SERVFAIL')}"
    metric = "coredns_dns_responses_total"
    return f"{rate_text(metric, options, codes)} / {rate_text(metric, options)}"


def kooper_availability(options: Mapping[str, str]) -> str:
    metric = "kooper_controller_processed_event_duration_seconds_count"
    controller = option_matcher(options, "controller", "controller")
    again = rate_text("kooper_controller_queued_events_total", options, controller, 'requeue="true"')
    failed = rate_text(metric, options, controller, 'success="false"')
    return f"{failed} / ({rate_text(metric, options, controller)} - {again})"


def linkerd_availability(options: Mapping[str, str]) -> str:
    inbound = 'direction="inbound"'
    failed = rate_text("response_total", options, inbound, 'classification="failure"')
    return f"{failed} / {rate_text('response_total', options, inbound)}"


def rule_evaluations(options: Mapping[str, str]) -> str:
    failed = rate_text("prometheus_rule_evaluation_failures_total", options)
    return f"{failed} / {rate_text('prometheus_rule_evaluations_total', options)}"


def targets_down(options: Mapping[str, str]) -> str:
    up = series_text("up", options)
    return f"1 - (sum(sum_over_time({up}[$window])) / sum(count_over_time({up}[$window])))"


_ISTIO: Final = (
    ("service", "destination_service_name", "="),
    ("namespace", "destination_service_namespace", "="),
)
_BACKEND: Final = ("backend_regex", "backend", "=~")
_TRAEFIK_SERVICE: Final = ("service_name_regex", "service", "=~")
_LATENCY_OPTIONS: Final = ("filter", "exclude_errors")

SLI_PLUGINS: Final[Mapping[str, SliPlugin]] = {
    "coredns/availability": SliPlugin(coredns_availability, taken=("filter", "custom_rcode_regex")),
    "coredns/latency": SliPlugin(slow_share("coredns_dns_request_duration_seconds"), needed=("bucket",)),
    "haproxy/frontend/availability": SliPlugin(
        failed_share("haproxy_frontend_http_responses_total", _FAILED)
    ),
    "istio/v1/availability": SliPlugin(
        failed_share("istio_requests_total", 'response_code=~"(5..|429)"', *_ISTIO),
        needed=("namespace", "service"),
    ),
    "istio/v1/latency": SliPlugin(
        slow_share("istio_request_duration_milliseconds", *_ISTIO),
        needed=("namespace", "service", "bucket"),
        taken=_LATENCY_OPTIONS,
    ),
    "kubernetes/apiserver/availability": SliPlugin(failed_share("apiserver_request_total", _FAILED)),
    "kubernetes/apiserver/latency": SliPlugin(
        slow_share("apiserver_request_duration_seconds", always=('verb!="WATCH"',)), needed=("bucket",)
    ),
    "kubernetes/kooper/availability": SliPlugin(kooper_availability, needed=("controller",)),
    "kubernetes/kooper/latency": SliPlugin(
        slow_share("kooper_controller_processed_event_duration_seconds", ("controller", "controller", "=")),
        needed=("controller", "bucket"),
    ),
    "kubernetes/kooper/queue-congestion": SliPlugin(
        slow_share("kooper_controller_event_in_queue_duration_seconds", ("controller", "controller", "=")),
        needed=("controller", "bucket"),
    ),
    "kubernetes/nginx-ingress/availability": SliPlugin(
        failed_share("nginx_ingress_controller_requests", 'status=~"(5..|429)"')
    ),
    "linkerd/v2/availability": SliPlugin(linkerd_availability, needed=("filter",)),
    "prometheus/rules/eval-availability": SliPlugin(rule_evaluations),
    "prometheus/targets/availability": SliPlugin(targets_down),
    "slok-go-http-metrics/availability": SliPlugin(
        failed_share("http_request_duration_seconds_count", _FAILED), needed=("filter",)
    ),
    "slok-go-http-metrics/latency": SliPlugin(
        slow_share("http_request_duration_seconds"),
        needed=("filter", "bucket"),
        taken=("exclude_errors",),
    ),
    "traefik/v1/availability": SliPlugin(
        failed_share("traefik_backend_requests_total", _FAILED, _BACKEND), needed=("backend_regex",)
    ),
    "traefik/v1/latency": SliPlugin(
        slow_share("traefik_backend_request_duration_seconds", _BACKEND),
        needed=("backend_regex", "bucket"),
        taken=_LATENCY_OPTIONS,
    ),
    "traefik/v2/availability": SliPlugin(
        failed_share("traefik_service_requests_total", 'code=~"(5..)"', _TRAEFIK_SERVICE),
        needed=("service_name_regex",),
    ),
    "traefik/v2/latency": SliPlugin(
        slow_share("traefik_service_request_duration_seconds", _TRAEFIK_SERVICE),
        needed=("service_name_regex", "bucket"),
        taken=_LATENCY_OPTIONS,
    ),
}
_WITHOUT_QUERY: Final = {
    "sloth-common/noop": "this plugin counts nothing: leave the SLO out until it does",
    "sloth_common/noop": "this plugin counts nothing: leave the SLO out until it does",
    "sloth-common/fake": "this plugin makes its errors up: leave the SLO out",
    "sloth-common/linkerd/v2/latency": (
        "this plugin returns no valid PromQL: write a latency SLI of response_latency_ms, as sli.raw"
    ),
}
