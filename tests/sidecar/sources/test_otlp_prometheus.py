"""Names, labels and shares as Prometheus 3's own OTLP receiver has them."""

import json
import time
from collections.abc import Container, Iterator
from fractions import Fraction
from urllib.request import Request, urlopen

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValue

from sloctl.model import LatencyIndicator, NativeLatencyIndicator, Selector
from sloctl.sidecar.sources import IntervalCounts
from sloctl.sidecar.sources.otlp.exponential_histogram import ExponentialHistogram, count_above
from sloctl.sidecar.sources.otlp.points import RejectedPoints, translate_points
from sloctl.sidecar.sources.otlp.request_pieces import RequestReader
from sloctl.sidecar.sources.otlp.source import OtlpOptions, OtlpSource
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.prometheus.source import PrometheusSource
from tests.real import Prometheus, promtool_version, running_prometheus
from tests.sidecar.sources.otlp_requests import (
    accept_whole,
    counter,
    exponential,
    gauge,
    histogram,
    number,
    request,
)
from tests.sidecar.specimens import slo

PROMOTED = ("k8s.namespace.name", "cloud.region")
CONFIG = f"otlp: {{promote_resource_attributes: [{', '.join(PROMOTED)}]}}"


class Everything(Container[str]):
    """Every metric is wanted."""

    def __contains__(self, name: object) -> bool:
        return True


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    if promtool_version() < (3, 0):
        pytest.skip(
            "missing real part: Prometheus 3 (its OTLP receiver; name it in $PROMETHEUS and $PROMTOOL)"
        )
    flags = ["--web.enable-otlp-receiver", "--enable-feature=native-histograms"]
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), config=CONFIG, flags=flags) as started:
        yield started


def push(prometheus: Prometheus, pushed: ExportMetricsServiceRequest) -> None:
    url = f"{prometheus.url}/api/v1/otlp/v1/metrics"
    headers = {"Content-Type": "application/x-protobuf"}
    with urlopen(Request(url, pushed.SerializeToString(), headers)) as answer:
        assert answer.status == 200


def everyones_metrics(now: float) -> ExportMetricsServiceRequest:
    units = [
        "",
        "1",
        "s",
        "ms",
        "By",
        "By/s",
        "{request}",
        "{request}/s",
        "%",
        "1/h",
        "foo",
        "m/s",
        "°C",
        "s/{x}",
    ]
    sums = [
        counter(number(3, at=now), name=f"requests.kind{place}", unit=unit)
        for place, unit in enumerate(units)
    ]
    gauges = [
        gauge(number(3, at=now), name=f"state.kind{place}", unit=unit) for place, unit in enumerate(units)
    ]
    names = [
        "a.total.b",
        "x__y..z",
        "9lives",
        "seconds.of.life",
        "ünïcode",
        "colon:ed",
        "load_ratio",
        "Camel-Case",
    ]
    odd = [counter(number(1, at=now), name=name, unit="s") for name in names]
    odd += [gauge(number(1, at=now), name=f"g.{name}", unit="1") for name in names]
    odd += [counter(number(1, at=now), name=f"updown.{name}", unit="1", monotonic=False) for name in names]
    labels = {
        "http.route": "/a",
        "9x": "1",
        "_hidden": "2",
        "__double": "3",
        "empty": "",
        "a.b": "1",
        "a_b": "2",
        "job": "mine",
        "ü": "4",
        "cloud.region": "own",
    }
    labelled = counter(number(1, at=now, labels=labels), name="labelled")
    for key, value in {
        "true": AnyValue(bool_value=True),
        "whole": AnyValue(double_value=2.0),
        "half": AnyValue(double_value=0.5),
        "int": AnyValue(int_value=-7),
        "bytes": AnyValue(bytes_value=b"ab"),
        "list": AnyValue(array_value=ArrayValue(values=[AnyValue(string_value="a"), AnyValue(int_value=1)])),
    }.items():
        labelled.sum.data_points[0].attributes.append(KeyValue(key=key, value=value))
    bounds = [0.005, 0.1, 1, 2.5, 1e6, 1e21]
    classic = histogram([1, 2, 3, 4, 5, 6, 7], bounds, at=now, labels={"route": "/a"})
    resource = {
        "service.name": "shop",
        "service.namespace": "eu",
        "service.instance.id": "a-1",
        "k8s.namespace.name": "prod",
        "cloud.region": "north",
        "host.name": "h",
    }
    return request(*sums, *gauges, *odd, labelled, classic, exponential([1, 2], at=now), resource=resource)


