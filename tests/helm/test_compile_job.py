"""The Job that compiles: its rights are exactly these, and what it sends is what an API server gets."""

import json
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest
import trustme

from tests.helm.chart import NAMESPACE, ROOT, objects, only, values

APPLY: Final = ROOT / "helm/sloctl/files/apply.py"
GIVEN: Final = values("compiled")


@dataclass
class RecordedApi:
    """A server that takes what is applied, or refuses it with *status*."""

    port: int = 0
    status: int = 200
    requests: list[tuple[str, str, Any]] = field(default_factory=list)


@pytest.fixture
def account(tmp_path: Path) -> Path:
    """A service account as the kubelet mounts it, but for the authority."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text("t0ken\n")
    (folder / "namespace").write_text(NAMESPACE)
    return folder


@pytest.fixture
def api(account: Path) -> Iterator[RecordedApi]:
    authority, recorded = trustme.CA(), RecordedApi()
    authority.cert_pem.write_to_path(account / "ca.crt")

    class Api(BaseHTTPRequestHandler):
        def do_PATCH(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            recorded.requests.append((self.path, self.headers["Authorization"], body))
            self.send_response(recorded.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Api) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        recorded.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield recorded
        server.shutdown()
        thread.join()


def test_by_default_nothing_compiles_and_nothing_may() -> None:
    given = {**GIVEN, "compile": {"enabled": False}}

    assert {each["kind"] for each in objects(given)} & {"Job", "Role", "RoleBinding"} == set()


def test_its_account_may_write_rules_of_its_namespace_and_nothing_else() -> None:
    role = only("Role", GIVEN)
    binding = only("RoleBinding", GIVEN)
    job = only("Job", GIVEN)["spec"]["template"]["spec"]

    assert role["rules"] == [
        {
            "apiGroups": ["monitoring.coreos.com"],
            "resources": ["prometheusrules"],
            "verbs": ["get", "create", "patch"],
        }
    ]
    assert [subject["name"] for subject in binding["subjects"]] == [job["serviceAccountName"]]
    assert only("Deployment", GIVEN)["spec"]["template"]["spec"]["automountServiceAccountToken"] is False


def test_what_it_compiles_and_sends_is_what_the_api_server_gets(
    tmp_path: Path, account: Path, api: RecordedApi
) -> None:
    done = compile_and_apply(tmp_path, account, api)

    assert done.returncode == 0, done.stderr
    [(path, authorization, sent)] = api.requests
    assert path == (
        f"/apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}/prometheusrules/slo-shop"
        "?fieldManager=sloctl&force=true"
    )
    assert authorization == "Bearer t0ken"
    assert sent["metadata"]["labels"] == {
        "app.kubernetes.io/managed-by": "sloctl",
        "release": "prometheus",
    }
    assert "slo:shop/availability:fast" in {group["name"] for group in sent["spec"]["groups"]}


def test_a_refusal_is_told_and_fails_the_job(tmp_path: Path, account: Path, api: RecordedApi) -> None:
    api.status = 403

    done = compile_and_apply(tmp_path, account, api)

    assert done.returncode == 1
    assert "slo-shop: 403" in done.stderr
    assert done.stdout == "0 of 1 PrometheusRules applied\n"


def compile_and_apply(tmp_path: Path, account: Path, api: RecordedApi) -> subprocess.CompletedProcess[str]:
    """Run both containers of the Job as they are rendered, in folders of the test."""
    pod = only("Job", GIVEN)["spec"]["template"]["spec"]
    [compiling], [applying] = pod["initContainers"], pod["containers"]
    (tmp_path / "specs").mkdir()
    for name, text in GIVEN["specs"]["files"].items():
        (tmp_path / "specs" / name).write_text(text)
    here = {
        "sloctl": str(Path(sys.executable).with_name("sloctl")),
        "python": sys.executable,
        "/etc/sloctl/specs": str(tmp_path / "specs"),
        "/etc/sloctl/apply/apply.py": str(APPLY),
        "/out": str(tmp_path / "out"),
    }
    subprocess.run([here.get(word, word) for word in compiling["command"]], check=True, capture_output=True)
    variables = {each["name"]: each["value"] for each in applying["env"]}
    return subprocess.run(
        [here.get(word, word) for word in applying["command"]],
        env={
            **variables,
            "ACCOUNT": str(account),
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(api.port),
        },
        check=False,
        capture_output=True,
        text=True,
    )
