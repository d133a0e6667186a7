"""Notification templates, rendered by amtool from what docs/alerts.md says a webhook got."""

import json
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from sloctl.naming import NATIVE_STYLE, SLOTH_STYLE
from sloctl.targets.notification_templates import render_templates
from tests.real import amtool

DOCUMENT: Final = Path("docs/alerts.md").read_text(encoding="utf-8")
STARTED: Final = "2026-11-21T15:34:03Z"
ENDED: Final = "2026-11-21T15:52:10Z"
NEVER: Final = "0001-01-01T00:00:00Z"


def annotations(beginning: str) -> dict[str, str]:
    """The annotations of the alert in the document whose summary begins so."""
    [text] = re.findall(rf"^```text\n({re.escape(beginning)}.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    summary, _, rest = text.partition("\n\n")
    description, _, links = rest.rpartition("\n\n")
    return {"summary": summary, "description": description} | dict(
        line.split(": ", 1) for line in links.splitlines()
    )


def message(
    *alerts: dict[str, str], status: str = "firing", severity: str = "page", style: str = "slo"
) -> dict[str, object]:
    """What Alertmanager hands a template about one SLO."""
    labels = {f"{style}_id": "payments-api/availability", f"{style}_severity": severity}
    return {
        "receiver": "on-call",
        "status": status,
        "externalURL": "https://alertmanager.example.com",
        "groupLabels": {},
        "commonLabels": labels,
        "commonAnnotations": {},
        "alerts": [
            {
                "status": status,
                "labels": {"alertname": "SLOErrorBudgetBurn", **labels},
                "annotations": alert,
                "startsAt": STARTED,
                "endsAt": NEVER if status == "firing" else ENDED,
            }
            for alert in alerts
        ],
    }


def render(
    directory: Path, name: str, data: dict[str, object], *, kind: str = "text", style: str = "slo"
) -> str:
    styles = {"slo": NATIVE_STYLE, "sloth": SLOTH_STYLE}
    (directory / "sloctl.tmpl").write_text(render_templates(styles[style]))
    (directory / "data.json").write_text(json.dumps(data))
    command = [amtool(), "template", "render", f"--template.type={kind}"]
    files = [f"--template.glob={directory}/sloctl.tmpl", f"--template.data={directory}/data.json"]
    text = f'--template.text={{{{ template "{name}" . }}}}'
    done = subprocess.run([*command, *files, text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("alert", "title"),
    [
        ("payments-api/availability: ", "PAGE payments-api/availability burns 30x, gone in 16h 9m"),
        ("payments-api/latency (", "PAGE payments-api/latency (uri=/v1/refunds) burns 1.5x, gone in 9d 19h"),
        ("payments-api/refunds: ", "PAGE payments-api/refunds budget gone, overspent by 6.5%"),
        ("payments-api/authorisation: ", "PAGE payments-api/authorisation budget gone in 14h 13m"),
        ("payments-api/settlement: ", "PAGE payments-api/settlement no data for 10m"),
    ],
)
def test_a_title_fits_a_locked_phone(alert: str, title: str, tmp_path: Path) -> None:
    assert render(tmp_path, "sloctl.title", message(annotations(alert))) == title
    assert len(title) <= 75


def test_a_summary_of_a_specs_own_is_the_title(tmp_path: Path) -> None:
    own = message({"summary": "Money is burning."}, severity="ticket")

    assert render(tmp_path, "sloctl.title", own) == "TICKET Money is burning."


def test_several_alerts_are_counted(tmp_path: Path) -> None:
    latency = annotations("payments-api/latency (")

    title = render(tmp_path, "sloctl.title", message(latency, latency, latency))

    assert title.endswith("gone in 9d 19h and more: 3 alerts")


def test_what_is_over_says_how_long_it_took(tmp_path: Path) -> None:
    over = message(annotations("payments-api/latency ("), status="resolved")

    assert render(tmp_path, "sloctl.title", over) == "OVER payments-api/latency (uri=/v1/refunds), after 18m"


@pytest.mark.parametrize(("status", "heading"), [("firing", "firing"), ("resolved", "over")])
@pytest.mark.parametrize("name", ["sloctl.text", "slack.sloctl.text", "msteams.sloctl.text"])
def test_the_document_shows_what_arrives(name: str, status: str, heading: str, tmp_path: Path) -> None:
    data = message(annotations("payments-api/availability: "), status=status)

    rendered = render(tmp_path, name, data)

    assert f"\n`{name}`, {heading}:\n\n```txt\n{rendered}\n```\n" in DOCUMENT


@pytest.mark.parametrize("style", ["slo", "sloth"])
def test_the_labels_are_those_of_the_style(style: str, tmp_path: Path) -> None:
    data = message(annotations("payments-api/availability: "), style=style)

    silence = render(tmp_path, "sloctl.silence", data, style=style)

    assert silence == (
        "https://alertmanager.example.com/#/silences/new"
        f"?filter=%7B{style}_id%3D%22payments-api%2Favailability%22%7D"
    )


def test_hostile_text_is_text_in_slack_and_in_a_mail(tmp_path: Path) -> None:
    hostile = message({"summary": "<b>x</b>: y", "description": "<!channel> & <script>alert(1)</script>"})

    slack = render(tmp_path, "slack.sloctl.text", hostile)
    mail = render(tmp_path, "email.sloctl.html", hostile, kind="html")

    assert "&lt;!channel&gt; &amp; &lt;script&gt;" in slack
    assert "<script>" not in mail
    assert "<b>x</b>: y" not in mail


@pytest.mark.parametrize(
    ("severity", "color", "priority"), [("page", "danger", "P1"), ("ticket", "warning", "P3")]
)
def test_color_and_priority_follow_the_severity(
    severity: str, color: str, priority: str, tmp_path: Path
) -> None:
    data = message(annotations("payments-api/availability: "), severity=severity)

    assert render(tmp_path, "slack.sloctl.color", data) == color
    assert render(tmp_path, "opsgenie.sloctl.priority", data) == priority


def test_the_configuration_of_the_document_is_sound(tmp_path: Path) -> None:
    [configuration] = re.findall(r"^```yaml\n(templates:.*?)^```$", DOCUMENT, re.MULTILINE | re.DOTALL)
    (tmp_path / "sloctl.tmpl").write_text(render_templates(NATIVE_STYLE))
    (tmp_path / "alertmanager.yaml").write_text(configuration.replace("/etc/alertmanager/", f"{tmp_path}/"))

    done = subprocess.run(
        [amtool(), "check-config", str(tmp_path / "alertmanager.yaml")],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert "1 templates" in done.stdout
