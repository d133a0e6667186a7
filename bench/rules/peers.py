"""The peers' rule files: written by their own binaries where these are installed, else in their exact shape.

The shapes are those of Sloth 0.16 and Pyrra 0.10 for one ratio of two selectors of the same counter.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from bench.rules.history import JOB, METRIC
from bench.rules.profile import Profile
from sloctl.duration import DAY, HOUR, MINUTE, WEEK, format_duration
from sloctl.promql import format_number

TOOLS: Final = Path(__file__).parents[2] / ".tools" / "bin"
ERRORS: Final = f'{METRIC}{{job="{JOB}",code=~"5.."}}'
TOTAL: Final = f'{METRIC}{{job="{JOB}"}}'
SHAPE: Final = "its shape, no binary"
BINARY: Final = "its binary"

_Node = dict[str, Any]
_SHORT: Final = {WEEK: "1w", 4 * WEEK: "4w"}


class _Tier(NamedTuple):
    """One of Pyrra's alerts, as of a window of 28 days; seconds."""

    factor: int
    short: int
    long: int
    pending: int
    severity: str


_PYRRA: Final = (
    _Tier(14, 5 * MINUTE, HOUR, 2 * MINUTE, "critical"),
    _Tier(7, 30 * MINUTE, 6 * HOUR, 15 * MINUTE, "critical"),
    _Tier(2, 2 * HOUR, DAY, HOUR, "warning"),
    _Tier(1, 6 * HOUR, 4 * DAY, 3 * HOUR, "warning"),
)
_SLOTH_ALERTS: Final = {
    "page": (("1h", "5m", 2, HOUR), ("6h", "30m", 5, 6 * HOUR)),
    "ticket": (("1d", "2h", 10, DAY), ("3d", "6h", 10, 3 * DAY)),
}


def sloth_file(profile: Profile, name: str, directory: Path) -> tuple[str, str]:
    """The rule file, and who wrote it."""
    if not (TOOLS / "sloth").exists():
        return yaml.safe_dump({"groups": list(_sloth(profile, name))}), SHAPE
    return _generate_sloth(profile, name, directory, sloth_spec(profile, name)), BINARY


def sloth_corrected_file(profile: Profile, name: str, directory: Path) -> str | None:
    """Sloth's rules with its plugin that weights by traffic; None where its binary is missing."""
    if not (TOOLS / "sloth").exists():
        return None
    plugins = {"chain": [{"id": "sloth.dev/contrib/denominator_corrected_rules/v1"}]}
    return _generate_sloth(profile, name, directory, sloth_spec(profile, name) | {"slo_plugins": plugins})


def slokit_file(profile: Profile, name: str, directory: Path) -> str | None:
    """slokit reads Sloth's specs."""
    binary = TOOLS / "slokit"
    if not binary.exists():
        return None
    spec = _spec(directory / f"{name}.slokit.yaml", sloth_spec(profile, name))
    return _said([str(binary), "generate", "-i", str(spec), "--period", f"{profile.window // DAY}d"])


def pyrra_file(profile: Profile, name: str, directory: Path) -> tuple[str, str]:
    """The rule file, and who wrote it."""
    binary = TOOLS / "pyrra"
    if not binary.exists():
        return yaml.safe_dump({"groups": list(_pyrra(profile, name))}), SHAPE
    spec = _spec(directory / f"{name}.pyrra.yaml", pyrra_spec(profile, name))
    output = directory / f"{name}.pyrra"
    output.mkdir()
    _said([str(binary), "generate", f"--config-files={spec}", f"--prometheus-folder={output}"])
    return next(output.iterdir()).read_text(), BINARY


