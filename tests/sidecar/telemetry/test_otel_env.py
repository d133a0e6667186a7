"""What the standard variables ask for."""

import pytest

from sloctl.sidecar.telemetry.otel_env import OtlpProtocol, Signal, find_protocols

BOTH = {Signal.METRICS, Signal.TRACES}
ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}


@pytest.mark.parametrize(
    ("environment", "signals"),
    [
        ({}, set()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": ""}, set()),
        (ENDPOINT, BOTH),
        ({"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": "http://c:4318/v1/metrics"}, {Signal.METRICS}),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c:4318/v1/traces"}, {Signal.TRACES}),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "True"}, set()),
        ({**ENDPOINT, "OTEL_SDK_DISABLED": "false"}, BOTH),
        ({**ENDPOINT, "OTEL_TRACES_EXPORTER": "none"}, {Signal.METRICS}),
        ({**ENDPOINT, "OTEL_METRICS_EXPORTER": "console, otlp"}, BOTH),
        ({**ENDPOINT, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, BOTH),
    ],
)
def test_an_endpoint_asks_for_its_signals(environment: dict[str, str], signals: set[Signal]) -> None:
    assert set(find_protocols(environment)) == signals


def test_each_signal_has_its_protocol() -> None:
    asked = find_protocols({**ENDPOINT, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "grpc"})

    assert asked == {Signal.METRICS: OtlpProtocol.GRPC, Signal.TRACES: OtlpProtocol.HTTP}


def test_a_protocol_that_is_not_spoken_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    asked = find_protocols({**ENDPOINT, "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/json"})

    assert set(asked) == {Signal.TRACES}
    assert caplog.messages == ["no metrics over OTLP: sloctl speaks http/protobuf and grpc, not http/json"]
