"""The source against a real Prometheus that holds raw counters, and rollups for some of the SLOs."""

from collections.abc import Iterator, Mapping
from contextlib import AbstractAsyncContextManager

import pytest

from sloctl.duration import HOUR, MINUTE
from sloctl.model import (
    ConditionIndicator,
    CountedSide,
    ErrorRatioIndicator,
    Indicator,
    QueryIndicator,
    Slo,
    WhenAbsent,
    WindowQuery,
)
from sloctl.naming import NATIVE_STYLE, SLOTH_STYLE, LabelStyle
from sloctl.prometheus.credentials import ClientOptions
from sloctl.rules.backfill_queries import backfill_rollups
from sloctl.sidecar.sources import Group
from sloctl.sidecar.sources.prometheus.history import PastCounts
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.source import PrometheusSource
from sloctl.slo.resolutions import EventCounts
from tests.real import Prometheus, backfill, running_prometheus
from tests.sidecar.specimens import slo

# Long past and on a whole hour, so that no scrape of our own mixes in.
END = 1_699_999_200
SCRAPE = 15
HELD = 12 * HOUR
# The test reads on for a little.
LAST = END + 120
# Requests a second by route; each fifth minute every tenth fails.
PER_SECOND = {"/busy": 4.0, "/quiet": 0.4}
PHASE = 17


def raw_counters() -> Iterator[tuple[str, float, float]]:
    for route, rate in PER_SECOND.items():
        good = bad = 0.0
        for at in range(END - HELD, LAST + 1, SCRAPE):
            failing = 0.1 if at // 60 % 5 == 0 else 0.0
            good += rate * SCRAPE * (1 - failing)
            bad += rate * SCRAPE * failing
            target = f'job="shop",instance="a:1",route="{route}"'
            yield f'requests_total{{{target},status="200"}}', round(good, 3), at
            yield f'requests_total{{{target},status="500"}}', round(bad, 3), at


