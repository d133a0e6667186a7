"""From the fields of the file to the options of the components; each raises ValueError for a wrong value."""

from dataclasses import replace
from pathlib import Path

from msgspec import UNSET, UnsetType

from sloctl.duration import parse_duration
from sloctl.naming import LABEL_STYLES
from sloctl.prometheus.credentials import BasicAuth, ClientOptions, TlsFiles
from sloctl.sidecar.config import fields
from sloctl.sidecar.http.options import Certificate, WebOptions
from sloctl.sidecar.notify.alertmanager import AlertmanagerOptions
from sloctl.sidecar.sources.factories import SourceOptions
from sloctl.sidecar.sources.otlp.source import OtlpOptions
from sloctl.sidecar.sources.prometheus.options import PrometheusOptions
from sloctl.sidecar.sources.scrape.source import ScrapeOptions
from sloctl.sidecar.sources.scrape.targets import DnsService, ScrapeTarget
from sloctl.spec.messages import quote_value


def source_options(read: fields.Source) -> SourceOptions:
    """Convert the one kind of source that is given."""
    match read:
        case fields.Source(scrape=fields.Scrape() as scrape):
            return scrape_options(scrape)
        case fields.Source(prometheus=fields.Prometheus() as prometheus):
            return prometheus_options(prometheus)
        case fields.Source(otlp=fields.Otlp() as otlp):
            return OtlpOptions(
                promoted_attributes=tuple(otlp.promote),
                max_bytes=otlp.max_bytes,
                max_bytes_at_once=otlp.max_bytes_at_once,
                max_series=otlp.max_series,
                max_series_per_sender=otlp.max_series_per_sender,
                max_series_per_address=otlp.max_series_per_address,
            )
    raise AssertionError("fields.Source holds exactly one kind")


def scrape_options(read: fields.Scrape) -> ScrapeOptions:
    return ScrapeOptions(
        targets=tuple(scrape_target(each) for each in read.targets),
        client=client_options(read.client),
        concurrency=read.concurrency,
        body_bytes=read.max_bytes_at_once,
        max_samples=read.max_samples,
        contributor_labels=None if read.contributor_labels is UNSET else tuple(read.contributor_labels),
    )


def scrape_target(read: fields.Target) -> ScrapeTarget | DnsService:
    kind = DnsService if read.resolve else ScrapeTarget
    return kind.from_url(read.url, read.labels)


def prometheus_options(read: fields.Prometheus) -> PrometheusOptions:
    labels = None if read.contributor_labels is UNSET else tuple(read.contributor_labels)
    return replace(
        history_options(read), contributor_labels=labels, cluster_labels=tuple(read.cluster_labels)
    )


def history_options(read: fields.History) -> PrometheusOptions:
    return PrometheusOptions(
        url=read.url,
        client=client_options(read.client),
        label_style=LABEL_STYLES[read.label_style],
        partial_response=read.partial_response,
    )


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
    certificate = None
    if read.tls is not UNSET:
        certificate = Certificate(Path(read.tls.cert_file), Path(read.tls.key_file))
    return WebOptions(
        host=host,
        port=port,
        certificate=certificate,
        token_file=optional_path(read.token_file),
        allowed_hosts=frozenset(read.allowed_hosts),
    )


def client_options(read: fields.Client) -> ClientOptions:
    basic, tls = None, TlsFiles()
    if read.basic is not UNSET:
        basic = BasicAuth(read.basic.username, Path(read.basic.password_file))
    if read.tls is not UNSET:
        tls = TlsFiles(
            ca_file=optional_path(read.tls.ca_file),
            cert_file=optional_path(read.tls.cert_file),
            key_file=optional_path(read.tls.key_file),
            server_name=None if read.tls.server_name is UNSET else read.tls.server_name,
        )
    return ClientOptions(
        timeout_seconds=float(parse_duration(read.timeout)),
        max_bytes=read.max_bytes,
        bearer_token_file=optional_path(read.bearer_token_file),
        basic_auth=basic,
        tls=tls,
        headers=read.headers,
    )


def optional_path(text: str | UnsetType) -> Path | None:
    return None if text is UNSET else Path(text)


def parse_address(text: str) -> tuple[str, int]:
    """Parse `HOST:PORT` into host and port."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f"an address is HOST:PORT, such as 0.0.0.0:9464, got {quote_value(text)}")
    return host.strip("[]"), int(port)


def parse_interval(text: str) -> float:
    """Parse the time between two reads of the source into seconds."""
    seconds = parse_duration(text)
    if not 1 <= seconds <= 60:
        raise ValueError(f"an interval is between 1s and 1m, got {quote_value(text)}")
    return float(seconds)
