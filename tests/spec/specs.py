"""Specs to start from."""

from typing import Final

from sloctl.model import Slo
from sloctl.spec import ParsedSpecs, read_specs

HEADER: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata:
  name: shop
"""
INDICATOR: Final = """\
      indicator:
        ratio:
          error: http_requests_total{job="shop", code=~"5.."}
          total: http_requests_total{job="shop"}
"""
SPEC: Final = f"""\
{HEADER}\
spec:
  slos:
    - name: availability
      objective: 99.9%
{INDICATOR}"""


def specs(text: str) -> ParsedSpecs:
    return read_specs([("shop.yaml", text.encode())])


def only(text: str) -> Slo:
    """The one SLO of a spec without problems."""
    found = specs(text)
    assert not found.problems
    (slo,) = found.slos
    return slo


def problems(text: str) -> list[str]:
    return [str(problem) for problem in specs(text).problems]
