"""One plain SLO, from which a test changes what it is about."""

from fractions import Fraction
from typing import Any, Final

from msgspec.structs import replace

from sloctl.duration import DAY, MINUTE
from sloctl.model import Alerting, AlertMetadata, CountedSide, RatioIndicator, RollingWindow, Slo
from sloctl.promql import read_selector
from sloctl.slo.policy import WORKBOOK_POLICY

QUIET: Final = AlertMetadata(labels={}, annotations={})
ALERTING: Final = Alerting(
    policy=WORKBOOK_POLICY,
    page=QUIET,
    ticket=QUIET,
    exhausted=QUIET,
    exhausting=QUIET,
    no_data=QUIET,
    exhausting_within=DAY,
    no_data_after=10 * MINUTE,
    min_errors=2,
    confidence=None,
)
SHOP: Final = Slo(
    service="shop",
    name="checkout",
    description="Orders go through.",
    objective=Fraction(99, 100),
    window=RollingWindow(30 * DAY),
    scrape_interval=15,
    indicator=RatioIndicator(
        counted=CountedSide.ERROR,
        numerator=(read_selector('requests_total{job="shop", code=~"5.."}'),),
        total=(read_selector('requests_total{job="shop"}'),),
    ),
    group_by=(),
    labels={},
    annotations={},
    alerting=ALERTING,
)


def shop(**changes: Any) -> Slo:  # noqa: ANN401 - the fields of Slo, which replace() checks
    """SHOP, changed."""
    return replace(SHOP, **changes)
