"""An answer that is shortened while it comes reads the same as a whole one."""

import asyncio
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sloctl.sidecar.sources.counting.series import ExposedSample
from sloctl.sidecar.sources.scrape import exposition, exposition_reader
from sloctl.sidecar.sources.scrape.body_memory import BodyMemory
from sloctl.sidecar.sources.scrape.exposition import ExpositionParser, process_start
from sloctl.sidecar.sources.scrape.exposition_reader import ExpositionReader

WANTED = {"a_total", "b_bucket"}
LINES = st.one_of(
    st.sampled_from(
        [
            "",
            "# EOF",
            "# TYPE a_created gauge",
            "process_start_time_seconds 1.7e9",
            'process_start_time_seconds{pod="a"} 1.6e9',
            "a_created 1700000000.5",
            'b_bucket{le="0.5"} 7 # {trace_id="a"} 0.2',
            'a_total{path="é"} 5',
            "a_total five",
            "\udcff",
            f'a_total{{path="{"x" * 90}"}} 1',
            f'a_total{{path="{"y" * 900}"}} 1',
            f"# HELP c_total {'z' * 900}",
        ]
    ),
    st.integers(0, 9).map(lambda value: f'a_total{{code="{value}"}} {value}'),
    st.integers(0, 9).map(lambda value: f"other{value} {value}"),
)
ANSWERS = st.tuples(st.lists(LINES, max_size=40).map("\n".join), st.sampled_from(["", "\n", "\n\n"])).map(
    lambda parts: "".join(parts).encode(errors="surrogateescape")
)


Read: TypeAlias = tuple[list[ExposedSample], float | None, frozenset[str], int]


@given(ANSWERS, st.booleans(), st.integers(1, 300), st.sampled_from([0, 200]))
def test_an_answer_shortened_reads_as_a_whole_one(
    body: bytes, openmetrics: bool, size: int, raw_bytes: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        # So that short texts have many pieces.
        patch.setattr(exposition, "PIECE_BYTES", 100)
        patch.setattr(exposition_reader, "PIECE_BYTES", 100)
        patch.setattr(exposition_reader, "_STEP_BYTES", 70)
        patch.setattr(exposition, "_MAX_SAMPLE_LENGTH", 60)
        shortened = asyncio.run(read_shortened(body, openmetrics=openmetrics, size=size, raw_bytes=raw_bytes))

        assert shortened == parse(body, openmetrics=openmetrics)


async def read_shortened(body: bytes, *, openmetrics: bool, size: int, raw_bytes: int) -> Read | None:
    """Parse *body* as it is left when it comes in chunks of *size*; None where it is refused."""
    async with BodyMemory(10**9).open_reservation() as reservation:
        reader = ExpositionReader(ExpositionParser(WANTED, {}), reservation, raw_bytes=raw_bytes)
        for start in range(0, len(body), size):
            try:
                await reader.take_piece(body[start : start + size])
            except ValueError:
                return None
    assert len(reader.body) + reader.omitted == len(body)
    return parse(bytes(reader.body), openmetrics=openmetrics)


def parse(body: bytes, *, openmetrics: bool) -> Read | None:
    """Give all that is read of *body*; None where it is refused."""
    parser = ExpositionParser(WANTED, {})
    try:
        *_, samples = parser.parse_in_pieces(body, openmetrics=openmetrics, most_samples=20)
    except ValueError:
        return None
    return samples or [], process_start(body), parser.left_out, parser.too_long


async def test_what_nobody_wants_takes_no_memory() -> None:
    most = 0
    async with BodyMemory(10**9).open_reservation() as reservation:
        reader = ExpositionReader(ExpositionParser(WANTED, {}), reservation, raw_bytes=0)
        for _ in range(300):
            await reader.take_piece(b"# nothing to see\nother_total 5\n" * 3_000)
            most = max(most, len(reader.body))

    assert most < 1_000_000
    assert reader.omitted > 27_000_000


async def test_a_byte_that_is_not_utf_8_is_named_by_its_place() -> None:
    body = b"# nothing to see\n" * 60_000 + b"\xff\n" + b"# nothing to see\n"
    async with BodyMemory(10**9).open_reservation() as reservation:
        reader = ExpositionReader(ExpositionParser(WANTED, {}), reservation, raw_bytes=0)

        with pytest.raises(ValueError, match="invalid start byte at byte 1020000"):
            await reader.take_piece(body)
