"""One trial: a stream through Prometheus's rule engine and through Python, and where the two disagree."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sloctl.model import Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.rules.groups import rule_groups
from sloctl.rules.rule import RuleGroup
from tests.differential.counting import Counting, Engine
from tests.differential.engine import Story, record
from tests.differential.expected import REPAIR_PHASE, Reading, disagreements, expected, recorded
from tests.differential.kinds import Kind
from tests.differential.streams import Target
from tests.real import promtool_version


def disagreeing(
    directory: Path,
    kind: Kind,
    targets: Sequence[Target],
    *,
    slo: Slo,
    horizon: int,
    rules: Sequence[RuleGroup] | None = None,
    read_every: int = 60,
) -> list[str]:
    """Numbers that differ; *rules* are those of *slo* unless a test brings its own."""
    series = kind.world(targets, horizon)
    story = Story(series, horizon, range(0, horizon + 1, read_every))
    groups = rule_groups(slo, NATIVE_STYLE) if rules is None else rules
    phases = {f"slo:{slo.id}:repair": REPAIR_PHASE}
    [recording] = record(directory, groups, [story], phases=phases)
    counting = Counting(engine(), slo.scrape_interval)
    python = expected(kind, slo, counting=counting, series=series, horizon=horizon)
    return disagreements(_read(python, story.read_at), recorded(recording))


@cache
def engine() -> Engine:
    """As the promtool at hand reads ranges."""
    before_3 = promtool_version() < (3, 0)
    return Engine(closed=before_3, zero_first=before_3)


def _read(python: dict[Reading, float], moments: Sequence[int]) -> dict[Reading, float]:
    return {reading: value for reading, value in python.items() if reading.at in moments}
