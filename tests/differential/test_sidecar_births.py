"""What is born, renamed or hidden, counted by the compiled rules and by the sidecar: the same each minute.

Counters stand still but for what is born, so that an increase is nothing to both.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from sloctl.duration import MINUTE
from sloctl.model import CountedSide, Indicator, LatencyIndicator, RatioIndicator, Slo
from sloctl.promql import read_selector
from tests.differential.engine import Recording, Story, record
from tests.differential.kinds import RATIO
from tests.differential.scraped import Scraped, Value
from tests.differential.sidecar_counts import SidecarCounts
from tests.differential.stretch import rollup_groups

SCRAPE: Final = 15
HORIZON: Final = 40 * MINUTE
MOMENTS: Final = range(3 * MINUTE, HORIZON + 1, MINUTE)
# A scrape, long after the process came.
LATER: Final = 81

ALL: Final = (read_selector("r_total"),)
ERROR: Final = RatioIndicator(CountedSide.ERROR, (read_selector('r_total{code="500"}'),), ALL)
GOOD: Final = RatioIndicator(CountedSide.GOOD, (read_selector('r_total{code="200"}'),), ALL)
UNBORN: Final = RatioIndicator(
    CountedSide.ERROR, (read_selector('r_total{code="500"}'),), ALL, count_new_series=False
)
LATENCY: Final = LatencyIndicator(read_selector("h"), Fraction("0.3"))
FAILED, JOBS = (read_selector("failed_total"),), (read_selector("jobs_total"),)
BY_TARGET: Final = RatioIndicator(CountedSide.ERROR, FAILED, JOBS)
BY_JOB: Final = RatioIndicator(CountedSide.ERROR, FAILED, JOBS, identity_labels=("job",))


def shows(
    series: str, value: float, *, first: int = 0, hidden: range = range(0), last: int = 1000
) -> Scraped:
    """A series that shows *value* from one scrape to another; while it is *hidden* it is stale."""
    numbers = range(first, min(last, HORIZON // SCRAPE) + 1)
    points: dict[int, Value | None] = {5 + SCRAPE * it: float(value) for it in numbers if it not in hidden}
    ends = [hidden.start] if hidden else []
    ends += [last + 1] if last < HORIZON // SCRAPE else []
    points |= {5 + SCRAPE * it: None for it in ends}
    labels = {"job": "a", "instance": "i"} | dict(re.findall(r'(\w+)="([^"]*)"', series))
    times = tuple(sorted(points))
    return Scraped(series.split("{", maxsplit=1)[0], labels, times, tuple(points[at] for at in times))


def both(ok: float, bad: float, *, of: str = "", first: int = 0, last: int = 1000) -> Iterator[Scraped]:
    """Good and bad requests of one process."""
    yield shows(f'r_total{{code="200",{of}}}', ok, first=first, last=last)
    yield shows(f'r_total{{code="500",{of}}}', bad, first=first, last=last)


def histogram(every: float, fast: float | None, *, of: str, first: int = 0) -> Iterator[Scraped]:
    """A histogram; without *fast* it has no bound of 0.3."""
    yield shows(f"h_count{{{of}}}", every, first=first)
    if fast is not None:
        yield shows(f'h_bucket{{le="0.3",{of}}}', fast, first=first)
    yield shows(f'h_bucket{{le="1.0",{of}}}', every, first=first)
    yield shows(f'h_bucket{{le="0.1",{of}}}', 0, first=first)


@dataclass(frozen=True, slots=True)
class Scene:
    """Series, and what is counted of them in the end: (errors, events)."""

    indicator: Indicator
    series: Sequence[Scraped]
    counted: tuple[float, float]


BORN_ERRORS: Final = [shows(f'r_total{{code="500",uri="/{n}"}}', 1, first=80 + 3 * n) for n in range(20)]
BORN_ALIKE: Final = [
    shows(f'r_total{{code="{"500" if n < 2 else "200"}",uri="/{n}"}}', 2, first=80 + 3 * n) for n in range(20)
]
P1, P2 = (f'instance="otel",exported_instance="p{number}"' for number in (1, 2))
SCENES: Final[Mapping[str, Scene]] = {
    "births": Scene(ERROR, [*both(9000, 3000), *BORN_ERRORS], (20, 20)),
    "births beside good ones": Scene(ERROR, [*both(9000, 3000), *BORN_ALIKE], (4, 40)),
    "births, good counted": Scene(GOOD, [*both(9000, 3000), *BORN_ALIKE], (4, 40)),
    "births that the spec switches off": Scene(UNBORN, [*both(9000, 3000), *BORN_ERRORS], (0, 0)),
    "births of slow routes": Scene(
        LATENCY, [*histogram(900, 800, of='uri="/"'), *histogram(5, 2, first=LATER, of='uri="/new"')], (3, 5)
    ),
    "a histogram without the bound": Scene(
        LATENCY,
        [*histogram(900, None, of='uri="/"'), *histogram(5, None, first=LATER, of='uri="/new"')],
        (0, 0),
    ),
    "a renamed process": Scene(
        ERROR, [*both(9000, 3000, last=80), *both(9000, 3000, first=81, of='version="v2"')], (0, 0)
    ),
    "another process behind a collector": Scene(
        ERROR,
        [*both(9000, 3000, of=P1), *both(7000, 500, first=LATER, of=P2)],
        (0, 0),
    ),
    "a second pod": Scene(
        GOOD, [*both(9000, 3000, of='pod="a"'), *both(7000, 500, first=LATER, of='pod="b"')], (0, 0)
    ),
    "a second instance": Scene(
        ERROR, [*both(9000, 3000), *both(7000, 500, first=LATER, of='instance="j"')], (0, 0)
    ),
    "errors of another target": Scene(
        BY_TARGET, [shows("jobs_total", 9), shows('failed_total{instance="w"}', 4, first=LATER)], (0, 0)
    ),
    "errors of another target, by job": Scene(
        BY_JOB, [shows("jobs_total", 9), shows('failed_total{instance="w"}', 4, first=LATER)], (4, 0)
    ),
} | {
    f"hidden for {scrapes} scrapes": Scene(
        ERROR,
        [
            shows('r_total{code="200"}', 9000),
            shows('r_total{code="500"}', 100, hidden=range(LATER, LATER + scrapes)),
        ],
        (0, 0),
    )
    for scrapes in (1, 4, 15)
}


@pytest.mark.parametrize("name", SCENES)
def test_the_rules_and_the_sidecar_count_alike_of(name: str, tmp_path: Path) -> None:
    scene = SCENES[name]
    slo = RATIO.slo(indicator=scene.indicator)

    recording = _recorded(tmp_path, slo, scene.series)

    sidecar = SidecarCounts(slo, scene.series)
    error, total = scene.counted
    assert _rollups(recording) == pytest.approx(_minutes(sidecar))
    assert _sum(_minutes(sidecar)) == pytest.approx((min(error, total), total))


@st.composite
def processes(draw: DrawFn) -> list[Scraped]:
    """One to three processes whose routes are born and hidden at any time; one may be renamed."""
    return [it for instance in "abc"[: draw(st.integers(1, 3))] for it in draw(_process(instance))]


@st.composite
def _process(draw: DrawFn, instance: str) -> list[Scraped]:
    own = f'instance="{instance}"'
    renamed = draw(st.sampled_from((None, 40, 81, 83)))
    last = 1000 if renamed is None else renamed - 1
    series = [*both(9000, 3000, last=last, of=own)]
    # In the minute after a rename it is a matter of phase whether the process was there.
    moments = st.integers(12, 150)
    if renamed is not None:
        series += both(9000, 3000, first=renamed, of=f'{own},version="v2"')
        moments = st.integers(renamed + 10, 150)
    for number in range(draw(st.integers(0, 6))):
        first, away = draw(moments), draw(st.sampled_from((0, 0, 1, 4, 14)))
        begin = first + draw(st.integers(24, 40))
        code = draw(st.sampled_from(("200", "500")))
        series.append(
            shows(
                f'r_total{{code="{code}",{own},uri="/{number}"}}',
                draw(st.integers(1, 900)),
                first=first,
                hidden=range(begin, begin + away) if begin + away < 155 else range(0),
            )
        )
    return series


FEW: Final = settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


@FEW
@given(series=processes(), indicator=st.sampled_from((ERROR, GOOD)))
def test_the_rules_and_the_sidecar_count_the_same_births(series: list[Scraped], indicator: Indicator) -> None:
    _count_alike(series, indicator)


@pytest.mark.full
@settings(FEW, max_examples=150, derandomize=False, phases=(Phase.generate, Phase.shrink))
@given(series=processes(), indicator=st.sampled_from((ERROR, GOOD)))
def test_the_rules_and_the_sidecar_count_the_same_births_of_many(
    series: list[Scraped], indicator: Indicator
) -> None:
    _count_alike(series, indicator)


def _count_alike(series: list[Scraped], indicator: Indicator) -> None:
    slo = RATIO.slo(indicator=indicator)
    with TemporaryDirectory() as directory:
        recording = _recorded(Path(directory), slo, series)
    sidecar = SidecarCounts(slo, series)
    assert _rollups(recording) == pytest.approx(_minutes(sidecar))
    ratios = _five_minutes(recording)
    assert ratios == pytest.approx(
        {at: it for at, it in sidecar.error_ratios(5 * MINUTE, MOMENTS).items() if it is not None}
    )


def _recorded(directory: Path, slo: Slo, series: Sequence[Scraped]) -> Recording:
    [recording] = record(directory, rollup_groups(slo)[:1], [Story(series, HORIZON, MOMENTS)])
    return recording


def _rollups(recording: Recording) -> dict[tuple[int, str], float]:
    """Counts of the rules by minute and side; those of nothing are left out."""
    sides = {"slo:sli_error:increase1m": "error", "slo:sli_total:increase1m": "total"}
    return {
        (at, side): it.value
        for at, samples in recording.items()
        for it in samples
        if (side := sides.get(it.labels["__name__"])) and it.value
    }


def _minutes(sidecar: SidecarCounts) -> dict[tuple[int, str], float]:
    found = {at: it for at in MOMENTS if (it := sidecar.minute(at)) is not None}
    pairs = {at: {"error": it.error, "total": it.total} for at, it in found.items()}
    return {(at, side): value for at, sides in pairs.items() for side, value in sides.items() if value}


def _sum(minutes: Mapping[tuple[int, str], float]) -> tuple[float, float]:
    error, total = (
        sum(value for (_, of), value in minutes.items() if of == side) for side in ("error", "total")
    )
    return error, total


def _five_minutes(recording: Recording) -> dict[int, float]:
    """Error ratios of five minutes, summed from the rollups as the rules do."""
    minutes = _rollups(recording)
    ratios = {}
    for at in MOMENTS:
        error, total = _sum({it: minutes[it] for it in minutes if at - 5 * MINUTE < it[0] <= at})
        if total:
            ratios[at] = error / total
    return ratios
