"""Documents of kind Exclusions: times that do not count, why, and the SLOs that they are for."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from sloctl.duration import DAY, format_duration
from sloctl.model import (
    Exclusion,
    ExclusionEffect,
    FixedTime,
    RecurringTime,
    Slo,
)
from sloctl.problems import ProblemLevel
from sloctl.slo.exclusions import (
    ExcludedSpan,
    describe_time,
    exclusion_spans,
    parse_moment,
    start_of_day,
)
from sloctl.spec.field_types import INDEPENDENT, Choice, Fields, LabelName, Name
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.schedules import Schedule, read_schedule
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node, read_documents

KIND: Final = "Exclusions"
# A larger part of a window leaves an objective about the rest of it.
_LARGEST_SHARE: Final = 10
# Recurring times are compared with others from 2026 on, over more than a year.
_COMPARED_FROM: Final = 1_767_225_600
_COMPARED_FOR: Final = 400 * DAY

Moment = Annotated[
    str,
    Meta(
        extra={"noun": "a moment like 2026-11-21T14:30:00Z"},
        extra_json_schema={
            "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|[+-][0-9]{2}:[0-9]{2})$"
        },
    ),
]


class ExclusionMatch(Fields, frozen=True, kw_only=True):
    """The SLOs that an exclusion is for: those to which all of it applies; without any key all of them."""

    service: Annotated[Name | UnsetType, Meta(description="The service.")] = UNSET
    name: Annotated[Name | UnsetType, Meta(description="The SLO in it.")] = UNSET
    labels: Annotated[
        dict[LabelName, str], Meta(description="Labels that the SLO has.", examples=[{"team": "payments"}])
    ] = field(default_factory=dict)
    groups: Annotated[
        dict[LabelName, str],
        Meta(description="One value of a label in groupBy: other groups go on counting."),
    ] = field(default_factory=dict)


class ExclusionFields(Choice, frozen=True, kw_only=True):
    """One exclusion: a time from one moment to another, or a schedule."""

    exactly_one = ("until", "schedule")
    reason: Annotated[
        str,
        Meta(
            description="Why it does not count, for all who see the numbers.",
            extra_json_schema={"minLength": 1},
        ),
    ]
    match: ExclusionMatch
    begin: Annotated[
        Moment | UnsetType,
        Meta(description="The first moment; everything before until where it is not given: a budget reset."),
    ] = field(default=UNSET, name="from")
    until: Annotated[Moment | UnsetType, Meta(description="The last moment.")] = UNSET
    schedule: Schedule | UnsetType = UNSET
    effect: Annotated[
        Literal["ignore"] | UnsetType, Meta(description="ignore: as if it had not happened, the default.")
    ] = UNSET
    count: Annotated[
        Literal["good"] | UnsetType, Meta(description="good: all events count, none as bad.")
    ] = UNSET
    by: Annotated[str, Meta(description="Who decided it.")] = ""
    link: Annotated[str, Meta(description="Where to read more.")] = ""


class ExclusionsSpec(Fields, frozen=True, kw_only=True):
    """The exclusions."""

    exclusions: Annotated[list[ExclusionFields], INDEPENDENT, Meta(description="In any order.", min_length=1)]


class ExclusionsMetadata(Fields, frozen=True, kw_only=True):
    """The name of the document."""

    name: Annotated[Name, Meta(description="What people call it.", examples=["maintenance"])]


class ExclusionsDocument(Fields, frozen=True, kw_only=True):
    """Times that do not count against SLOs."""

    api_version: Annotated[Literal["sloctl.dev/v1"], Meta(description="The version of this format.")]
    kind: Annotated[Literal["Exclusions"], Meta(description="What this document is.")]
    metadata: ExclusionsMetadata
    spec: ExclusionsSpec


class WrittenExclusion(Struct, frozen=True):
    """An exclusion with the selector of its SLOs, and the node that it was read from."""

    exclusion: Exclusion
    match: ExclusionMatch
    node: Node

    def selects(self, slo: Slo) -> bool:
        """Tell whether the exclusion is for *slo*, or for some of its groups."""
        match = self.match
        return (
            match.service in (UNSET, slo.service)
            and match.name in (UNSET, slo.name)
            and match.labels.items() <= dict(slo.labels).items()
            and match.groups.keys() <= set(slo.group_by)
        )


def read_exclusions(documents: Iterable[Node], findings: Findings) -> list[WrittenExclusion]:
    """Read all exclusions; those with errors are left out after a problem."""
    written = []
    for document in documents:
        conforming, node = convert_node(document, ExclusionsDocument, findings)
        if conforming is None:
            continue
        items = zip(conforming.spec.exclusions, node.at("spec", "exclusions").items, strict=True)
        read = (_read_exclusion(fields, item, findings) for fields, item in items)
        written += [each for each in read if each is not None]
    return written


def exclusions_of(slo: Slo, written: Sequence[WrittenExclusion], today: str) -> tuple[Exclusion, ...]:
    """Return the exclusions of *slo*, without those that ended longer ago than its window.

    *today* is a day as in `2027-01-01`; where nobody knows it, none is left out.
    """
    now = start_of_day(today)
    return tuple(
        each.exclusion for each in written if each.selects(slo) and not _is_over(each.exclusion, slo, now)
    )


def check_exclusions(
    written: Sequence[WrittenExclusion], slos: Sequence[Slo], today: str, findings: Findings
) -> None:
    """Find exclusions of no SLO, those that are over, those that overlap, and those that take too much."""
    now = start_of_day(today)
    for each in written:
        selected = [slo for slo in slos if each.selects(slo)]
        node = each.node.entries["match"]
        if not selected:
            message = "this exclusion is for no SLO among these specs: nothing is excluded by it"
            findings.add_violation(Violation("exclusion-without-slo", message, ProblemLevel.WARNING), node)
        elif all(_is_over(each.exclusion, slo, now) for slo in selected):
            message = "it ended longer ago than the window of each of its SLOs: it can be removed"
            findings.add_violation(
                Violation("exclusion-over", message, ProblemLevel.NOTE), _time_node(each.node)
            )
        elif _is_early_reset(each.exclusion, now):
            message = "a budget is reset to a moment that is past: nothing would count until then"
            findings.add_violation(Violation("exclusion-time", message), each.node.at("until"))
        else:
            _check_share(each, selected, findings)
    _check_overlaps(written, slos, findings)


def _read_exclusion(fields: ExclusionFields, node: Node, findings: Findings) -> WrittenExclusion | None:
    errors = findings.error_count
    if not isinstance(fields.effect, UnsetType) and not isinstance(fields.count, UnsetType):
        message = "effect: ignore and count: good exclude each other: remove one of them"
        findings.add_violation(Violation("exclusion-effect", message), node.at("count"))
    if not fields.reason.strip():
        message = "an exclusion has a reason, which all see beside the numbers"
        findings.add_violation(Violation("exclusion-reason", message), node.at("reason"))
    time: FixedTime | RecurringTime | None
    if isinstance(fields.schedule, UnsetType):
        time = _read_fixed_time(fields, node, findings)
    else:
        if not isinstance(fields.begin, UnsetType):
            message = "from belongs to until; a schedule says when it begins by its hours"
            findings.add_violation(Violation("exclusion-time", message), node.at("from"))
        time = read_schedule(fields.schedule, node.at("schedule"), findings, code="exclusion-schedule")
    if time is None or findings.error_count > errors:
        return None
    exclusion = Exclusion(
        reason=" ".join(fields.reason.split()),
        time=time,
        effect=ExclusionEffect.IGNORE if isinstance(fields.count, UnsetType) else ExclusionEffect.GOOD,
        groups=tuple(sorted(fields.match.groups.items())),
        by=fields.by,
        link=fields.link,
    )
    return WrittenExclusion(exclusion, fields.match, node)


def _read_fixed_time(fields: ExclusionFields, node: Node, findings: Findings) -> FixedTime | None:
    end = findings.accept_value(_parse_moment(fields.until, of="until"), node.at("until"))
    if isinstance(fields.begin, UnsetType):
        return None if end is None else FixedTime(None, end)
    start = findings.accept_value(_parse_moment(fields.begin, of="from"), node.at("from"))
    if start is None or end is None:
        return None
    if start >= end:
        message = f"until must be later than from, got {fields.begin} to {fields.until}"
        findings.add_violation(Violation("exclusion-time", message), node.at("until"))
        return None
    return FixedTime(start, end)


def _parse_moment(text: str | UnsetType, *, of: str) -> int | Violation:
    moment = None if isinstance(text, UnsetType) else parse_moment(text)
    if moment is not None:
        return moment
    return Violation(
        "exclusion-time",
        f"{of} is a moment with its offset, like 2026-11-21T14:30:00Z, got {quote_value(str(text))}",
    )


def _is_over(exclusion: Exclusion, slo: Slo, now: int | None) -> bool:
    """Tell whether an exclusion ended longer ago than the window, and than the longest lookback."""
    if now is None or not isinstance(exclusion.time, FixedTime):
        return False
    longest = max(slo.window.longest, *(row.long for row in slo.alerting.policy), 0)
    return exclusion.time.end + longest + DAY <= now


def _is_early_reset(exclusion: Exclusion, now: int | None) -> bool:
    """Tell whether a budget is reset at a moment that is not past yet, by its day."""
    return (
        now is not None
        and exclusion.is_reset
        and isinstance(exclusion.time, FixedTime)
        and exclusion.time.end > now + DAY
    )


def _check_share(each: WrittenExclusion, selected: Sequence[Slo], findings: Findings) -> None:
    if each.exclusion.is_reset:
        return
    for slo in selected:
        spans = exclusion_spans(each.exclusion, *_compared_range(each.exclusion, slo.window.seconds))
        seconds = sum(span.end - span.start for span in spans)
        if seconds * _LARGEST_SHARE > slo.window.seconds:
            message = (
                f"it takes {format_duration(seconds)} of the window of {slo.id}, "
                f"{format_duration(slo.window.seconds)}: of more than a tenth, ask whether the objective "
                "still says what it should"
            )
            violation = Violation("exclusion-too-long", message, ProblemLevel.WARNING)
            findings.add_violation(violation, _time_node(each.node))
            return


def _compared_range(exclusion: Exclusion, seconds: int) -> tuple[int, int]:
    time = exclusion.time
    if isinstance(time, FixedTime):
        return time.start or 0, time.end
    return _COMPARED_FROM, _COMPARED_FROM + seconds


def _check_overlaps(written: Sequence[WrittenExclusion], slos: Sequence[Slo], findings: Findings) -> None:
    spans = [_compared_spans(each.exclusion, written) for each in written]
    selected = [{slo.id for slo in slos if each.selects(slo)} for each in written]
    for first, second in combinations(range(len(written)), 2):
        one, other = written[first], written[second]
        both = selected[first] & selected[second]
        apart = any(
            other.match.groups.get(label, value) != value for label, value in one.match.groups.items()
        )
        if not both or apart or not _overlap(spans[first], spans[second]):
            continue
        message = (
            f"it overlaps {quote_value(one.exclusion.reason)} ({describe_time(one.exclusion.time)}, "
            f"{one.node.place}) for {min(both)}: what both take is taken once"
        )
        violation = Violation("exclusion-overlap", message, ProblemLevel.WARNING)
        findings.add_violation(violation, _time_node(other.node))


def _compared_spans(exclusion: Exclusion, written: Sequence[WrittenExclusion]) -> list[ExcludedSpan]:
    """Return the spans that are compared with those of others; a budget reset overlaps what it is to end."""
    if exclusion.is_reset:
        return []
    if isinstance(exclusion.time, FixedTime):
        return list(exclusion_spans(exclusion, *_compared_range(exclusion, 0)))
    times = [each.exclusion.time for each in written]
    fixed = [
        (time.start, time.end) for time in times if isinstance(time, FixedTime) and time.start is not None
    ]
    ranges = [(_COMPARED_FROM, _COMPARED_FROM + _COMPARED_FOR), *fixed]
    return sorted(
        {span for begin, end in ranges for span in exclusion_spans(exclusion, begin, end)}, key=_bounds
    )


def _overlap(one: Sequence[ExcludedSpan], other: Sequence[ExcludedSpan]) -> bool:
    in_order = sorted([*((*_bounds(it), 0) for it in one), *((*_bounds(it), 1) for it in other)])
    ends = [0, 0]
    for start, end, side in in_order:
        if start < ends[1 - side]:
            return True
        ends[side] = max(ends[side], end)
    return False


def _bounds(span: ExcludedSpan) -> tuple[int, int]:
    return span.start, span.end


def _time_node(node: Node) -> Node:
    return node.entries.get("schedule") or node.at("until")


def count_exclusions(path: str, content: bytes) -> int | None:
    """Count the exclusions of all documents in a file; None for a file that cannot be read."""
    documents, problems = read_documents(path, content)
    lists = [_listed(document) for document in documents]
    return None if problems else sum(len(each.items) for each in lists if each is not None)


def exclusions_indent(path: str, content: bytes) -> int | None:
    """Return the spaces before the dashes of the last document's exclusions; None without such a list."""
    documents, problems = read_documents(path, content)
    listed = _listed(documents[-1]) if documents and not problems else None
    if listed is None or not listed.items or any(item.line == listed.line for item in listed.items[1:]):
        return None
    return listed.items[0].column - 3


def _listed(document: Node) -> Node | None:
    is_ours = document.entries.get("kind") is not None and document.at("kind").text == KIND
    spec = document.entries.get("spec") if is_ours else None
    return None if spec is None else spec.entries.get("exclusions")
