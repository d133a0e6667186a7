"""The series that the sidecar exposes itself: the same questions, asked where no rules run.

Law: they stand behind `or`, so where rules record an answer, it is theirs. They carry our own label names, so
dashboards in Sloth's style ask only the rules. Where several sidecars watch one SLO, the worst counts.
"""

from typing import Final

from sloctl.duration import format_duration
from sloctl.model import PromQL

ERROR_RATIO: Final = "slo_error_ratio"
BURN_RATE: Final = "slo_burn_rate"
BUDGET_REMAINING: Final = "slo_error_budget_remaining_ratio"
TIME_TO_EXHAUSTION: Final = "slo_time_to_exhaustion_seconds"
ALERT_FIRING: Final = "slo_alert_firing"
DATA_AGE: Final = "slo_data_age_seconds"
EVENTS: Final = "slo_events_total"
ERRORS: Final = "slo_error_events_total"


def lookback_matcher(lookback: int) -> PromQL:
    """The label of a lookback, in seconds."""
    return f'lookback="{format_duration(lookback)}"'
