"""The rules that are compared: sloctl's, compiled by it; the peers', by their binaries or in their shape."""

import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.rules.history import JOB, METRIC
from bench.rules.peers import (
    SHAPE,
    pyrra_fast_file,
    pyrra_file,
    pyrra_windows,
    slokit_file,
    sloth_corrected_file,
    sloth_file,
)
from bench.rules.profile import Profile
from bench.rules.rule_file import Timed, timed_rules
from sloctl import naming
from sloctl.duration import DAY, HOUR, MINUTE, format_duration
from sloctl.model import Severity
from sloctl.promql import format_number
from sloctl.rules.rule import AlertRule

_WORKBOOK_LOOKBACKS: Final = (5 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 6 * HOUR, DAY, 3 * DAY)
_SPEC: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {{name: {job}}}
spec:
  scrapeInterval: {scrape}s
  slos:
    - name: {name}
      objective: {objective}%
      window: {window}
      indicator:
        ratio: {{error: '{metric}{{job="{job}", code=~"5.."}}', total: '{metric}{{job="{job}"}}'}}
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Where a design records the error ratio of *lookback* seconds, and the rule that does."""

    lookback: int
    query: str
    rule: Timed


@dataclass(frozen=True, slots=True)
class Design:
    """One way to write the rules of an SLO; *source* says who wrote these."""

    name: str
    source: str
    rules: tuple[Timed, ...]
    readings: tuple[Reading, ...]
    severities: dict[str, Severity]

    def alerts(self, severity: Severity) -> list[Timed]:
        """The burn alerts of a severity."""
        return [
            rule
            for rule in self.rules
            if isinstance(rule.rule, AlertRule)
            and rule.name in _BURN_ALERTS
            and {*rule.rule.labels.values()}
            & {of for of, kind in self.severities.items() if kind is severity}
        ]


Maker = Callable[[Profile, str, Sequence[int], Path], Design]

_BURN_ALERTS: Final = (naming.BURN_ALERT, "BenchBurn", "ErrorBudgetBurn")
_PLAIN: Final = {"page": Severity.PAGE, "ticket": Severity.TICKET}
_PYRRA: Final = {"critical": Severity.PAGE, "warning": Severity.TICKET}


def sloctl(profile: Profile, name: str, phases: Sequence[int], directory: Path) -> Design:
    """Compiled by `sloctl compile`, repair included."""
    spec = directory / f"{name}.yaml"
    spec.write_text(
        _SPEC.format(
            job=JOB,
            metric=METRIC,
            name=name,
            scrape=profile.scrape,
            objective=format_number(100 * profile.objective),
            window=format_duration(profile.window),
        )
    )
    output = directory / name
    command = [sys.executable, "-m", "sloctl", "compile", str(spec), "-d", str(output)]
    subprocess.run(command, check=True, capture_output=True)
    rules = timed_rules((output / "alerts" / f"{JOB}.yaml").read_text(), phases)
    readings = _readings(rules, f'{{slo_id="{JOB}/{name}"}}', profile)
    return Design("sloctl", "compiled", tuple(rules), readings, _PLAIN)


def sloth(profile: Profile, name: str, phases: Sequence[int], directory: Path) -> Design:
    text, source = sloth_file(profile, name, directory)
    rules = timed_rules(text, phases)
    readings = _readings(rules, f'{{sloth_id="{JOB}-{name}"}}', profile)
    return Design("Sloth", source, tuple(rules), readings, _PLAIN)


def sloth_corrected(profile: Profile, name: str, phases: Sequence[int], directory: Path) -> Design | None:
    """Sloth with `denominator_corrected_rules`; None where its binary is missing.

    Only what it costs is looked at: its ratio of five minutes reads the whole window of raw series, at each
    of a month's minutes.
    """
    text = sloth_corrected_file(profile, name, directory)
    if text is None:
        return None
    return Design("Sloth, corrected", "its binary", tuple(timed_rules(text, phases)), (), _PLAIN)


def slokit(profile: Profile, name: str, phases: Sequence[int], directory: Path) -> Design | None:
    """None where its binary is missing. Its rules are Sloth's, so only what they cost is looked at."""
    text = slokit_file(profile, name, directory)
    if text is None:
        return None
    return Design("slokit", "its binary", tuple(timed_rules(text, phases)), (), _PLAIN)


def pyrra(profile: Profile, name: str, phases: Sequence[int], directory: Path) -> Design:
    text, source = pyrra_file(profile, name, directory)
    rules = timed_rules(text, phases)
    return Design("Pyrra", source, tuple(rules), _pyrra_readings(rules, profile, name), _PYRRA)


def pyrra_fast(profile: Profile, name: str, phases: Sequence[int], _: Path) -> Design:
    """Pyrra with `performanceOverAccuracy`: the whole window is summed from increases of five minutes."""
    rules = timed_rules(pyrra_fast_file(profile, name), phases)
    return Design("Pyrra, fast", SHAPE, tuple(rules), _pyrra_readings(rules, profile, name), _PYRRA)


def _pyrra_readings(rules: list[Timed], profile: Profile, name: str) -> tuple[Reading, ...]:
    base, own = METRIC.removesuffix("_total"), f'slo="{name}"'
    burnrates = [
        Reading(lookback, f"{record}{{{own}}}", _recording(rules, record))
        for lookback in pyrra_windows(profile)
        for record in (f"{base}:burnrate{format_duration(lookback)}",)
    ]
    record = f"{base}:increase{format_duration(profile.window)}"
    errors, total = f'sum({record}{{{own}, code=~"5.."}} or vector(0))', f"sum({record}{{{own}}})"
    whole = Reading(profile.window, f"{errors} / {total}", _recording(rules, record))
    return (*burnrates, whole)


def _readings(rules: Iterable[Timed], selector: str, profile: Profile) -> tuple[Reading, ...]:
    """Sloth's names, which are ours too."""
    rules = list(rules)
    return tuple(
        Reading(lookback, f"{record}{selector}", _recording(rules, record))
        for lookback in (*_WORKBOOK_LOOKBACKS, profile.window)
        for record in (naming.error_ratio_metric(lookback),)
    )


def _recording(rules: Iterable[Timed], record: str) -> Timed:
    return next(rule for rule in rules if rule.name == record)
