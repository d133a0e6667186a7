"""The signals that the standard `OTEL_*` variables enable. Pure."""

import logging
from collections.abc import Mapping
from enum import Enum
from typing import Final

_log: Final = logging.getLogger(__name__)


class Signal(Enum):
    """A kind of telemetry, as the variables call it."""

    METRICS = "METRICS"
    TRACES = "TRACES"


class OtlpProtocol(Enum):
    """A transport of OTLP, as the variables call it."""

    HTTP = "http/protobuf"
    GRPC = "grpc"


def find_protocols(environment: Mapping[str, str]) -> dict[Signal, OtlpProtocol]:
    """Return the signals that have an endpoint, with their protocol; none where the SDK is disabled."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return {}
    found = {signal: _find_protocol(signal, environment) for signal in Signal}
    return {signal: protocol for signal, protocol in found.items() if protocol is not None}


def _find_protocol(signal: Signal, environment: Mapping[str, str]) -> OtlpProtocol | None:
    def read_variable(name: str, otherwise: str = "") -> str:
        own = environment.get(f"OTEL_EXPORTER_OTLP_{signal.value}_{name}")
        return (own or environment.get(f"OTEL_EXPORTER_OTLP_{name}") or otherwise).strip()

    exporters = environment.get(f"OTEL_{signal.value}_EXPORTER") or "otlp"
    if not read_variable("ENDPOINT") or "otlp" not in (it.strip() for it in exporters.split(",")):
        return None
    asked = read_variable("PROTOCOL", OtlpProtocol.HTTP.value)
    try:
        return OtlpProtocol(asked)
    except ValueError:
        spoken = " and ".join(each.value for each in OtlpProtocol)
        _log.warning("no %s over OTLP: sloctl speaks %s, not %s", signal.value.lower(), spoken, asked)
        return None
