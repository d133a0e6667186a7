"""Checks of what a repository asks of all its SLOs, by its `.sloctl.yaml`."""

from collections.abc import Iterator

from sloctl.checks.findings import CheckFinding, ReviewOptions
from sloctl.spec.messages import quote_value
from sloctl.spec.reader import LocatedSlo


def check_required_labels(located: LocatedSlo, options: ReviewOptions) -> Iterator[CheckFinding]:
    """Find SLOs without a label, such as an owner, that every SLO is to have."""
    if options.settings is not None:
        metadata = located.document.at("metadata")
        for label in options.settings.required_labels:
            if not located.slo.labels.get(label):
                message = (
                    f"the label {label} is missing, which {options.settings.path} asks for: "
                    "write it under metadata.labels"
                )
                yield CheckFinding(metadata.at("name"), "missing-label", message)


def check_required_annotations(located: LocatedSlo, options: ReviewOptions) -> Iterator[CheckFinding]:
    """Find SLOs without an annotation, such as a runbook, that the alerts of every SLO are to have."""
    if options.settings is None:
        return
    metadata = located.document.at("metadata")
    alerts = located.slo.alerting.enabled_alerts.values()
    for annotation in options.settings.required_annotations:
        given = [
            located.slo.annotations.get(annotation) or alert.annotations.get(annotation) for alert in alerts
        ]
        if not all(given):
            message = (
                f"the annotation {annotation} is missing, which {options.settings.path} asks for: "
                "write it under metadata.annotations"
            )
            yield CheckFinding(metadata.at("name"), "missing-annotation", message)


def check_names(located: LocatedSlo, options: ReviewOptions) -> Iterator[CheckFinding]:
    """Find names and label values that are not of the form which the repository has for them."""
    settings, slo = options.settings, located.slo
    if settings is None:
        return
    metadata = located.document.at("metadata")
    named = [
        ("a service name", slo.service, settings.service_pattern, metadata.at("name")),
        ("an SLO name", slo.name, settings.slo_pattern, located.node.at("name")),
    ]
    for label, pattern in settings.label_patterns.items():
        if label in slo.labels:
            own = located.node.at("labels")
            node = own.at(label) if label in own.entries else metadata.at("labels", label)
            named.append((f"the label {label}", slo.labels[label], pattern, node))
    for of, name, wanted, node in named:
        if wanted is not None and not wanted.fullmatch(name):
            message = f"{of} matches {wanted.pattern} here, as {settings.path} says, got {quote_value(name)}"
            yield CheckFinding(node, "name-mismatch", message)
