"""Sloth's own rules, by its binary, and ours for the same spec, over the same series: shape by shape.

Both run on Prometheus's rule engine, each group at its own interval, over five hours with two incidents.
Every error ratio of ours lies between the least and the greatest of Sloth's up to BLUR around it: a range of
rate() reaches to the edge of its lookback, a rollup ends with the newest scrape, and the slow group's turns
are five minutes apart. No series is born here: of those the first values count with us and not with Sloth.
"""

import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import pytest
import yaml

from sloctl import naming
from sloctl.duration import HOUR, MINUTE, parse_duration
from sloctl.model import Slo
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import AlertRule, RecordingRule, RuleGroup
from sloctl.slo.resolutions import COARSE_STEP, FINE_STEP, build_resolutions
from sloctl.spec import read_specs
from tests.conftest import Figure
from tests.differential.engine import Recorded, Story, record
from tests.differential.scraped import Scraped

SLOTH: Final = Path(__file__).parents[2] / ".tools" / "bin" / "sloth"
SCRAPE: Final = 15
HORIZON: Final = 5 * HOUR
LOOKBACKS: Final = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
# Of the rollups' own step, a scrape more, and the minute of Sloth's own turn.
BLUR: Final = 2 * MINUTE
# What extrapolation adds to or takes from a ratio: relative, and in all events.
SLACK: Final = (0.02, 0.0005)
INCIDENTS: Final = {range(75 * MINUTE, 100 * MINUTE): 0.3, range(210 * MINUTE, 220 * MINUTE): 1.0}
REQUESTS: Final = 'requests_total{job="shop"'
BUCKETS: Final = 'sum(rate(request_seconds_bucket{job="shop", le="0.3"}[{{.window}}]))'
COUNTS: Final = 'sum(rate(request_seconds_count{job="shop"}[{{.window}}]))'


@dataclass(frozen=True, slots=True)
class Shape:
    """A query of Sloth's and what it becomes here; *total* is empty for a raw one.

    A subquery of Prometheus 2 over n minutes has n + 1 *looks*, where we have n.
    """

    becomes: str
    error: str
    total: str = ""
    groups: tuple[str, ...] = ("",)
    looks: int = 0


def rate(more: str = "", function: str = "rate", metric: str = REQUESTS) -> str:
    return f"{function}({metric}{more}}}[{{{{.window}}}}])"


ERRORS: Final = "sum(" + rate(', code="500"') + ")"
LIMITED: Final = "sum(" + rate(', code="429"') + ")"
GOOD: Final = "sum(" + rate(', code="200"') + ")"
TOTAL: Final = f"sum({rate()})"
SHAPES: Final = {
    "sums of rate": Shape("ratio", ERRORS, TOTAL),
    "sums of increase": Shape("ratio", ERRORS.replace("rate", "increase"), TOTAL.replace("rate", "increase")),
    "several terms": Shape("ratio", f"{ERRORS} + {LIMITED}", TOTAL),
    "all but the good": Shape("ratio", f"{TOTAL} - {GOOD}", TOTAL),
    "clamp_min": Shape("ratio", f"clamp_min({TOTAL} - {GOOD}, 0)", TOTAL),
    "guards": Shape("ratio", f"{ERRORS} or on() vector(0)", f"({TOTAL} > 0) or on() vector(1)"),
    "0 * rate as a guard": Shape("ratio", f"{ERRORS} or 0 * {TOTAL}", TOTAL),
    "by": Shape(
        "ratio",
        ERRORS.replace("sum", "sum by (route) "),
        TOTAL.replace("sum", "sum by (route) "),
        ('route="/ask"', 'route="/pay"'),
    ),
    "count - bucket": Shape("latency", f"{COUNTS} - {BUCKETS}", COUNTS),
    "1 - good / all": Shape("ratio", f"1 - ({GOOD} / {TOTAL})"),
    "1 - bucket / count": Shape("latency", f"1 - ({BUCKETS} / {COUNTS})"),
    "sum and count of a gauge": Shape(
        "probe",
        "sum(count_over_time(probe_success[{{.window}}])) - sum(sum_over_time(probe_success[{{.window}}]))",
        "sum(count_over_time(probe_success[{{.window}}]))",
    ),
    "average of a gauge": Shape("probe", "1 - avg(avg_over_time(probe_success[{{.window}}]))"),
    "sums of a gauge": Shape(
        "query",
        "sum(sum_over_time(failed_checks[{{.window}}]))",
        "sum(sum_over_time(all_checks[{{.window}}]))",
    ),
    "looks at a sum": Shape(
        "query",
        "sum_over_time((sum(failed_checks))[{{.window}}:])",
        "sum_over_time((sum(all_checks))[{{.window}}:])",
        looks=1,
    ),
    "looks at a comparison": Shape(
        "condition", "avg_over_time((max(lag_seconds) > bool 5)[{{.window}}:])", looks=1
    ),
    "average of a ratio": Shape("errorRatio", "avg_over_time(failing_ratio[{{.window}}])"),
}


