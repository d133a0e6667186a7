"""The keys of a sidecar's configuration as types: msgspec reads the file into them.

Flat, as Kubernetes components have theirs. Secrets never stand in it: it names the files that hold them.
"""

from typing import Annotated, ClassVar, Final, Literal

from msgspec import UNSET, Meta, UnsetType, field

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
    """How the other side is known, and how we show who we are."""

    ca_file: _FilePath | UnsetType = UNSET
    cert_file: _FilePath | UnsetType = UNSET
    key_file: _FilePath | UnsetType = UNSET
    server_name: str | UnsetType = UNSET


class Client(Fields, frozen=True, kw_only=True):
    """How to ask over HTTP; files are read anew when they change."""

    bearer_token_file: _FilePath | UnsetType = UNSET
    basic: Basic | UnsetType = UNSET
    tls: ClientTls | UnsetType = UNSET
    headers: Annotated[dict[str, str], Meta(description="Such as X-Scope-OrgID.")] = field(
        default_factory=dict
    )
    timeout: Duration = "10s"
    max_bytes: Annotated[int, Meta(ge=1024, le=1 << 30, description="Of an answer, inflated.")] = 32 << 20


class Target(Fields, frozen=True, kw_only=True):
    """What is scraped, and the labels that a Prometheus job would attach."""

    url: _Url
    labels: Labels = field(default_factory=dict)
    resolve: Annotated[bool, Meta(description="One target for each address of the host's name.")] = False


class Scrape(Fields, frozen=True, kw_only=True):
    """The services' own metrics."""

    targets: Annotated[list[Target], Meta(min_length=1)]
    client: Client = Client()
    concurrency: Annotated[int, Meta(ge=1, le=100, description="Targets asked at the same time.")] = 8
    contributor_labels: Annotated[
        list[LabelName] | UnsetType,
        Meta(description="Labels whose values may say what burns; all that vary where it is not given."),
    ] = UNSET


class Prometheus(Fields, frozen=True, kw_only=True):
    """A Prometheus, Thanos, Mimir or VictoriaMetrics."""

    url: _Url
    client: Client = Client()
    label_style: Literal["slo", "sloth"] = "slo"
    partial_response: Annotated[bool, Meta(description="Take what Thanos has when a store is gone.")] = False
    contributor_labels: Annotated[
        list[LabelName],
        Meta(description="Labels whose values may say what burns; two queries a minute each, while it does."),
    ] = field(default_factory=list)


class Otlp(Fields, frozen=True, kw_only=True):
    """Metrics that are sent to /v1/metrics, as to a collector."""

    promote: Annotated[
        list[str], Meta(description="Resource attributes that become labels; job and instance always do.")
    ] = field(default_factory=list)


class Source(Choice, frozen=True, kw_only=True):
    """Where counts come from."""

    exactly_one: ClassVar = ("scrape", "prometheus", "otlp")

    scrape: Scrape | UnsetType = UNSET
    prometheus: Prometheus | UnsetType = UNSET
    otlp: Otlp | UnsetType = UNSET


class Store(Fields, frozen=True, kw_only=True):
    """Where counts outlive the process."""

    path: _FilePath


class Notify(Fields, frozen=True, kw_only=True):
    """Which Alertmanagers are told of alerts, each of them independently."""

    urls: Annotated[list[_Url], Meta(min_length=1)]
    client: Client = Client()
    resend: Duration = "1m"
    external_url: Annotated[_Url | UnsetType, Meta(description="Where people open this sidecar.")] = UNSET
    external_labels: Annotated[
        Labels, Meta(description="Those of the Prometheus that runs the rules, so that alerts merge.")
    ] = field(default_factory=dict)
    label_style: Literal["slo", "sloth"] = "slo"
    resolve_at_shutdown: Annotated[bool, Meta(description="For a sidecar that nothing takes over from.")] = (
        False
    )


class ServerTls(Fields, frozen=True, kw_only=True):
    """The certificate shown to clients; read anew when it changes."""

    cert_file: _FilePath
    key_file: _FilePath


class Web(Fields, frozen=True, kw_only=True):
    """Who may read, and from where."""

    listen: _Address = "127.0.0.1:9464"
    tls: ServerTls | UnsetType = UNSET
    token_file: _FilePath | UnsetType = UNSET
    allowed_hosts: Annotated[
        list[str], Meta(description="Host names under which it may be asked for without a token.")
    ] = field(default_factory=list)


class Configuration(Fields, frozen=True, kw_only=True):
    """One sidecar."""

    api_version: Literal["sloctl.dev/v1"]
    kind: Literal["SidecarConfiguration"]
    interval: Annotated[Duration, Meta(description="Between two reads of the source, 1s to 1m.")] = "5s"
    source: Source
    history: Annotated[
        Prometheus | UnsetType, Meta(description="What fills the windows before the first tick.")
    ] = UNSET
    store: Store | UnsetType = UNSET
    notify: Notify | UnsetType = UNSET
    web: Web = Web()
    log_format: LogFormat = LogFormat.TEXT
