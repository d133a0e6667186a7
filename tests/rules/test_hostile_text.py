"""Whatever text a spec holds, the rules mean the same: it is a value, never syntax."""

import subprocess
from pathlib import Path

import promql_parser
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sloctl import compiler
from sloctl.model import AlertMetadata, CountedSide, LabelMatcher, MatchOp, RatioIndicator, Selector, Slo
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import format_selector, read_selector, wrap_lines
from sloctl.rules.alert_templates import escape_template
from sloctl.targets.prometheus import quote_yaml
from tests.real import promtool
from tests.rules.specimens import ALERTING, shop

HOSTILE = (
    'x"} or vector(1) #',
    "\\",
    'a\\"b',
    "line\nbreak",
    "}{",
    "`",
    "'; drop",
    "{{ query `up` }}",
    "{{",
    "}}",
    "- x: y",
    "\u202eevil",
    "\x00\x1b[31m",
    "\x85\u2028",
    "🙂",
    "%q %s",
    "$labels",
)
text = st.text(max_size=40) | st.sampled_from(HOSTILE)


def hostile_slo(words: str) -> Slo:
    """An SLO that holds *words* wherever a spec takes free text."""
    matcher = LabelMatcher("path", MatchOp.NOT_EQUAL, words)
    return shop(
        description=words,
        labels={"team": words},
        annotations={"note": words},
        indicator=RatioIndicator(
            CountedSide.ERROR, (Selector("errors", (matcher,)),), (Selector("requests", (matcher,)),)
        ),
    )


def expressions(rules: str) -> list[str]:
    groups = yaml.load(rules, Loader=yaml.CSafeLoader)["groups"]
    return [rule["expr"] for group in groups for rule in group["rules"]]


def printed(expression: str) -> str:
    """The expression as the parser prints it."""
    return str(promql_parser.parse(expression).prettify())


@given(text)
def test_a_selector_is_read_back_as_it_was_written(words: str) -> None:
    written = Selector("requests", (LabelMatcher("path", MatchOp.EQUAL, words),))

    assert read_selector(format_selector(written)) == written


@given(text)
def test_quoted_yaml_is_read_back_as_it_was_written(words: str) -> None:
    assert yaml.load(f"[{quote_yaml(words)}]", Loader=yaml.CSafeLoader) == [words]


@given(text)
def test_breaking_lines_changes_no_string(words: str) -> None:
    selector = format_selector(Selector("x", (LabelMatcher("path", MatchOp.EQUAL, words),)))

    broken = wrap_lines(f"sum({selector} or {selector}) unless {selector}", 20)

    assert printed(broken) == printed(f"sum({selector} or {selector}) unless {selector}")


@given(text)
def test_text_of_an_annotation_is_read_back(words: str) -> None:
    note = f"{words} {words}" * 20
    slo = shop(alerting=replace(ALERTING, page=AlertMetadata({}, {"note": note})))

    groups = yaml.load(compiler.compile_rules([slo], NATIVE_STYLE), Loader=yaml.CSafeLoader)["groups"]

    page = next(rule for rule in groups[0]["rules"] if "alert" in rule)
    assert page["annotations"]["note"] == escape_template(note)


@given(text)
def test_hostile_text_changes_no_expression(words: str) -> None:
    plain = expressions(compiler.compile_rules([hostile_slo("plain")], NATIVE_STYLE))
    escaped = format_selector(Selector("x", (LabelMatcher("path", MatchOp.NOT_EQUAL, words),)))[
        len("x{path!=") : -1
    ]

    hostile = expressions(compiler.compile_rules([hostile_slo(words)], NATIVE_STYLE))

    # Where lines are broken depends on how long the text is.
    expected = [expression.replace('"plain"', escaped) for expression in plain]
    assert list(map(printed, hostile)) == list(map(printed, expected))


@given(text)
def test_every_expression_around_hostile_text_is_promql(words: str) -> None:
    for expression in expressions(compiler.compile_rules([hostile_slo(words)], NATIVE_STYLE)):
        assert promql_parser.parse(expression) is not None


def test_prometheus_loads_rules_full_of_hostile_text(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    slos = [shop(name=f"slo-{n}", **_texts(hostile_slo(words))) for n, words in enumerate(HOSTILE)]
    rules.write_text(compiler.compile_rules(slos, NATIVE_STYLE))

    done = subprocess.run(
        [promtool(), "check", "rules", str(rules)], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("name", ["no", "true", "null", "y", "Shop: burns", "a.b - c", "e1"])
def test_any_name_that_an_alert_may_have_is_its_name(name: str) -> None:
    page = AlertMetadata({}, {}, name)
    slo = shop(alerting=replace(ALERTING, page=page))

    groups = yaml.load(compiler.compile_rules([slo], NATIVE_STYLE), Loader=yaml.CSafeLoader)["groups"]

    alerts = [rule["alert"] for group in groups for rule in group["rules"] if "alert" in rule]
    assert name in alerts


def _texts(slo: Slo) -> dict[str, object]:
    return {
        "description": slo.description,
        "labels": slo.labels,
        "annotations": slo.annotations,
        "indicator": slo.indicator,
    }
