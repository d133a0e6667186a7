"""Specs of Pyrra to start from."""

from sloctl.model import Slo
from sloctl.spec import ParsedSpecs, read_specs

RATIO = """\
    ratio:
      errors:
        metric: http_requests_total{job="shop", code=~"5.."}
      total:
        metric: http_requests_total{job="shop"}
"""


def pyrra_spec(
    indicator: str = RATIO,
    *,
    target: str = '"99.9"',
    window: str = "4w",
    metadata: str = "",
    alerting: str = "",
) -> str:
    """A document; *metadata* and *alerting* are in flow style."""
    return f"""\
apiVersion: pyrra.dev/v1alpha1
kind: ServiceLevelObjective
metadata: {{name: errors, namespace: shop{metadata}}}
spec:
  target: {target}
  window: {window}
  alerting: {{{alerting}}}
  indicator:
{indicator}"""


def read_pyrra(text: str) -> ParsedSpecs:
    return read_specs([("pyrra.yaml", text.encode())])


def only_pyrra(text: str) -> Slo:
    """The one SLO of a spec without problems."""
    found = read_pyrra(text)
    assert not found.problems
    (slo,) = found.slos
    return slo