def failing(second: int) -> float:
    return next((share for when, share in INCIDENTS.items() if second in when), 0.002)


def counter(labels: str, share: Callable[[int], float], requests: float) -> Scraped:
    """A counter from second 0, which grows by a *share* of so many requests from scrape to scrape."""
    times = range(0, HORIZON + 1, SCRAPE)
    value, values = 1000.0, []
    for at in times:
        value += requests * share(at)
        values.append(round(value, 3))
    return _series(labels, values)


def gauge(labels: str, value: Callable[[int], float]) -> Scraped:
    return _series(labels, [value(at) for at in range(0, HORIZON + 1, SCRAPE)])


def _series(written: str, values: Sequence[float]) -> Scraped:
    metric, _, labels = written.removesuffix("}").partition("{")
    pairs = dict(pair.split("=") for pair in labels.split(", "))
    return Scraped(
        metric,
        {name: value.strip('"') for name, value in pairs.items()},
        tuple(range(0, HORIZON + 1, SCRAPE)),
        tuple(values),
    )


def shop() -> Iterator[Scraped]:
    """All series of all shapes."""
    for instance in ("a:80", "b:80"):
        own = f'job="shop", instance="{instance}"'
        for route, requests in (("/pay", 300.0), ("/ask", 150.0)):
            shares: Mapping[str, Callable[[int], float]] = {
                "500": failing,
                "429": lambda at: 0.1 * failing(at) if failing(at) < 1 else 0,
                "200": lambda at: 1 - failing(at) - (0.1 * failing(at) if failing(at) < 1 else 0),
            }
            for code, share in shares.items():
                yield counter(f'requests_total{{{own}, route="{route}", code="{code}"}}', share, requests)
        yield counter(f"request_seconds_count{{{own}}}", lambda _: 1, 450)
        yield counter(f'request_seconds_bucket{{{own}, le="0.3"}}', lambda at: 1 - failing(at), 450)
        yield counter(f'request_seconds_bucket{{{own}, le="+Inf"}}', lambda _: 1, 450)
        yield gauge(f"probe_success{{{own}}}", lambda at: float(failing(at) < 0.1))
        yield gauge(f"failed_checks{{{own}}}", lambda at: 40 * failing(at))
        yield gauge(f"all_checks{{{own}}}", lambda _: 40.0)
        yield gauge(f"lag_seconds{{{own}}}", lambda at: 9.0 if failing(at) > 0.1 else 1.0)
    yield gauge('failing_ratio{job="shop"}', failing)


def sloth_spec(shape: Shape) -> str:
    sli = (
        {"events": {"error_query": shape.error, "total_query": shape.total}}
        if shape.total
        else {"raw": {"error_ratio_query": shape.error}}
    )
    slo = {"name": "it", "objective": 99.5, "sli": sli, "alerting": {"name": "ShopErrors"}}
    return yaml.safe_dump({"version": "prometheus/v1", "service": "shop", "slos": [slo]}, sort_keys=False)


def rules_of_sloth(directory: Path, spec: str) -> Iterator[RuleGroup]:
    """What the binary writes of a spec, as groups."""
    path = directory / "spec.yaml"
    path.write_text(spec)
    done = subprocess.run([SLOTH, "generate", "-i", path], capture_output=True, text=True, check=True)
    for group in yaml.safe_load(done.stdout)["groups"]:
        rules = [
            RecordingRule(rule["record"], rule["expr"], rule["labels"])
            if "record" in rule
            else AlertRule(rule["alert"], rule["expr"], 0, rule["labels"], {})
            for rule in group["rules"]
        ]
        yield RuleGroup(group["name"], MINUTE, tuple(rules))


@dataclass(frozen=True, slots=True)
class Recordings:
    """What both sides recorded of one group of an SLO: ratios and firing alerts by second."""

    theirs: Mapping[int, Mapping[str, float]]
    ours: Mapping[int, Mapping[str, float]]


def watched(samples: Sequence[Recorded], group: str, own: str) -> dict[str, float]:
    """The ratios of one side by lookback, and its alerts that fire by severity."""
    label, _, value = group.partition("=")
    mine = [
        each
        for each in samples
        if f"{own}_id" in each.labels and (not group or each.labels.get(label) == value.strip('"'))
    ]
    ratios = {
        each.labels["__name__"].removeprefix(naming.ERROR_RATIO_PREFIX): each.value
        for each in mine
        if each.labels["__name__"].startswith(naming.ERROR_RATIO_PREFIX)
    }
    alerts = {
        each.labels[f"{own}_severity"]: 1.0
        for each in mine
        if each.labels.get("alertname") == "ShopErrors" and each.labels["alertstate"] == "firing"
    }
    return ratios | alerts


