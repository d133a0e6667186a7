"""Names of the series that the sidecar exposes itself, for queries where no rules run.

They carry our own label names, so dashboards in Sloth's style ask only the rules. Where several sidecars
watch one SLO, the worst counts.
"""

from typing import Final

ERROR_RATIO: Final = "slo_error_ratio"
BURN_RATE: Final = "slo_burn_rate"
BUDGET_REMAINING: Final = "slo_error_budget_remaining_ratio"
TIME_TO_EXHAUSTION: Final = "slo_time_to_exhaustion_seconds"
ALERT_FIRING: Final = "slo_alert_firing"
DATA_AGE: Final = "slo_data_age_seconds"
PERIOD_START: Final = "slo_period_start_timestamp_seconds"
PERIOD_END: Final = "slo_period_end_timestamp_seconds"
EVENTS: Final = "slo_events_total"
ERRORS: Final = "slo_error_events_total"