def test_series_are_named_and_labelled_as_prometheus_names_them(prometheus: Prometheus) -> None:
    now = time.time()
    pushed = everyones_metrics(now)
    push(prometheus, pushed)

    stored = prometheus.get("/api/v1/series", **{"match[]": '{job="eu/shop", __name__!="target_info"}'})
    theirs = {tuple(sorted(series.items())) for series in json.loads(stored)["data"]}
    rejected = RejectedPoints()
    pieces = RequestReader(pushed.SerializeToString()).read_pieces()
    ours = {
        tuple(sorted([("__name__", point.series.metric), *point.series.labels]))
        for point in translate_points(pieces, wanted=Everything(), promoted=PROMOTED, rejected=rejected)
        if point is not None
    }

    assert rejected.points == 0
    assert sorted(ours - theirs) == []
    assert sorted(theirs - ours) == []


# Scale and offset.
SHAPES = {
    "one bucket an octave": (0, -3),
    "fine": (3, -8),
    "finer than prometheus": (11, -300),
    "coarse": (-2, -2),
}


@pytest.mark.parametrize(
    "threshold", [Fraction(1, 10), Fraction(3, 10), Fraction(1), Fraction(7, 5), Fraction(9000)]
)
@pytest.mark.parametrize("shape", SHAPES)
def test_slow_observations_are_those_of_histogram_fraction(
    prometheus: Prometheus, shape: str, threshold: Fraction
) -> None:
    now = time.time()
    scale, offset = SHAPES[shape]
    name = "latency." + shape.replace(" ", ".")
    metric = exponential(
        [5, 0, 7, 11, 2, 40, 3, 9], at=now, zero=4, negative=[2, 1], name=name, scale=scale, offset=offset
    )
    push(prometheus, request(metric))

    series = name.replace(".", "_") + "_seconds"
    (fraction,) = prometheus.instant(f"histogram_fraction(-Inf, {float(threshold)}, {series})", at=now)
    (count,) = prometheus.instant(f"histogram_count({series})", at=now)
    slow = count_above(
        ExponentialHistogram.from_point(metric.exponential_histogram.data_points[0]), None, float(threshold)
    )

    assert slow == pytest.approx(count.value * (1 - fraction.value), abs=1e-9)


WATCHED = (
    slo(),
    slo(LatencyIndicator(Selector("request_duration_seconds"), Fraction(1)), name="classic"),
    slo(NativeLatencyIndicator(Selector("request_latency_seconds"), Fraction(3, 2)), name="native"),
)
STEP = 15
MINUTES = 10


def exported(step: int, at: float, start: float) -> ExportMetricsServiceRequest:
    """Every step 27 good requests and three bad, of which some are slow."""
    answered = [
        number(27 * step, at=at, start=start, labels={"status": "200"}),
        number(3 * step, at=at, start=start, labels={"status": "500"}),
    ]
    return request(
        counter(*answered),
        histogram([20 * step, 6 * step, 4 * step], [0.1, 1], at=at, start=start),
        exponential([20 * step, 6 * step, 4 * step], offset=-1, at=at, start=start),
    )


async def test_what_is_taken_in_counts_as_what_prometheus_takes_in(prometheus: Prometheus) -> None:
    first = time.time() // 60 * 60 - MINUTES * 60
    now = first - 3600
    source = OtlpSource(OtlpOptions(), WATCHED, now=lambda: now)
    options = PrometheusOptions(prometheus.url, settle_seconds=0)
    ours: dict[str, list[float]] = {each.id: [0.0, 0.0] for each in WATCHED}
    theirs: dict[str, list[float]] = {each.id: [0.0, 0.0] for each in WATCHED}

    for step in range(MINUTES * 60 // STEP + 1):
        now = first + step * STEP
        push(prometheus, exported(step + 1, now, first - 7200))
        accept_whole(source, exported(step + 1, now, first - 7200))
        # From the third minute on, as the first has no minute before it.
        if step == 2 * 60 // STEP:
            await source.read_counts(now)
    for each in await source.read_counts(now):
        add(ours, each)
    async with PrometheusSource(options, WATCHED).open_source() as prometheus_source:
        for minute in range(3, MINUTES + 1):
            for each in await prometheus_source.read_counts(first + minute * 60 + STEP):
                add(theirs, each)

    steps = (MINUTES - 2) * 60 // STEP
    assert ours["shop/availability"] == [3 * steps, 30 * steps]
    assert ours["shop/classic"] == [4 * steps, 30 * steps]
    for slo_id, counts in theirs.items():
        assert counts == pytest.approx(ours[slo_id], rel=1e-9)


def add(sums: dict[str, list[float]], interval: IntervalCounts) -> None:
    for slo_id, counts_of_slo in interval.slos.items():
        for counts in counts_of_slo.groups.values():
            sums[slo_id][0] += counts.error
            sums[slo_id][1] += counts.total
