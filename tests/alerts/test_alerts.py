"""The alerts of docs/alerts.md: from a real Prometheus through a real Alertmanager, routed as it says."""

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
import yaml

from sloctl.duration import DAY, HOUR
from sloctl.naming import NATIVE_STYLE, SLOTH_STYLE
from sloctl.sidecar.engine.snapshot import Snapshot
from sloctl.sidecar.http.page.query import ChartRange, slo_url
from sloctl.sidecar.notify.active_alerts import ActiveAlerts
from sloctl.sidecar.notify.annotations import alert_annotations
from sloctl.spec import read_specs
from sloctl.targets import alertmanager
from tests.alerts.histories import hurried_rules, rollups, snapshot
from tests.alerts.webhook import Alert, running_webhook
from tests.real import Server, amtool, backfill, running_alertmanager, running_prometheus

DOCUMENT: Final = Path("docs/alerts.md").read_text()
PATIENCE: Final = 120.0
# SLO and alert, by where the document's route sends them.
PAGES: Final = {("availability", "SLOErrorBudgetBurn")}
TICKETS: Final = {
    ("latency", "SLOErrorBudgetBurn"),
    ("refunds", "SLOErrorBudgetExhausted"),
    ("authorisation", "SLOErrorBudgetExhausting"),
    ("settlement", "SLONoData"),
}
MUTED: Final = {("availability", "SLOErrorBudgetBurn", "ticket")}
ALERT_OF: Final = dict(sorted(PAGES | TICKETS))
SHOWN: Final = tuple(ALERT_OF)

_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC")
_MILLISECONDS: Final = re.compile(r"\d{13}")
_SPAN: Final = re.compile(r"gone in \d+[dhm](?: \d+[hms])?")
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Sent:
    """What the webhook received as pages and as tickets, and what Alertmanager holds back."""

    pages: list[Alert]
    tickets: list[Alert]
    muted: set[tuple[str, str, str]]


def block(language: str, beginning: str) -> str:
    found = re.findall(rf"^```{language}\n({beginning}.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert len(found) == 1, f"{len(found)} blocks begin with {beginning}"
    return str(found[0])


SLOS: Final = read_specs([("docs/alerts.md", block("yaml", "apiVersion").encode())]).slos


def configuration(port: int) -> str:
    """The document's route in a hurry, to the webhook, with the compiled inhibitions below it."""
    route = re.sub(r"http://[^/]+", f"http://127.0.0.1:{port}", block("yaml", "route:"))
    for documented, hurried_ in (("group_wait: 30s", "group_wait: 3s"), ("12h", "3s"), ("5m", "3s")):
        assert documented in route
        route = route.replace(documented, hurried_)
    return route + alertmanager.render_inhibitions(SLOS, NATIVE_STYLE)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sent]:
    directory = tmp_path_factory.mktemp("alerts")
    backfill(directory / "prometheus", rollups(SLOS, int(time.time())))
    with (
        running_webhook() as webhook,
        running_alertmanager(directory / "alertmanager", config=configuration(webhook.port)) as server,
    ):
        address = json.dumps([{"static_configs": [{"targets": [server.url.removeprefix("http://")]}]}])
        with running_prometheus(
            directory / "prometheus",
            config=f"alerting: {{alertmanagers: {address}}}",
            rules={"rules.yaml": hurried_rules(SLOS)},
            # An alert is valid for four times as long: on a busy machine it must not end in between.
            flags=["--rules.alert.resend-delay=6s"],
        ):
            # Until the page is there, its ticket goes out like any other.
            _until(lambda: _muted(server) >= MUTED)
            webhook.received.clear()
            _until(lambda: _complete(webhook.of("/page"), PAGES))
            _until(lambda: _complete(webhook.of("/ticket"), TICKETS))
            yield Sent(webhook.of("/page"), webhook.of("/ticket"), _muted(server))


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _complete(alerts: list[Alert], expected: set[tuple[str, str]]) -> bool:
    """Until every number is known: the first turns of a young Prometheus know but some."""
    named = {(it["labels"]["slo_name"], it["labels"]["alertname"]) for it in alerts}
    return named >= expected and not any("unknown" in str(it["annotations"]) for it in alerts)


def _muted(server: Server) -> set[tuple[str, str, str]]:
    alerts: list[Alert] = json.loads(server.get("/api/v2/alerts"))
    return {
        (it["labels"]["slo_name"], it["labels"]["alertname"], it["labels"]["slo_severity"])
        for it in alerts
        if it["status"]["inhibitedBy"]
    }


def as_text(alert: Alert) -> str:
    """The alert as a plain-text receiver shows it."""
    annotations = dict(alert["annotations"])
    links = "".join(
        f"{name}: {annotations[name]}\n" for name in ("runbook_url", "grafana_url", "sidecar_url")
    )
    return f"{annotations['summary']}\n\n{annotations['description']}\n\n{links}"


