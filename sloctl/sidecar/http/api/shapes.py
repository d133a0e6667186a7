"""The shapes of the API's answers. They encode the answers, and openapi.json is made from them.

Null is unknown; a time is RFC 3339 in UTC, a lookback a Prometheus duration; numbers are exact doubles.
"""

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from sloctl.sidecar.http.problem_details import ProblemDetails

Timestamp: TypeAlias = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
Lookback: TypeAlias = Annotated[str, Meta(examples=["5m", "1h", "30d", "month"])]
StateName: TypeAlias = Literal["paging", "ticketed", "exhausted", "exhausting", "burning", "unknown", "fine"]
AlertStateName: TypeAlias = Literal["inactive", "firing", "unknown"]


class Burn(Struct, frozen=True, rename="camel"):
    """The burn over one lookback; null where there are no data, or no events."""

    lookback: Lookback
    errors: float | None
    events: float | None
    error_ratio: float | None
    burn_rate: Annotated[float | None, Meta(description="Times faster than sustainable.")]
    covered_seconds: Annotated[int, Meta(description="Seconds of the lookback that there are data of.")]


class Row(Struct, frozen=True, rename="camel"):
    """One row of the alert policy: it fires when both lookbacks burn faster than the factor."""

    state: AlertStateName
    factor: float
    long: Lookback
    long_burn_rate: float | None
    short: Lookback
    short_burn_rate: float | None


class Alert(Struct, frozen=True, rename="camel"):
    """A page or a ticket, and since when it fires."""

    severity: Literal["page", "ticket"]
    state: AlertStateName
    since: Timestamp | None
    stopped_at: Annotated[
        Timestamp | None,
        Meta(description="Since when nothing is above the threshold of what fires; null while it goes on."),
    ]
    clears_at: Annotated[
        Timestamp | None, Meta(description="When it stops to fire if no further errors come.")
    ]
    rows: tuple[Row, ...]


class Contributor(Struct, frozen=True, rename="camel"):
    """A label value with more of the errors than of the traffic; in each group those of the whole SLO."""

    label: str
    value: str
    lookback: Lookback
    errors: float
    share_of_errors: float
    share_of_traffic: float


class Period(Struct, frozen=True, rename="camel"):
    """The running period of a calendar window; at its end the budget is whole again."""

    start: Timestamp
    end: Timestamp
    time_zone: str
    remaining_seconds: float
    even_budget_left: Annotated[
        float, Meta(description="What would be left of the budget if it were spent evenly.")
    ]


class Budget(Struct, frozen=True, rename="camel"):
    """The error budget of the window."""

    left: Annotated[float | None, Meta(description="Share of the budget; negative when overspent.")]
    covered_seconds: Annotated[
        float,
        Meta(
            description="Seconds of the window that were watched. What is spent is error ratio / budget "
            "x covered / window."
        ),
    ]
    events_left: Annotated[
        float | None, Meta(description="Events that may still fail in a window at the traffic so far.")
    ]
    exhausted: bool | None
    exhausting: Annotated[
        bool | None, Meta(description="Whether it will be gone within the time that the spec names.")
    ]
    burning: Annotated[
        bool | None,
        Meta(
            description="False where the burn of the last five minutes is below 1; of a calendar window, "
            "where it leaves some of the budget until the period ends."
        ),
    ]
    time_to_exhaustion: Annotated[
        float | None,
        Meta(description="Seconds, at the burn of the last five minutes; 0 when nothing is left."),
    ]
    steady_lookback: Annotated[Lookback, Meta(description="Of the alert row that fires, else the first.")]
    steady_time_to_exhaustion: Annotated[
        float | None, Meta(description="Seconds, at the burn of the steady lookback.")
    ]
    period: Annotated[Period | None, Meta(description="Null where the window is rolling.")]


class ExcludedTime(Struct, frozen=True, rename="camel"):
    """A time in the window, or to come, whose errors do not count, and why."""

    reason: str
    start: Annotated[Timestamp | None, Meta(description="Null for a budget reset: everything before end.")]
    end: Timestamp
    effect: Annotated[
        Literal["ignore", "good"], Meta(description="Whether its events are ignored, or all count as good.")
    ]
    by: str
    link: str
    active: Annotated[bool, Meta(description="Whether it holds now: pages are mute.")]


class Exclusions(Struct, frozen=True, rename="camel"):
    """What is excluded, and the numbers of the window with it."""

    times: tuple[ExcludedTime, ...]
    error_ratio_with_excluded: float | None
    budget_left_with_excluded: float | None


