"""No spec of Pyrra or OpenSLO raises, however broken: it is SLOs or problems, each at a place."""

from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.spec.dialects.pyrra_specs import pyrra_spec
from tests.spec.test_fuzz import DOCUMENTS, MINUTE, SHORT, as_yaml, never_raises

FIXTURES: Final = Path(__file__).parents[2] / "migrate"
TEXTS: Final = [
    pyrra_spec(),
    *(path.read_text() for kind in ("pyrra", "openslo") for path in sorted((FIXTURES / kind).glob("*.yaml"))),
]
WORDS: Final = sorted({word for text in TEXTS for word in text.replace("{", " ").replace("}", " ").split()})
HEADERS: Final = [
    "apiVersion: pyrra.dev/v1alpha1\nkind: ServiceLevelObjective\nmetadata: {name: a}\nspec: ",
    *(
        f"apiVersion: {version}\nkind: {kind}\nmetadata: {{name: a}}\nspec: "
        for version in ("openslo/v1", "openslo/v1alpha", "openslo.com/v2alpha")
        for kind in ("SLO", "SLI", "Service", "AlertPolicy", "AlertCondition", "DataSource")
    ),
]


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A sound spec in which some parts are cut, doubled or replaced."""
    content = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 30)))
        piece = draw(
            st.sampled_from(["", content[start:end] * 2, "null", "1e400", "[]", "{}", *WORDS])
            | st.text(max_size=6)
            | st.sampled_from(list("{}[]\"'&*!|>%@`#,?:-\n\t\0"))
        )
        content = content[:start] + piece + content[end:]
    return content.encode(errors="replace")


@st.composite
def swapped_lines(draw: st.DrawFn) -> bytes:
    """A sound spec in which the value of some keys is anything."""
    lines = draw(st.sampled_from(TEXTS)).splitlines()
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.integers(0, len(lines) - 1))
        key, colon, _ = lines[index].partition(": ")
        lines[index] = f"{key}{colon}{as_yaml(draw(DOCUMENTS))}" if colon else lines[index]
    return "\n".join(lines).encode(errors="replace")


HEADED: Final = st.builds(
    lambda header, document: (header + as_yaml(document) + "\n").encode(), st.sampled_from(HEADERS), DOCUMENTS
)


@SHORT
@given(mutations())
def test_a_mutated_foreign_spec_never_raises(content: bytes) -> None:
    never_raises(content)


@SHORT
@given(HEADED | swapped_lines())
def test_any_value_in_a_foreign_spec_never_raises(content: bytes) -> None:
    never_raises(content)


@pytest.mark.full
@MINUTE
@given(HEADED | swapped_lines() | mutations())
def test_a_minute_of_foreign_specs_never_raises(content: bytes) -> None:
    never_raises(content)
