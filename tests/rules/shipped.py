"""The series that tell a story for each SLO in slos/."""

from typing import Final

from tests.rules.stories import AllAndPart, Gauge, GoodAndBad, PartRollups, World


def _requests(status: str) -> str:
    return (
        'http_server_request_duration_seconds_count{job="payments-api", instance="a:1", '
        f'http_route="/v1/refunds", http_response_status_code="{status}"}}'
    )


def _histogram(metric: str, labels: str, le: str) -> AllAndPart:
    labels = f'instance="a:1", {labels}'
    bucket = f'{metric}_bucket{{{labels}, le="{le}"}}'
    return AllAndPart(f"{metric}_count{{{labels}}}", bucket, part_failed=False)


WORLDS: Final[dict[str, World]] = {
    "payments-api/availability": GoodAndBad(_requests("200"), _requests("503")),
    "payments-api/latency": _histogram(
        "http_server_request_duration_seconds", 'job="payments-api", http_route="/v1/refunds"', "0.25"
    ),
    "payments-api/authorisation-latency": _histogram(
        "http_server_request_duration_seconds",
        'job="payments-api", http_route="/v1/authorisations/{card}"',
        "1.0",
    ),
    "ledger/availability": GoodAndBad(
        'http_requests_total{job="ledger", instance="a:1", handler="/postings", status="2xx"}',
        'http_requests_total{job="ledger", instance="a:1", handler="/postings", status="5xx"}',
    ),
    "ledger/posting-latency": _histogram(
        "http_request_duration_seconds", 'job="ledger", handler="/postings", method="POST"', "0.5"
    ),
    "ledger/balance-invariant": Gauge('ledger_imbalance_minor_units{job="ledger"}', good=0, bad=-12),
    "settlement/freshness": Gauge("settlement_last_success_timestamp_seconds", good=1e9, bad=-1e9),
    "settlement/capture-lag": Gauge(
        'debezium_metrics_MilliSecondsBehindSource{context="streaming", plugin="postgres"}',
        good=40,
        bad=60_000,
    ),
    "settlement/consumer-lag": Gauge(
        'kafka_consumergroup_lag{topic="ledger.postings", consumergroup="settlement"}', good=3, bad=2000
    ),
    "settlement/delivery": AllAndPart(
        'kafka_connect_sink_task_sink_record_read_total{connector="settlement-sink", task="0"}',
        'kafka_connect_task_error_total_errors_logged{connector="settlement-sink", task="0"}',
        part_failed=True,
    ),
    "card-payment/journey": PartRollups(
        "payments-api/availability",
        "ledger/availability",
        Gauge('probe_success{job="blackbox-bank", instance="https://3ds.example.com"}', good=1, bad=0),
    ),
    "edge/reachable": Gauge(
        'probe_success{job="blackbox-edge", instance="https://pay.example.com"}', good=1, bad=0, grain=1
    ),
    **dict.fromkeys(
        ("edge/name-resolution-contract", "edge/name-resolution-internal"),
        Gauge('probe_success{job="blackbox-dns", instance="bank.example.com"}', good=1, bad=0),
    ),
    "edge/certificate": Gauge(
        'probe_ssl_earliest_cert_expiry{job="blackbox-edge", instance="https://pay.example.com"}',
        good=1e9,
        bad=0,
    ),
    "kubernetes-apiserver/availability": GoodAndBad(
        'apiserver_request_total{job="apiserver", instance="a:1", verb="GET", code="200"}',
        'apiserver_request_total{job="apiserver", instance="a:1", verb="GET", code="500"}',
    ),
    "kubernetes-apiserver/mutating-latency": _histogram(
        "apiserver_request_sli_duration_seconds", 'job="apiserver", verb="POST", subresource=""', "1"
    ),
    "prometheus/availability": GoodAndBad(
        'prometheus_http_requests_total{job="prometheus", instance="a:1", handler="/", code="200"}',
        'prometheus_http_requests_total{job="prometheus", instance="a:1", handler="/", code="503"}',
    ),
    "prometheus/query-latency": _histogram(
        "prometheus_http_request_duration_seconds", 'job="prometheus", handler="/api/v1/query"', "0.4"
    ),
}
