"""What was measured, as Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from statistics import mean, median

from sloctl.duration import format_duration
from sloctl.model import Severity
from tests.bench.rules.accuracy import Comparison
from tests.bench.rules.cost import RuleCost, summed
from tests.bench.rules.measurement import Alarms, Judged, Measured
from tests.bench.rules.profile import Profile


def cost_table(measured: Iterable[Measured]) -> Iterator[str]:
    """Per profile and design."""
    yield from _header(
        "profile",
        "rules",
        "samples read a minute",
        "× sloctl",
        "peak samples",
        "series stored",
        "evaluation a minute",
        "× sloctl",
    )
    for of in measured:
        costs = {name: summed(rules) for name, rules in of.costs.items()}
        ours = costs["sloctl (compiled)"]
        for name, cost in costs.items():
            yield _row(
                of.profile.name,
                name,
                f"{cost.samples_a_minute:,.0f}",
                f"{cost.samples_a_minute / ours.samples_a_minute:,.0f}",
                f"{cost.peak:,}",
                f"{cost.series}",
                f"{cost.seconds_a_minute * 1000:,.1f} ms",
                f"{cost.seconds_a_minute / ours.seconds_a_minute:,.0f}",
            )


def rule_table(costs: Sequence[RuleCost], *, at_least: float = 0.005) -> Iterator[str]:
    """The rules of one SLO that cost at least a share of the whole."""
    whole = sum(cost.samples_a_minute for cost in costs)
    yield from _header("rule", "every", "samples an evaluation", "samples a minute", "share")
    for cost in costs:
        share = cost.samples_a_minute / whole
        if share >= at_least:
            yield _row(
                f"`{cost.rule.name}`{' (repair)' if cost.rule.reads_itself else ''}",
                format_duration(cost.rule.every),
                f"{cost.samples:,.0f}",
                f"{cost.samples_a_minute:,.0f}",
                f"{share:.0%}",
            )


def accuracy_table(judged: Sequence[Judged], profile: Profile) -> Iterator[str]:
    """Relative error of the error ratio and error of the budget, over all instants of all seeds."""
    yield from _header(
        "rules",
        "window",
        "Prometheus down in it",
        "instants",
        "ratio: median",
        "worst",
        "budget: median",
        "worst",
        "unknown",
    )
    for design in _designs(judged):
        found = [comparison for of in judged if of.design == design for comparison in of.comparisons]
        for lookback in sorted({of.lookback for of in found}):
            for downtime in (False, True):
                part = [of for of in found if of.lookback == lookback and of.downtime is downtime]
                if part:
                    yield _accuracy_row(design, part, profile)


def _accuracy_row(design: str, part: Sequence[Comparison], profile: Profile) -> str:
    relative = [of.relative for of in part if of.relative is not None]
    points = [of.budget_points(profile) for of in part]
    known = [of for of in points if of is not None]
    unknown = sum(of.found is None and of.true > 0 for of in part)
    return _row(
        design,
        format_duration(part[0].lookback),
        "yes" if part[0].downtime else "no",
        f"{len(part)}",
        *((f"{median(relative):.2%}", f"{max(relative):.2%}") if relative else ("", "")),
        *((f"{median(known):.2f}", f"{max(known):.2f}") if known else ("", "")),
        f"{unknown or ''}",
    )


def alert_table(judged: Sequence[Judged]) -> Iterator[str]:
    """Seconds after the true error ratios crossed the workbook's thresholds."""
    yield from _header(
        "alert", "rules", "alarms", "on: mean", "earliest", "latest", "off: mean", "missed", "needless"
    )
    for severity in Severity:
        for design in _designs(judged):
            alarms = [
                of for one in judged for of in one.alarms if of.design == design and of.severity is severity
            ]
            if alarms:
                yield _alert_row(severity, design, alarms)


def _alert_row(severity: Severity, design: str, alarms: Sequence[Alarms]) -> str:
    pairs = [pair for of in alarms for pair in zip(of.true, of.found, strict=True)]
    on = [found.on - true.on for true, found in pairs if found.on is not None and true.on is not None]
    off = [found.off - true.off for true, found in pairs if found.off is not None and true.off is not None]
    missed = sum(found.on is None and true.on is not None for true, found in pairs)
    needless = sum(found.on is not None and true.on is None for true, found in pairs)
    if not on:
        return _row(severity.value, design, "0", "", "", "", "", f"{missed}", f"{needless}")
    return _row(
        severity.value,
        design,
        f"{len(on)}",
        f"{mean(on):,.1f} s",
        f"{min(on):,} s",
        f"{max(on):,} s",
        f"{mean(off):,.0f} s",
        f"{missed}",
        f"{needless}",
    )


def _designs(judged: Sequence[Judged]) -> list[str]:
    return list(dict.fromkeys(of.design for of in judged))


def _header(*names: str) -> Iterator[str]:
    yield _row(*names)
    yield "|" + "---|" * len(names)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
