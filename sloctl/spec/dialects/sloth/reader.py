"""Sloth's documents → documents in sloctl's own format."""

from collections.abc import Sequence

from sloctl.spec.dialects.translation import ReadingOptions, Translation
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value
from sloctl.spec.yaml_nodes import Node


def read_sloth_documents(
    documents: Sequence[Node],
    options: ReadingOptions,  # noqa: ARG001 - the next step
    findings: Findings,
) -> Translation:
    """Translate Sloth's documents; problems go to *findings*."""
    for document in documents:
        version = document.at("apiVersion") if "apiVersion" in document.entries else document.at("version")
        message = f"specs of {quote_value(version.text)} are not read yet"
        findings.add_violation(Violation("foreign-kind", message), document)
    return Translation(())
