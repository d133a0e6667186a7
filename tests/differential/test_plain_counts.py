"""What the rules count beside plain counting, scrape by scrape, as the sidecar does it."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sloctl.duration import MINUTE
from tests.differential.counting import Counting
from tests.differential.drawn import HORIZON, steady_targets, targets
from tests.differential.engine import Story, record
from tests.differential.kinds import RATIO
from tests.differential.running import engine
from tests.differential.scraped import Scraped
from tests.differential.sidecar_counts import SidecarCounts
from tests.differential.streams import Target
from tests.differential.stretch import rollup_groups

SLO = RATIO.slo()
HALF_AN_HOUR = 30 * MINUTE


@settings(max_examples=8, deadline=None, derandomize=True, database=None)
@given(stream=steady_targets())
def test_of_targets_always_there_the_rules_count_what_the_sidecar_counts(stream: Sequence[Target]) -> None:
    moments = range(3 * MINUTE, HALF_AN_HOUR + 1, MINUTE)
    story = Story(RATIO.world(stream, HALF_AN_HOUR), HALF_AN_HOUR, moments)

    with TemporaryDirectory() as directory:
        [recording] = record(Path(directory), rollup_groups(SLO), [story])

    rollups = {
        at: {sample.labels["__name__"]: sample.value for sample in samples if "slo_part" not in sample.labels}
        for at, samples in recording.items()
    }
    sidecar = SidecarCounts(SLO, story.series)
    for at in moments:
        plain = sidecar.minute(at)
        assert plain is not None
        assert rollups[at]["slo:sli_total:increase1m"] == pytest.approx(plain.total)
        assert rollups[at]["slo:sli_error:increase1m"] == pytest.approx(plain.error)


@settings(max_examples=50, deadline=None, suppress_health_check=list(HealthCheck))
@given(stream=targets(interval=15), minute=st.integers(1, HORIZON // MINUTE))
def test_of_any_target_an_increase_is_what_was_seen_and_at_most_the_scrapes_at_its_edges_more(
    stream: Sequence[Target], minute: int
) -> None:
    counts = Counting(engine())
    start, end = minute * MINUTE - counts.reach, minute * MINUTE

    for series in RATIO.world(stream, HORIZON):
        seen = _growth(series, start, end)
        counted = counts.engine.increase(series, start, end)
        # 1.1 scrape intervals at either edge is as far as Prometheus extrapolates.
        scrapes = len(series.within(start, end, closed=counts.engine.closed))
        assert counted is None or seen <= counted * 1.000001
        assert counted is None or counted <= seen * (1 + 2.2 / (scrapes - 1)) * 1.000001


def _growth(series: Scraped, start: int, end: int) -> float:
    points = [
        value for _, value in series.within(start, end, closed=engine().closed) if isinstance(value, float)
    ]
    return sum(now - before if now >= before else now for before, now in pairwise(points))
