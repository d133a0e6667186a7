"""One Alertmanager: what it takes to post alerts to it, and how that goes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Final

import msgspec
from opentelemetry.trace import Status, StatusCode, get_tracer
from yarl import URL

from sloctl.model import Labels
from sloctl.naming import NATIVE_STYLE, LabelStyle
from sloctl.prometheus.async_client import HttpClient
from sloctl.prometheus.credentials import ClientOptions
from sloctl.prometheus.errors import RequestFailed, redact_url
from sloctl.sidecar.notify.active_alerts import ActiveAlert
from sloctl.sidecar.notify.annotations import alert_annotations
from sloctl.sidecar.notify.send_schedule import RESENDS_UNTIL_EXPIRY
from sloctl.timestamps import format_rfc3339

# As many in one request as Prometheus sends.
_BATCH_SIZE: Final = 64
_MAX_REASON_CHARACTERS: Final = 300
_DEFAULT_CLIENT: Final = ClientOptions(max_bytes=1024 * 1024)
_tracer: Final = get_tracer(__name__)


@dataclass(frozen=True, slots=True)
class AlertmanagerOptions:
    """Where alerts go; each of *urls* is told independently.

    *external_labels* and *label_style* are those of the Prometheus whose alerts these must merge with, after
    its `alert_relabel_configs`. *external_url* is where people find this sidecar. An alert is told again each
    *resend* seconds and runs out at Alertmanager four times as long after the last time: so it does when the
    sidecar stops, unless *resolves_at_shutdown*, which is for a sidecar that nothing takes over from.
    """

    urls: tuple[str, ...]
    client: ClientOptions = _DEFAULT_CLIENT
    resend: float = 60.0
    external_url: str | None = None
    external_labels: Labels = field(default_factory=dict)
    label_style: LabelStyle = NATIVE_STYLE
    resolves_at_shutdown: bool = False

    def __post_init__(self) -> None:
        for url in self.urls:
            parsed = URL(url)
            if parsed.scheme not in {"http", "https"} or not parsed.host:
                what = redact_url(url) if parsed.absolute else "a relative URL"
                raise ValueError(f"{what} is no address of an Alertmanager, such as http://HOST:9093")


@dataclass(frozen=True, slots=True)
class AlertmanagerHealth:
    """How it went so far with one Alertmanager; alerts, not requests.

    *queue* is what it has yet to be told; *last_error* of the newest attempt, None where it took everything.
    """

    url: str
    sent: int = 0
    failed: int = 0
    queue: int = 0
    last_error: str | None = None


class SendFailed(Exception):
    """Alertmanager did not take some alerts; why, without secrets."""


class AlertsRejected(SendFailed):
    """Alertmanager answers, but finds something wrong with an alert; it has taken the others."""


class Alertmanager:
    """Posts alarms; *wall* is the clock of the world, which Alertmanager's is compared with."""

    def __init__(
        self, url: str, options: AlertmanagerOptions, client: HttpClient, *, wall: Callable[[], float]
    ) -> None:
        self._url = URL(url) / "api/v2/alerts"
        self._options = options
        self._client = client
        self._wall_clock = wall

    async def send_alerts(self, alarms: Iterable[ActiveAlert], now: float) -> None:
        """Raises NotTaken. What Alertmanager finds wrong with one alert keeps no other from it."""
        refused = None
        left = iter(alarms)
        while batch := list(islice(left, _BATCH_SIZE)):
            try:
                await self._send_batch(batch, now)
            except AlertsRejected as refusal:
                refused = refusal
        if refused is not None:
            raise refused

    async def _send_batch(self, batch: list[ActiveAlert], now: float) -> None:
        body = msgspec.json.encode([self._alert_payload(alarm, now) for alarm in batch])
        with _tracer.start_as_current_span("notify", record_exception=False) as span:
            span.set_attributes({"server.address": self._url.host or "", "slo.alerts": len(batch)})
            try:
                await self._posted(body)
            except SendFailed as failure:
                span.set_status(Status(StatusCode.ERROR, str(failure)))
                raise

    async def _posted(self, body: bytes) -> None:
        try:
            answer = await self._client.request(
                "POST", self._url, headers={"Content-Type": "application/json"}, body=body
            )
        except RequestFailed as failure:
            raise SendFailed(str(failure)) from None
        if answer.status == 400:
            raise AlertsRejected(f"answered 400: {_reason(answer.body)}")
        if answer.status != 200:
            raise SendFailed(f"answered {answer.status}")

    def _alert_payload(self, alarm: ActiveAlert, now: float) -> Mapping[str, object]:
        """One alert of Alertmanager's API."""
        # Ages, not the times themselves: the sidecar's time does not follow a clock that is set.
        offset = self._wall_clock() - now
        ends = (
            alarm.ended_at
            if alarm.ended_at is not None
            else now + RESENDS_UNTIL_EXPIRY * self._options.resend
        )
        alert = {
            "labels": alarm.labels,
            "annotations": alert_annotations(alarm, self._options.label_style),
            "startsAt": format_rfc3339(alarm.started_at + offset),
            "endsAt": format_rfc3339(ends + offset),
        }
        if self._options.external_url is not None:
            alert["generatorURL"] = self._options.external_url
        return alert


def _reason(body: bytes) -> str:
    text = body[:_MAX_REASON_CHARACTERS].decode(errors="replace")
    return "".join(sign if sign.isprintable() else " " for sign in text).strip()