class Slo(Struct, frozen=True, rename="camel"):
    """One SLO, or one group of it."""

    id: str
    service: str
    name: str
    description: str
    labels: dict[str, str]
    group: Annotated[dict[str, str], Meta(description="The labels of groupBy; empty where nothing groups.")]
    overflow: Annotated[bool, Meta(description="Whether this is all groups beyond the cap together.")]
    objective: Annotated[float, Meta(description="A ratio.", gt=0, lt=1)]
    window: Lookback
    state: StateName
    stale: Annotated[bool, Meta(description="Whether the numbers are those of lastData, not of now.")]
    since: Annotated[Timestamp | None, Meta(description="When the oldest data behind the numbers began.")]
    last_data: Timestamp | None
    budget: Budget
    lookbacks: tuple[Burn, ...]
    alerts: tuple[Alert, ...]
    contributors: Annotated[tuple[Contributor, ...], Meta(description="Of each lookback, the worst first.")]
    exclusions: Annotated[
        Exclusions | None,
        Meta(description="Null where the spec has none; all other numbers are without what is excluded."),
    ]
    outside_service_hours_until: Annotated[
        Timestamp | None,
        Meta(description="When they begin again; null within them, and where the spec has none."),
    ]


class SloPage(Struct, frozen=True, rename="camel"):
    """Some of the SLOs, always in the order of id and group."""

    at: Annotated[Timestamp | None, Meta(description="The tick; null before the first.")]
    issues: Annotated[
        dict[str, str], Meta(description="What does not work now: `source`, with the reason, or nothing.")
    ]
    slos: tuple[Slo, ...]
    next: Annotated[str | None, Meta(description="Ask with this as `after` for the following page.")]


class SloGroups(Struct, frozen=True, rename="camel"):
    """One SLO, by group; without a group where it cannot be counted, as `unsupported` explains."""

    at: Timestamp | None
    issues: dict[str, str]
    groups: tuple[Slo, ...]
    unsupported: str | None


class FiringAlert(Struct, frozen=True, rename="camel"):
    """An alert that fires, with the labels that the compiled rules give it."""

    slo: str
    since: Timestamp | None
    stale: Annotated[bool, Meta(description="Whether the data are old, so that it may be over.")]
    labels: dict[str, str]


class FiringAlerts(Struct, frozen=True, rename="camel"):
    """All alerts that fire, pages first."""

    at: Timestamp | None
    alerts: tuple[FiringAlert, ...]


class Target(Struct, frozen=True, rename="camel"):
    """A scrape target and its last scrape."""

    url: str
    labels: dict[str, str]
    up: Annotated[bool | None, Meta(description="Null before the first scrape.")]
    error: Annotated[str | None, Meta(description="Why it is down.")]
    scraped_at: Annotated[Timestamp | None, Meta(description="The last good scrape.")]
    seconds: Annotated[float | None, Meta(description="How long the last scrape took.")]
    samples: Annotated[int, Meta(description="Of metrics that an SLO names, in the last good scrape.")]


class Targets(Struct, frozen=True, rename="camel"):
    """The targets of the source; empty where it has none."""

    targets: tuple[Target, ...]


class Unsupported(Struct, frozen=True, rename="camel"):
    """An SLO that this source can never count, and why."""

    id: str
    reason: str


class Status(Struct, frozen=True, rename="camel"):
    """The sidecar itself."""

    version: str
    started_at: Timestamp
    at: Annotated[Timestamp | None, Meta(description="The newest tick.")]
    ready: bool
    states: Annotated[dict[StateName, int], Meta(description="How many SLOs and groups are in each state.")]
    issues: Annotated[dict[str, str], Meta(description="What does not work now, by component.")]
    unsupported: tuple[Unsupported, ...]


class Change(Struct, frozen=True):
    """Something that was changed: a deployment, a flag, a configuration. Without a time, now."""

    text: Annotated[str, Meta(min_length=1, max_length=200, examples=["payments-api 1.4.2"])]
    at: Timestamp | None = None
    service: Annotated[str, Meta(max_length=200, description="Empty where it concerns all of them.")] = ""


class Changes(Struct, frozen=True):
    """The newest thousand changes, the newest first; they are forgotten at a restart."""

    changes: tuple[Change, ...]


class SpecProblem(Struct, frozen=True, rename="camel"):
    """A finding about a spec; *code* is an anchor in docs/problems.md."""

    path: str
    line: int
    column: int
    code: str
    message: str
    level: Literal["error", "warning", "note"]


class ReloadOutcome(Struct, frozen=True, rename="camel"):
    """The outcome of a reload: without `inForce` the specs from before are still watched."""

    at: Timestamp
    in_force: bool
    problems: tuple[SpecProblem, ...]


class ReloadProblemDetails(ProblemDetails, frozen=True):
    """RFC 9457, with what is wrong with the specs."""

    problems: tuple[SpecProblem, ...]
