"""The text of a configuration → settings, or every problem at its place.

Options say themselves what they do not take; here is told where that stands in the file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

from sloctl.problems import Place, Problem, sort_problems
from sloctl.prometheus.range_queries import PrometheusOptions
from sloctl.sidecar.config import fields, options
from sloctl.sidecar.config.options import SourceOptions
from sloctl.sidecar.http.options import LOOPBACK_OPTIONS, WebOptions
from sloctl.sidecar.notify.alertmanager import AlertmanagerOptions
from sloctl.sidecar.telemetry.logs import LogFormat
from sloctl.spec.findings import Findings, Violation
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node, read_documents

_Fields = TypeVar("_Fields")
_Options = TypeVar("_Options")
_KeyPath: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Settings:
    """What a sidecar is assembled from; *interval* in seconds."""

    interval: float
    source: SourceOptions
    history: PrometheusOptions | None = None
    store: Path | None = None
    notify: AlertmanagerOptions | None = None
    web: WebOptions = LOOPBACK_OPTIONS
    log_format: LogFormat = LogFormat.TEXT


def read_configuration(path: str, content: bytes) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The settings of one file; None where there is a problem."""
    documents, problems = read_documents(path, content)
    findings = Findings()
    findings.add_problems(*problems)
    if len(documents) != 1 and not problems:
        message = f"a configuration is one document, got {len(documents)}"
        findings.add_problems(Problem(Place(path, 1, 1), "one-document", message))
    settings = [_build_settings(document, findings) for document in documents[:1]]
    found = tuple(sort_problems(findings.problems))
    return (None if found else settings[0]), found


def _build_settings(document: Node, findings: Findings) -> Settings | None:
    conforming, node = convert_node(document, fields.Configuration, findings)
    if conforming is None:
        return None
    taking = _FieldConverter(node, findings)
    interval = taking.convert_field(options.parse_interval, conforming.interval, "interval")
    web = taking.convert_field(options.web_options, conforming.web, "web")
    if conforming.history is not UNSET and conforming.source.prometheus is not UNSET:
        message = "the past comes from source.prometheus itself: remove history"
        findings.add_violation(Violation("history-twice", message), node.at("history"))
    sound = [taking.takes(make, given, *steps) for make, given, steps in _nested_options(conforming)]
    if not all(sound):
        # What they are part of would only repeat it.
        return None
    source = taking.convert_field(options.source_options, conforming.source, "source")
    history = taking.convert_optional(options.prometheus_options, conforming.history, "history")
    notify = taking.convert_optional(options.alertmanager_options, conforming.notify, "notify")
    if interval is None or source is None or web is None:
        return None
    store = None if conforming.store is UNSET else Path(conforming.store.path)
    return Settings(interval, source, history, store, notify, web, conforming.log_format)


def _nested_options(
    conforming: fields.Configuration,
) -> Iterator[tuple[Callable[[Any], object], object, _KeyPath]]:
    """What makes options of its own deeper in the file, and where it stands."""
    scrape, prometheus = conforming.source.scrape, conforming.source.prometheus
    if scrape is not UNSET:
        yield options.client_options, scrape.client, ("source", "scrape", "client")
        for number, target in enumerate(scrape.targets):
            yield options.scrape_target, target, ("source", "scrape", "targets", number, "url")
    if prometheus is not UNSET:
        yield options.client_options, prometheus.client, ("source", "prometheus", "client")
    for key, part in (("history", conforming.history), ("notify", conforming.notify)):
        if not isinstance(part, UnsetType):
            yield options.client_options, part.client, (key, "client")


class _FieldConverter:
    """Fields become options; what an option does not take is a problem where it stands."""

    def __init__(self, node: Node, findings: Findings) -> None:
        self._node = node
        self._findings = findings

    def takes(self, make: Callable[[_Fields], object], given: _Fields, *steps: str | int) -> bool:
        return self.convert_field(make, given, *steps) is not None

    def convert_field(
        self, make: Callable[[_Fields], _Options], given: _Fields, *steps: str | int
    ) -> _Options | None:
        try:
            return make(given)
        except ValueError as wrong:
            self._findings.add_violation(Violation("wrong-value", str(wrong)), self._node.at(*steps))
            return None

    def convert_optional(
        self, make: Callable[[_Fields], _Options], given: _Fields | UnsetType, key: str
    ) -> _Options | None:
        return None if isinstance(given, UnsetType) else self.convert_field(make, given, key)
