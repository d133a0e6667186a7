"""From the text of a configuration to settings, or to every problem at its place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.problems import Place, Problem, sort_problems
from sloctl.sidecar.config import fields, options
from sloctl.sidecar.http.options import LOOPBACK_OPTIONS, WebOptions
from sloctl.sidecar.notify.alertmanager import AlertmanagerOptions
from sloctl.sidecar.sources.factories import SourceOptions
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.telemetry.logs import LogFormat
from sloctl.spec.findings import Findings, Violation, limit_problems
from sloctl.spec.structure import convert_node
from sloctl.spec.yaml_nodes import Node, read_documents

_Fields = TypeVar("_Fields")
_Options = TypeVar("_Options")
_KeyPath: TypeAlias = tuple[str | int, ...]
_DEFAULT_LIMITS: Final = fields.Limits()


@dataclass(frozen=True, slots=True)
class Settings:
    """The options of every component of a sidecar; *interval* in seconds."""

    interval: float
    source: SourceOptions
    history: PrometheusOptions | None = None
    store: Path | None = None
    notify: AlertmanagerOptions | None = None
    web: WebOptions = LOOPBACK_OPTIONS
    log_format: LogFormat = LogFormat.TEXT
    limits: fields.Limits = _DEFAULT_LIMITS

    @property
    def label_style(self) -> LabelStyle:
        """The style of the Prometheus or of the alerts, which decides on the names that specs may have."""
        parts = (self.source, self.history, self.notify)
        styles = [getattr(part, "label_style", NATIVE_STYLE) for part in parts]
        return next((style for style in styles if style is not NATIVE_STYLE), NATIVE_STYLE)


def read_configuration(path: str, content: bytes) -> tuple[Settings | None, tuple[Problem, ...]]:
    """Read the settings of one file; None where there is a problem."""
    documents, problems = read_documents(path, content)
    findings = Findings()
    findings.add_problems(*problems)
    if len(documents) != 1 and not problems:
        message = f"a configuration is one document, got {len(documents)}"
        findings.add_problems(Problem(Place(path, 1, 1), "one-document", message))
    settings = [_build_settings(document, findings) for document in documents[:1]]
    found = tuple(limit_problems(sort_problems(findings.problems)))
    return (None if found else settings[0]), found


def _build_settings(document: Node, findings: Findings) -> Settings | None:
    read, node = convert_node(document, fields.Configuration, findings)
    if read is None:
        return None
    converter = _FieldConverter(node, findings)
    interval = converter.convert_field(options.parse_interval, read.interval, "interval")
    web = converter.convert_field(options.web_options, read.web, "web")
    if read.history is not UNSET and read.source.prometheus is not UNSET:
        message = "the past comes from source.prometheus itself: remove history"
        findings.add_violation(Violation("history-twice", message), node.at("history"))
    nested = [converter.convert_field(make, given, *keys) for make, given, keys in _nested_options(read)]
    if None in nested:
        # The options around a wrong one would only repeat its problem.
        return None
    source = converter.convert_field(options.source_options, read.source, "source")
    history = converter.convert_optional(options.history_options, read.history, "history")
    notify = converter.convert_optional(options.alertmanager_options, read.notify, "notify")
    if interval is None or source is None or web is None:
        return None
    store = None if read.store is UNSET else Path(read.store.path)
    return Settings(interval, source, history, store, notify, web, read.log_format, read.limits)


def _nested_options(
    read: fields.Configuration,
) -> Iterator[tuple[Callable[[Any], object], object, _KeyPath]]:
    """Yield the fields deeper in the file that have options of their own: converter, value and keys."""
    scrape, prometheus = read.source.scrape, read.source.prometheus
    if scrape is not UNSET:
        yield options.client_options, scrape.client, ("source", "scrape", "client")
        for number, target in enumerate(scrape.targets):
            yield options.scrape_target, target, ("source", "scrape", "targets", number, "url")
    if prometheus is not UNSET:
        yield options.client_options, prometheus.client, ("source", "prometheus", "client")
    for key, part in (("history", read.history), ("notify", read.notify)):
        if not isinstance(part, UnsetType):
            yield options.client_options, part.client, (key, "client")


class _FieldConverter:
    """A converter of fields that reports a value which the options do not accept at its place."""

    def __init__(self, node: Node, findings: Findings) -> None:
        self._node = node
        self._findings = findings

    def convert_field(
        self, make: Callable[[_Fields], _Options], given: _Fields, *keys: str | int
    ) -> _Options | None:
        try:
            return make(given)
        except ValueError as wrong:
            self._findings.add_violation(Violation("wrong-value", str(wrong)), self._node.at(*keys))
            return None

    def convert_optional(
        self, make: Callable[[_Fields], _Options], given: _Fields | UnsetType, key: str
    ) -> _Options | None:
        return None if isinstance(given, UnsetType) else self.convert_field(make, given, key)
