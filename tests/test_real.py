"""The real parts, tried on themselves."""

import time
from pathlib import Path

import pytest

from tests.real import backfill, running_alertmanager, running_prometheus

RULES = """
groups:
  - name: one
    interval: 1s
    rules: [{record: "one:sum", expr: "vector(1)"}]
"""
NOBODY = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"


def test_a_prometheus_answers_from_history_written_before_it_started(tmp_path: Path) -> None:
    start = time.time() - 3 * 86400
    backfill(tmp_path, [('hits_total{job="a"}', 60.0 * step, start + 60 * step) for step in range(60)])

    with running_prometheus(tmp_path, rules={"one.yaml": RULES}) as prometheus:
        [now] = prometheus.instant('increase(hits_total{job="a"}[30m])', at=start + 3000)
        [series] = prometheus.range("hits_total", start=start + 60, end=start + 180, step=60)
        groups = prometheus.get("/api/v1/rules")

    assert now.value == pytest.approx(1800)
    assert series.labels == {"__name__": "hits_total", "job": "a"}
    assert [value for _, value in series.points] == [60, 120, 180]
    assert b"one:sum" in groups


def test_an_alertmanager_starts_alone(tmp_path: Path) -> None:
    with running_alertmanager(tmp_path, config=NOBODY) as server:
        status = server.get("/api/v2/status")

    assert b'"status":"disabled"' in status


def test_a_missing_part_skips_and_says_which(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(Path(__file__).with_name("conftest.py").read_text())
    pytester.makepyfile("from tests.real import promtool\ndef test_rules():\n    promtool()\n")

    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PROMTOOL", "/nowhere/promtool")
        # Else the inner run counts lines of a `sloctl/` that its own folder does not have.
        environment.delenv("SLIPCOVER_ENABLED", raising=False)
        environment.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
        result = pytester.runpytest_subprocess()

    result.stdout.fnmatch_lines(
        [
            "*did not run*",
            "1 × missing real part: promtool (put it on PATH or name it in $PROMTOOL)",
            "*1 skipped*",
        ]
    )