def as_recorded(
    prometheus: Prometheus, watched: Slo, style: LabelStyle, *, start: int
) -> Iterator[tuple[str, float, float]]:
    """What rules that turn at a phase of their own would have recorded since *start*."""
    for side, query in zip(("total", "error"), backfill_rollups(watched, style), strict=True):
        for series in prometheus.range(query, start=start + PHASE, end=LAST, step=60):
            labels = {**series.labels, **style.identity_labels(watched)}
            inside = ",".join(f'{name}="{value}"' for name, value in labels.items())
            for at, value in series.points:
                yield f"slo:sli_{side}:increase1m{{{inside}}}", value, at
            for at in range(start // 300 * 300 + 300, END + 1, 300):
                fives = [value for moment, value in series.points if at - 300 < moment <= at]
                yield f"slo:sli_{side}:increase5m{{{inside}}}", sum(fives), at


def opened(
    url: str, *slos: Slo, style: LabelStyle = NATIVE_STYLE, contributor_labels: tuple[str, ...] | None = ()
) -> AbstractAsyncContextManager[PrometheusSource]:
    options = PrometheusOptions(
        url,
        client=ClientOptions(timeout_seconds=60),
        label_style=style,
        settle_seconds=0,
        read_seconds=120,
        contributor_labels=contributor_labels,
    )
    return PrometheusSource(options, slos, jitter=lambda: 0.0).open_source()


async def read_hour(source: PrometheusSource, watched: Slo) -> dict[Group, EventCounts]:
    """Everything in the hour before END, minute by minute."""
    sums: dict[Group, EventCounts] = {}
    for now in range(END - HOUR, END + 1, 60):
        for each in await source.read_counts(now + watched.scrape_interval):
            for group, counts in each.slos[watched.id].groups.items():
                before = sums.get(group, EventCounts(0.0, 0.0))
                sums[group] = EventCounts(
                    error=before.error + counts.error, total=before.total + counts.total
                )
    return sums


@pytest.fixture(scope="module")
def raw_only(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("raw")
    backfill(directory, raw_counters())
    with running_prometheus(directory) as prometheus:
        yield prometheus


@pytest.fixture(scope="module")
def with_rules(raw_only: Prometheus, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Rules run since eight hours: grouped ones in our labels, others in Sloth's."""
    directory = tmp_path_factory.mktemp("recorded")
    since = END - 8 * HOUR
    backfill(
        directory,
        [
            *raw_counters(),
            *as_recorded(raw_only, BY_ROUTE, NATIVE_STYLE, start=since),
            *as_recorded(raw_only, PLAIN, SLOTH_STYLE, start=since),
        ],
    )
    with running_prometheus(directory) as prometheus:
        yield prometheus


PLAIN = slo()
BY_ROUTE = slo(name="by-route", group_by=("route",))


@pytest.mark.parametrize(
    ("watched", "style"), [(BY_ROUTE, NATIVE_STYLE), (PLAIN, SLOTH_STYLE)], ids=["slo", "sloth"]
)
async def test_rollups_and_raw_series_agree(
    raw_only: Prometheus, with_rules: Prometheus, watched: Slo, style: LabelStyle
) -> None:
    async with opened(raw_only.url, watched, style=style) as source:
        raw = await read_hour(source, watched)
    async with opened(with_rules.url, watched, style=style) as source:
        recorded = await read_hour(source, watched)

    assert {group: counts.total for group, counts in recorded.items()} == pytest.approx(
        {group: counts.total for group, counts in raw.items()}, rel=0.001
    )
    assert {group: counts.error_ratio for group, counts in recorded.items()} == pytest.approx(
        dict.fromkeys(raw, 0.02), rel=0.02
    )
    assert {group: counts.error_ratio for group, counts in raw.items()} == pytest.approx(
        dict.fromkeys(raw, 0.02), rel=0.02
    )


FAILED = 'increase(requests_total{status="500"}[$window])'


@pytest.mark.parametrize(
    ("indicator", "expected"),
    [
        (ConditionIndicator("sum(requests_total) > bool 0", WhenAbsent.BAD), EventCounts(0, 61)),
        (ConditionIndicator("sum(missing) > bool 0", WhenAbsent.BAD), EventCounts(61, 61)),
        (
            QueryIndicator(
                CountedSide.ERROR, WindowQuery(FAILED), WindowQuery("increase(requests_total[$window])")
            ),
            EventCounts(322, 16104),
        ),
        (
            ErrorRatioIndicator(WindowQuery(f"sum({FAILED}) / sum(increase(requests_total[$window]))")),
            EventCounts(1.22, 61),
        ),
    ],
    ids=["condition", "condition without an answer", "query", "error ratio"],
)
async def test_what_no_scrape_could_count_is_read(
    raw_only: Prometheus, indicator: Indicator, expected: EventCounts
) -> None:
    watched = slo(indicator)

    async with opened(raw_only.url, watched) as source:
        found = await read_hour(source, watched)

    assert found[()].total == pytest.approx(expected.total, rel=0.001)
    assert found[()].error == pytest.approx(expected.error, rel=0.08)


async def past(source: PrometheusSource, known: Mapping[str, float]) -> list[PastCounts]:
    return [each async for each in source.read_history(END + SCRAPE, after=known, repaired=known)]


def total(history: list[PastCounts], watched: Slo) -> float:
    return sum(each.counts.total for each in history if each.slo is watched)


@pytest.mark.parametrize("style", [NATIVE_STYLE, SLOTH_STYLE], ids=["slo", "sloth"])
async def test_the_history_holds_every_event_before_and_behind_the_first_rollup(
    with_rules: Prometheus, style: LabelStyle
) -> None:
    async with opened(with_rules.url, PLAIN, BY_ROUTE, style=style) as source:
        history = await past(source, {})
        behind = await source.read_counts(END + 60 + SCRAPE)

    truth = sum(PER_SECOND.values()) * HELD
    an_hour = sum(PER_SECOND.values()) * HOUR
    for watched in (PLAIN, BY_ROUTE):
        assert truth - 1.1 * an_hour < total(history, watched) < truth * 1.001
        times = [each.at for each in history if each.slo is watched and each.group in {(), ("/busy",)}]
        assert times == sorted(set(times))
        assert times[-360:] == list(range(END - 359 * 60, END + 1, 60))
    assert [each.at for each in behind] == [END + 60]


async def test_what_is_known_already_is_no_history(raw_only: Prometheus) -> None:
    async with opened(raw_only.url, PLAIN) as source:
        history = await past(source, {PLAIN.id: END - 7 * HOUR - 30})

    assert min(each.at for each in history) == END - 7 * HOUR + 300
    assert total(history, PLAIN) == pytest.approx(sum(PER_SECOND.values()) * 7 * HOUR, rel=0.02)


async def test_a_downtime_of_minutes_is_read_too(raw_only: Prometheus) -> None:
    async with opened(raw_only.url, PLAIN) as source:
        history = await past(source, {PLAIN.id: END - 3 * MINUTE})

    assert [each.at for each in history] == [END - 2 * MINUTE, END - MINUTE, END]
    assert total(history, PLAIN) == pytest.approx(sum(PER_SECOND.values()) * 3 * MINUTE, rel=0.02)


async def test_errors_are_broken_down_by_the_labels_given(with_rules: Prometheus) -> None:
    async with opened(
        with_rules.url, PLAIN, style=SLOTH_STYLE, contributor_labels=("route", "absent")
    ) as source:
        read = [each for now in range(END - 600, END + 1, 60) for each in await source.read_counts(now)]

    erring = [each.slos[PLAIN.id] for each in read if each.slos[PLAIN.id].groups[()].error > 1]
    assert len(erring) >= 2
    for counts_of_minute in erring:
        assert set(counts_of_minute.by_label) == {("route", "/busy"), ("route", "/quiet")}
        by_route = {route: counts.error for (_, route), counts in counts_of_minute.by_label.items()}
        assert by_route["/busy"] == pytest.approx(10 * by_route["/quiet"], rel=0.001)


async def test_without_labels_it_finds_those_that_vary_and_do_not_decide(with_rules: Prometheus) -> None:
    async with opened(with_rules.url, PLAIN, style=SLOTH_STYLE, contributor_labels=None) as source:
        read = [each for now in range(END - 600, END + 1, 60) for each in await source.read_counts(now)]

    named = {label for each in read for label, _ in each.slos[PLAIN.id].by_label}
    assert named == {"route"}
