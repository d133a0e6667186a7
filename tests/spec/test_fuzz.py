"""No input raises: it is an SLO or a problem. `make test-full` looks for a minute."""

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from sloctl.spec import ParsedSpecs, read_specs
from tests.spec.specs import SPEC

SHORT = settings(max_examples=150)
MINUTE = settings(max_examples=20_000, derandomize=False, phases=[Phase.generate, Phase.shrink])
FULL = """\
apiVersion: sloctl.dev/v1
kind: ServiceLevelObjectives
metadata: {name: shop, labels: {team: shop}, annotations: {runbook: "https://example.com"}}
spec:
  scrapeInterval: 15s
  alerting: {minErrors: 3, confidence: 95%, labels: {route: shop}, exhausting: {within: 6h}}
  slos:
    - name: latency
      objective: 99%
      window: 28d
      indicator: {latency: {histogram: 'request_seconds{job="shop"}', threshold: 300ms, native: false}}
      groupBy: [uri]
      labels: {team: till}
      alerting:
        policy: [{severity: page, budgetShare: 2%, long: 1h, short: 5m}]
        page: {labels: {severity: critical}}
        noData: {disabled: true}
    - name: freshness
      objective: 99.5%
      indicator: {condition: {good: time() - max(last_success_seconds) < 900, whenAbsent: bad}}
    - name: probe
      objective: 99.5%
      indicator: {preset: {name: blackbox-probe, with: {job: blackbox}}}
"""
WORDS = sorted({word for text in (SPEC, FULL) for word in text.replace("{", " ").replace("}", " ").split()})
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(WORDS)
    | st.sampled_from(["99%", "100%", "0%", "30d", "5m", "up", "a == 1", "increase(a[$window])", "$window"])
)
KEYS = st.sampled_from([word.removesuffix(":") for word in WORDS if word.endswith(":")]) | st.text(max_size=8)
DOCUMENTS = st.recursive(
    SCALARS,
    lambda values: st.lists(values, max_size=4) | st.dictionaries(KEYS, values, max_size=6),
    max_leaves=40,
)


def as_yaml(value: object) -> str:
    """Flow style, every text in double quotes; what YAML has no form for stays as Python writes it."""
    match value:
        case dict():
            return "{" + ", ".join(f"{as_yaml(key)}: {as_yaml(entry)}" for key, entry in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_yaml, value)) + "]"
        case str():
            return (
                '"'
                + "".join(f"\\U{ord(char):08x}" for char in value if not 0xD800 <= ord(char) < 0xE000)
                + '"'
            )
        case _:
            return str(value)


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    """A sound spec in which some parts are cut, doubled or replaced."""
    content = draw(st.sampled_from([SPEC, FULL]))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 30)))
        piece = draw(
            st.sampled_from(["", content[start:end] * 2, *WORDS])
            | st.text(max_size=6)
            | st.sampled_from(list("{}[]\"'&*!|>%@`#,?:-\n\t\0"))
        )
        content = content[:start] + piece + content[end:]
    return content.encode(errors="replace")


def placed(found: ParsedSpecs) -> bool:
    return all(problem.place.line >= 1 and problem.place.column >= 1 for problem in found.problems)


def never_raises(content: bytes) -> None:
    found = read_specs([("x.yaml", content)])

    assert placed(found)
    assert all(str(problem).isprintable() for problem in found.problems)


def headed(document: object) -> bytes:
    """A document that is at least of the right kind."""
    header = "apiVersion: sloctl.dev/v1\nkind: ServiceLevelObjectives\nmetadata: {name: shop}\nspec: "
    return (header + as_yaml(document) + "\n").encode()


def objective(document: object) -> bytes:
    """A document with the right skeleton, and anything for its one SLO's indicator and alerting."""
    slo = f"{{name: a, objective: 99%, indicator: {as_yaml(document)}, alerting: {as_yaml(document)}}}"
    return headed({}).replace(b"spec: {}", f"spec: {{slos: [{slo}]}}".encode())


ANY_YAML = DOCUMENTS.map(as_yaml).map(str.encode) | DOCUMENTS.map(headed) | DOCUMENTS.map(objective)
ANY_BYTES = st.binary(max_size=400) | st.text(max_size=400).map(str.encode)


@SHORT
@given(ANY_BYTES)
def test_arbitrary_bytes_never_raise(content: bytes) -> None:
    never_raises(content)


@SHORT
@given(ANY_YAML)
def test_arbitrary_yaml_never_raises(content: bytes) -> None:
    never_raises(content)


@SHORT
@given(mutations())
def test_a_mutated_spec_never_raises(content: bytes) -> None:
    never_raises(content)


@pytest.mark.full
@MINUTE
@given(ANY_BYTES | ANY_YAML | mutations())
def test_a_minute_of_anything_never_raises(content: bytes) -> None:
    never_raises(content)
