"""Every live check against a real Prometheus: once as it passes, once as it fails."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from sloctl import compiler
from sloctl.cli.main import main
from sloctl.naming import LABEL_STYLES
from sloctl.spec import read_specs
from tests.real import Prometheus, backfill, running_prometheus

HEADER: Final = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop}
spec:
  scrapeInterval: 1m
  slos:
"""
LOADED: Final = (
    "    - {name: loaded, objective: 99%, "
    "indicator: {ratio: {error: 'requests_total{code=\"500\"}', total: requests_total}}}\n"
)
CHANGED: Final = LOADED.replace("loaded", "changed")
PACE: Final = 60
PODS: Final = ("a", "b")


def history() -> Iterator[tuple[str, float, float]]:
    """An hour and a half up to now and a little on, so that nothing is stale while the tests run."""
    now = int(time.time())
    for number, at in enumerate(range(now - 5400, now + 240, PACE)):
        for pod in PODS:
            labels = f'job="shop",instance="{pod}"'
            yield f'requests_total{{{labels},code="200",route="/pay"}}', 60 * number, at
            yield f'requests_total{{{labels},code="500",route="/pay"}}', number, at
            yield f'rare_total{{{labels},code="200"}}', number // 30, at
            yield f'rare_total{{{labels},code="500"}}', 0, at
            for le, count in (("0.1", 50), ("0.25", 55), ("0.5", 58), ("+Inf", 60)):
                yield f'seconds_bucket{{{labels},le="{le}"}}', count * number, at
            yield f"seconds_count{{{labels}}}", 60 * number, at
            # This client makes a bucket with its first observation.
            for le in ("1", "2", "5", "+Inf"):
                yield f'lazy_bucket{{{labels},le="{le}"}}', 60 * number, at
            yield f"lazy_count{{{labels}}}", 60 * number, at
        yield 'requests_total{job="batch",instance="c",code="500"}', number, at
        yield 'failed_total{job="worker",instance="w"}', number, at
        yield 'retries_total{job="shop",instance="a"}', 1000 * number, at
        yield 'aborted_total{job="shop",instance="a"}', number, at
        if at < now - 1800:
            yield 'gone_total{job="shop",instance="a"}', number, at


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    directory = tmp_path_factory.mktemp("prometheus")
    rules = compiler.compile_rules(
        read_specs([("a.yaml", f"{HEADER}{LOADED}{CHANGED}".encode())]).slos, LABEL_STYLES["slo"]
    )
    backfill(directory, history())
    flags = ["--storage.tsdb.retention.time=20d"]
    with running_prometheus(directory, rules={"a.yaml": rules}, flags=flags) as running:
        yield running


def checked(
    prometheus: Prometheus,
    directory: Path,
    slo: str,
    capsys: pytest.CaptureFixture[str],
    *options: str,
) -> str:
    """What validate prints of one SLO."""
    spec = directory / "shop.yaml"
    spec.write_text(HEADER + slo)
    main(["validate", str(spec), "--prometheus", prometheus.url, *options])
    return capsys.readouterr().out


def ratio(error: str, total: str, more: str = "") -> str:
    return (
        f"    - name: it\n      objective: 99%\n      window: 7d\n{more}"
        f"      indicator:\n        ratio:\n          error: {error}\n          total: {total}\n"
    )


def latency(histogram: str, threshold: str) -> str:
    return (
        "    - {name: it, objective: 99%, indicator: {latency: "
        f"{{histogram: {histogram}, threshold: {threshold}}}}}}}\n"
    )


