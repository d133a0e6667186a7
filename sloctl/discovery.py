"""Find the presets whose metrics a Prometheus has, and write specs of them for somebody to decide on.

Asks two or three instant queries for each preset that fits, whatever the number of series.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

from sloctl.duration import parse_bound
from sloctl.model import Indicator, LabelMatcher, Labels, LatencyIndicator, MatchOp, Selector
from sloctl.preset_example import select_series
from sloctl.prometheus.answers import InstantSample
from sloctl.promql import aggregate_by, format_selector
from sloctl.slo.lowering import CounterPair, lower_indicator
from sloctl.spec.findings import Findings
from sloctl.spec.indicators import read_indicator_node
from sloctl.spec.presets import PresetDefinition, expand_preset

InstantQuery: TypeAlias = Callable[[str], list[InstantSample]]

# Stands for a parameter while its label is looked for; no label has such a value.
_STAND_IN: Final = "sloctl-discovers-"
_NOT_IN_A_NAME: Final = re.compile(r"[^a-z0-9.-]+")
_MAX_NAME: Final = 63
# Of one preset: who has more has labels that are no services.
MAX_PROPOSALS: Final = 200


class Proposal(Struct, frozen=True):
    """A preset with the parameters that a Prometheus has series for.

    *bounds* are those of a latency's histogram, as durations; empty for other presets.
    """

    preset: str
    description: str
    parameters: Labels
    bounds: tuple[str, ...] = ()

    @property
    def service(self) -> str:
        """The first parameter as the name of a service; it is what presets tell services by."""
        first = next(iter(self.parameters.values()), self.preset)
        name = _NOT_IN_A_NAME.sub("-", first.lower())[:_MAX_NAME].strip("-.")
        return name or "service"


def discover_presets(presets: Sequence[PresetDefinition], ask: InstantQuery) -> Iterator[Proposal]:
    """Yield what fits of *presets*, in order; what *ask* raises goes through."""
    indicators = [(preset, _with_stand_ins(preset)) for preset in presets]
    names = sorted({series.metric for _, indicator in indicators for series in _needed_series(indicator)})
    any_name = Selector("", (LabelMatcher("__name__", MatchOp.MATCH, "|".join(names)),))
    found = ask(f"count by (__name__) ({format_selector(any_name)})")
    there = {sample.labels["__name__"] for sample in found}
    for preset, indicator in indicators:
        needed = _needed_series(indicator)
        if all(series.metric in there for series in needed):
            yield from _propose(preset, indicator, needed[0], ask)


def _with_stand_ins(preset: PresetDefinition) -> Indicator:
    """Read the preset with stand-ins for texts, and its example's values for the rest."""
    given = {
        name: f"{_STAND_IN}{name}" if parameter.type == "text" else preset.example_parameters[name]
        for name, parameter in preset.parameters.items()
    }
    findings = Findings()
    expanded = expand_preset(preset, given, preset.indicator, findings)
    indicator = None if expanded is None else read_indicator_node(expanded, findings)
    if indicator is None:
        raise AssertionError(f"the shipped preset {preset.name}: {findings.problems}")
    return indicator


def _needed_series(indicator: Indicator) -> tuple[Selector, ...]:
    """Return what must be there: of counters the events, since there may not have been an error yet."""
    pair = lower_indicator(indicator)
    if isinstance(indicator, LatencyIndicator) and isinstance(pair, CounterPair):
        buckets = Selector(f"{indicator.histogram.metric}_bucket", indicator.histogram.matchers)
        return (*pair.total, buckets)
    return pair.total if isinstance(pair, CounterPair) else tuple(select_series(indicator))


def _propose(
    preset: PresetDefinition, indicator: Indicator, series: Selector, ask: InstantQuery
) -> Iterator[Proposal]:
    labels = {
        matcher.value.removeprefix(_STAND_IN): matcher.label
        for matcher in series.matchers
        if matcher.value.startswith(_STAND_IN)
    }
    fixed = tuple(it for it in series.matchers if not it.value.startswith(_STAND_IN))
    counted = Selector(series.metric, fixed)
    for sample in ask(aggregate_by("count", labels.values(), format_selector(counted)))[:MAX_PROPOSALS]:
        texts = {name: sample.labels.get(label, "") for name, label in labels.items()}
        if not all(texts.values()):
            continue
        parameters = {name: texts.get(name) or preset.example_parameters[name] for name in preset.parameters}
        bounds: list[str] = []
        if isinstance(indicator, LatencyIndicator):
            chosen = tuple(LabelMatcher(labels[name], MatchOp.EQUAL, text) for name, text in texts.items())
            matchers = (*counted.matchers, *chosen)
            bounds = _find_bounds(indicator, matchers, ask)
            wanted = parse_bound(parameters["threshold"])
            if bounds:
                parameters["threshold"] = min(bounds, key=lambda it: abs(parse_bound(it) - wanted))
        yield Proposal(preset.name, preset.description, parameters, tuple(bounds))


def _find_bounds(
    latency: LatencyIndicator, matchers: tuple[LabelMatcher, ...], ask: InstantQuery
) -> list[str]:
    """Return the bounds of a histogram as durations, the shortest first, without the infinite one."""
    buckets = Selector(f"{latency.histogram.metric}_bucket", matchers)
    thousandths = []
    for sample in ask(f"count by (le) ({format_selector(buckets)})"):
        try:
            bound = float(sample.labels.get("le", ""))
        except ValueError:
            continue
        if 0 < bound < float("inf"):
            thousandths.append(1000 * bound * float(latency.unit))
    return [f"{it / 1000:g}s" if it % 1000 == 0 else f"{it:g}ms" for it in sorted(thousandths)]


def render_specs(proposals: Sequence[Proposal]) -> dict[str, str]:
    """Write one document for each service: its name → YAML with the choices that are left to its owner."""
    services: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        services.setdefault(proposal.service, []).append(proposal)
    return {service: render_document(service, found) for service, found in sorted(services.items())}


def render_document(service: str, proposals: Sequence[Proposal]) -> str:
    lines = [
        "apiVersion: sloctl.dev/v1",
        "kind: ServiceLevelObjectives",
        f"metadata: {{name: {json.dumps(service)}}}",
        "spec:",
        "  # How often it is scraped: the rules depend on it.",
        "  scrapeInterval: 30s",
        "  slos:",
    ]
    taken: dict[str, int] = {}
    for proposal in proposals:
        taken[proposal.preset] = number = taken.get(proposal.preset, 0) + 1
        name = proposal.preset if number == 1 else f"{proposal.preset}-{number}"
        given = ", ".join(f"{key}: {json.dumps(text)}" for key, text in proposal.parameters.items())
        lines += [
            f"    # {proposal.description}",
            f"    - name: {name}",
            "      objective: 99%  # yours to choose",
            "      indicator:",
        ]
        if proposal.bounds:
            lines.append(f"        # The histogram's bounds: {', '.join(proposal.bounds)}")
        lines.append(f"        preset: {{name: {proposal.preset}, with: {{{given}}}}}")
    return "\n".join(lines) + "\n"
