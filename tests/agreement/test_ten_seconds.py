"""The demo's incident at four moments, each answer of the first ten seconds held against what happened.

A third of all requests fail for six minutes, after thirty days of everyday errors. A sidecar scrapes the
service, and Prometheus's own rule engine evaluates the compiled rules over its counters; time is passed in.
What is shown may be a tenth off. The truth is counted here, from the traffic, by nobody's code but this.
"""

import asyncio
import dataclasses
import json
import re
import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from math import inf, isinf
from pathlib import Path
from typing import Final, TypeAlias

import pytest
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest

from sloctl.cli.main import main
from sloctl.dashboards.theme import NOT_BURNING
from sloctl.demo.service import RequestMetrics
from sloctl.demo.traffic import IncidentSchedule, request_rate, traffic_mix
from sloctl.duration import DAY, HOUR, MINUTE, humanize_duration, parse_duration
from sloctl.model import Slo
from sloctl.naming import NATIVE_STYLE, ROLLUPS_SINCE, error_count_metric, event_count_metric
from sloctl.promql import quote_string
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import AlertRule, RecordingRule, RuleGroup
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.notify.active_alerts import ActiveAlerts
from sloctl.sidecar.notify.annotations import alert_annotations
from sloctl.slo.resolutions import COARSE_STEP, EventCounts
from sloctl.spec import read_specs
from sloctl.targets.prometheus import render_rules
from sloctl.timestamps import format_clock_time
from tests.conftest import Figure
from tests.differential.engine import Recorded, Recording, Story, record
from tests.differential.scraped import Scraped
from tests.real import Prometheus, backfill, running_prometheus
from tests.sidecar.running_sidecar import START, run_sidecar
from tests.test_time_to_exhaustion import stats, text_at

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = (ROOT / "docs/on-call.md").read_text(encoding="utf-8")
MOMENTS: Final = {"30 s": 30, "4 min": 240, "7 min": 420, "40 min": 2400}
TOLERANCE: Final = 0.1
TICK: Final = 5
SCRAPED_EVERY: Final = 15
# A whole minute, at which the rules have a turn.
BEGIN: Final = START + 40
# In the rules' story the incident begins after so many seconds.
FIRST_HOURS: Final = 6 * HOUR
BUDGET: Final = 0.0005
WINDOW: Final = 30 * DAY
PAGES: Final = ((HOUR, 5 * MINUTE, 14.4), (6 * HOUR, 30 * MINUTE, 6.0))
PATIENCE: Final = 60.0
DURATION: Final = r"(?:\d+[dhms] ?)+"

_SPEC: Final = (ROOT / "slos/payments-api.yaml").read_bytes()
_PLAYED: Final = next(
    slo for slo in read_specs([("payments-api.yaml", _SPEC)]).slos if slo.name == "availability"
)
LINKS: Final = {
    "grafana_url": "https://grafana.example.com",
    "prometheus_url": "https://prometheus.example.com",
    "alertmanager_url": "https://alertmanager.example.com",
}
SLO: Final[Slo] = replace(_PLAYED, annotations={**_PLAYED.annotations, **LINKS})
INCIDENT: Final = IncidentSchedule(first_start=BEGIN, period=float(WINDOW))


