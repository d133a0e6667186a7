"""Fields of the file → options of the parts; each raises ValueError for what the part does not take."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias, TypeVar

from msgspec import UNSET, UnsetType

from sloctl.duration import parse_duration
from sloctl.naming import LABEL_STYLES
from sloctl.prometheus.http_client import BasicAuth, ClientOptions, TlsFiles
from sloctl.prometheus.range_queries import PrometheusOptions
from sloctl.sidecar.config import fields
from sloctl.sidecar.http.options import Certificate, WebOptions
from sloctl.sidecar.notify.alertmanager import AlertmanagerOptions
from sloctl.sidecar.sources.otlp.source import OtlpOptions
from sloctl.sidecar.sources.scrape.source import ScrapeOptions
from sloctl.sidecar.sources.scrape.targets import DnsService, ScrapeTarget
from sloctl.spec.messages import quote_value

_Fields = TypeVar("_Fields")
_Options = TypeVar("_Options")
SourceOptions: TypeAlias = ScrapeOptions | PrometheusOptions | OtlpOptions


def source_options(read: fields.Source) -> SourceOptions:
    """The one of them that is given."""
    given = (
        convert_optional(scrape_options, read.scrape),
        convert_optional(prometheus_options, read.prometheus),
        convert_optional(otlp_options, read.otlp),
    )
    return next(options for options in given if options is not None)


def convert_optional(make: Callable[[_Fields], _Options], given: _Fields | UnsetType) -> _Options | None:
    return None if isinstance(given, UnsetType) else make(given)


def scrape_options(read: fields.Scrape) -> ScrapeOptions:
    return ScrapeOptions(
        targets=tuple(scrape_target(each) for each in read.targets),
        client=client_options(read.client),
        concurrency=read.concurrency,
        contributor_labels=None if read.contributor_labels is UNSET else tuple(read.contributor_labels),
    )


def scrape_target(read: fields.Target) -> ScrapeTarget | DnsService:
    kind = DnsService if read.resolve else ScrapeTarget
    return kind.from_url(read.url, read.labels)


def prometheus_options(read: fields.Prometheus) -> PrometheusOptions:
    return PrometheusOptions(
        url=read.url,
        client=client_options(read.client),
        label_style=LABEL_STYLES[read.label_style],
        partial_response=read.partial_response,
        contributor_labels=tuple(read.contributor_labels),
    )


def otlp_options(read: fields.Otlp) -> OtlpOptions:
    return OtlpOptions(promoted_attributes=tuple(read.promote))


def alertmanager_options(read: fields.Notify) -> AlertmanagerOptions:
    return AlertmanagerOptions(
        urls=tuple(read.urls),
        client=client_options(read.client),
        resend=float(parse_duration(read.resend)),
        external_url=None if read.external_url is UNSET else read.external_url,
        external_labels=read.external_labels,
        label_style=LABEL_STYLES[read.label_style],
        resolves_at_shutdown=read.resolve_at_shutdown,
    )


def web_options(read: fields.Web) -> WebOptions:
    host, port = parse_address(read.listen)
    certificate = (
        None if read.tls is UNSET else Certificate(Path(read.tls.cert_file), Path(read.tls.key_file))
    )
    return WebOptions(
        host=host,
        port=port,
        certificate=certificate,
        token_file=_optional_path(read.token_file),
        allowed_hosts=frozenset(read.allowed_hosts),
    )


def client_options(read: fields.Client) -> ClientOptions:
    basic = None
    if read.basic is not UNSET:
        basic = BasicAuth(read.basic.username, Path(read.basic.password_file))
    return ClientOptions(
        timeout_seconds=float(parse_duration(read.timeout)),
        max_bytes=read.max_bytes,
        bearer_token_file=_optional_path(read.bearer_token_file),
        basic_auth=basic,
        tls=TlsFiles() if read.tls is UNSET else _tls(read.tls),
        headers=read.headers,
    )


def parse_address(text: str) -> tuple[str, int]:
    """`HOST:PORT`; raises ValueError, with what an address is."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"an address is HOST:PORT, such as 0.0.0.0:9464, got {quote_value(text)}")
    return host.strip("[]"), int(port)


def parse_interval(text: str) -> float:
    """Seconds between two reads of the source; raises ValueError."""
    seconds = parse_duration(text)
    if not 1 <= seconds <= 60:
        raise ValueError(f"an interval is between 1s and 1m, got {quote_value(text)}")
    return float(seconds)


def _tls(read: fields.ClientTls) -> TlsFiles:
    return TlsFiles(
        ca_file=_optional_path(read.ca_file),
        cert_file=_optional_path(read.cert_file),
        key_file=_optional_path(read.key_file),
        server_name=None if read.server_name is UNSET else read.server_name,
    )


def _optional_path(text: str | UnsetType) -> Path | None:
    return None if text is UNSET else Path(text)
