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


_SLOTH_SPEC: Final = """\
version: prometheus/v1
service: service-{service:03}
labels: {{team: team-{team}, tier: "1"}}
slos:
"""
_SLOTH_ALERTING: Final = """\
    alerting:
      name: SLOErrorBudgetBurn
      annotations: {{runbook_url: https://runbooks.example.com/service-{service:03}}}
      page_alert: {{labels: {{severity: page}}}}
      ticket_alert: {{labels: {{severity: ticket}}}}
"""
_SLOTH_AVAILABILITY: Final = (
    """\
  - name: availability-{number}
    description: Requests of group {number} answered without a server error.
    objective: 99.9
    sli:
      events:
        error_query: >-
          sum(rate(http_requests_total{{job="service-{service:03}", group="{number}", code=~"5.."}}
          [{{{{.window}}}}]))
        total_query: >-
          sum(rate(http_requests_total{{job="service-{service:03}", group="{number}"}}[{{{{.window}}}}]))
"""
    + _SLOTH_ALERTING
)
_SLOTH_LATENCY: Final = (
    """\
  - name: latency-{number}
    description: Requests of group {number} answered within 300 ms.
    objective: 99
    sli:
      events:
        error_query: >-
          sum(rate(http_request_duration_seconds_count{{job="service-{service:03}", group="{number}"}}
          [{{{{.window}}}}])) - sum(rate(http_request_duration_seconds_bucket
          {{job="service-{service:03}", group="{number}", le="0.3"}}[{{{{.window}}}}]))
        total_query: >-
          sum(rate(http_request_duration_seconds_count{{job="service-{service:03}", group="{number}"}}
          [{{{{.window}}}}]))
"""
    + _SLOTH_ALERTING
)


def write_specs(directory: Path) -> None:
    """A file per service; half of its SLOs count errors, half slow requests."""
    for service in range(SERVICES):
        (directory / f"service-{service:03}.yaml").write_text(_spec(service))


def write_sloth_specs(directory: Path) -> None:
    """The same SLOs for Sloth."""
    for service in range(SERVICES):
        slos = [
            (_SLOTH_AVAILABILITY, _SLOTH_LATENCY)[number % 2].format(service=service, number=number)
            for number in range(SLOS_PER_SERVICE)
        ]
        head = _SLOTH_SPEC.format(service=service, team=service % 12)
        (directory / f"service-{service:03}.yaml").write_text(head + "".join(slos))


def _spec(service: int) -> str:
    slos = [
        (_AVAILABILITY, _LATENCY)[number % 2].format(service=service, number=number)
        for number in range(SLOS_PER_SERVICE)
    ]
    return _SPEC.format(service=service, team=service % 12) + "".join(slos)