def pyrra_fast_file(profile: Profile, name: str) -> str:
    """The rules of Pyrra's `performanceOverAccuracy`, in their exact shape.

    Its long sum selects by the labels of the metric alone, so SLOs on one metric are mixed up. Here each has
    a label of its own, as if it were alone.
    """
    base, own = METRIC.removesuffix("_total"), {"slo": name, "job": name}
    short, window = f"{base}:increase5m", format_duration(profile.window)
    whole = f'sum by (code) (sum_over_time({short}{{job="{name}"}}[{window}:5m]))'
    burning, increase = _pyrra(profile, name)
    fresh = f"sum by (code) (increase({TOTAL}[5m]))"
    long_group = {**increase, "rules": [_record(f"{base}:increase{window}", whole, own)]}
    short_group = {
        "name": f"{name}-increase-short",
        "interval": "30s",
        "rules": [_record(short, fresh, own), *increase["rules"][1:]],
    }
    return yaml.safe_dump({"groups": [burning, short_group, long_group]})


def pyrra_windows(profile: Profile) -> list[int]:
    """The lookbacks of its alerts, in seconds, shortest first."""
    return sorted({_scaled(of, profile) for row in _PYRRA for of in (row.short, row.long)})


def _sloth(profile: Profile, name: str) -> Iterator[_Node]:
    own = {"sloth_id": f"{JOB}-{name}", "sloth_service": JOB, "sloth_slo": name}
    selector = "{" + ", ".join(f'{label}="{value}"' for label, value in own.items()) + "}"
    window = _SHORT.get(profile.window, f"{profile.window // DAY}d")
    five = f"slo:sli_error:ratio_rate5m{selector}[{window}]"
    period = f"sum_over_time({five})\n/ ignoring (sloth_window)\ncount_over_time({five})"
    ratios = {
        of: f"(sum(rate({ERRORS}[{of}])))\n/\n(sum(rate({TOTAL}[{of}])))"
        for of in ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
    }
    yield _group(
        f"sloth-slo-sli-recordings-{JOB}-{name}",
        [
            _record(f"slo:sli_error:ratio_rate{of}", expr, {**own, "sloth_window": of})
            for of, expr in {**ratios, window: period}.items()
        ],
    )
    yield _group(f"sloth-slo-meta-recordings-{JOB}-{name}", _sloth_meta(profile, own, selector, window))
    yield _group(f"sloth-slo-alerts-{JOB}-{name}", _sloth_alerts(profile, selector))


def _sloth_meta(profile: Profile, own: dict[str, str], selector: str, window: str) -> list[_Node]:
    objective = float(100 * profile.objective) / 100
    budget = f"\n/ on(sloth_id, sloth_slo, sloth_service) group_left\nslo:error_budget:ratio{selector}"
    remaining = f"1 - slo:period_burn_rate:ratio{selector}"
    rules = {
        "slo:objective:ratio": f"vector({objective})",
        "slo:error_budget:ratio": f"vector(1-{objective})",
        "slo:time_period:days": f"vector({profile.window // DAY})",
        "slo:current_burn_rate:ratio": f"slo:sli_error:ratio_rate5m{selector}{budget}",
        "slo:period_burn_rate:ratio": f"slo:sli_error:ratio_rate{window}{selector}{budget}",
        "slo:period_error_budget_remaining:ratio": remaining,
        "sloth_slo_info": "vector(1)",
    }
    return [_record(record, expr, own) for record, expr in rules.items()]


def _sloth_alerts(profile: Profile, selector: str) -> list[_Node]:
    budget = (100 - float(100 * profile.objective)) / 100
    alerts = []
    for severity, rows in _SLOTH_ALERTS.items():
        branches = []
        for long, short, share, seconds in rows:
            factor = float(f"{share * profile.window / seconds / 100:.4g}")
            above = [
                f"max(slo:sli_error:ratio_rate{of}{selector} > ({factor} * {budget})) without (sloth_window)"
                for of in (short, long)
            ]
            branches.append("(\n" + "\nand\n".join(above) + "\n)")
        labels = {"sloth_severity": severity}
        alerts.append({"alert": "BenchBurn", "expr": "\nor\n".join(branches), "labels": labels})
    return alerts


