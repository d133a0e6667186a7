"""A file of alerting alone: what stands below `alerting` in a spec, to try another policy on an SLO."""

from sloctl.model import Alerting, Slo
from sloctl.problems import Place, Problem, sort_problems
from sloctl.slo.lowering import event_seconds
from sloctl.spec import fields
from sloctl.spec.alerting import read_alerting
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import read_documents


def read_policy_file(path: str, content: bytes, slo: Slo) -> tuple[Alerting | None, list[Problem]]:
    """Read the alerting of one document for *slo*; None after problems."""
    findings = Findings()
    documents, problems = read_documents(path, content)
    findings.add_problems(*problems)
    if problems:
        return None, problems
    if len(documents) != 1:
        message = "a policy file is one document with what stands below alerting in a spec"
        return None, [Problem(Place(path, 1, 1), "no-document", message)]
    conforming, node = convert_node(documents[0], fields.Alerting, findings)
    if conforming is None:
        return None, sort_problems(findings.problems)
    if "policy" not in node.entries:
        message = "a policy file has the key policy, a list of rows"
        findings.add_violation(Violation("missing-key", message), node)
    alerting = read_alerting(
        node,
        window=slo.window.seconds,
        counted=event_seconds(slo) is None,
        group_by=slo.group_by,
        findings=findings,
    )
    return (None if findings.error_count else alerting), sort_problems(findings.problems)
