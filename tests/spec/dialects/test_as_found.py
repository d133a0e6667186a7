"""Specs of other tools as repositories have them: in other words of YAML, from Helm, with slips."""

import json
from collections.abc import Callable
from typing import Final

import pytest
import yaml

from sloctl.migrate.migration import migrate_specs
from sloctl.spec import ReadingOptions, read_specs
from tests.spec.dialects.pyrra_specs import pyrra_spec

SLOTH: Final = """\
version: prometheus/v1
service: shop
slos:
  - name: errors
    objective: 99.9
    sli:
      events:
        error_query: sum(rate(http_total{code=~"5.."}[{{.window}}]))
        total_query: sum(rate(http_total[{{.window}}]))
    alerting: {name: ShopErrors}
"""
SLOTH_RESOURCE: Final = """\
apiVersion: sloth.slok.dev/v1
kind: PrometheusServiceLevel
metadata: {name: shop, namespace: monitoring}
spec:
  service: shop
  slos:
    - name: errors
      objective: 99.9
      sli:
        events:
          errorQuery: sum(rate(http_total{code=~"5.."}[{{.window}}]))
          totalQuery: sum(rate(http_total[{{.window}}]))
      alerting: {name: ShopErrors, ticketAlert: {disable: true}}
"""
OPENSLO: Final = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: errors}
spec:
  service: shop
  indicator:
    metadata: {name: good}
    spec:
      ratioMetric:
        counter: true
        good: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(http_total{code!~"5.."}[5m]))'}}}
        total: {metricSource: {type: Prometheus, spec: {query: 'sum(rate(http_total[5m]))'}}}
  timeWindow: [{duration: 28d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
"""
OPENSLO_ALPHA: Final = """\
apiVersion: openslo/v1alpha
kind: SLO
metadata: {name: errors, displayName: Errors}
spec:
  service: shop
  description: Fast enough.
  indicator:
    thresholdMetric: {source: prometheus, queryType: promql, query: max(lag_seconds)}
  timeWindows: [{unit: Day, count: 30, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.99, op: lte, value: 5, displayName: fresh}]
"""
SPECS: Final = {
    "sloth": SLOTH,
    "sloth resource": SLOTH_RESOURCE,
    "pyrra": pyrra_spec(),
    "openslo": OPENSLO,
    "openslo alpha": OPENSLO_ALPHA,
}
WRITTEN: Final[dict[str, Callable[[str], str]]] = {
    "windows line ends": lambda text: text.replace("\n", "\r\n"),
    "json": lambda text: json.dumps(yaml.safe_load(text)),
    "json with tabs": lambda text: json.dumps(yaml.safe_load(text), indent="\t"),
    "a list of kubectl": lambda text: yaml.safe_dump(
        {"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(text)]}
    ),
    "a dump": lambda text: yaml.safe_dump(yaml.safe_load(text)),
    "a licence and an end": lambda text: f"# A licence.\n---\n{text}...\n",
    "empty documents": lambda text: f"---\n---\n{text}---\n---\n",
    "beside a deployment": lambda text: f"{text}---\napiVersion: apps/v1\nkind: Deployment\n",
    "values in quotes": lambda text: text.replace("name: errors", 'name: "errors"'),
    "comments everywhere": lambda text: "\n".join(f"{line}  # !" for line in text.splitlines()),
}
HELM: Final[dict[str, Callable[[str], str]]] = {
    "a value": lambda text: text.replace("name: errors", "name: {{ .Values.name }}"),
    "a condition": lambda text: f"{{{{- if .Values.enabled }}}}\n{text}{{{{- end }}}}\n",
    "an include": lambda text: text.replace("name: errors", 'name: {{ include "shop.name" . }}'),
}
# A change to Sloth's spec, what becomes of the SLO, and what is told.
SLIPS: Final[dict[str, tuple[tuple[str, str], list[str], str]]] = {
    "a whole number": (("99.9", "99"), ["clean"], ""),
    "a text": (("99.9", '"99.9"'), [], "wrong-type"),
    "a percentage": (("99.9", "99.9%"), [], "wrong-type"),
    "a variable": (("99.9", "${OBJECTIVE}"), [], "wrong-type"),
    "a list out of line": (("  - name", "- name"), [], "yaml"),
    "a tab": (("  - name", "\t- name"), [], "yaml"),
    "spaces in the window": (("{{.window}}", "{{ .window }}"), ["clean"], ""),
    "a trimmed window": (("{{.window}}", "{{- .window -}}"), ["clean"], ""),
    "a window escaped for Helm": (("{{.window}}", "{{`{{.window}}`}}"), ["refused"], "unrendered-template"),
    "a window in quotes for Helm": (
        ("{{.window}}", '{{ "{{.window}}" }}'),
        ["refused"],
        "unrendered-template",
    ),
    "a fixed window": (("[{{.window}}]", "[5m]"), ["refused"], "window-missing"),
    "a folded query": (("error_query: ", "error_query: >-\n          "), ["clean"], ""),
    "a comment in a query": (
        ("error_query: ", "error_query: |\n          # All.\n          "),
        ["clean"],
        "",
    ),
    "labels that are no text": (
        ("slos:", "labels: {tier: 1, pci: true, since: 2024-01-01}\nslos:"),
        ["clean"],
        "",
    ),
    "no labels": (("slos:", "labels:\nslos:"), ["clean"], ""),
    "a name in upper case": (("name: errors", "name: Shop_Errors"), ["changed"], "renamed"),
    "keys of the resource": (("error_query", "errorQuery"), [], "unknown-key"),
    "a key twice": (("    alerting", "    objective: 99\n    alerting"), [], "duplicate-key"),
    "an instant rate": (("rate(", "irate("), ["changed"], "instant-rate"),
    "jsonnet's format": (("http_total", "%(metric)s"), ["refused"], "unrendered-template"),
    "no name of alerts": (("    alerting: {name: ShopErrors}\n", ""), ["clean"], "alert-name-missing"),
    "alerts that are off": (
        ("name: ShopErrors", "page_alert: {disable: true}, ticket_alert: {disable: true}"),
        ["clean"],
        "",
    ),
}


@pytest.mark.parametrize("written", WRITTEN)
@pytest.mark.parametrize("dialect", SPECS)
def test_a_spec_means_the_same_however_it_is_written(dialect: str, written: str) -> None:
    plain = read_specs([("spec.yaml", SPECS[dialect].encode())])

    found = read_specs([("spec.yaml", WRITTEN[written](SPECS[dialect]).encode())])

    assert len(found.slos) == 1
    assert found.slos == plain.slos


@pytest.mark.parametrize("written", HELM)
@pytest.mark.parametrize("dialect", SPECS)
def test_a_template_of_helm_is_called_one(dialect: str, written: str) -> None:
    found = read_specs([("spec.yaml", HELM[written](SPECS[dialect]).encode())])

    assert found.slos == ()
    assert {problem.code for problem in found.problems} == {"unrendered-template"}


@pytest.mark.parametrize("dialect", SPECS)
def test_a_byte_order_mark_is_told_at_its_place(dialect: str) -> None:
    found = read_specs([("spec.yaml", b"\xef\xbb\xbf" + SPECS[dialect].encode())])

    assert [(str(problem.place), problem.code) for problem in found.problems] == [
        ("spec.yaml:1:1", "encoding")
    ]


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_seen_through_or_told(slip: str) -> None:
    (usual, written), outcomes, code = SLIPS[slip]

    migration = migrate_specs([("spec.yaml", SLOTH.replace(usual, written).encode())], ReadingOptions())

    notes = [note for slo in migration.slos for note in slo.notes]
    assert [slo.outcome.value for slo in migration.slos] == outcomes
    assert code in {problem.code for problem in (*migration.problems, *notes)} | {""}