class Truth:
    """What was requested and what failed: by five seconds from six hours before the incident on."""

    def __init__(self) -> None:
        self.ends = [
            BEGIN - FIRST_HOURS + TICK * (1 + number) for number in range((FIRST_HOURS + HOUR) // TICK)
        ]
        ratios = [INCIDENT.error_ratio_at(end - 1) for end in self.ends]
        totals = [request_rate(end) * TICK for end in self.ends]
        errors = [total * ratio for total, ratio in zip(totals, ratios, strict=True)]
        self._totals = list(accumulate(totals, initial=0.0))
        self._errors = list(accumulate(errors, initial=0.0))
        # Whole days have the mean of the day.
        mean = sum(request_rate(second) for second in range(0, DAY, MINUTE)) / (DAY // MINUTE)
        total = mean * (WINDOW - FIRST_HOURS)
        self.before = EventCounts(total * INCIDENT.error_ratio_at(0), total)

    def counted(self, begin: float, end: float) -> EventCounts:
        """Count what lies after *begin* and up to *end*, Unix seconds."""
        first, last = bisect_right(self.ends, begin), bisect_right(self.ends, end)
        return EventCounts(self._errors[last] - self._errors[first], self._totals[last] - self._totals[first])

    def ratio(self, at: float, lookback: int) -> float:
        counts = self.counted(at - lookback, at)
        return counts.error / counts.total

    def pages(self, at: float) -> bool:
        return any(
            min(self.ratio(at, long), self.ratio(at, short)) > factor * BUDGET
            for long, short, factor in PAGES
        )

    def paging_span(self) -> tuple[float, float]:
        """Give the first moment at which it should page, and the first at which it should no more."""
        moments = [BEGIN + second for second in range(0, HOUR, TICK)]
        due = next(at for at in moments if self.pages(at))
        return due, next(at for at in moments if at > due and not self.pages(at))


@dataclass(frozen=True)
class Answers:
    """What is shown at a moment, or what is true: None is not said here.

    *failing* is a share of requests, *lasts* seconds that the budget lasts, and infinite where nothing burns;
    *began* and *firing* are how many seconds ago, *stopped* too, and *clears* is Unix time.
    """

    failing: float | None = None
    burn: float | None = None
    began: float | None = None
    firing: float | None = None
    lasts: float | None = None
    stopped: float | None = None
    clears: float | None = None
    links: Sequence[str] = ()


def true_answers(truth: Truth, second: int) -> Answers:
    at, (due, clear) = BEGIN + second, truth.paging_span()
    ratio = truth.ratio(at, 5 * MINUTE)
    burn = ratio / BUDGET
    since = truth.counted(BEGIN - FIRST_HOURS, at)
    errors, total = truth.before.error + since.error, truth.before.total + since.total
    left = 1 - errors / total / BUDGET
    is_paging, is_over = due <= at < clear, second > INCIDENT.length
    return Answers(
        failing=ratio,
        burn=burn,
        began=second if at < clear else None,
        firing=at - due if is_paging else None,
        lasts=left * WINDOW / burn if burn >= 1 else inf,
        stopped=second - INCIDENT.length if is_paging and is_over else None,
        clears=clear if is_paging and is_over else None,
    )


@dataclass
class Service:
    """The demo's service, whose traffic has no chance in it."""

    metrics: RequestMetrics = field(default_factory=RequestMetrics)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        self.registry.register(self.metrics)

    def exposition(self) -> str:
        return generate_latest(self.registry).decode()

    def serve(self, end: float) -> None:
        """Serve what is requested in the five seconds up to *end*."""
        for kind, share in traffic_mix(INCIDENT.error_ratio_at(end - 1)):
            self.metrics.count_requests(kind, share * request_rate(end) * TICK)


async def watch_with_sidecar(
    truth: Truth, capsys: pytest.CaptureFixture[str]
) -> dict[str, dict[str, Answers]]:
    """By moment, what the page, the alert's text and `status` of a sidecar show."""
    service, moments = Service(), {second: name for name, second in MOMENTS.items()}
    alerts = ActiveAlerts(NATIVE_STYLE, {}, ended_retention=0)
    shown = {}
    async with run_sidecar(SLO, job="payments-api") as running:
        fill_past(running.sidecar.engine, truth)
        await running.tick(service.exposition(), seconds=BEGIN - START)
        for second in range(TICK, max(moments) + 1, TICK):
            at = BEGIN + second
            service.serve(at)
            alerts.update(await running.tick(service.exposition(), seconds=TICK), at)
            if second in moments:
                page = await text_at(f"{running.url}/slo/{SLO.id}")
                texts = [alert_annotations(each, NATIVE_STYLE) for each in alerts if each.ended_at is None]
                await asyncio.to_thread(main, ["status", "--sidecar", running.url])
                shown[moments[second]] = {
                    "page": read_page(" ".join(page.split()), at),
                    "alert of the sidecar": read_text(texts, at),
                    "`status`": read_status(capsys.readouterr().out, at),
                }
    return shown


def fill_past(engine: Engine, truth: Truth) -> None:
    """Give the sidecar the thirty days before, as fine as it would hold them."""
    steps = (WINDOW - FIRST_HOURS) // COARSE_STEP
    step = EventCounts(truth.before.error / steps, truth.before.total / steps)
    for number in range(steps):
        engine.backfill_counts(SLO, (), BEGIN - WINDOW + (number + 1) * COARSE_STEP, step)
    recent = int(BEGIN) - 10 * MINUTE
    ends = [(end, MINUTE) for end in range(int(BEGIN) - FIRST_HOURS + MINUTE, recent + 1, MINUTE)]
    for end, width in [*ends, *((end, TICK) for end in range(recent + TICK, int(BEGIN) + 1, TICK))]:
        engine.backfill_counts(SLO, (), end, truth.counted(end - width, end), seconds=width)


def number(pattern: str, text: str, *, scale: float = 1.0) -> float | None:
    match = re.search(pattern, text)
    return None if match is None else scale * float(match[1].replace(",", ""))


def seconds(pattern: str, text: str) -> float | None:
    """Read how long something lasts, or lasted."""
    match = re.search(pattern, text)
    if match is None or match[1] == "not burning":
        return None if match is None else inf
    return float(parse_duration(match[1].replace(" ", "")))


def clock_time(pattern: str, text: str, at: float) -> float | None:
    """Read a time of day after *at* as Unix seconds."""
    match = re.search(pattern, text)
    if match is None:
        return None
    hours, minutes = map(int, match[1].split(":"))
    midnight = at - at % DAY
    return midnight + hours * HOUR + minutes * MINUTE


def read_page(page: str, at: float) -> Answers:
    return Answers(
        failing=number(r"([\d.]+) % of events fail", page, scale=0.01),
        burn=number(r"Burn now ([\d.,]+)×", page),
        began=seconds(rf"Began at \S+ UTC, ({DURATION}) ago", page),
        firing=seconds(rf"page firing for ({DURATION})", page),
        lasts=seconds(rf"Budget gone (?:in )?(not burning|{DURATION})", page),
        stopped=seconds(rf"Over\? It stopped ({DURATION}) ago", page),
        clears=clock_time(r"Over\? .* clears about (\S+) UTC", page, at),
        links=[
            name for name in ("Runbook", "Failing series", "Grafana dashboard", "Silence") if name in page
        ],
    )


def read_text(texts: Sequence[Mapping[str, str]], at: float) -> Answers:
    """Read what the only alert that is sent says; nothing is sent where none fires."""
    if not texts:
        return Answers()
    [text] = texts
    summary, description = text["summary"], text["description"]
    fired = re.search(r"Firing since ([-\d]+ [:\d]+) UTC", description)
    assert fired is not None
    return Answers(
        failing=number(r"([\d.]+) % of events fail", description, scale=0.01),
        burn=number(r"burns ([\d.]+)x", summary),
        firing=at - datetime.fromisoformat(f"{fired[1]}+00:00").timestamp(),
        lasts=seconds(rf"gone in ({DURATION}) at this rate", summary),
        stopped=seconds(rf"It stopped ({DURATION}) ago", description),
        clears=clock_time(r"clears about (\S+) UTC", description, at),
        links=[name.removesuffix("_url") for name in text if name.endswith("_url")],
    )


def read_status(table: str, at: float) -> Answers:
    row = next(line for line in table.splitlines() if line.startswith(SLO.service))
    return Answers(
        burn=number(r" ([\d.]+)×", row),
        firing=seconds(rf"paging +for ({DURATION})  ", row),
        lasts=seconds(rf"× +(?:in )?(not burning|{DURATION})", row),
        clears=clock_time(r"paging +clears (\S+)", row, at),
    )


def count_by_rules(truth: Truth, directory: Path) -> Recording:
    """What Prometheus's rule engine records of the incident, every minute from its begin."""
    end = FIRST_HOURS + max(MOMENTS.values())
    moments = range(SCRAPED_EVERY // 3, end + 1, SCRAPED_EVERY)
    counted = [truth.counted(BEGIN - FIRST_HOURS, BEGIN - FIRST_HOURS + at) for at in moments]
    job = {"job": "payments-api", "instance": "payments-0"}
    metric = "http_server_request_duration_seconds_count"
    own = {**NATIVE_STYLE.identity_labels(SLO), "slo_part": "before"}
    days = range(0, end + 1, MINUTE)
    series = [
        *(
            Scraped(metric, {**job, "http_response_status_code": code}, tuple(moments), values)
            for code, values in {
                "200": tuple(each.total - each.error for each in counted),
                "503": tuple(each.error for each in counted),
            }.items()
        ),
        # The days before, and since when there are rollups.
        Scraped(event_count_metric(COARSE_STEP), own, (0,), (truth.before.total,)),
        Scraped(error_count_metric(COARSE_STEP), own, (0,), (truth.before.error,)),
        Scraped(
            ROLLUPS_SINCE,
            {**NATIVE_STYLE.id_label(SLO), "slo_part": "before"},
            tuple(days),
            (-float(WINDOW),) * len(days),
        ),
    ]
    story = Story(series, end, range(FIRST_HOURS, end + 1, MINUTE))
    [recording] = record(directory, rule_groups(SLO, NATIVE_STYLE), [story])
    return {second - FIRST_HOURS: samples for second, samples in recording.items()}


@contextmanager
def running_at(directory: Path, recording: Recording) -> Iterator[Prometheus]:
    """A Prometheus that holds what was recorded at each moment as if it were now, as an SLO of its own."""
    samples, now = [], int(time.time())
    for name, second in MOMENTS.items():
        identity = NATIVE_STYLE.identity_labels(slo_at(name))
        for each in recording[second // MINUTE * MINUTE]:
            metric = each.labels["__name__"]
            if metric != "ALERTS" and "slo_part" not in each.labels:
                labels = {
                    **each.labels,
                    **(identity if "slo_name" in each.labels else NATIVE_STYLE.id_label(slo_at(name))),
                }
                del labels["__name__"]
                series = ",".join(f"{label}={quote_string(value)}" for label, value in labels.items())
                samples.append((f"{metric}{{{series}}}", each.value, float(now)))
    rules = {"pages.yaml": render_rules(page_rules(slo_at(name)) for name in MOMENTS)}
    backfill(directory, sorted(samples))
    flags = ("--query.lookback-delta=1h",)
    with running_prometheus(directory, rules=rules, flags=flags) as running:
        yield running


def slo_at(moment: str) -> Slo:
    return replace(SLO, name=f"after-{moment.replace(' ', '-')}")


def page_rules(slo: Slo) -> RuleGroup:
    """The rules of its page and its info, every second."""
    groups = rule_groups(slo, NATIVE_STYLE)
    [fast] = (group for group in groups if group.name.endswith(":fast"))
    infos = [
        rule
        for group in groups
        for rule in group.rules
        if isinstance(rule, RecordingRule) and rule.record == NATIVE_STYLE.info_metric
    ]
    pages = [
        replace(rule, pending=0)
        for rule in fast.rules
        if isinstance(rule, AlertRule) and rule.labels["slo_alert"] == "burn"
    ]
    return replace(fast, interval=1, rules=(*infos, *pages))


def shown_by_rules(
    recording: Recording, prometheus: Prometheus, capsys: pytest.CaptureFixture[str]
) -> dict[str, dict[str, Answers]]:
    """By moment, what the alert's text, Grafana and `status` make of what the rules recorded."""
    main(["status", "--prometheus", prometheus.url])
    rows = capsys.readouterr().out
    texts = {
        alert["labels"]["slo_name"]: alert["annotations"]
        for alert in json.loads(prometheus.get("/api/v1/alerts"))["data"]["alerts"]
    }
    shown = {}
    for name, second in MOMENTS.items():
        slo = slo_at(name)
        burn, lasts = stats(prometheus, slo).values()
        [row] = (line for line in rows.splitlines() if line.startswith(f"{slo.id} "))
        text = Answers()
        if slo.name in texts:
            fired = next(at for at in sorted(recording) if "page" in severities(recording[at]))
            text = dataclasses.replace(
                read_text([texts[slo.name]], BEGIN), firing=float(second - fired), links=tuple(LINKS)
            )
        shown[name] = {
            "alert of the rules": text,
            "Grafana": Answers(burn=burn, lasts=inf if lasts == NOT_BURNING else lasts),
            "`status --prometheus`": dataclasses.replace(read_status(row, BEGIN), firing=None),
        }
    return shown


def severities(samples: Iterable[Recorded]) -> set[str]:
    return {each.labels["slo_severity"] for each in samples if each.labels["__name__"] == "ALERTS"}


async def test_each_answer_of_the_ten_seconds_is_right_within_a_tenth(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], figure: Figure
) -> None:
    truth = Truth()
    recording = count_by_rules(truth, tmp_path)
    shown = await watch_with_sidecar(truth, capsys)
    with running_at(tmp_path / "now", recording) as prometheus:
        wait_for_texts(prometheus)
        of_rules = shown_by_rules(recording, prometheus, capsys)

    rows = [
        (name, true_answers(truth, second), shown[name] | of_rules[name]) for name, second in MOMENTS.items()
    ]
    table = "\n".join(render_table(rows))
    figure(f"the ten seconds\n{table}")
    assert set(find_wrong(rows)) == KNOWN_LAGS
    assert table in DOCUMENT


def wait_for_texts(prometheus: Prometheus) -> None:
    deadline = time.monotonic() + PATIENCE
    infos = NATIVE_STYLE.info_metric
    while (
        (told := prometheus.get("/api/v1/alerts").decode()).count('"firing"') < 2
        or "unknown" in told
        or len(prometheus.instant(infos)) < len(MOMENTS)
    ):
        assert time.monotonic() < deadline, prometheus.log.read_text()[-2000:]
        time.sleep(0.2)


# What each must say where there is an answer.
SAID: Final[Mapping[str, Sequence[str]]] = {
    "page": ("failing", "burn", "began", "firing", "lasts", "stopped", "clears"),
    "alert of the sidecar": ("failing", "burn", "firing", "lasts", "stopped", "clears"),
    "`status`": ("burn", "lasts", "clears"),
    "alert of the rules": ("burn", "firing", "lasts"),
    "Grafana": ("burn", "lasts"),
    "`status --prometheus`": ("burn", "lasts"),
}
# The rules look once a minute, and sum the window every five: docs/on-call.md says so.
KNOWN_LAGS: Final = {
    ("30 s", "Grafana", "burn"),
    ("30 s", "Grafana", "lasts"),
    ("30 s", "`status --prometheus`", "burn"),
    ("30 s", "`status --prometheus`", "lasts"),
    ("4 min", "alert of the rules", "firing"),
    ("4 min", "alert of the rules", "lasts"),
    ("4 min", "Grafana", "lasts"),
    ("4 min", "`status --prometheus`", "lasts"),
    ("7 min", "alert of the rules", "firing"),
}
Row: TypeAlias = tuple[str, Answers, Mapping[str, Answers]]


def find_wrong(rows: Iterable[Row]) -> Iterator[tuple[str, str, str]]:
    """Moment, view and answer of what is more than a tenth off, or missing."""
    for moment, true, views in rows:
        at = BEGIN + MOMENTS[moment]
        for view, answers in views.items():
            # Where nothing fires nothing is sent.
            said = () if "alert" in view and true.firing is None else SAID[view]
            for answer in [*said, *(name for name in SAID["page"] if getattr(answers, name) is not None)]:
                if not is_right(
                    getattr(true, answer), getattr(answers, answer), at if answer == "clears" else 0
                ):
                    yield moment, view, answer
        if not all(views["page"].links) or len(views["page"].links) != 4:
            yield moment, "page", "links"


def is_right(true: float | None, shown: float | None, since: float) -> bool:
    """Tell whether *shown* is right; a moment as far from *since* as the true one, within a tenth."""
    if true is None or shown is None or isinf(true) or isinf(shown):
        return true == shown
    return abs(shown - true) <= TOLERANCE * (true - since)


def render_table(rows: Sequence[Row]) -> Iterator[str]:
    """Write the table of the document; a dash is what is not said there."""
    views = tuple(SAID)
    yield f"| after | answer | truth | {' | '.join(views)} |"
    yield f"|---|---|---|{'---|' * len(views)}"
    for moment, true, shown in rows:
        for answer, (question, write) in QUESTIONS.items():
            if getattr(true, answer) is not None:
                cells = (write(getattr(each, answer)) for each in (true, *(shown[view] for view in views)))
                yield f"| {moment} | {question} | {' | '.join(cells)} |"


def write_share(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.3g} %"


def write_rate(rate: float | None) -> str:
    return "–" if rate is None else f"{rate:.3g}×"


def write_time(lasting: float | None) -> str:
    return "–" if lasting is None else "not burning" if isinf(lasting) else humanize_duration(lasting)


def write_clock(at: float | None) -> str:
    return "–" if at is None else format_clock_time(at)


QUESTIONS: Final[Mapping[str, tuple[str, Callable[[float | None], str]]]] = {
    "failing": ("what fails, over 5m", write_share),
    "burn": ("how fast, over 5m", write_rate),
    "began": ("since when it burns", write_time),
    "firing": ("since when it pages", write_time),
    "lasts": ("how long the budget lasts", write_time),
    "stopped": ("is it over: stopped since", write_time),
    "clears": ("is it over: clears at", write_clock),
}
