"""An SLO as values: what a spec means once it has been read. Nothing in here is half-checked."""

from collections.abc import Mapping, Sequence
from enum import Enum
from fractions import Fraction
from typing import Final, Self, TypeAlias, assert_never

from msgspec import Struct, structs

from sloctl.duration import DAY, HOUR

Labels: TypeAlias = Mapping[str, str]
PromQL: TypeAlias = str


class MatchOp(Enum):
    """The comparison of a label with its value in a selector."""

    EQUAL = "="
    NOT_EQUAL = "!="
    MATCH = "=~"
    NOT_MATCH = "!~"


class LabelMatcher(Struct, frozen=True):
    """One label condition; *value* is the plain text, not yet escaped for PromQL."""

    label: str
    op: MatchOp
    value: str


class Selector(Struct, frozen=True):
    """Series of one metric, or of any metric where *metric* is empty."""

    metric: str
    matchers: tuple[LabelMatcher, ...] = ()

    def refines(self, other: Self) -> bool:
        """Tell whether all that this selects is selected by *other* for the same reasons."""
        is_same = bool(self.metric) and self.metric == other.metric
        return is_same and all(matcher in self.matchers for matcher in other.matchers)


class WindowQuery(Struct, frozen=True):
    """PromQL of the user; *text* has `$window` wherever a range stands, for `promql.fill_window`."""

    text: str


class CountedSide(Enum):
    """The side of the events that a spec names; the other is the difference to the total."""

    ERROR = "error"
    GOOD = "good"


class WhenAbsent(Enum):
    """The meaning of a minute in which a condition has no answer."""

    BAD = "bad"
    GOOD = "good"
    IGNORE = "ignore"


# Labels that tell one process that counts from another, scraped, federated, collected or pushed. One that
# neither of two series has is equal on both, so that a longer list costs nothing.
IDENTITY_LABELS: Final = (
    "job",
    "instance",
    "exported_job",
    "exported_instance",
    "cluster",
    "namespace",
    "exported_namespace",
    "pod",
    "exported_pod",
    "container",
    "node",
    "region",
    "tenant",
    "prometheus",
    "service_name",
    "service_instance_id",
    "k8s_cluster_name",
    "k8s_namespace_name",
    "k8s_pod_name",
    "host_name",
    "host",
    "hostname",
    "pod_name",
    "replica",
    "datacenter",
    "dc",
    "environment",
    "env",
)


# Of a histogram that counts seconds.
SECOND: Final = Fraction(1)


class RatioIndicator(Struct, frozen=True):
    """Events are counter increments; *numerator* is the error or the good side of *total*.

    Increments of *minus* are taken from the errors; there are none where good events are named.
    *identity_labels* tell the processes apart of which a new series may be: it counts only where its own
    process was there before.
    """

    counted: CountedSide
    numerator: tuple[Selector, ...]
    total: tuple[Selector, ...]
    count_new_series: bool = True
    identity_labels: tuple[str, ...] = IDENTITY_LABELS
    minus: tuple[Selector, ...] = ()

    @property
    def counted_sides(self) -> tuple[tuple[str, tuple[Selector, ...]], ...]:
        """What is counted beside the total, each with its key in a spec."""
        named = (self.counted.value, self.numerator)
        return (named, ("minus", self.minus)) if self.minus else (named,)


class LatencyIndicator(Struct, frozen=True):
    """Events are observations of a classic histogram; good ones are at most *threshold* seconds.

    *unit* is the seconds in one of the histogram's own unit. *identity_labels* as in RatioIndicator.
    """

    histogram: Selector
    threshold: Fraction
    count_new_series: bool = True
    identity_labels: tuple[str, ...] = IDENTITY_LABELS
    unit: Fraction = SECOND

    @property
    def bound(self) -> Fraction:
        """The threshold in the histogram's own unit, as its label `le` has it."""
        return self.threshold / self.unit


