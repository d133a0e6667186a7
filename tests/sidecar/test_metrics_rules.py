"""A Prometheus that scrapes only the sidecar runs the compiled rules, at the price of two series an SLO."""

from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Final

from sloctl.compiler import compile_rules
from sloctl.duration import HOUR, MINUTE
from sloctl.naming import NATIVE_STYLE
from sloctl.sidecar.engine.engine import Engine
from sloctl.sidecar.http.metrics.exposition import ExpositionFormat, SnapshotMetrics
from sloctl.sidecar.sources import IntervalCounts, SloCounts
from sloctl.slo.resolutions import EventCounts
from sloctl.spec import read_specs
from tests.rules.promtool import Expectation, Trial, run_trials
from tests.sidecar.running_sidecar import START
from tests.sidecar.specimens import slo

SPEC: Final = b"""
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata:
  name: edge
spec:
  scrapeInterval: 15s
  slos:
    - name: availability
      objective: 99.9%
      indicator:
        ratio:
          error: slo_error_events_total{slo_id="shop/availability"}
          total: slo_events_total{slo_id="shop/availability"}
"""
WATCHED: Final = slo(objective=Fraction(999, 1000))
SCRAPE: Final = 15
MINUTES: Final = 75


def test_the_rules_compute_the_sidecars_ratios_from_its_two_counters(tmp_path: Path) -> None:
    specs = read_specs([("edge.yaml", SPEC)])
    series, ratios = scraped(Random(4))  # noqa: S311 - traffic, not a secret

    compiled = compile_rules(specs.slos, NATIVE_STYLE)
    expectations = [
        Expectation(MINUTES, f"abs(sum(slo:sli_error:ratio_rate{lookback}) / {ratio} - 1) < bool 0.01", 1)
        for lookback, ratio in ratios.items()
    ]

    assert not specs.problems
    assert (
        run_trials(tmp_path, compiled, [Trial("the sidecar's counters", series, expectations)]) == "SUCCESS"
    )


def scraped(random: Random) -> tuple[dict[str, str], dict[str, float]]:
    """What a Prometheus finds at each scrape, in promtool's notation, and the ratios of the last snapshot."""
    engine = Engine([WATCHED], interval=5)
    found: dict[str, list[str]] = {}
    snapshot = None
    for tick in range(MINUTES * MINUTE // 5 + 1):
        at = START + 5 * tick
        failing = 0.2 if 20 * MINUTE < 5 * tick < 40 * MINUTE else 0.01
        counts = EventCounts(error=float(random.randrange(round(1000 * failing))), total=500.0)
        snapshot = engine.record_tick(at, [IntervalCounts(at, {WATCHED.id: SloCounts({(): counts})})])
        if 5 * tick % SCRAPE == 0:
            for line in (
                SnapshotMetrics.render_snapshot(snapshot, at)
                .encode_metrics(ExpositionFormat.TEXT, at)
                .decode()
                .splitlines()
            ):
                if line.startswith(("slo_events_total", "slo_error_events_total")):
                    name, _, value = line.rpartition(" ")
                    found.setdefault(name, []).append(value)
    assert snapshot is not None
    ratios = {"30m": 30 * MINUTE, "1h": HOUR}
    (state,) = snapshot.states
    return (
        {name: " ".join(values) for name, values in found.items()},
        {name: state.burn_over(lookback).error_ratio or 0.0 for name, lookback in ratios.items()},
    )
