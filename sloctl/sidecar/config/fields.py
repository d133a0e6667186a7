"""The keys of a sidecar's configuration as types: msgspec reads the file into them.

Their docstrings and descriptions stand in the schema of the chart.
"""

from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, UnsetType, field

from sloctl.sidecar.engine.engine import MAX_GROUP_ENTRIES
from sloctl.sidecar.http.metrics.exposition import MAX_METRICS_BYTES
from sloctl.sidecar.telemetry.logs import LogFormat
from sloctl.spec.field_types import Choice, Duration, Fields, LabelName, Labels

API_VERSION: Final = "sloctl.dev/v1"
KIND: Final = "SidecarConfiguration"

_FilePath = Annotated[str, Meta(extra={"noun": "the path of a file"})]
_Url = Annotated[str, Meta(extra={"noun": "a URL like http://127.0.0.1:9090"})]
_Address = Annotated[str, Meta(extra={"noun": "an address like 127.0.0.1:9464"})]


class Basic(Fields, frozen=True, kw_only=True):
    """A user, and the file of its password."""

    username: str
    password_file: _FilePath


class ClientTls(Fields, frozen=True, kw_only=True):
    """Certificates: of the authority that the server is checked against, and of ours as a client."""

    ca_file: _FilePath | UnsetType = UNSET
    cert_file: _FilePath | UnsetType = UNSET
    key_file: _FilePath | UnsetType = UNSET
    server_name: str | UnsetType = UNSET


class Client(Fields, frozen=True, kw_only=True):
    """Settings of HTTP requests; files are read again when they change."""

    bearer_token_file: _FilePath | UnsetType = UNSET
    basic: Basic | UnsetType = UNSET
    tls: ClientTls | UnsetType = UNSET
    headers: Annotated[dict[str, str], Meta(description="Such as X-Scope-OrgID.")] = field(
        default_factory=dict
    )
    timeout: Duration = "10s"
    max_bytes: Annotated[int, Meta(ge=1024, le=1 << 30, description="Of a response, decompressed.")] = (
        32 << 20
    )


class Target(Fields, frozen=True, kw_only=True):
    """A scrape target, and the labels that a Prometheus job would attach."""

    url: _Url
    labels: Labels = field(default_factory=dict)
    resolve: Annotated[bool, Meta(description="One target for each address of the host's name.")] = False


class Scrape(Fields, frozen=True, kw_only=True):
    """The services' own metrics."""

    targets: Annotated[list[Target], Meta(min_length=1)]
    client: Client = Client()
    concurrency: Annotated[
        int,
        Meta(ge=1, le=1000, description="Targets asked at the same time; those that are slow share half."),
    ] = 100
    max_bytes_at_once: Annotated[
        int,
        Meta(ge=1024, le=1 << 30, description="Of all answers together, beyond which large ones take turns."),
    ] = 16 << 20
    max_samples: Annotated[
        int,
        Meta(ge=1, le=10_000_000, description="Of what the SLOs name, of all targets together."),
    ] = 50_000
    contributor_labels: Annotated[
        list[LabelName] | UnsetType,
        Meta(description="Labels whose values may be named as contributors; by default all that vary."),
    ] = UNSET


class History(Fields, frozen=True, kw_only=True):
    """A Prometheus, Thanos, Mimir or VictoriaMetrics that knows the past."""

    url: _Url
    client: Client = Client()
    label_style: Literal["slo", "sloth"] = "slo"
    partial_response: Annotated[bool, Meta(description="Accept what Thanos has when a store is gone.")] = (
        False
    )


class Prometheus(History, frozen=True, kw_only=True):
    """A Prometheus, Thanos, Mimir or VictoriaMetrics."""

    contributor_labels: Annotated[
        list[LabelName] | UnsetType,
        Meta(
            description="Labels whose values may be named as contributors, by default a few that tell bad "
            "events apart; each costs two queries a minute of an SLO with errors."
        ),
    ] = UNSET
    cluster_labels: Annotated[
        list[LabelName],
        Meta(
            description="External labels by which the Prometheus servers behind a Thanos or a Mimir differ: "
            "each SLO has a budget of its own for each of their values.",
            examples=[["cluster"]],
        ),
    ] = field(default_factory=list)


