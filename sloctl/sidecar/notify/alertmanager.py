"""One Alertmanager: the options, the requests that carry alerts to it, and their outcome."""

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
    """The Alertmanagers of *urls*, each of which gets all alerts independently.

    *external_labels* and *label_style* are those of the Prometheus whose alerts these must merge with, after
    its `alert_relabel_configs`. *external_url* is the address of this sidecar for people. An alert is sent
    again each *resend* seconds and expires at Alertmanager four times as long after the last time: so it does
    when the sidecar stops, unless *resolves_at_shutdown*, which is for a sidecar without a successor.
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
    """Counts of the alerts sent to one Alertmanager, and the error of the newest attempt.

    *queue* counts those waiting to be sent; *last_error* is None where everything was accepted.
    """

    url: str
    sent: int = 0
    failed: int = 0
    queue: int = 0
    last_error: str | None = None


class SendFailed(Exception):
    """A reason, without secrets, why Alertmanager did not accept some alerts."""


class AlertsRejected(SendFailed):
    """An answer that finds something wrong with an alert; Alertmanager has accepted the others."""


class Alertmanager:
    """A client of one Alertmanager; *wall_clock* is the world's time, by which Alertmanager lives."""

    def __init__(
        self, url: str, options: AlertmanagerOptions, client: HttpClient, *, wall_clock: Callable[[], float]
    ) -> None:
        self._url = URL(url) / "api/v2/alerts"
        self._options = options
        self._client = client
        self._wall_clock = wall_clock

    async def send_alerts(self, alerts: Iterable[ActiveAlert], now: float) -> None:
        """Send alerts in batches; raises SendFailed.

        What Alertmanager finds wrong with one alert keeps no other from it.
        """
        rejected = None
        remaining = iter(alerts)
        while batch := list(islice(remaining, _BATCH_SIZE)):
            try:
                await self._send_batch(batch, now)
            except AlertsRejected as rejection:
                rejected = rejection
        if rejected is not None:
            raise rejected

    async def _send_batch(self, batch: list[ActiveAlert], now: float) -> None:
        body = msgspec.json.encode([self._alert_payload(alert, now) for alert in batch])
        with _tracer.start_as_current_span("notify", record_exception=False) as span:
            span.set_attributes({"server.address": self._url.host or "", "slo.alerts": len(batch)})
            try:
                await self._post_body(body)
            except SendFailed as failure:
                span.set_status(Status(StatusCode.ERROR, str(failure)))
                raise

    async def _post_body(self, body: bytes) -> None:
        try:
            answer = await self._client.request(
                "POST", self._url, headers={"Content-Type": "application/json"}, body=body
            )
        except RequestFailed as failure:
            raise SendFailed(str(failure)) from None
        if answer.status == 400:
            reason = answer.body[:_MAX_REASON_CHARACTERS].decode(errors="replace")
            plain = "".join(sign if sign.isprintable() else " " for sign in reason).strip()
            raise AlertsRejected(f"answered 400: {plain}")
        if answer.status != 200:
            raise SendFailed(f"answered {answer.status}")

    def _alert_payload(self, alert: ActiveAlert, now: float) -> Mapping[str, object]:
        """Build one alert of Alertmanager's API."""
        # Ages, not the times themselves: the sidecar's time does not follow a clock that is set.
        offset = self._wall_clock() - now
        expiry = now + RESENDS_UNTIL_EXPIRY * self._options.resend
        payload = {
            "labels": alert.labels,
            "annotations": alert_annotations(alert, self._options.label_style),
            "startsAt": format_rfc3339(alert.started_at + offset),
            "endsAt": format_rfc3339((expiry if alert.ended_at is None else alert.ended_at) + offset),
        }
        if self._options.external_url is not None:
            payload["generatorURL"] = self._options.external_url
        return payload
