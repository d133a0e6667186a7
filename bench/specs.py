"""Many SLOs, for measuring: what a large company's repository of specs holds."""

from pathlib import Path
from typing import Final

SERVICES: Final = 100
SLOS_PER_SERVICE: Final = 10

_SPEC: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata:
  name: service-{service:03}
  labels: {{team: team-{team}, tier: "1"}}
  annotations: {{runbook_url: https://runbooks.example.com/service-{service:03}}}
spec:
  description: Generated for the benchmark.
  scrapeInterval: 15s
  slos:
"""
_AVAILABILITY: Final = """\
    - name: availability-{number}
      description: Requests of group {number} answered without a server error.
      objective: 99.9%
      indicator:
        ratio:
          error: http_requests_total{{job="service-{service:03}", group="{number}", code=~"5.."}}
          total: http_requests_total{{job="service-{service:03}", group="{number}"}}
"""
_LATENCY: Final = """\
    - name: latency-{number}
      description: Requests of group {number} answered within 300 ms.
      objective: 99%
      indicator:
        latency:
          histogram: http_request_duration_seconds{{job="service-{service:03}", group="{number}"}}
          threshold: 300ms
"""


def write_specs(directory: Path) -> None:
    """A file per service; half of its SLOs count errors, half slow requests."""
    for service in range(SERVICES):
        (directory / f"service-{service:03}.yaml").write_text(_spec(service))


def _spec(service: int) -> str:
    slos = [
        (_AVAILABILITY, _LATENCY)[number % 2].format(service=service, number=number)
        for number in range(SLOS_PER_SERVICE)
    ]
    return _SPEC.format(service=service, team=service % 12) + "".join(slos)