def without_times(text: str) -> str:
    return _SPAN.sub("gone in SPAN", _MILLISECONDS.sub("MILLISECONDS", _MOMENT.sub("MOMENT", text)))


def test_pages_and_tickets_go_where_the_route_sends_them(sent: Sent) -> None:
    pages, tickets = (
        {(it["labels"]["slo_name"], it["labels"]["alertname"]) for it in alerts}
        for alerts in (sent.pages, sent.tickets)
    )

    assert pages == PAGES
    assert tickets == TICKETS


def test_the_ticket_of_what_pages_is_muted_and_no_other(sent: Sent) -> None:
    assert sent.muted == MUTED


@pytest.mark.parametrize("name", SHOWN)
def test_the_document_quotes_what_the_webhook_got(sent: Sent, name: str) -> None:
    (alert,) = (it for it in sent.pages + sent.tickets if it["labels"]["slo_name"] == name)
    text = without_times(as_text(alert))
    print(as_text(alert))

    quoted = without_times(block("text", f"payments-api/{name}"))

    assert _NUMBER.sub("#", text) == _NUMBER.sub("#", quoted)
    # The minute in which the test runs moves the lookbacks' edges.
    assert _numbers(text) == pytest.approx(_numbers(quoted), rel=0.1)


@pytest.mark.parametrize("name", SHOWN)
def test_a_sidecar_that_counted_the_same_says_the_same(name: str) -> None:
    (alert,) = (
        alert
        for alert in _active_alerts(int(time.time()))
        if alert.candidate.slo_state.slo.name == name and alert.labels["alertname"] == ALERT_OF[name]
        if alert.labels["slo_severity"] == ("page" if name == "availability" else "ticket")
    )
    text = without_times(as_text({"annotations": alert_annotations(alert, NATIVE_STYLE)}))
    # The counts are its own to tell.
    text = re.sub(r"^.* % of events fail: .* over 5m\.\n", "", text, flags=re.MULTILINE)

    quoted = without_times(block("text", f"payments-api/{name}"))

    # What was never read ended at no moment that a sidecar knows.
    assert _NUMBER.sub("#", text).replace("the start", "MOMENT") == _NUMBER.sub("#", quoted)
    assert _numbers(text) == pytest.approx(_numbers(quoted), rel=0.1)


def test_an_alert_leads_to_its_own_page_of_the_sidecar() -> None:
    shown = {"availability": 6 * HOUR, "latency": 3 * DAY, "refunds": 30 * DAY, "authorisation": 6 * HOUR}
    entries = {entry.slo.name: entry for entry in snapshot(SLOS, 1_700_000_000).states}

    pages = {name: slo_url(entries[name], ChartRange(seconds)) for name, seconds in shown.items()}

    assert {
        name for name, page in pages.items() if f"https://slo.example.com{page}\n" not in DOCUMENT
    } == set()


def _active_alerts(now: int) -> ActiveAlerts:
    """Of a sidecar that has run for an hour."""
    active_alerts = ActiveAlerts(NATIVE_STYLE, {}, ended_retention=240)
    active_alerts.update(Snapshot.without_data(SLOS), now - HOUR)
    active_alerts.update(snapshot(SLOS, now), now)
    return active_alerts


def _numbers(text: str) -> list[float]:
    return [float(number) for number in _NUMBER.findall(text)]


def test_amtool_accepts_the_route_with_the_compiled_inhibitions(tmp_path: Path) -> None:
    (tmp_path / "alertmanager.yml").write_text(configuration(8080))

    done = subprocess.run(
        [amtool(), "check-config", str(tmp_path / "alertmanager.yml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert " - 2 inhibit rules\n" in done.stdout


def test_an_inhibition_holds_within_one_slo_and_one_group() -> None:
    rules = yaml.safe_load(alertmanager.render_inhibitions(SLOS, NATIVE_STYLE))["inhibit_rules"]

    assert [rule["equal"] for rule in rules] == [["slo_id", "uri"], ["slo_id", "uri"]]


def test_inhibitions_go_by_labels_that_no_spec_changes() -> None:
    rules = yaml.safe_load(alertmanager.render_inhibitions(SLOS, SLOTH_STYLE))["inhibit_rules"]

    assert [rule["source_matchers"] for rule in rules] == [
        ['sloth_alert="burn"', 'sloth_severity="page"'],
        ['sloth_alert="exhausted"', 'sloth_severity="ticket"'],
    ]
    assert [rule["target_matchers"] for rule in rules] == [
        ['sloth_alert=~"burn|exhausting"', 'sloth_severity="ticket"'],
        ['sloth_alert=~"burn|exhausting|spent"', 'sloth_severity="ticket"'],
    ]
