"""`.sloctl.yaml`: what a repository asks of its specs, and what they mean where they say nothing.

It holds for the specs beside and below it; of several on the way up, the nearest alone.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, UnsetType, structs

from sloctl.problems import Place, Problem, ProblemLevel
from sloctl.spec import labels, values
from sloctl.spec.alerting import check_alert_templates
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.messages import quote_value, suggest_name
from sloctl.spec.objectives import read_window
from sloctl.spec.settings_fields import CodeSeverity, SettingsDocument, SpecDefaults
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node, mapping_in, read_documents

SETTINGS_FILE: Final = ".sloctl.yaml"

# What a repository may weigh otherwise, or do without; what refuses a spec always is not among them.
ADJUSTABLE_CODES: Final = frozenset(
    {
        "alert-never-fires",
        "ambiguous-id",
        "condition-group-lost",
        "counter-as-gauge",
        "errors-outside-total",
        "exclusion-over",
        "exclusion-overlap",
        "exclusion-too-long",
        "exclusion-without-slo",
        "expired-ignore",
        "fixed-range",
        "gauge-as-counter",
        "group-by-missing",
        "group-of-one",
        "ignore-comment",
        "live-above-total",
        "live-feature",
        "live-little-traffic",
        "live-minus-above-error",
        "live-new-series-elsewhere",
        "live-no-bucket",
        "live-no-group-label",
        "live-no-series",
        "live-no-value",
        "live-outside-total",
        "live-ratio-range",
        "live-retention",
        "live-rules-absent",
        "live-rules-differ",
        "live-scrape-interval",
        "live-series-gone",
        "missing-annotation",
        "missing-label",
        "name-mismatch",
        "new-series-elsewhere",
        "no-budget-for-one",
        "not-a-file",
        "objective-too-fine",
        "pattern-compared",
        "recorded-sum",
        "regexp-needless",
        "regexp-of-all",
        "side-is-total",
        "sum-as-counter",
        "useless-ignore",
    }
    # How specs of other tools were understood.
    | {
        "absent-counted-bad",
        "alert-name-missing",
        "bucket-kept",
        "groups-merged",
        "guard-dropped",
        "instant-rate",
        "left-out",
        "looks-each-minute",
        "period-unknown",
        "pyrra-label",
        "pyrra-latency",
        "pyrra-lookbacks",
        "pyrra-never-fires",
        "pyrra-offset",
        "pyrra-rule-objects",
        "pyrra-severities",
        "pyrra-target",
        "ratio-of-minutes",
        "renamed",
        "severity-of-alerts",
        "sli-plugin",
        "slo-plugin",
        "threshold-kept",
        "unrendered-template",
        "window-as-text",
        "window-missing",
        "windows-twice",
    }
)
_LEVELS: Final = {
    severity: ProblemLevel(severity.value) for severity in CodeSeverity if severity.value != "off"
}


class RepositorySettings(Struct, frozen=True):
    """What a `.sloctl.yaml` says; *severities* has None for a code that is off, *defaults* are nodes."""

    path: str
    severities: Mapping[str, ProblemLevel | None]
    required_labels: tuple[str, ...]
    required_annotations: tuple[str, ...]
    service_pattern: re.Pattern[str] | None
    slo_pattern: re.Pattern[str] | None
    label_patterns: Mapping[str, re.Pattern[str]]
    defaults: Node


def is_settings_file(path: str) -> bool:
    return path.rpartition("/")[2] == SETTINGS_FILE


def read_settings(path: str, content: bytes, findings: Findings) -> RepositorySettings | None:
    """Read a `.sloctl.yaml`, or return None after noting what is wrong with its structure."""
    documents, problems = read_documents(path, content)
    findings.add_problems(*problems)
    if problems:
        return None
    if len(documents) != 1:
        message = f"{SETTINGS_FILE} has one document, got {len(documents)}"
        findings.add_problems(Problem(Place(path, 1, 1), "one-document", message))
        return None
    fields, node = convert_node(documents[0], SettingsDocument, findings)
    if fields is None:
        return None
    for code in fields.severities:
        if code not in ADJUSTABLE_CODES:
            hint = suggest_name(code, sorted(ADJUSTABLE_CODES))
            message = f"{quote_value(code)} is no finding that can be weighed otherwise{hint}"
            findings.add_violation(
                Violation("unknown-code", message), mapping_in(node, "severities").keys[code]
            )
    for of, names in (("labels", fields.required.labels), ("annotations", fields.required.annotations)):
        for index, name in enumerate(names):
            findings.accept_value(values.parse_label_name(name), node.at("required", of, index))
    defaults = mapping_in(node, "defaults")
    _check_defaults(fields.defaults, defaults, findings)
    patterns = mapping_in(node, "names")
    label_patterns = {
        label: _read_pattern(pattern, findings)
        for label, pattern in mapping_in(patterns, "labels").entries.items()
    }
    return RepositorySettings(
        path=path,
        severities={code: _LEVELS.get(severity) for code, severity in fields.severities.items()},
        required_labels=tuple(dict.fromkeys(fields.required.labels)),
        required_annotations=tuple(dict.fromkeys(fields.required.annotations)),
        service_pattern=_read_pattern(patterns.entries.get("service"), findings),
        slo_pattern=_read_pattern(patterns.entries.get("slo"), findings),
        label_patterns={label: pattern for label, pattern in label_patterns.items() if pattern is not None},
        defaults=defaults,
    )


def nearest_settings(path: str, settings: Iterable[RepositorySettings]) -> RepositorySettings | None:
    """Return the settings that hold for the file at *path*."""
    above = [each for each in settings if _is_below(path, each.path.rpartition("/")[0])]
    return max(above, key=lambda each: _depth(each.path), default=None)


def apply_severities(
    problems: Iterable[Problem], settings: Mapping[str, RepositorySettings]
) -> list[Problem]:
    """Weigh problems as the settings of their files say, by path; what refuses a spec stays."""
    weighed = []
    for problem in problems:
        of_file = settings.get(problem.place.path)
        adjustable = of_file is not None and problem.level is not ProblemLevel.ERROR
        level = (
            of_file.severities.get(problem.code, problem.level) if of_file and adjustable else problem.level
        )
        if level is not None:
            weighed.append(structs.replace(problem, level=level))
    return weighed


def _check_defaults(fields: SpecDefaults, defaults: Node, findings: Findings) -> None:
    """Check what specs would otherwise be told of, each at this very place."""
    entries = defaults.entries
    if "scrapeInterval" in entries:
        findings.accept_value(
            values.parse_scrape_interval(entries["scrapeInterval"].text), entries["scrapeInterval"]
        )
    if "objective" in entries:
        findings.accept_value(values.parse_objective(entries["objective"].text), entries["objective"])
    if not isinstance(fields.window, UnsetType):
        read_window(fields.window, defaults, findings)
    group_by = labels.read_group_by(fields.group_by, defaults.at("groupBy"), findings)
    labels.check_series_labels(mapping_in(defaults, "labels"), group_by, findings)
    annotations = mapping_in(defaults, "annotations")
    labels.check_annotations(annotations, findings)
    labels.check_templates(annotations, group_by, findings)
    check_alert_templates(mapping_in(defaults, "alerting"), group_by, findings)


def _read_pattern(node: Node | None, findings: Findings) -> re.Pattern[str] | None:
    if node is None:
        return None
    try:
        return re.compile(node.text)
    except re.error as wrong:
        violation = Violation("name-pattern", f"not a regular expression: {wrong}")
        findings.add_violation(violation, node)
        return None


def _is_below(path: str, folder: str) -> bool:
    """Return whether *path* lies in *folder* or below it, both as they are written from the same place."""
    if path.startswith("/") != folder.startswith("/") and folder:
        return False
    (ups, names), (folder_ups, folder_names) = _split_path(path), _split_path(folder)
    if path.startswith("/"):
        return folder.startswith("/") and names[: len(folder_names)] == folder_names
    if folder_ups > ups:
        return not folder_names
    return folder_ups == ups and names[: len(folder_names)] == folder_names


def _depth(path: str) -> tuple[int, int]:
    ups, names = _split_path(path)
    return (-ups, len(names))


def _split_path(path: str) -> tuple[int, list[str]]:
    """Return how many `..` a normal path begins with, and the names that follow."""
    parts = [part for part in path.split("/") if part not in {"", "."}]
    ups = sum(part == ".." for part in parts)
    return ups, parts[ups:]
