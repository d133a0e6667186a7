"""The library: sloctl in a program of yours, by the functions that its own commands call.

Specs are texts, of files or of anywhere; everything after them is a value. A mistake in a spec is a Problem
with a place and a code, never an exception; exceptions are for files that cannot be read (SpecFileError) and
servers that do not answer (PrometheusError).

>>> spec = '''
... apiVersion: sloctl.dev/v1
... kind: ServiceLevelObjectives
... metadata: {name: shop}
... spec:
...   slos:
...     - name: availability
...       objective: 99.9%
...       indicator:
...         ratio:
...           error: http_requests_total{job="shop", code=~"5.."}
...           total: http_requests_total{job="shop"}
... '''
>>> specs = read_specs([("shop.yaml", spec.encode())])
>>> specs.problems
()
>>> [slo] = specs.slos
>>> slo.id, slo.objective, slo.budget
('shop/availability', Fraction(999, 1000), Fraction(1, 1000))

A mistake, at its place, with the code that docs/problems.md explains:

>>> wrong = spec.replace("objective: 99.9%", "objective: 100%")
>>> for problem in read_specs([("shop.yaml", wrong.encode())]).problems:
...     print(problem.place.line, problem.level.value, problem.code)
8 error objective-range

What `sloctl compile`, `explain` and `backtest` do:

>>> for artefact in compile_artefacts(specs.slos, NATIVE_STYLE):
...     print(artefact.path)
alerts/shop.yaml
alertmanager/inhibit_rules.yaml
alertmanager/sloctl.tmpl
dashboards/shop.json
dashboards/_overview.json
>>> explain_slo(slo).full_outage_seconds
2592.0
>>> minutes = 30 * 24 * 60
>>> series = EventSeries(0, 60, events=[100.0] * minutes, errors=[0.0] * (minutes - 20) + [50.0] * 20)
>>> past = backtest_budget(slo, {}, series)
>>> [(fired.severity.value, fired.began) for fired in past.replay.of_severity(Severity.PAGE)]
[('page', 2590920)]

`API_VERSION` is raised when a name of `__all__` goes or comes to mean something else; a new name leaves it.
"""

from typing import Final

from sloctl.backtest.count_cache import CountCache
from sloctl.backtest.count_files import FileCounts
from sloctl.backtest.evaluation import BudgetBacktest, backtest_budget
from sloctl.backtest.fetch import CountStore, fetch_counts
from sloctl.backtest.reports import render_text as render_backtests
from sloctl.checks.review import review_specs
from sloctl.compiler import (
    Artefact,
    CompiledPart,
    compile_artefacts,
    compile_manifests,
    compile_rule_tests,
    compile_rules,
    find_oversized_dashboards,
)
from sloctl.explain.text_report import render_text as render_explanation
from sloctl.explain.timeline import SloExplanation, explain_slo
from sloctl.files import SpecFileError, SpecText, read_spec_files
from sloctl.model import Alerting, Severity, Slo
from sloctl.naming import LABEL_STYLES, NATIVE_STYLE, LabelStyle
from sloctl.outputs import diff_artefacts, find_orphaned_files, write_artefacts
from sloctl.problems import Place, Problem, ProblemLevel, is_at_least
from sloctl.prometheus.answers import QueryRange
from sloctl.prometheus.credentials import ClientOptions
from sloctl.prometheus.errors import PrometheusError
from sloctl.prometheus.plain_client import PrometheusClient
from sloctl.slo.event_series import EventSeries
from sloctl.spec import ParsedSpecs, ReadingOptions, json_schema, read_specs

API_VERSION: Final = 1

__all__ = [
    "API_VERSION",
    "LABEL_STYLES",
    "NATIVE_STYLE",
    "Alerting",
    "Artefact",
    "BudgetBacktest",
    "ClientOptions",
    "CompiledPart",
    "CountCache",
    "CountStore",
    "EventSeries",
    "FileCounts",
    "LabelStyle",
    "ParsedSpecs",
    "Place",
    "Problem",
    "ProblemLevel",
    "PrometheusClient",
    "PrometheusError",
    "QueryRange",
    "ReadingOptions",
    "Severity",
    "Slo",
    "SloExplanation",
    "SpecFileError",
    "SpecText",
    "backtest_budget",
    "compile_artefacts",
    "compile_manifests",
    "compile_rule_tests",
    "compile_rules",
    "diff_artefacts",
    "explain_slo",
    "fetch_counts",
    "find_orphaned_files",
    "find_oversized_dashboards",
    "is_at_least",
    "json_schema",
    "read_spec_files",
    "read_specs",
    "render_backtests",
    "render_explanation",
    "review_specs",
    "write_artefacts",
]
