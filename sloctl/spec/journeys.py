"""Journeys in a spec: a `composite` → its parts, which are looked up once all documents are read."""

from collections.abc import Collection, Mapping
from fractions import Fraction
from math import isfinite
from typing import Final

from msgspec import UnsetType, structs

from sloctl.duration import MINUTE, format_duration
from sloctl.model import CompositeIndicator, CompositeRule, JourneyPart, Slo, SloName
from sloctl.slo.lowering import counts_are_events, lower_indicator
from sloctl.spec import indicator_fields as fields
from sloctl.spec import values
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.indicators import read_indicator
from sloctl.spec.messages import did_you_mean, quote_value
from sloctl.spec.presets import PresetCatalog
from sloctl.spec.yaml_nodes import Node

_FEWEST_PARTS: Final = 2
# Each is some hundred characters in the rules of a journey, and a row on its page.
_MOST_PARTS: Final = 20
# Each is a minute later than the one inside it.
_MOST_LEVELS: Final = 3
# In place of what an SLO counts until it is looked up.
_UNKNOWN: Final = CompositeIndicator(CompositeRule.SUM, ())


def read_composite(
    spec: fields.Composite, node: Node, *, service: str, catalog: PresetCatalog, findings: Findings
) -> CompositeIndicator | None:
    """Read a journey of *service*, or return None after noting what is wrong with it.

    Of parts that are SLOs only the names are known yet: `JourneyResolver` finds the rest.
    """
    rule, written = _written_parts(spec)
    parts, nodes = [], node.at(rule.value)
    if not _FEWEST_PARTS <= len(written) <= _MOST_PARTS:
        message = f"a journey has {_FEWEST_PARTS} to {_MOST_PARTS} parts, got {len(written)}"
        findings.add_violation(Violation("journey-parts", message), nodes)
        return None
    for name, part in written.items():
        known = findings.accept_value(values.parse_name(name, of="the name of a part"), nodes.keys[name])
        read = _read_part(name, part, nodes.at(name), service=service, catalog=catalog, findings=findings)
        if known is not None and read is not None:
            parts.append(read)
    if len(parts) < len(written):
        return None
    first: dict[str, str] = {}
    for each in parts:
        if each.slo is not None and first.setdefault(each.slo.id, each.name) != each.name:
            message = f"{each.slo.id} is a part already, as {first[each.slo.id]}: remove one of them"
            findings.add_violation(Violation("journey-parts", message), nodes.at(each.name, "slo"))
            return None
    return CompositeIndicator(rule, tuple(parts))


def _written_parts(
    spec: fields.Composite,
) -> tuple[CompositeRule, Mapping[str, fields.Part | fields.WeightedPart]]:
    if not isinstance(spec.worst, UnsetType):
        return CompositeRule.WORST, spec.worst
    if not isinstance(spec.weighted, UnsetType):
        return CompositeRule.WEIGHTED, spec.weighted
    return CompositeRule.SUM, {} if isinstance(spec.sum, UnsetType) else spec.sum


def _read_part(
    name: str,
    spec: fields.Part | fields.WeightedPart,
    node: Node,
    *,
    service: str,
    catalog: PresetCatalog,
    findings: Findings,
) -> JourneyPart | None:
    weight = Fraction(1)
    if isinstance(spec, fields.WeightedPart):
        if not (isfinite(spec.weight) and spec.weight > 0):
            message = f"weight must be above 0, got {quote_value(node.at('weight').text)}"
            findings.add_violation(Violation("journey-weight", message), node.at("weight"))
            return None
        # The shortest text of a float is the decimal that the spec has.
        weight = Fraction(repr(spec.weight))
    if isinstance(spec.indicator, UnsetType):
        written = spec.slo if isinstance(spec.slo, str) else ""
        of_service, slash, of_slo = written.rpartition("/")
        if not of_slo or (slash and not of_service):
            message = f"slo is a name, or service/name, got {quote_value(written)}"
            findings.add_violation(Violation("journey-part-missing", message), node.at("slo"))
            return None
        return JourneyPart(name, SloName(of_service or service, of_slo), _UNKNOWN, weight)
    indicator = read_indicator(
        fields.Indicator(**structs.asdict(spec.indicator)), node.at("indicator"), findings, catalog=catalog
    )
    return None if indicator is None else JourneyPart(name, None, indicator, weight)


