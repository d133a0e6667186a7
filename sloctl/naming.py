"""Names of the series, labels and alerts that sloctl writes; series have Sloth's, for existing dashboards."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from sloctl.duration import format_duration
from sloctl.model import Alerting, AlertKind, CalendarWindow, Labels, Slo, SloName, SpentStep, Window
from sloctl.promql import format_number

# Of slices: the events that each is judged by, and the bad ones, of the last minute.
SLICE_EVENTS: Final = "slo:slice_total:increase1m"
SLICE_ERRORS: Final = "slo:slice_error:increase1m"
# Of journeys: the events and the bad ones of the minute of each part, and of the parts that are their own.
PART_EVENTS: Final = "slo:part_total:increase1m"
PART_ERRORS: Final = "slo:part_error:increase1m"
INLINE_EVENTS: Final = "slo:inline_part_total:increase1m"
INLINE_ERRORS: Final = "slo:inline_part_error:increase1m"
JOURNEY_PART_LABEL: Final = "slo_journey_part"
OBJECTIVE: Final = "slo:objective:ratio"
ERROR_BUDGET: Final = "slo:error_budget:ratio"
TIME_PERIOD: Final = "slo:time_period:days"
CURRENT_BURN_RATE: Final = "slo:current_burn_rate:ratio"
PERIOD_BURN_RATE: Final = "slo:period_burn_rate:ratio"
BUDGET_REMAINING: Final = "slo:period_error_budget_remaining:ratio"
# Of the series of error ratios; the lookback follows.
ERROR_RATIO_PREFIX: Final = "slo:sli_error:ratio_rate"
# The share of the window, 0 to 1, since the first rollup in it: how much of it the numbers cover.
PERIOD_COVERED: Final = "slo:period_covered:ratio"
# The first values of the series that were born in a step, each with its own labels and NEW_SERIES_LABEL,
# which says whose they are: a label that nobody's series have, whatever an SLO counts.
NEW_SERIES: Final = "slo:sli_total:new_series"
NEW_SERIES_LABEL: Final = "slo_counted_by"
# When that first rollup began, Unix seconds; recorded by the slow group.
ROLLUPS_SINCE: Final = "slo:rollups:since_seconds"
# Of SLOs with exclusions: how many seconds after a whole minute the fast group has its turn.
ROLLUPS_PHASE: Final = "slo:rollups:phase_seconds"
# Of calendar windows: when the running period began, and when it ends; Unix seconds.
PERIOD_START: Final = "slo:period_start:timestamp_seconds"
PERIOD_END: Final = "slo:period_end:timestamp_seconds"
# The same start as the slow group knows it, from which it sums; and how old the first rollup is, in seconds.
ROLLUPS_PERIOD_START: Final = "slo:rollups:period_start_seconds"
ROLLUPS_AGE: Final = "slo:rollups:age_seconds"

BURN_ALERT: Final = "SLOErrorBudgetBurn"
EXHAUSTED_ALERT: Final = "SLOErrorBudgetExhausted"
SPENT_ALERT: Final = "SLOErrorBudgetSpent"
EXHAUSTING_ALERT: Final = "SLOErrorBudgetExhausting"
NO_DATA_ALERT: Final = "SLONoData"
ALERT_NAMES: Final = {
    AlertKind.PAGE: BURN_ALERT,
    AlertKind.TICKET: BURN_ALERT,
    AlertKind.EXHAUSTED: EXHAUSTED_ALERT,
    AlertKind.SPENT: SPENT_ALERT,
    AlertKind.EXHAUSTING: EXHAUSTING_ALERT,
    AlertKind.NO_DATA: NO_DATA_ALERT,
}
# The value of a label that every alert has, whatever a spec calls the alert: what reads alerts goes by it.
ALERT_CLASSES: Final = {
    AlertKind.PAGE: "burn",
    AlertKind.TICKET: "burn",
    AlertKind.EXHAUSTED: "exhausted",
    AlertKind.SPENT: "spent",
    AlertKind.EXHAUSTING: "exhausting",
    AlertKind.NO_DATA: "no_data",
}


def spent_share(step: SpentStep) -> str:
    """Name the share of a budget step: `75%`."""
    return f"{format_number(100 * step.share)}%"


def alert_name(alerting: Alerting, kind: AlertKind, step: SpentStep | None = None) -> str:
    """Return the name of an alert: the spec's, or else sloctl's own."""
    added = alerting.metadata_of(kind, step)
    return ALERT_NAMES[kind] if added.name is None else added.name


# The same numbers with what exclusions leave out, and the exclusions: 1 while one holds, 0 otherwise.
PERIOD_BURN_RATE_WITH_EXCLUDED: Final = "slo:period_burn_rate_with_excluded:ratio"
BUDGET_REMAINING_WITH_EXCLUDED: Final = "slo:period_error_budget_remaining_with_excluded:ratio"
EXCLUSION_ACTIVE: Final = "slo:exclusion_active:bool"
# Outside the service hours of an SLO: when they begin again.
OUTSIDE_HOURS_UNTIL: Final = "slo:outside_service_hours_until:timestamp_seconds"


def error_ratio_with_excluded(ratio_metric: str) -> str:
    """Name the series beside *ratio_metric* in which excluded errors and events count."""
    return ratio_metric.replace("slo:sli_error:", "slo:sli_error_with_excluded:", 1)


def error_ratio_metric(lookback: int) -> str:
    """Name the series of errors per event over *lookback* seconds."""
    return f"{ERROR_RATIO_PREFIX}{format_duration(lookback)}"


def window_name(window: Window) -> str:
    """Name a window as labels and tables do: `30d`, or `month` of a calendar."""
    return window.period.value if isinstance(window, CalendarWindow) else format_duration(window.seconds)


def lookback_name(window: Window, lookback: int) -> str:
    """Name one of the lookbacks of an SLO; the longest is its window."""
    return window_name(window) if lookback == window.longest else format_duration(lookback)


def window_ratio_metric(window: Window) -> str:
    """Name the series of errors per event over a window; of a calendar's, over the period so far."""
    if isinstance(window, CalendarWindow):
        return f"slo:sli_error:ratio_rate_{window.period.value}"
    return error_ratio_metric(window.seconds)


