"""Services with SLOs of mixed kinds, twenty raw series each: what they expose, and their specs.

Every counter is a straight line through time, so that history and what a scrape finds now belong together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from sloctl.duration import DAY

SERIES: Final = 20
SLOS_PER_SERVICE: Final = 10
JOB: Final = "fleet"
# Of ten SLOs.
_KINDS: Final = (*("ratio", "latency") * 2, "query", *("ratio", "latency") * 2, "probe")
_BAD_SHARE: Final = 0.0004
_BUCKETS: Final = ("0.1", "0.3", "+Inf")
_OBJECTIVE: Final = "99.9"

_Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class RawSeries:
    """A series of a service: events a second since the beginning of 1970, or a gauge of 1 at a rate of 0."""

    metric: str
    labels: dict[str, str]
    rate: float

    def value(self, at: float) -> float:
        """The value at Unix time *at*, kept small: counters begin a hundred days before the present one."""
        return float(int(self.rate * (at % (100 * DAY)))) if self.rate else 1.0


@dataclass(frozen=True, slots=True)
class FleetSlo:
    """One SLO of the fleet: which service has it, what it counts."""

    service: str
    name: str
    kind: str

    @property
    def selector(self) -> str:
        return f'service="{self.service}", slo="{self.name}"'

    def raw_series(self) -> Iterator[RawSeries]:
        """Twenty series, whatever the kind."""
        own = {"service": self.service, "slo": self.name}
        if self.kind == "probe":
            yield from (
                RawSeries("probe_success", {**own, "target": f"{number:02}"}, 0) for number in range(SERIES)
            )
        elif self.kind == "latency":
            for pod in range(SERIES // 4):
                rate, labels = 1 + pod, {**own, "pod": f"{pod}"}
                yield RawSeries("request_duration_seconds_count", labels, rate)
                for bound in _BUCKETS:
                    share = 1 - _BAD_SHARE if bound == "0.3" else 1
                    yield RawSeries("request_duration_seconds_bucket", {**labels, "le": bound}, rate * share)
        else:
            for pod in range(SERIES // 2):
                for code, share in (("200", 1 - _BAD_SHARE), ("500", _BAD_SHARE)):
                    yield RawSeries(
                        "requests_total", {**own, "pod": f"{pod}", "code": code}, (1 + pod) * share
                    )

    def spec(self) -> _Node:
        """The SLO as sloctl reads it."""
        every, bad = f"requests_total{{{self.selector}}}", f'requests_total{{{self.selector}, code=~"5.."}}'
        window = "[$window]"
        indicators: dict[str, _Node] = {
            "ratio": {"ratio": {"error": bad, "total": every}},
            "query": {
                "query": {
                    "error": f"sum(increase({bad}{window}))",
                    "total": f"sum(increase({every}{window}))",
                }
            },
            "latency": {
                "latency": {
                    "histogram": f"request_duration_seconds{{{self.selector}}}",
                    "threshold": "300ms",
                }
            },
            "probe": {"probe": {"metric": f"probe_success{{{self.selector}}}"}},
        }
        return {"name": self.name, "objective": f"{_OBJECTIVE}%", "indicator": indicators[self.kind]}

    def sloth_spec(self) -> _Node:
        """The same SLO as Sloth reads it; a probe is what it calls a raw ratio."""
        window = "[{{.window}}]"
        counts = {
            "latency": (
                f"sum(rate(request_duration_seconds_count{{{self.selector}}}{window})) - "
                f'sum(rate(request_duration_seconds_bucket{{{self.selector}, le="0.3"}}{window}))',
                f"sum(rate(request_duration_seconds_count{{{self.selector}}}{window}))",
            )
        }.get(
            self.kind,
            (
                f'sum(rate(requests_total{{{self.selector}, code=~"5.."}}{window}))',
                f"sum(rate(requests_total{{{self.selector}}}{window}))",
            ),
        )
        sli: _Node = {"events": {"error_query": counts[0], "total_query": counts[1]}}
        if self.kind == "probe":
            ratio = f"1 - avg(avg_over_time(probe_success{{{self.selector}}}{window}))"
            sli = {"raw": {"error_ratio_query": ratio}}
        alerting = {"name": "FleetBurn", "page_alert": {}, "ticket_alert": {}}
        return {"name": self.name, "objective": float(_OBJECTIVE), "sli": sli, "alerting": alerting}


def fleet(count: int) -> list[FleetSlo]:
    """*count* SLOs, ten to a service."""
    return [
        FleetSlo(
            f"service-{number // SLOS_PER_SERVICE:03}",
            f"slo-{number % SLOS_PER_SERVICE}",
            _KINDS[number % SLOS_PER_SERVICE],
        )
        for number in range(count)
    ]


def by_service(slos: list[FleetSlo]) -> dict[str, list[FleetSlo]]:
    services: dict[str, list[FleetSlo]] = {}
    for slo in slos:
        services.setdefault(slo.service, []).append(slo)
    return services


def write_specs(slos: list[FleetSlo], directory: Path) -> None:
    """A file per service, for sloctl."""
    directory.mkdir()
    for service, members in by_service(slos).items():
        spec = {"scrapeInterval": "30s", "slos": [slo.spec() for slo in members]}
        document = {
            "apiVersion": "sloctl.dev/v1",
            "kind": "ServiceLevelObjectives",
            "metadata": {"name": service},
            "spec": spec,
        }
        (directory / f"{service}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))


def write_sloth_specs(slos: list[FleetSlo], directory: Path) -> None:
    """The same for Sloth."""
    directory.mkdir()
    for service, members in by_service(slos).items():
        document = {
            "version": "prometheus/v1",
            "service": service,
            "slos": [slo.sloth_spec() for slo in members],
        }
        (directory / f"{service}.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