class NativeLatencyIndicator(Struct, frozen=True):
    """Events are observations of a native histogram; *threshold* and *unit* as in LatencyIndicator."""

    histogram: Selector
    threshold: Fraction
    unit: Fraction = SECOND

    @property
    def bound(self) -> Fraction:
        """The threshold in the histogram's own unit."""
        return self.threshold / self.unit


class ConditionIndicator(Struct, frozen=True):
    """One event a minute; *good* is PromQL whose samples are 1 (good) or 0 (bad)."""

    good: PromQL
    when_absent: WhenAbsent


class ProbeIndicator(Struct, frozen=True):
    """One event per sample of a gauge that is 1 (good) or 0 (bad)."""

    gauge: Selector


class QueryIndicator(Struct, frozen=True):
    """Events counted by the user's own PromQL."""

    counted: CountedSide
    numerator: WindowQuery
    total: WindowQuery


class ErrorRatioIndicator(Struct, frozen=True):
    """One event a minute, bad to the degree of a ratio between 0 and 1."""

    ratio: WindowQuery


class CompositeRule(Enum):
    """The ways in which the parts of a journey make one indicator."""

    WORST = "worst"
    WEIGHTED = "weighted"
    SUM = "sum"


class SloName(Struct, frozen=True):
    """An SLO by its names alone."""

    service: str
    name: str

    @property
    def id(self) -> str:
        return f"{self.service}/{self.name}"


class JourneyPart(Struct, frozen=True):
    """One part of a journey: an SLO, or an indicator of the journey's own where *slo* is None.

    *indicator* and *time_slice* are those of the SLO too. *weight* is above 0, and counts where ratios are
    weighed. An SLO with groups is one part with the events of all of them.
    """

    name: str
    slo: SloName | None
    indicator: "Indicator"
    weight: Fraction = Fraction(1)
    time_slice: "TimeSlice | None" = None
    group_by: tuple[str, ...] = ()

    @property
    def minutes_behind(self) -> int:
        """How many minutes after the events they are counted: a journey waits for what its parts record."""
        return self.indicator.minutes_behind if isinstance(self.indicator, CompositeIndicator) else 0


class CompositeIndicator(Struct, frozen=True):
    """A journey through *parts*: one event a minute, bad as its parts are; or for a sum all their events."""

    rule: CompositeRule
    parts: tuple[JourneyPart, ...]

    @property
    def minutes_behind(self) -> int:
        """How many minutes after the events the journey counts them."""
        return 1 + max((part.minutes_behind for part in self.parts), default=0)


Indicator: TypeAlias = (
    RatioIndicator
    | LatencyIndicator
    | NativeLatencyIndicator
    | ConditionIndicator
    | ProbeIndicator
    | QueryIndicator
    | ErrorRatioIndicator
    | CompositeIndicator
)


class TimeSlice(Struct, frozen=True):
    """A slice of *seconds* as one event, good when at least the share *good* of its own events is.

    *when_empty* is the meaning of a slice in which nothing happened, though its series were there.
    """

    good: Fraction
    seconds: int
    when_empty: WhenAbsent


class RollingWindow(Struct, frozen=True):
    """The last *seconds* before now; a whole number of days."""

    seconds: int

    @property
    def longest(self) -> int:
        """Return the seconds that the window reaches back at most."""
        return self.seconds


class CalendarPeriod(Enum):
    """The periods of a calendar; a week begins on Monday."""

    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


UTC_ZONE: Final = "UTC"
# Days by which lookbacks, shares and thresholds of alerts are measured: they are the same in every month.
_USUAL_DAYS: Final = {
    CalendarPeriod.WEEK: 7,
    CalendarPeriod.MONTH: 30,
    CalendarPeriod.QUARTER: 90,
    CalendarPeriod.YEAR: 365,
}
_MOST_DAYS: Final = {
    CalendarPeriod.WEEK: 7,
    CalendarPeriod.MONTH: 31,
    CalendarPeriod.QUARTER: 92,
    CalendarPeriod.YEAR: 366,
}