# Of the series of all events; the lookback follows.
EVENT_COUNT_PREFIX: Final = "slo:sli_total:increase"


def error_count_metric(lookback: int) -> str:
    """Name the series of bad events of the last *lookback* seconds; of a step, one rollup."""
    return f"slo:sli_error:increase{format_duration(lookback)}"


def event_count_metric(lookback: int) -> str:
    """Name the series of all events of the last *lookback* seconds; of a step, one rollup."""
    return f"{EVENT_COUNT_PREFIX}{format_duration(lookback)}"


class LabelStyle(Struct, frozen=True):
    """The label names that carry an SLO's identity, and the separator of service and name in its id.

    With *free_names*, names may have upper case and underscores, as Sloth's may.
    """

    id: str
    service: str
    name: str
    window: str
    objective: str
    objective_unit: str
    description: str
    severity: str
    alert: str
    pending: str
    spent: str
    part: str
    info_metric: str
    separator: str
    free_names: bool = False

    def slo_id(self, slo: Slo | SloName) -> str:
        """Return the value of the id label."""
        return f"{slo.service}{self.separator}{slo.name}"

    def identity_labels(self, slo: Slo) -> dict[str, str]:
        """Return the labels that every series and alert of *slo* carries."""
        return {self.id: self.slo_id(slo), self.service: slo.service, self.name: slo.name}

    def id_label(self, slo: Slo) -> Mapping[str, str]:
        """Return the one label whose value no other SLO has."""
        return {self.id: self.slo_id(slo)}

    def alert_labels(
        self, slo: Slo, kind: AlertKind, pending: int | None = None, *, step: SpentStep | None = None
    ) -> Labels:
        """Return the labels of one enabled alert of *slo*, without those of a group.

        Of several burn alerts of a severity each has the *pending* time by which they differ, and of the
        alerts on a spent budget each its *step*.
        The rules and the sidecar send the same ones, because Alertmanager merges alerts by their labels.
        """
        own = {
            **slo.labels,
            "severity": slo.alerting.severity_of(kind, step).value,
            **slo.alerting.metadata_of(kind, step).labels,
        }
        identity = self.alert_identity(slo.alerting, kind, pending, step=step)
        return {**own, **self.identity_labels(slo), **identity}

    def alert_identity(
        self,
        alerting: Alerting,
        kind: AlertKind,
        pending: int | None = None,
        *,
        step: SpentStep | None = None,
    ) -> Labels:
        """Return the labels that say what kind of alert it is; a spec cannot change them."""
        by_time = {} if pending is None else {self.pending: format_duration(pending)}
        by_share = {} if step is None else {self.spent: spent_share(step)}
        severity = alerting.severity_of(kind, step).value
        return {self.alert: ALERT_CLASSES[kind], self.severity: severity, **by_time, **by_share}


NATIVE_STYLE: Final = LabelStyle(
    id="slo_id",
    service="slo_service",
    name="slo_name",
    window="slo_window",
    objective="slo_objective",
    objective_unit="%",
    description="slo_description",
    severity="slo_severity",
    alert="slo_alert",
    pending="slo_for",
    spent="slo_spent",
    part="slo_part",
    info_metric="slo_info",
    separator="/",
)
SLOTH_STYLE: Final = LabelStyle(
    id="sloth_id",
    service="sloth_service",
    name="sloth_slo",
    window="sloth_window",
    objective="sloth_objective",
    # Sloth's own server reads a bare number.
    objective_unit="",
    description="sloth_description",
    severity="sloth_severity",
    alert="sloth_alert",
    pending="sloth_for",
    spent="sloth_spent",
    part="sloth_part",
    info_metric="sloth_slo_info",
    separator="-",
    free_names=True,
)
LABEL_STYLES: Final = {"slo": NATIVE_STYLE, "sloth": SLOTH_STYLE}
RESERVED_PREFIXES: Final = ("slo_", "sloth_", "__")
RESERVED_LABELS: Final = frozenset({"le", "alertname", "severity"})