def run_both(directory: Path, shape: Shape) -> tuple[Slo, dict[str, Recordings]]:
    """Evaluate both sides over the five hours; ours with a record of a full window."""
    spec = sloth_spec(shape)
    found = read_specs([("spec.yaml", spec.encode())])
    [slo] = found.slos
    known = range(0, HORIZON + 1, FINE_STEP)
    since = [
        Scraped(
            naming.ROLLUPS_SINCE,
            {"slo_id": slo.id, "slo_part": "before"}
            | ({} if not group else {"route": group.partition("=")[2].strip('"')}),
            tuple(known),
            (-float(slo.window.seconds),) * len(known),
        )
        for group in shape.groups
    ]
    minutes = range(0, HORIZON + 1, MINUTE)
    groups = [*rules_of_sloth(directory, spec), *rule_groups(slo, naming.NATIVE_STYLE)]
    [recording] = record(directory, groups, [Story([*shop(), *since], HORIZON, minutes)])
    return slo, {
        group: Recordings(
            {at: watched(recording[at], group, "sloth") for at in minutes},
            {at: watched(recording[at], group, "slo") for at in minutes},
        )
        for group in shape.groups
    }


def differences(slo: Slo, both: Recordings, lookback: str, *, looks: int) -> tuple[list[float], list[str]]:
    """How far our ratio is from Sloth's at each of our turns, and where it is beyond the bound."""
    seconds = int(parse_duration(lookback))
    resolutions = build_resolutions(slo.alerting.policy, slo.window.seconds)
    step = resolutions.for_lookback(seconds).step
    blur = BLUR if step == FINE_STEP else BLUR + COARSE_STEP
    apart, beyond = [], []
    # What is before a first scrape, or a range of two, is known to neither.
    for at in range(2 * COARSE_STEP, HORIZON + 1, step):
        ours, theirs = both.ours[at].get(lookback), both.theirs[at].get(lookback)
        near = [
            value
            for second in range(at - blur, min(at + BLUR, HORIZON) + 1, MINUTE)
            if (value := both.theirs.get(second, {}).get(lookback)) is not None
        ]
        if ours is None or theirs is None:
            beyond.append(f"{lookback} at {at // MINUTE}m: ours {ours}, theirs {theirs}")
            continue
        apart.append(abs(ours - theirs))
        share, events = SLACK[0], SLACK[1] + looks * MINUTE / seconds
        if not min(near) * (1 - share) - events <= ours <= max(near) * (1 + share) + events:
            beyond.append(f"{lookback} at {at // MINUTE}m: {ours:.5f}, {min(near):.5f} to {max(near):.5f}")
    return apart, beyond


def fired(side: Mapping[int, Mapping[str, float]], severity: str) -> list[tuple[int, int]]:
    """The stretches in minutes in which an alert fires; between turns of the slow group it goes on."""
    stretches: list[tuple[int, int]] = []
    for at in (at for at, values in side.items() if severity in values):
        if stretches and at - stretches[-1][1] * MINUTE <= COARSE_STEP:
            stretches[-1] = (stretches[-1][0], at // MINUTE)
        else:
            stretches.append((at // MINUTE, at // MINUTE))
    return stretches


@pytest.mark.full
@pytest.mark.parametrize("name", SHAPES)
def test_windows_and_incidents_are_those_of_sloth(name: str, tmp_path: Path, figure: Figure) -> None:
    if not SLOTH.exists():
        pytest.skip("missing real part: sloth (tests/tools/peers)")
    shape = SHAPES[name]
    slo, groups = run_both(tmp_path, shape)

    beyond, incidents = [], []
    for group, both in groups.items():
        cells = []
        for lookback in LOOKBACKS:
            apart, more = differences(slo, both, lookback, looks=shape.looks)
            beyond += more
            cells.append(f"{lookback} {median(apart):.2%}/{max(apart):.2%}" if apart else f"{lookback} none")
        for severity in ("page", "ticket"):
            theirs, ours = fired(both.theirs, severity), fired(both.ours, severity)
            incidents.append((severity, theirs, ours))
            cells.append(f"{severity} {theirs} {ours}")
        figure(f"{name} {group} ({shape.becomes}): {', '.join(cells)}")

    assert beyond == []
    for severity, theirs, ours in incidents:
        # The rules look for a ticket every five minutes.
        late = 2 if severity == "page" else 6
        assert len(theirs) == len(ours), (severity, theirs, ours)
        for one, other in zip(theirs, ours, strict=True):
            assert abs(one[0] - other[0]) <= late, (severity, theirs, ours)
            assert abs(one[1] - other[1]) <= late, (severity, theirs, ours)
