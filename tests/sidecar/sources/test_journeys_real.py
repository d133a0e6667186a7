"""Journeys read from a real Prometheus: as the rules recorded them, and from raw series alone."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

from sloctl.duration import HOUR
from sloctl.model import (
    CompositeIndicator,
    CompositeRule,
    CountedSide,
    JourneyPart,
    RatioIndicator,
    Slo,
    SloName,
)
from sloctl.prometheus.credentials import ClientOptions
from sloctl.promql import read_selector
from sloctl.sidecar.sources import PART_LABEL
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.source import PrometheusSource
from sloctl.slo.resolutions import EventCounts
from tests.real import backfill, running_prometheus
from tests.sidecar.specimens import slo

# Long past and on a whole minute, so that no scrape of our own mixes in.
END: Final = 1_699_999_200
# Good and bad events a minute.
PARTS: Final[Mapping[str, tuple[float, float]]] = {"browse": (990.0, 10.0), "pay": (12.0, 8.0)}


def requests(part: str) -> RatioIndicator:
    return RatioIndicator(
        CountedSide.ERROR,
        (read_selector(f'r_total{{part="{part}", code="500"}}'),),
        (read_selector(f'r_total{{part="{part}"}}'),),
    )


def journey(name: str) -> Slo:
    parts = tuple(JourneyPart(part, SloName("shop", part), requests(part)) for part in PARTS)
    return slo(CompositeIndicator(CompositeRule.WORST, parts), name=name)


def samples() -> Iterator[tuple[str, float, float]]:
    for at in range(END - HOUR, END + 1, 15):
        for part, sides in PARTS.items():
            for code, a_minute in zip(("200", "500"), sides, strict=True):
                series = f'r_total{{job="shop",instance="a:1",part="{part}",code="{code}"}}'
                yield series, a_minute * (at - END + HOUR) / 60, at
    for at in range(END - HOUR + 17, END + 1, 60):
        for part, (good, bad) in PARTS.items():
            labels = f'slo_id="shop/recorded",slo_journey_part="{part}"'
            yield f"slo:part_total:increase1m{{{labels}}}", good + bad, at
            yield f"slo:part_error:increase1m{{{labels}}}", bad, at
        yield 'slo:sli_total:increase1m{slo_id="shop/recorded"}', 1.0, at
        yield 'slo:sli_error:increase1m{slo_id="shop/recorded"}', 0.4, at


async def test_a_journey_is_read_with_what_each_part_brought(tmp_path: Path) -> None:
    backfill(tmp_path, samples())
    recorded, raw = journey("recorded"), journey("raw")
    with running_prometheus(tmp_path) as prometheus:
        options = PrometheusOptions(
            prometheus.url,
            client=ClientOptions(timeout_seconds=60),
            settle_seconds=0,
            read_seconds=120,
            contributor_labels=None,
        )
        async with PrometheusSource(options, [recorded, raw], jitter=lambda: 0.0).open_source() as source:
            readings = [
                each for now in (END - 120, END - 60, END) for each in await source.read_counts(now + 15)
            ]

    by_rules, by_series = ([each.slos[it.id] for each in readings] for it in (recorded, raw))
    assert [each.groups for each in by_rules] == [{(): EventCounts(0.4, 1.0)}] * len(readings)
    assert [each.groups[()].error for each in by_series] == pytest.approx([0.4] * len(readings))
    assert by_rules[-1].by_label == {
        (PART_LABEL, "browse"): EventCounts(0.0, 0.5),
        (PART_LABEL, "pay"): EventCounts(0.4, 0.5),
    }
