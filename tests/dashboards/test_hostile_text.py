"""Text from a spec is shown, never run: not as PromQL, not as a Grafana variable, not as markup."""

import json
import re

import promql_parser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from sloctl.dashboards.escape import escape_markdown, escape_title, exact_matchers, web_address
from sloctl.dashboards.service import build_service_dashboard
from sloctl.dashboards.slo_queries import QueryScope
from sloctl.model import LabelMatcher, MatchOp, Selector
from sloctl.naming import NATIVE_STYLE
from sloctl.promql import read_selector
from sloctl.targets.grafana import render_dashboard
from tests.dashboards.grafana import filled, panel, panels
from tests.dashboards.specimens import AVAILABILITY, LATENCY

# How Grafana finds variables: public/app/features/variables/utils.ts, variableRegex.
VARIABLE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
OURS = {"datasource", "__interval", "__rate_interval"}
HOOKS = ["$", "{", "}", "[[", "]]", "__interval", "datasource", "user", '"', "\\", "<b>", "](", "`"]
NASTY = st.lists(st.sampled_from([*HOOKS, "\n"]) | st.text(max_size=3), max_size=12).map("".join)


def _variables(text: str) -> set[str]:
    return {found[1] or found[2] or found[4] for found in VARIABLE.finditer(text)}


@given(NASTY)
def test_no_text_of_a_spec_is_a_variable(nasty: str) -> None:
    hostile = replace(
        AVAILABILITY,
        service=nasty,
        name=nasty,
        description=nasty,
        annotations={f"{nasty}_url": f"http://x/{nasty}"},
    )
    dashboard = json.loads(render_dashboard(build_service_dashboard(nasty, [hostile], NATIVE_STYLE)))

    assert _variables(render_dashboard(build_service_dashboard(nasty, [hostile], NATIVE_STYLE))) <= OURS
    assert all(_variables(panel.get("title", "")) == set() for panel in dashboard["panels"])


@given(NASTY)
def test_no_label_value_ends_its_string(nasty: str) -> None:
    one = QueryScope(NATIVE_STYLE, matchers=exact_matchers({"slo_id": nasty}), group_labels=())

    selector = read_selector(one.select_series("up"))

    assert selector == Selector("up", (LabelMatcher("slo_id", MatchOp.EQUAL, nasty),))


@given(NASTY)
def test_every_query_of_a_hostile_spec_is_promql(nasty: str) -> None:
    hostile = [replace(slo, service=nasty, name=f"{nasty}{slo.name}") for slo in (AVAILABILITY, LATENCY)]
    dashboard = json.loads(render_dashboard(build_service_dashboard(nasty, hostile, NATIVE_STYLE)))
    queries = [target["expr"] for each in panels(dashboard) for target in each.get("targets", [])]

    parsed = [promql_parser.parse(filled(query)) for query in queries]

    assert len(parsed) > 30


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("5% of $100 a day", "5% of $\u2060100 a day"),
        ("${__user.login}", "$\u2060{__user.login}"),
        ("[[datasource]]", "[\u2060[datasource]]"),
        ("costs $ 5", "costs $ 5"),
    ],
)
def test_a_title_looks_as_it_was_written(text: str, shown: str) -> None:
    assert escape_title(text) == shown


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("Requests answered, in time (300 ms).", "Requests answered, in time (300 ms)."),
        ("<script>x</script>", "&#60;script&#62;x&#60;/script&#62;"),
        ("[here](javascript:x)", "&#91;here&#93;(javascript&#58;x)"),
        ("**a** _b_ `c` ~d~ | e", "&#42;&#42;a&#42;&#42; &#95;b&#95; &#96;c&#96; &#126;d&#126; &#124; e"),
        ("https://evil.example", "https&#58;//evil&#46;example"),
        ("www.evil.example", "www&#46;evil&#46;example"),
        ("me@evil.example", "me&#64;evil&#46;example"),
        ("&lt;", "&#38;lt;"),
        ("a\n\n# b", "a # b"),
        ("${x}", "&#36;{x}"),
    ],
)
def test_markdown_shows_markup_as_text(text: str, escaped: str) -> None:
    assert escape_markdown(text) == escaped


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://runbooks.example.com/a-b?c=d#e", "https://runbooks.example.com/a-b?c=d#e"),
        ("HTTP://example.com", "HTTP://example.com"),
        ("https://example.com/a(b)", "https://example.com/a%28b%29"),
        ("https://example.com/${x}", "https://example.com/%24%7Bx%7D"),
        ("https://example.com/ö", "https://example.com/%C3%B6"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("//example.com", None),
        ("https://example.com/ x", None),
        ("https://example.com/{{ $labels.uri }}", None),
        ("https://example.com/{{$labels.uri}}", None),
        ("", None),
    ],
)
def test_only_a_web_address_becomes_a_link(text: str, address: str | None) -> None:
    assert web_address(text) == address


def test_the_objective_stands_there_in_words() -> None:
    dashboard = json.loads(render_dashboard(build_service_dashboard("shop", [AVAILABILITY], NATIVE_STYLE)))

    assert panel(dashboard, "Objective")["options"]["content"] == (
        "**Good means:** Requests answered without a server error.\n"
        "\n"
        "**99.95%** of events are good over any **30d**; 0.05% may be bad.\n"
        "\n"
        "**Pages** when the error ratio is above\n"
        "\n"
        "- 0.72% (14.4×) in the last 1h and 5m\n"
        "- 0.3% (6×) in the last 6h and 30m\n"
        "\n"
        "**Opens a ticket** when the error ratio is above\n"
        "\n"
        "- 0.15% (3×) in the last 1d and 2h\n"
        "- 0.05% (1×) in the last 3d and 6h\n"
        "\n"
        "[Runbook](https://runbooks.example.com/shop)"
    )
