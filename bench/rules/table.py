"""What was measured, as Markdown."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import mean, median

from bench.rules.accuracy import Comparison
from bench.rules.cost import RuleCost, summed
from bench.rules.first_day import FirstDay
from bench.rules.large import Large
from bench.rules.measurement import Alarms, Judged, Measured
from bench.rules.profile import Profile
from sloctl.duration import format_duration
from sloctl.model import Severity

# In the order in which their costs are measured.
_SUMMED = ("sloctl", "Sloth", "Pyrra", "Pyrra, fast")


def summary(measured: Iterable[Measured]) -> Iterator[str]:
    """The three figures that matter of each profile: cost, truth and page delay."""
    yield from _header("profile", "figure", *_SUMMED)
    for of in measured:
        samples = [summed(rules).samples_a_minute for rules in list(of.costs.values())[: len(_SUMMED)]]
        times = (f"{cost:,.0f} ({cost / samples[0]:,.0f}×)" for cost in samples[1:])
        yield _row(of.profile.name, "samples read a minute", f"{samples[0]:,.0f}", *times)
        if of.judged:
            yield _row(of.profile.name, "whole window, no downtime in it", *_window(of, downtime=False))
            yield _row(of.profile.name, "whole window, downtime in it", *_window(of, downtime=True))
            delays = (_delays(of.judged, design) for design in _designs(of.judged))
            means = (f"{mean(found):.1f} s" if found else "" for found in delays)
            yield _row(of.profile.name, "page after the true crossing, mean", *means)


def _window(of: Measured, *, downtime: bool) -> Iterator[str]:
    """The accuracy of the whole window's ratio, design by design."""
    for design in _designs(of.judged):
        window = _by_lookback(of.judged, design)[-1]
        yield _accuracy([one for one in window if one.downtime is downtime], of.profile)


def _delays(judged: Iterable[Judged], design: str) -> list[int]:
    return [
        found.on - true.on
        for one in judged
        for of in one.alarms
        if of.design == design and of.severity is Severity.PAGE
        for true, found in zip(of.true, of.found, strict=True)
        if found.on is not None and true.on is not None
    ]


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
                f"`{cost.rule.name}`{' (repair)' if cost.rule.is_repair else ''}",
                format_duration(cost.rule.every),
                f"{cost.samples:,.0f}",
                f"{cost.samples_a_minute:,.0f}",
                f"{share:.0%}",
            )


def accuracy_table(judged: Sequence[Judged], profile: Profile) -> Iterator[str]:
    """Each design's lookbacks beside each other; Pyrra's are a little longer than the others'."""
    designs = _designs(judged)
    yield from _header("window", "Prometheus down in it", "instants", *designs)
    columns = [_by_lookback(judged, design) for design in designs]
    for row in zip(*columns, strict=True):
        for downtime in (False, True):
            parts = [[one for one in of if one.downtime is downtime] for of in row]
            if parts[0]:
                yield _row(
                    format_duration(parts[0][0].lookback),
                    "yes" if downtime else "no",
                    f"{len(parts[0])}",
                    *(_accuracy(part, profile) for part in parts),
                )


def _by_lookback(judged: Sequence[Judged], design: str) -> list[list[Comparison]]:
    found = [one for of in judged if of.design == design for one in of.comparisons]
    lookbacks = sorted({one.lookback for one in found})
    return [[one for one in found if one.lookback == lookback] for lookback in lookbacks]


def _accuracy(part: Sequence[Comparison], profile: Profile) -> str:
    """Median / worst relative error of the ratio; worst error of the budget; how often nothing was known."""
    relative = [of.relative for of in part if of.relative is not None]
    points = [of for of in (one.budget_points(profile) for one in part) if of is not None]
    unknown = sum(of.found is None and of.errors > 0 for of in part)
    words = [f"{median(relative):.2%} / {max(relative):.2%}"] if relative else []
    words += [f"{max(points):,.1f}"] if points else []
    words += [f"{unknown} unknown"] if unknown else []
    return "; ".join(words)


def large_table(measured: Mapping[str, Sequence[Large]]) -> Iterator[str]:
    """Totals of each design, and how much of them was computed from a measured day."""
    yield from _header(
        "rules",
        "samples read a minute",
        "of these computed",
        "all rules once",
        "the longest",
        "of these computed",
    )
    for design, rules in measured.items():
        samples = sum(of.samples_a_minute for of in rules)
        computed = sum(of.samples_a_minute for of in rules if of.factor > 1)
        longest = max(rules, key=lambda of: of.seconds)
        yield _row(
            design,
            f"{samples:,.0f}",
            f"{computed / samples:.0%}",
            f"{sum(of.seconds for of in rules):,.3g} s",
            f"`{longest.cost.rule.name}`, {longest.seconds:,.3g} s",
            f"{sum(of.seconds for of in rules if of.factor > 1) / sum(of.seconds for of in rules):.0%}",
        )


def first_day_table(measured: Iterable[FirstDay]) -> Iterator[str]:
    """The whole window of a new SLO, before and after a backfill."""
    yield from _header(
        "profile", "true error ratio", "before", "after", "writing the files", "loading them", "their size"
    )
    for of in measured:
        yield _row(
            of.profile.name,
            f"{of.true:.4%}",
            _beside(of.before, of.true),
            _beside(of.after, of.true),
            f"{of.writing:.0f} s",
            f"{of.loading:.0f} s",
            f"{of.size / 1e6:.1f} MB",
        )


def _beside(found: float | None, true: float) -> str:
    return "unknown" if found is None else f"{found:.4%} ({found / true - 1:+.2%})"


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
