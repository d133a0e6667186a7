"""A spec and twelve days of counts, for tests of the command."""

from collections.abc import Iterator

SPEC = """
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  scrapeInterval: 15s
  slos:
    - name: availability
      objective: 99.9%
      indicator:
        ratio: {error: 'requests_total{code="500"}', total: requests_total}
"""
# 2026-11-01 00:00 UTC, and the start of an outage on the third.
START = 1793491200
OUTAGE = START + 2 * 86400


def days_of_counts(*, days: int = 12) -> Iterator[str]:
    """A hundred events a minute, all of them bad in the ten minutes of the outage."""
    yield "time,total,errors"
    for at in range(START + 60, START + days * 86400 + 1, 60):
        yield f"{at},100,{100 if OUTAGE < at <= OUTAGE + 600 else 0}"
