"""Exposition text → samples of the wanted metrics."""

import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import choose_encoder

from sloctl.sidecar.sources.exposition import Series, samples

TEXT = r"""# HELP a_total Things, a_total{of="all"} 3 kinds.
# TYPE a_total counter
a_total{path="/x y",quote="\"}\""} 5
a_total 7 1700000000000
a_total_created 1
ab_total 9
b_bucket{le="0.3"} 2 # {trace_id="q r"} 0.2 1700000000.5
not a line of any format }{
"""


def test_only_lines_of_wanted_metrics_are_read() -> None:
    read = list(samples(TEXT, {"a_total", "b_bucket"}, {}))

    assert read == [
        (Series("a_total", (("path", "/x y"), ("quote", '"}"'))), 5.0),
        (Series("a_total", ()), 7.0),
        (Series("b_bucket", (("le", "0.3"),)), 2.0),
    ]


def test_a_broken_line_of_a_wanted_metric_is_an_error() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        list(samples("a_total five", {"a_total"}, {}))


def test_the_labels_of_the_target_win_and_exposed_ones_are_kept_aside() -> None:
    ((series, _),) = samples('a_total{job="x"} 1', {"a_total"}, {"job": "shop"})

    assert series.labels == (("exported_job", "x"), ("job", "shop"))


def test_openmetrics_with_exemplars_reads_alike() -> None:
    registry = CollectorRegistry()
    Counter("a", "Things.", ["code"], registry=registry).labels("500").inc(3, {"trace_id": "x y"})
    encode, _ = choose_encoder("application/openmetrics-text;version=1.0.0")

    read = list(samples(encode(registry).decode(), {"a_total"}, {}))

    assert read == [(Series("a_total", (("code", "500"),)), 3.0)]