class CalendarWindow(Struct, frozen=True):
    """The running week, month, quarter or year of a time zone; each has a whole budget of its own."""

    period: CalendarPeriod
    time_zone: str = UTC_ZONE

    @property
    def seconds(self) -> int:
        """Return the usual length, of which alerts are made; `slo.calendar` has that of each period."""
        return _USUAL_DAYS[self.period] * DAY

    @property
    def longest(self) -> int:
        """Return the seconds of the longest such period; clocks that go back add an hour."""
        return _MOST_DAYS[self.period] * DAY + (0 if self.time_zone == UTC_ZONE else HOUR)


Window: TypeAlias = RollingWindow | CalendarWindow


class Severity(Enum):
    """The urgency of an alert: a page is for now, a ticket for a working day."""

    PAGE = "page"
    TICKET = "ticket"


class AlertKind(Enum):
    """The kinds of alerts of an SLO, by their keys in a spec; page and ticket are the burn alerts.

    Of spent there is one alert for each step of the budget.
    """

    PAGE = "page"
    TICKET = "ticket"
    EXHAUSTED = "exhausted"
    SPENT = "spent"
    EXHAUSTING = "exhausting"
    NO_DATA = "noData"


# The annotations that are the text of an alert.
TEXT_ANNOTATIONS = frozenset({"summary", "description"})


class PolicyRow(Struct, frozen=True):
    """One burn-rate alert of a policy; `slo.policy` has its factor and threshold.

    It fires when *budget_share* of the budget is burned within the *long* lookback and the *short* one still
    burns as fast; both in seconds. So it must be for *pending* seconds on end.
    """

    severity: Severity
    budget_share: Fraction
    long: int
    short: int
    pending: int = 0


class AlertMetadata(Struct, frozen=True):
    """The labels and annotations that a spec adds to one kind of alert; without a *name* it has sloctl's."""

    labels: Labels
    annotations: Labels
    name: str | None = None


_WHOLE: Final = Fraction(1)
_NOTHING_ADDED: Final = AlertMetadata({}, {})


class SpentStep(Struct, frozen=True):
    """An alert on a *share* of the budget, below 1, that is spent; *added* is what the spec adds to it."""

    share: Fraction
    severity: Severity
    added: AlertMetadata = _NOTHING_ADDED

    @property
    def share_left(self) -> Fraction:
        """Return the share of the budget that is left at most while it fires."""
        return 1 - self.share


class Alerting(Struct, frozen=True):
    """The alerts of an SLO; an alert that is None is disabled.

    *exhausting_within* and *no_data_after* are seconds; *spent_steps* rise. *min_errors* is a floor on the
    bad events in the long lookback, 0 for none; *confidence* is the level of a one-sided Wilson bound on the
    long error ratio.
    """

    policy: tuple[PolicyRow, ...]
    page: AlertMetadata | None
    ticket: AlertMetadata | None
    exhausted: AlertMetadata | None
    exhausting: AlertMetadata | None
    no_data: AlertMetadata | None
    exhausting_within: int
    no_data_after: int
    min_errors: int
    confidence: Fraction | None
    no_data_severity: Severity = Severity.TICKET
    spent_steps: tuple[SpentStep, ...] = ()

    def metadata_of(self, kind: AlertKind, step: SpentStep | None = None) -> AlertMetadata:
        """Return what the spec adds to one kind of alert, of spent to one *step*; nothing where disabled."""
        match kind:
            case AlertKind.PAGE:
                added = self.page
            case AlertKind.TICKET:
                added = self.ticket
            case AlertKind.EXHAUSTED:
                added = self.exhausted
            case AlertKind.SPENT:
                added = None if step is None else step.added
            case AlertKind.EXHAUSTING:
                added = self.exhausting
            case AlertKind.NO_DATA:
                added = self.no_data
            case _:
                assert_never(kind)
        return added or _NOTHING_ADDED

    @property
    def enabled_alerts(self) -> dict[AlertKind, AlertMetadata]:
        """Map each kind of alert that is not disabled to what the spec adds to it; without budget steps."""
        metadata = {
            AlertKind.PAGE: self.page,
            AlertKind.TICKET: self.ticket,
            AlertKind.EXHAUSTED: self.exhausted,
            AlertKind.EXHAUSTING: self.exhausting,
            AlertKind.NO_DATA: self.no_data,
        }
        return {kind: added for kind, added in metadata.items() if added is not None}

    def severity_of(self, kind: AlertKind, step: SpentStep | None = None) -> Severity:
        """Return the severity of an alert; that of no data and of a budget *step* is the spec's choice."""
        if step is not None:
            return step.severity
        if kind is AlertKind.NO_DATA:
            return self.no_data_severity
        return Severity.PAGE if kind is AlertKind.PAGE else Severity.TICKET


