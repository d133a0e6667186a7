"""Options of the source that reads a Prometheus."""

from dataclasses import dataclass, field

from yarl import URL

from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.prometheus.credentials import ClientOptions
from sloctl.prometheus.errors import RequestFailed, redact_url, refuse_password


@dataclass(frozen=True, slots=True)
class PrometheusOptions:
    """The Prometheus, Thanos, Mimir or VictoriaMetrics below *url* that has the rules or the raw series.

    A tenant (X-Scope-OrgID) is a header of *client*. *partial_response* lets a Thanos answer from the stores
    that it reaches. *settle_seconds* is how long after a minute its samples are there; *read_seconds* is the
    limit of one read with all its queries. Each of *contributor_labels* costs two more queries a minute of an
    SLO with errors; None looks for a few that tell bad events apart, in two queries every ten minutes.
    Where the server answers for several others, *cluster_labels* are those by which their series differ: each
    SLO is split by them.
    """

    url: str
    client: ClientOptions = field(default_factory=ClientOptions)
    label_style: LabelStyle = NATIVE_STYLE
    partial_response: bool = False
    settle_seconds: float = 10.0
    read_seconds: float = 30.0
    concurrency: int = 4
    contributor_labels: tuple[str, ...] | None = ()
    cluster_labels: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        try:
            refuse_password(self.url)
            is_http = URL(self.url).scheme in {"http", "https"}
        except RequestFailed as refused:
            raise ValueError(str(refused)) from None
        except ValueError:
            is_http = False
        if not is_http:
            raise ValueError(f"a Prometheus is at an http or https URL, got {redact_url(self.url)!r}")
