"""SLOs to draw."""

from fractions import Fraction
from typing import Any, Final

from msgspec.structs import replace

from sloctl.duration import DAY, HOUR
from sloctl.model import (
    Alerting,
    AlertMetadata,
    ConditionIndicator,
    CountedSide,
    LatencyIndicator,
    RatioIndicator,
    RollingWindow,
    Selector,
    Slo,
    WhenAbsent,
)
from sloctl.slo.policy import workbook_policy

_TEXT: Final = AlertMetadata(labels={}, annotations={})
ALERTING: Final = Alerting(
    policy=workbook_policy(30 * DAY),
    page=_TEXT,
    ticket=_TEXT,
    exhausted=_TEXT,
    exhausting=_TEXT,
    no_data=_TEXT,
    exhausting_within=24 * HOUR,
    no_data_after=600,
    min_errors=2,
    confidence=None,
)
AVAILABILITY: Final = Slo(
    service="shop",
    name="availability",
    description="Requests answered without a server error.",
    objective=Fraction("0.9995"),
    window=RollingWindow(30 * DAY),
    scrape_interval=30,
    indicator=RatioIndicator(CountedSide.ERROR, (Selector("errors_total"),), (Selector("requests_total"),)),
    group_by=(),
    labels={"team": "checkout"},
    annotations={"runbook_url": "https://runbooks.example.com/shop"},
    alerting=ALERTING,
)
LATENCY: Final = replace(
    AVAILABILITY,
    name="latency",
    objective=Fraction("0.99"),
    indicator=LatencyIndicator(Selector("request_seconds"), Fraction("0.3")),
    group_by=("uri", "method"),
)
FRESHNESS: Final = replace(
    AVAILABILITY,
    name="freshness",
    objective=Fraction("0.995"),
    window=RollingWindow(28 * DAY),
    indicator=ConditionIndicator("time() - last_success_seconds < bool 900", WhenAbsent.BAD),
)


def slo(**changes: Any) -> Slo:  # noqa: ANN401 - any field of an Slo
    """AVAILABILITY with other values."""
    return replace(AVAILABILITY, **changes)


def without_alerts(plain: Slo) -> Slo:
    """*plain* with every alert disabled."""
    return replace(
        plain,
        alerting=replace(
            plain.alerting, page=None, ticket=None, exhausted=None, exhausting=None, no_data=None
        ),
    )
