"""The signals that the standard `OTEL_*` variables enable. Pure."""

import logging
from collections.abc import Mapping
from enum import Enum
from typing import Final

_PROTOCOL: Final = "http/protobuf"
_log: Final = logging.getLogger(__name__)


class Signal(Enum):
    """A kind of telemetry, as the variables call it."""

    METRICS = "METRICS"
    TRACES = "TRACES"


def enabled_signals(environment: Mapping[str, str]) -> frozenset[Signal]:
    """Return the signals that have an endpoint; none where the SDK is disabled."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return frozenset()
    return frozenset(signal for signal in Signal if _is_enabled(signal, environment))


def _is_enabled(signal: Signal, environment: Mapping[str, str]) -> bool:
    def read_variable(name: str, otherwise: str = "") -> str:
        own = environment.get(f"OTEL_EXPORTER_OTLP_{signal.value}_{name}")
        return (own or environment.get(f"OTEL_EXPORTER_OTLP_{name}") or otherwise).strip()

    exporters = environment.get(f"OTEL_{signal.value}_EXPORTER") or "otlp"
    if not read_variable("ENDPOINT") or "otlp" not in (it.strip() for it in exporters.split(",")):
        return False
    if (protocol := read_variable("PROTOCOL", _PROTOCOL)) != _PROTOCOL:
        _log.warning("no %s over OTLP: sloctl speaks %s, not %s", signal.value.lower(), _PROTOCOL, protocol)
        return False
    return True