class JourneyResolver:
    """Gives journeys what their parts count, of all SLOs of one run, by id with the node of each.

    Of the services in *unread* nothing is known, for problems that are told already.
    """

    def __init__(
        self, slos: Mapping[str, tuple[Slo, Node]], unread: Collection[str], findings: Findings
    ) -> None:
        self._slos = slos
        self._unread = unread
        self._findings = findings
        self._resolved: dict[str, Slo | None] = {}

    def resolve_slo(self, slo_id: str, above: tuple[str, ...] = ()) -> Slo | None:
        """Return an SLO with its parts; None where one is missing or does not fit, which is noted.

        *above* are the journeys that it is a part of, the outermost first.
        """
        slo, node = self._slos[slo_id]
        if not isinstance(slo.indicator, CompositeIndicator):
            return slo
        if slo_id not in self._resolved:
            self._resolved[slo_id] = self._resolve_journey(slo, slo.indicator, node, (*above, slo_id))
        return self._resolved[slo_id]

    def _resolve_journey(
        self, slo: Slo, journey: CompositeIndicator, node: Node, path: tuple[str, ...]
    ) -> Slo | None:
        parts: list[JourneyPart] = []
        intervals: list[tuple[str, int]] = []
        for part in journey.parts:
            at = node.at("indicator", "composite", journey.rule.value, part.name)
            found = slo if part.slo is None else self._find_part(part.slo, at.at("slo"), path)
            if found is None:
                continue
            counted = part
            if part.slo is not None:
                counted = structs.replace(
                    part, indicator=found.indicator, time_slice=found.time_slice, group_by=found.group_by
                )
            violation = _misfit(counted, journey.rule)
            if part.slo is not None and found.active_hours not in {(), slo.active_hours}:
                message = (
                    f"{part.name} has service hours, and a journey cannot keep to those of a part yet: give "
                    "both the same activeHours, or name an SLO that has none"
                )
                violation = Violation("journey-part-hours", message)
            if violation is not None:
                self._findings.add_violation(violation, at)
                continue
            parts.append(counted)
            intervals.append((part.name, found.scrape_interval))
            if found.scrape_interval != intervals[0][1]:
                (first, usual), interval = intervals[0], format_duration(found.scrape_interval)
                message = (
                    f"{part.name} is scraped every {interval}, and {first} every {format_duration(usual)}: "
                    "a journey has parts with one scrapeInterval"
                )
                self._findings.add_violation(Violation("journey-scrape-interval", message), at)
                return None
        if len(parts) < len(journey.parts):
            return None
        return structs.replace(
            slo,
            indicator=CompositeIndicator(journey.rule, tuple(parts)),
            scrape_interval=intervals[0][1],
        )

    def _find_part(self, part: SloName, node: Node, path: tuple[str, ...]) -> Slo | None:
        if part.id in path:
            round_trip = " → ".join((*path[path.index(part.id) :], part.id))
            message = f"this journey comes back to itself: {round_trip}"
            self._findings.add_violation(Violation("journey-cycle", message), node)
            return None
        found = self._slos.get(part.id)
        if found is not None:
            if len(path) == _MOST_LEVELS and isinstance(found[0].indicator, CompositeIndicator):
                message = (
                    f"{path[0]} goes through more than {_MOST_LEVELS} journeys, one in another: "
                    "name parts of the inner ones"
                )
                self._findings.add_violation(Violation("journey-depth", message), node)
                return None
            return self.resolve_slo(part.id, path)
        if part.service not in self._unread:
            hint = did_you_mean(part.id, self._slos)
            message = (
                f"there is no SLO {quote_value(part.id)} in what is compiled"
                f"{hint or ': name the file that has it too'}"
            )
            self._findings.add_violation(Violation("journey-part-missing", message), node)
        return None


def _misfit(part: JourneyPart, rule: CompositeRule) -> Violation | None:
    """Tell why a part cannot be combined minute by minute by *rule*."""
    if part.time_slice is not None and part.time_slice.seconds > MINUTE:
        length = format_duration(part.time_slice.seconds)
        message = f"{part.name} counts slices of {length}, and a journey minutes: give it slices of 1m"
        return Violation("journey-part-kind", message)
    counts_time = part.time_slice is not None or not counts_are_events(lower_indicator(part.indicator))
    if rule is CompositeRule.SUM and counts_time:
        message = f"{part.name} counts minutes, which are no events to sum: write worst or weighted"
        return Violation("journey-part-kind", message)
    return None