SHOP: Final = ratio('requests_total{job="shop", code="500"}', 'requests_total{job="shop"}')
CASES: Final = {
    "series there": (SHOP, 'requests_total{job="shop"}: 4 now'),
    "no such name": (
        ratio("request_totals", "requests_total"),
        "is called request_totals; there is requests_total, retries_total and rare_total (certain) "
        "[live-no-series]",
    ),
    "no such value": (
        ratio('requests_total{job="shop", code=~"5.."}', 'requests_total{job="shopp"}'),
        'job="shopp" selects no series of requests_total in the last day: the values are shop (certain) '
        "[live-no-value]",
    ),
    "no error yet": (
        ratio('requests_total{job="shop", code=~"503|504"}', 'requests_total{job="shop"}'),
        "none in the last day, as without errors",
    ),
    "no such label": (
        ratio('requests_total{status="500"}', "requests_total"),
        "no series has it (certain) [live-no-value]",
    ),
    "gone": (
        ratio("gone_total", "gone_total"),
        "gone_total has no series now, and had 1 in the last day (certain) [live-series-gone]",
    ),
    "a bound": (latency("seconds", "250ms"), "250 ms is a bound of seconds"),
    "no bound": (
        latency("seconds", "300ms"),
        "300 ms is no bound of seconds, so nothing can be counted: the nearest are 250 ms and 500 ms "
        "(certain) [live-no-bucket]",
    ),
    "a lazy client": (latency("lazy", "300ms"), "this client makes one with its first observation"),
    "a group label": (
        ratio(
            'requests_total{job="shop", code="500"}', 'requests_total{job="shop"}', "      groupBy: [route]\n"
        ),
        "every series of requests_total has route",
    ),
    "no group label": (
        ratio('requests_total{code="500"}', "requests_total", "      groupBy: [route]\n"),
        "1 of 3 series of requests_total have no label route (certain) [live-no-group-label]",
    ),
    "the pace": (SHOP, "requests_total has a sample about every 60 s"),
    "processes": (SHOP, "requests_total is of processes that have total too"),
    "other processes": (
        ratio("failed_total", 'requests_total{job="shop"}'),
        "identityLabels that both sides have alike (certain) [live-new-series-elsewhere]",
    ),
    "a subset": (SHOP, "all series of error are of total"),
    "no subset": (
        ratio('requests_total{code="500"}', 'requests_total{job="shop"}'),
        "1 series that error selects are none of total (certain) [live-outside-total]",
    ),
    "a share": (SHOP, "1.64 % bad in the last day"),
    "more than all": (
        ratio('retries_total{job="shop"}', 'requests_total{job="shop"}'),
        "(likely) [live-above-total]",
    ),
    "less than the errors": (
        SHOP.replace("          total:", '          minus: aborted_total{job="shop"}\n          total:'),
        "0.82 % bad in the last day",
    ),
    "minus within the errors": (
        SHOP.replace("          total:", '          minus: aborted_total{job="shop"}\n          total:'),
        "in the last day minus counts",
    ),
    "more than the errors": (
        SHOP.replace("          total:", '          minus: retries_total{job="shop"}\n          total:'),
        "(likely) [live-minus-above-error]",
    ),
    "a ratio": (
        '    - {name: it, objective: 99%, indicator: {errorRatio: \'sum(increase(requests_total{code="500"}'
        "[$window])) / sum(increase(requests_total[$window]))'}}\n",
        "% bad in the last day",
    ),
    "no ratio": (
        "    - {name: it, objective: 99%, indicator: {errorRatio: 'sum(increase(retries_total[$window])) "
        "/ sum(increase(requests_total[$window]))'}}\n",
        "and a share is between 0 and 1 (certain) [live-ratio-range]",
    ),
    "traffic": (SHOP, "failures in 1h page"),
    "little traffic": (
        ratio('rare_total{code="500"}', "rare_total").replace("99%", "99.9%"),
        "(likely) [live-little-traffic]",
    ),
    "the cost": (SHOP, "the rules read 6 series"),
    "kept long enough": (SHOP, "the server keeps 20d"),
    "kept too short": (
        SHOP.replace("7d", "30d"),
        "the server keeps 20d, the window is 30d: its start would be lost (certain) [live-retention]",
    ),
    "features": (SHOP, "certain  version "),
    "rules": (LOADED, "the server runs these rules"),
    "no rules": (SHOP, "the server runs no rules of this SLO yet (certain) [live-rules-absent]"),
    "other rules": (
        CHANGED.replace("99%", "98%"),
        "than this compiles into: slo:shop/changed:fast, slo:shop/changed:objective, slo:shop/changed:slow "
        "(certain) [live-rules-differ]",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_check_says_what_it_saw(
    prometheus: Prometheus, tmp_path: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    slo, seen = CASES[case]

    assert seen in checked(prometheus, tmp_path, slo, capsys)


@pytest.mark.parametrize(
    "pace", ["15s: events would be lost", "5m: rules read more than they need, and count later"]
)
def test_another_pace_than_the_spec_says_is_found(
    prometheus: Prometheus, tmp_path: Path, pace: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "shop.yaml"
    spec.write_text(
        (HEADER + SHOP).replace("scrapeInterval: 1m", f"scrapeInterval: {pace.partition(':')[0]}")
    )

    main(["validate", str(spec), "--prometheus", prometheus.url])

    assert (
        f"{spec}:5:19: warning: requests_total has a sample about every 60 s, and scrapeInterval is {pace} "
        "(likely) [live-scrape-interval]" in capsys.readouterr().out
    )


def test_no_more_is_asked_than_allowed(
    prometheus: Prometheus, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = tmp_path / "shop.yaml"
    spec.write_text(HEADER + SHOP)

    main(["validate", str(spec), "--prometheus", prometheus.url, "--max-queries", "3"])

    printed = capsys.readouterr()
    assert "3 questions asked" in printed.err
    assert "unknown           the limit of 3 questions is reached: raise --max-queries" in printed.out


def test_nobody_there_could_not_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = tmp_path / "shop.yaml"
    spec.write_text(HEADER + SHOP)

    code = main(["validate", str(spec), "--prometheus", "http://127.0.0.1:1"])

    assert code == 2
    assert "cannot connect" in capsys.readouterr().err


def test_births_counted_by_the_server_too_are_found(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = ["--enable-feature=created-timestamp-zero-ingestion"]
    with running_prometheus(tmp_path / "server", flags=flags) as running:
        printed = checked(running, tmp_path, SHOP, capsys)

    assert "write countNewSeries: false (likely) [live-feature]" in printed
