"""Exposition text → samples of the wanted metrics."""

from collections.abc import Collection

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import choose_encoder
from prometheus_client.parser import text_string_to_metric_families

from sloctl.model import Labels
from sloctl.sidecar.sources.counting.series import ExposedSample, SeriesId
from sloctl.sidecar.sources.scrape.exposition import ExpositionParser, process_start

TEXT = r"""# HELP a_total Things, a_total{of="all"} 3 kinds.
# TYPE a_total counter
a_total{path="/x y",quote="\"}\""} 5
a_total 7 1700000000000
a_total_created 1
ab_total 9
b_bucket{le="0.3"} 2 # {trace_id="q r"} 0.2 1700000000.5
not a line of any format }{
"""
A = SeriesId("a_total", ())


def samples(text: str, metrics: Collection[str], target: Labels) -> list[ExposedSample]:
    return ExpositionParser(metrics, target).parse_samples(f"{text}\n")


def test_only_lines_of_wanted_metrics_are_read() -> None:
    assert samples(TEXT, {"a_total", "b_bucket"}, {}) == [
        ExposedSample(SeriesId("a_total", (("path", "/x y"), ("quote", '"}"'))), 5.0),
        ExposedSample(A, 7.0, at=1_700_000_000.0),
        ExposedSample(SeriesId("b_bucket", (("le", "0.3"),)), 2.0),
    ]


def test_with_many_metrics_wanted_the_same_lines_are_read() -> None:
    many = {f"other{number}_total" for number in range(100)}

    assert samples(TEXT, {"a_total", "b_bucket"} | many, {}) == samples(TEXT, {"a_total", "b_bucket"}, {})


def test_where_nothing_is_wanted_nothing_is_read() -> None:
    assert samples(TEXT, set(), {}) == []


def test_what_was_parsed_once_reads_the_same_again() -> None:
    reader = ExpositionParser({"a_total", "b_bucket"}, {})

    assert reader.parse_samples(TEXT) == reader.parse_samples(TEXT)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("a_total five", "could not convert string to float: 'five'"),
        ("a_total 1_000", "not a sample: 'a_total 1_000'"),
        ('a_total{b="c} 5', "not a sample"),
        ("a_total ", "not a sample"),
        ('a_total{b="c"', "not a sample"),
    ],
)
def test_a_broken_line_of_a_wanted_metric_is_an_error(line: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        samples(line, {"a_total"}, {})


def test_the_labels_of_the_target_win_and_exposed_ones_are_kept_aside() -> None:
    ((series, *_),) = samples('a_total{job="x"} 1', {"a_total"}, {"job": "shop"})

    assert series.labels == (("exported_job", "x"), ("job", "shop"))


def test_a_label_without_a_value_is_no_label() -> None:
    ((series, *_),) = samples('a_total{b=""} 1', {"a_total"}, {})

    assert series == A


def test_openmetrics_with_exemplars_and_creation_times_reads_alike() -> None:
    registry = CollectorRegistry()
    counter = Counter("a", "Things.", ["code"], registry=registry).labels("500")
    counter.inc(3, {"trace_id": "x y"})
    encode, _ = choose_encoder("application/openmetrics-text;version=1.0.0")

    (read,) = ExpositionParser({"a_total"}, {}).parse_samples(encode(registry).decode(), openmetrics=True)

    assert read == ExposedSample(SeriesId("a_total", (("code", "500"),)), 3.0, created=counter._created)  # noqa: SLF001 - told nowhere else


def test_all_series_of_a_histogram_share_its_creation_time() -> None:
    text = (
        'b_bucket{code="1",le="0.3"} 2\nb_count{code="1"} 3\nb_created{code="1"} 1700000000.5\nb_created 5\n'
    )

    assert [sample.created for sample in samples(text, {"b_bucket", "b_count"}, {})] == [1_700_000_000.5] * 2


def test_a_gauge_called_created_is_no_creation_time() -> None:
    text = "# TYPE a_created gauge\na_created 1700000000\n# TYPE a counter\na_total 7\n# EOF\n"
    of_the_counter = "# TYPE a counter\na_total 7\na_created 1700000000\n# EOF\n"

    of_a_gauge, own = (
        ExpositionParser({"a_total"}, {}).parse_samples(it, openmetrics=True) for it in (text, of_the_counter)
    )

    assert [it.created for it in of_a_gauge] == [None]
    assert [it.created for it in own] == [1_700_000_000.0]


def test_text_declares_each_creation_time_a_gauge() -> None:
    text = "# TYPE a_created gauge\na_created 1700000000\n# TYPE a_total counter\na_total 7"

    (read,) = samples(text, {"a_total"}, {})

    assert (read.created, read.is_declared) == (1_700_000_000.0, False)


def test_openmetrics_tells_its_timestamps_in_seconds() -> None:
    (read,) = ExpositionParser({"a_total"}, {}).parse_samples(
        "a_total 7 1700000000.5\n# EOF\n", openmetrics=True
    )

    assert read.at == 1_700_000_000.5


def test_openmetrics_that_was_cut_off_is_an_error() -> None:
    with pytest.raises(ValueError, match="was cut off"):
        ExpositionParser({"a_total"}, {}).parse_samples("a_total 7\n", openmetrics=True)


@pytest.mark.parametrize("end", ["a_total 50", 'a_total{b="', "# HELP a_total Thi"])
def test_text_that_was_cut_off_is_an_error(end: str) -> None:
    with pytest.raises(ValueError, match="was cut off"):
        ExpositionParser({"a_total"}, {}).parse_samples(f"a_total 7\n{end}")


def test_of_too_many_samples_the_largest_metric_is_left_out() -> None:
    parser = ExpositionParser({"a_total", "b_total"}, {})
    body = b'a_total{b="1"} 1\na_total{b="2"} 1\nb_total 1\n'

    *waits, read = parser.parse_in_pieces(body, most_samples=2)

    assert [sample.series.metric for sample in read or ()] == ["b_total"]
    assert not any(waits)
    assert parser.left_out == {"a_total"}


@pytest.mark.parametrize("length", [17_000, 300_000])
def test_a_sample_of_a_huge_label_is_left_out(length: int) -> None:
    parser = ExpositionParser({"a_total"}, {})

    read = parser.parse_samples(f'# {"x" * length}\na_total{{b="{"/" * length}"}} 1\na_total 2\n')

    assert [sample.value for sample in read] == [2]
    assert parser.too_long == 1


LABEL_VALUES = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(LABEL_VALUES, st.floats(allow_nan=False))
def test_a_sample_reads_as_the_library_reads_it(value: str, number: float) -> None:
    escaped = value.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    line = f'a_total{{b="{escaped}",c="d"}} {number!r}\n'

    read = [(dict(series.labels), found) for series, found, *_ in samples(line, {"a_total"}, {})]

    ((sample,),) = (family.samples for family in text_string_to_metric_families(line))
    assert read == [({name: text for name, text in sample.labels.items() if text}, sample.value)]


@pytest.mark.parametrize(
    ("value", "start"),
    [
        ("1.7e9", 1.7e9),
        ("1700000000", 1.7e9),
        ("1.7e", None),
        ("1.7.1", None),
        ("NaN", None),
        ("1e999", None),
    ],
)
def test_a_process_starts_when_its_number_says_so(value: str, start: float | None) -> None:
    body = f"a 1\nprocess_start_time_seconds {value}\n".encode()

    assert process_start(body) == start