class FixedTime(Struct, frozen=True):
    """One span of time, from *start* to *end* (Unix seconds); without a start, everything before the end."""

    start: int | None
    end: int


class RecurringTime(Struct, frozen=True):
    """A span of so many *seconds* that begins at *start_second* of each day that *days* name.

    A day is a weekday, 0 for Monday, with its place in the month: 1 for the first, -1 for the last, None for
    each. Without days it is every day. Clock times are those of *time_zone*.
    """

    days: tuple[tuple[int, int | None], ...]
    start_second: int
    seconds: int
    time_zone: str = UTC_ZONE


class WeekSpan(Struct, frozen=True):
    """A span of so many *seconds* of every week, from *start*, in seconds since its Monday began."""

    start: int
    seconds: int


class ExclusionEffect(Enum):
    """What becomes of excluded events: they are ignored, or all count as good."""

    IGNORE = "ignore"
    GOOD = "good"


class Exclusion(Struct, frozen=True):
    """A time whose errors do not count against an SLO, and the *reason* for it.

    *groups* are the (label, value) pairs of the groups it is for, none for all. *by* and *link* are empty
    where nobody wrote them.
    """

    reason: str
    time: FixedTime | RecurringTime
    effect: ExclusionEffect = ExclusionEffect.IGNORE
    groups: tuple[tuple[str, str], ...] = ()
    by: str = ""
    link: str = ""

    @property
    def is_reset(self) -> bool:
        """Whether it takes away everything before a moment, so that the budget begins anew there."""
        return isinstance(self.time, FixedTime) and self.time.start is None


class Slo(Struct, frozen=True):
    """One objective of one service; *objective* is a ratio, 0 < objective < 1; *scrape_interval* seconds.

    With a *time_slice* it is about slices of time, each judged by the events of *indicator* in it.
    *review_by* is a date like 2027-03-31, None where the spec has none. *exclusions* are those that it is
    selected by and that reach into its window. *active_hours* are its service hours, all of one time zone:
    outside them nothing counts; without any, everything does. *cluster_labels* are those of *group_by* that
    servers add, and by which clusters are told apart.
    """

    service: str
    name: str
    description: str
    objective: Fraction
    window: Window
    scrape_interval: int
    indicator: Indicator
    group_by: tuple[str, ...]
    labels: Labels
    annotations: Labels
    alerting: Alerting
    review_by: str | None = None
    exclusions: tuple[Exclusion, ...] = ()
    time_slice: TimeSlice | None = None
    active_hours: tuple[RecurringTime, ...] = ()
    cluster_labels: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return f"{self.service}/{self.name}"

    def split_by(self, labels: Sequence[str]) -> Self:
        """Return the same SLO with a budget for each value of *labels* too, which a server adds to series."""
        added = tuple(label for label in labels if label not in self.group_by)
        split = structs.replace(self, group_by=(*self.group_by, *added)) if added else self
        return structs.replace(split, cluster_labels=tuple(labels)) if labels else split

    @property
    def budget(self) -> Fraction:
        """Return the share of events that may be bad."""
        # Not 1 - …, which Fraction takes three times as long for.
        return _WHOLE - self.objective
