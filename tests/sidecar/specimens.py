"""SLOs as a spec would give them, for tests that need one."""

from fractions import Fraction

from sloctl.duration import DAY, HOUR, MINUTE
from sloctl.model import (
    Alerting,
    AlertMetadata,
    CountedSide,
    Indicator,
    LabelMatcher,
    Labels,
    LatencyIndicator,
    MatchOp,
    RatioIndicator,
    RollingWindow,
    Selector,
    Slo,
)
from sloctl.slo.policy import WORKBOOK_POLICY

TEXT = AlertMetadata(labels={}, annotations={})

AVAILABILITY = RatioIndicator(
    CountedSide.ERROR,
    numerator=(Selector("requests_total", (LabelMatcher("status", MatchOp.MATCH, "5.."),)),),
    total=(Selector("requests_total"),),
)
LATENCY = LatencyIndicator(Selector("request_seconds"), threshold=Fraction(1))


def slo(
    indicator: Indicator = AVAILABILITY,
    *,
    name: str = "availability",
    objective: Fraction = Fraction(999, 1000),
    group_by: tuple[str, ...] = (),
    min_errors: int = 2,
    confidence: Fraction | None = None,
) -> Slo:
    return Slo(
        service="shop",
        name=name,
        description="Requests answered.",
        objective=objective,
        window=RollingWindow(30 * DAY),
        scrape_interval=15,
        indicator=indicator,
        group_by=group_by,
        labels={"team": "checkout"},
        annotations={},
        alerting=Alerting(
            policy=WORKBOOK_POLICY,
            page=TEXT,
            ticket=TEXT,
            exhausted=TEXT,
            exhausting=TEXT,
            no_data=TEXT,
            exhausting_within=4 * HOUR,
            no_data_after=10 * MINUTE,
            min_errors=min_errors,
            confidence=confidence,
        ),
    )


def labels(**values: str) -> Labels:
    return values
