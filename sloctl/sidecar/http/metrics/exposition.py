"""Samples as text, which both exposition formats spell alike; only the lines that describe a family differ.

prometheus-client's own encoder takes 150 ms for a thousand SLOs, in which nobody else is served. It still
encodes everything small, and the tests read this text back with its parsers.
"""

from collections.abc import Iterable
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from sloctl.sidecar.component import MetricType


class ExpositionFormat(Enum):
    """Prometheus's text format, and OpenMetrics."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"


class MetricFamily(NamedTuple):
    """All samples of one name; a counter's ends in `_total`."""

    name: str
    help: str
    kind: MetricType

    def header_lines(self, form: ExpositionFormat) -> str:
        name = self.name.removesuffix("_total") if form is ExpositionFormat.OPENMETRICS else self.name
        return f"# HELP {name} {self.help}\n# TYPE {name} {self.kind.value}\n"


@lru_cache(maxsize=2**16)  # the same labels at every board
def format_labels(*labels: tuple[str, str]) -> str:
    """`slo_id="shop/availability",slo_service="shop"`, in the order given; no label has no text."""
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels)


def format_sample(name: str, labels: str, value: float) -> str:
    return f"{name}{{{labels}}} {value!r}\n"


def encode_families(families: Iterable[tuple[MetricFamily, list[str]]], form: ExpositionFormat) -> bytes:
    """A family without samples is left out."""
    return "".join(
        text for family, lines in families if lines for text in (family.header_lines(form), *lines)
    ).encode()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
