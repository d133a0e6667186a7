"""What goes over the wire is what Prometheus reads."""

import struct
from pathlib import Path

from bench.rules.profile import START
from bench.rules.remote_write import STALE, labels, samples, stamp
from bench.rules.server import server


def test_a_sample_takes_eighteen_bytes() -> None:
    assert len(samples([1.0, 2.0], [stamp(START), stamp(START + 15)])) == 36


def test_the_stale_marker_is_prometheuss_own_nan() -> None:
    assert struct.pack("<d", STALE).hex() == "020000000000f07f"


def test_what_was_written_is_there_until_its_stale_marker(tmp_path: Path) -> None:
    name = labels({"__name__": "up", "job": "bench"})
    line = samples([1.0, STALE], [stamp(START), stamp(START + 30)])

    with server(tmp_path) as prometheus:
        prometheus.write([(name, line)])
        found = [prometheus.value("up", START + after) for after in (0, 29, 30)]

    assert found == [1.0, 1.0, None]


def test_older_samples_of_other_series_may_come_later(tmp_path: Path) -> None:
    new, old = labels({"__name__": "new"}), labels({"__name__": "old"})

    with server(tmp_path) as prometheus:
        prometheus.write([(new, samples([1.0], [stamp(START + 1_000_000)]))])
        prometheus.write([(old, samples([2.0], [stamp(START)]))])
        found = prometheus.value("old", START)

    assert found == 2.0
