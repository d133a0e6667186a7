"""The short form of `make fuzz`: each target on its corpus, and on what is near it."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import BETWEEN, TARGETS

CORPUS: Final = {
    name: sorted(file for file in Path(__file__).with_name("corpus").joinpath(name).iterdir())
    for name in TARGETS
}
SEEDS: Final = [(name, file) for name, files in CORPUS.items() for file in files]
PIECES: Final = [
    b"",
    b"\n",
    b"{",
    b"}",
    b'"',
    b": ",
    b"- ",
    b"\x00",
    b"\xff",
    b"\xed\xa0\x80",
    b"1e999",
    BETWEEN,
]


@pytest.mark.parametrize(("name", "file"), SEEDS, ids=[f"{name}-{file.stem}" for name, file in SEEDS])
def test_what_is_in_the_corpus_raises_nothing(name: str, file: Path) -> None:
    TARGETS[name](file.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_has_a_corpus(name: str) -> None:
    assert len(CORPUS[name]) >= 4


@settings(max_examples=300)
@given(st.data())
@pytest.mark.parametrize("name", TARGETS)
def test_what_is_near_the_corpus_raises_nothing(name: str, data: st.DataObject) -> None:
    content = data.draw(st.sampled_from(CORPUS[name])).read_bytes()
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(content)))
        end = min(len(content), start + data.draw(st.integers(0, 40)))
        piece = data.draw(st.sampled_from([*PIECES, content[start:end] * 2]) | st.binary(max_size=4))
        content = content[:start] + piece + content[end:]

    TARGETS[name](content)
