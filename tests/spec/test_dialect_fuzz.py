"""No foreign document raises: it is SLOs or problems, read directly and migrated."""

import re

from hypothesis import given
from hypothesis import strategies as st

from sloctl.migrate.migration import migrate_specs
from sloctl.migrate.report import FORMATS
from sloctl.problems import ProblemLevel
from sloctl.spec import ReadingOptions, read_specs
from sloctl.spec.dialects.query_shapes import shape_events, shape_ratio
from tests.spec.test_fuzz import SHORT, as_yaml

WORDS = re.findall(
    r"\w+|<<",
    "version service labels slos name objective sli events error_query total_query errorQuery totalQuery raw "
    "error_ratio_query errorRatioQuery plugin id options alerting page_alert ticket_alert pageAlert disable "
    "annotations description slo_plugins plugins chain config overridePrevious priority spec metadata kind "
    "apiVersion sloPeriod page ticket quick slow errorBudgetPercent shortWindow longWindow for bucket <<",
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.sampled_from(
        [99.9, 100, 0, "99.9", "true", "30d", "5m", "shop", "Shop_1", "prometheus/v1", "AlertWindows"]
    )
    | st.sampled_from(
        ["sum(rate(a[{{.window}}]))", "a{{.window}}", "{{ .Values.x }}", "{{.window}}", "sum(", "a == b"]
    )
    | st.sampled_from(
        ["sloth-common/istio/v1/latency", "sloth.dev/core/debug/v1", "{{ $labels.x }}", "{{ $value"]
    )
)
KEYS = st.sampled_from(WORDS) | st.text(max_size=6)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=30,
)
QUERIES = st.sampled_from(
    [
        "sum(rate(a[{{.window}}]))",
        "sum by (x) (rate(b[{{.window}}]))",
        "1 - (a/b)",
        "avg_over_time(up[{{ .window }}])",
    ]
)
SLIS = st.one_of(
    st.fixed_dictionaries(
        {"events": st.fixed_dictionaries({"error_query": QUERIES, "total_query": QUERIES})}
    ),
    st.fixed_dictionaries({"raw": st.fixed_dictionaries({"error_ratio_query": QUERIES})}),
    VALUES,
)
ALERTS = st.dictionaries(
    st.sampled_from(["name", "labels", "annotations", "page_alert", "ticket_alert"]), VALUES
)
SLOS = st.fixed_dictionaries(
    {"name": st.sampled_from(["a", "b", "A_b", ""]), "objective": SCALARS, "sli": SLIS},
    optional={"alerting": ALERTS, "labels": VALUES, "plugins": VALUES, "extra": VALUES},
)
FILES = st.fixed_dictionaries(
    {"version": st.just("prometheus/v1"), "service": SCALARS, "slos": st.lists(SLOS, max_size=3) | VALUES},
    optional={"labels": VALUES, "slo_plugins": VALUES},
)
RESOURCES = st.fixed_dictionaries(
    {
        "apiVersion": st.just("sloth.slok.dev/v1"),
        "kind": st.sampled_from(["PrometheusServiceLevel", "AlertWindows"]),
    },
    optional={"spec": VALUES | FILES, "metadata": VALUES},
)
PARTS = st.sampled_from(
    [
        "sum(",
        "rate(",
        "x[$window]",
        ")",
        " or ",
        "vector(0)",
        "1 - ",
        " / ",
        "by (a)",
        "clamp_min(",
        ", 1)",
        "> 0",
        "(",
        "up",
    ]
)


@given(document=FILES | RESOURCES)
@SHORT
def test_a_document_of_sloth_never_raises(document: object) -> None:
    source = [("fuzz.yaml", as_yaml(document).encode())]

    found = read_specs(source)
    migrated = migrate_specs(source, ReadingOptions())
    again = read_specs([(file.path, file.text.encode()) for file in migrated.files])

    assert found.slos or found.problems
    assert [it for it in again.problems if it.level is ProblemLevel.ERROR] == []
    assert all(render(migrated) for render in FORMATS.values())


@given(parts=st.lists(PARTS, max_size=9), others=st.lists(PARTS, max_size=6))
@SHORT
def test_a_query_never_raises(parts: list[str], others: list[str]) -> None:
    ratio, events = shape_ratio("".join(parts)), shape_events("".join(parts), "".join(others))

    assert ratio is not None
    assert events is not None