class Otlp(Fields, frozen=True, kw_only=True):
    """Metrics that services send to /v1/metrics, as to a collector."""

    promote: Annotated[
        list[str], Meta(description="Resource attributes that become labels; job and instance always do.")
    ] = field(default_factory=list)
    max_bytes: Annotated[int, Meta(ge=1024, le=1 << 28, description="Of a request, decompressed.")] = 16 << 20
    max_bytes_at_once: Annotated[
        int, Meta(ge=1024, le=1 << 30, description="Of all requests being read, decompressed.")
    ] = 24 << 20
    max_series: Annotated[
        int, Meta(ge=1, le=10_000_000, description="Remembered; long labels and many buckets count more.")
    ] = 50_000
    max_series_per_sender: Annotated[
        int, Meta(ge=1, le=10_000_000, description="Of one job and instance.")
    ] = 10_000
    max_series_per_address: Annotated[
        int,
        Meta(ge=1, le=10_000_000, description="Of all that one address sends; a collector sends for many."),
    ] = 40_000


class Source(Choice, frozen=True, kw_only=True):
    """The source of counts."""

    exactly_one: ClassVar = ("scrape", "prometheus", "otlp")

    scrape: Scrape | UnsetType = UNSET
    prometheus: Prometheus | UnsetType = UNSET
    otlp: Otlp | UnsetType = UNSET


class Store(Fields, frozen=True, kw_only=True):
    """A file in which counts outlive the process."""

    path: _FilePath


class Notify(Fields, frozen=True, kw_only=True):
    """The Alertmanagers that alerts are sent to, each of them independently."""

    urls: Annotated[list[_Url], Meta(min_length=1)]
    client: Client = Client()
    resend: Duration = "1m"
    external_url: Annotated[
        _Url | UnsetType, Meta(description="Address at which people open this sidecar.")
    ] = UNSET
    external_labels: Annotated[
        Labels, Meta(description="Those of the Prometheus that runs the rules, so that alerts merge.")
    ] = field(default_factory=dict)
    label_style: Literal["slo", "sloth"] = "slo"
    resolve_at_shutdown: Annotated[
        bool, Meta(description="Resolve alerts at the end, for a sidecar without a successor.")
    ] = False


class ServerTls(Fields, frozen=True, kw_only=True):
    """The certificate of the server; read again when it changes."""

    cert_file: _FilePath
    key_file: _FilePath


class Web(Fields, frozen=True, kw_only=True):
    """The address to listen on, and who may read."""

    listen: _Address = "127.0.0.1:9464"
    tls: ServerTls | UnsetType = UNSET
    token_file: _FilePath | UnsetType = UNSET
    allowed_hosts: Annotated[
        list[str], Meta(description="Host names accepted in requests without a token.")
    ] = field(default_factory=list)


class Limits(Fields, frozen=True, kw_only=True):
    """What the sidecar holds at most; what is beyond it is counted together, and told."""

    group_entries: Annotated[
        int, Meta(ge=0, le=1_000_000, description="Groups of all SLOs that are told apart; 10 KB each.")
    ] = MAX_GROUP_ENTRIES
    metrics_bytes: Annotated[
        int, Meta(ge=1 << 16, le=1 << 30, description="Of the SLOs' metrics in one answer of /metrics.")
    ] = MAX_METRICS_BYTES


class Configuration(Fields, frozen=True, kw_only=True):
    """One sidecar."""

    api_version: Literal["sloctl.dev/v1"]
    kind: Literal["SidecarConfiguration"]
    interval: Annotated[Duration, Meta(description="Between two reads of the source, 1s to 1m.")] = "5s"
    source: Source
    history: Annotated[
        History | UnsetType,
        Meta(description="A Prometheus whose history fills the windows before the first tick."),
    ] = UNSET
    store: Store | UnsetType = UNSET
    notify: Notify | UnsetType = UNSET
    web: Web = Web()
    limits: Limits = Limits()
    log_format: LogFormat = LogFormat.TEXT