def _generate_sloth(profile: Profile, name: str, directory: Path, document: _Node) -> str:
    spec = _spec(directory / f"{name}.sloth.yaml", document)
    # Sloth 0.16 writes to a file: `-o -` makes a file of that name.
    output = directory / f"{name}.sloth.rules.yaml"
    period = f"--default-slo-period={profile.window // DAY}d"
    _said([str(TOOLS / "sloth"), "generate", "--no-log", "-i", str(spec), "-o", str(output), period])
    return output.read_text()


def sloth_spec(profile: Profile, name: str) -> _Node:
    queries = {
        "error_query": f"sum(rate({ERRORS}[{{{{.window}}}}]))",
        "total_query": f"sum(rate({TOTAL}[{{{{.window}}}}]))",
    }
    alerting = {"name": "BenchBurn", "page_alert": {}, "ticket_alert": {}}
    objective = float(100 * profile.objective)
    slo = {"name": name, "objective": objective, "sli": {"events": queries}, "alerting": alerting}
    return {"version": "prometheus/v1", "service": JOB, "slos": [slo]}


def _pyrra(profile: Profile, name: str) -> Iterator[_Node]:
    base, own = METRIC.removesuffix("_total"), {"slo": name, "job": JOB}
    rates = {
        of: f"sum(rate({ERRORS}[{of}])) / sum(rate({TOTAL}[{of}]))"
        for of in map(format_duration, pyrra_windows(profile))
    }
    recording = [_record(f"{base}:burnrate{of}", expr, own) for of, expr in rates.items()]
    alerts = [_pyrra_alert(profile, name, row) for row in _PYRRA]
    yield {"name": name, "interval": "30s", "rules": [*recording, *alerts]}
    window = format_duration(profile.window)
    increase = f"sum by (code) (increase({TOTAL}[{window}]))"
    absent = {"alert": "SLOMetricAbsent", "expr": f"absent({TOTAL}) == 1", "for": "3m", "labels": own}
    rules = [_record(f"{base}:increase{window}", increase, own), absent]
    yield {"name": f"{name}-increase", "interval": _pyrra_interval(profile), "rules": rules}


def _pyrra_interval(profile: Profile) -> str:
    """How often it sums the whole window: from three weeks on every two minutes, half of one more a week."""
    weeks = min(max(profile.window // WEEK, 3), 7)
    return format_duration(2 * MINUTE + (weeks - 3) * MINUTE // 2)


def _pyrra_alert(profile: Profile, name: str, row: _Tier) -> _Node:
    base, own = METRIC.removesuffix("_total"), f'{{job="{JOB}",slo="{name}"}}'
    threshold = f"({row.factor} * (1-{format_number(profile.objective)}))"
    short, long = (
        f"{base}:burnrate{format_duration(_scaled(of, profile))}{own} > {threshold}"
        for of in (row.short, row.long)
    )
    return {
        "alert": "ErrorBudgetBurn",
        "expr": f"{short} and {long}",
        "for": format_duration(_scaled(row.pending, profile)),
        "labels": {"slo": name, "job": JOB, "severity": row.severity},
    }


def pyrra_spec(profile: Profile, name: str) -> _Node:
    ratio = {"errors": {"metric": ERRORS}, "total": {"metric": TOTAL}}
    return {
        "apiVersion": "pyrra.dev/v1alpha1",
        "kind": "ServiceLevelObjective",
        "metadata": {"name": name},
        "spec": {
            "target": format_number(100 * profile.objective),
            "window": format_duration(profile.window),
            "indicator": {"ratio": ratio},
        },
    }


def _scaled(seconds: int, profile: Profile) -> int:
    """A time of the 28-day table for another window, to the whole minute."""
    return round(seconds * profile.window / (4 * WEEK) / MINUTE) * MINUTE


def _group(name: str, rules: list[_Node]) -> _Node:
    return {"name": name, "rules": rules}


def _record(record: str, expr: str, labels: dict[str, str]) -> _Node:
    return {"record": record, "expr": expr, "labels": labels}


def _spec(place: Path, spec: _Node) -> Path:
    place.write_text(yaml.safe_dump(spec))
    return place


def _said(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
