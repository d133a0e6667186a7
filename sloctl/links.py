"""The addresses that alerts and dashboards lead to: an SLO in Grafana and on the sidecar's page.

Two annotations of a spec name where people open Grafana and the sidecar; on an alert they lead to the SLO.
"""

import re
from typing import Final

from sloctl.duration import DAY, HOUR, format_duration

GRAFANA_ANNOTATION: Final = "grafana_url"
SIDECAR_ANNOTATION: Final = "sidecar_url"

OVERVIEW_UID: Final = "sloctl-overview"
SERVICE_UID_PREFIX: Final = "sloctl-"
# What a uid may be in Grafana, without `_` (which marks a shortened one) and capitals (MySQL ignores case).
PLAIN_SERVICE: Final = "[a-z0-9-]{1,33}"
# Every other service, for PromQL, which cannot say "not"; a plain `overview` is shortened too.
SHORTENED_SERVICE: Final = "overview|.{34,}|.*[^a-z0-9-].*"

# What the sidecar's page of an SLO can show, besides its window; seconds.
PAGE_RANGES: Final = (HOUR, 6 * HOUR, DAY, 3 * DAY, 7 * DAY)

_DIGEST_LENGTH: Final = 12
_WEB_ADDRESS: Final = re.compile(r"https?://[^\s#]+", re.IGNORECASE)


def dashboard_uid(service: str) -> str:
    """Return the uid of a service's dashboard in Grafana: unique, and at most 40 characters."""
    if re.fullmatch(PLAIN_SERVICE, service) and service != "overview":
        return f"{SERVICE_UID_PREFIX}{service}"
    from hashlib import sha256  # noqa: PLC0415 - 10 ms at start-up that few services need

    digest = sha256(service.encode()).hexdigest()[:_DIGEST_LENGTH]
    readable = re.sub("[^a-z0-9]+", "-", service.lower())[:20]
    return f"{SERVICE_UID_PREFIX}{readable}_{digest}"


def join_url(base: str, path: str, *parameters: str) -> str:
    """Append *path* and *parameters* to a web address; return another kind of text unchanged."""
    if not _WEB_ADDRESS.fullmatch(base):
        return base
    address, _, query = base.partition("?")
    asked = "&".join(part for part in (query, *parameters) if part)
    return f"{address.rstrip('/')}/{path}{f'?{asked}' if asked else ''}"


def page_range_parameter(seconds: int, window: int) -> str:
    """Return the shortest range of the sidecar's page that holds *seconds*, as `range=6h`."""
    shown = (it for it in PAGE_RANGES if seconds <= it < window)
    return f"range={format_duration(next(shown, window))}"
