"""Who may ask the sidecar: the token, and the names it goes by."""

import logging
from pathlib import Path

import pytest

from sloctl.problems import Place, Problem, ProblemLevel
from sloctl.sidecar.component import ReloadResult
from sloctl.sidecar.http.access import BearerToken
from sloctl.sidecar.http.options import WebOptions
from tests.sidecar.http_client import ask
from tests.sidecar.running_sidecar import START, run_sidecar

PLACE = Place("slos/shop.yaml", 6, 11)
PROBLEM = Problem(PLACE, "objective-range", "objective must be below 100 %")
REFUSED = ReloadResult(START, is_in_force=False, problems=(PROBLEM,))


async def reloaded() -> ReloadResult:
    return ReloadResult(START, is_in_force=True)


async def refused() -> ReloadResult:
    return REFUSED


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text("hunter2\n")
    return file


async def test_with_a_token_everything_but_the_probes_asks_for_it(secret: Path) -> None:
    async with run_sidecar(web=WebOptions(token_file=secret)) as running:
        for path in ("/", "/metrics", "/api/v1/slos", "/live", "/-/reload", "/nothing"):
            answer = await ask(f"{running.url}{path}")
            assert (path, answer.status) == (path, 401)
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="sloctl"'
            assert answer.headers["Content-Type"] == "application/problem+json"
        assert (await ask(f"{running.url}/healthz")).status == 200
        assert (await ask(f"{running.url}/readyz")).status == 503
        assert (await ask(f"{running.url}/api/v1/slos", Authorization="Bearer hunter2")).status == 200


@pytest.mark.parametrize(
    "header",
    ["Bearer hunter3", "Bearer", "Bearer ", "hunter2", "Basic hunter2", "Bearer hunter2x", "Bearer \u00e9"],
)
async def test_a_wrong_token_is_refused(secret: Path, header: str) -> None:
    async with run_sidecar(web=WebOptions(token_file=secret)) as running:
        assert (await ask(f"{running.url}/api/v1/slos", Authorization=header)).status == 401


def test_a_token_that_was_rotated_is_known_at_once_and_the_old_one_no_longer(secret: Path) -> None:
    token = BearerToken(secret)
    before = token.matches_header("Bearer hunter2")

    secret.write_text("hunter3-and-more\n")

    assert (before, token.matches_header("Bearer hunter2")) == (True, False)
    assert token.matches_header("bearer hunter3-and-more")


def test_while_the_token_cannot_be_read_nobody_is_let_in_and_the_log_says_so_once(
    secret: Path, caplog: pytest.LogCaptureFixture
) -> None:
    token = BearerToken(secret)
    assert token.matches_header("Bearer hunter2")

    secret.unlink()

    with caplog.at_level(logging.ERROR):
        assert not token.matches_header("Bearer hunter2")
        assert not token.matches_header("Bearer ")
    assert len(caplog.records) == 1
    assert "nobody is let in" in caplog.text
    assert "hunter2" not in caplog.text + repr(token)


def test_an_empty_token_lets_nobody_in(secret: Path) -> None:
    secret.write_text("\n")

    assert not BearerToken(secret).matches_header("Bearer ")


@pytest.mark.parametrize("host", ["127.0.0.1:9464", "localhost", "LOCALHOST:80", "[::1]:9464", "10.0.0.7"])
async def test_without_a_token_addresses_and_localhost_may_be_asked_for(host: str) -> None:
    async with run_sidecar() as running:
        assert (await ask(f"{running.url}/api/v1/slos", Host=host)).status == 200


@pytest.mark.parametrize("host", ["attacker.example", "localhost.attacker.example:9464", "127.0.0.1.nip.io"])
async def test_a_name_that_an_attacker_could_point_here_is_refused(host: str) -> None:
    async with run_sidecar(web=WebOptions(host="0.0.0.0")) as running:  # noqa: S104 - what is tested
        answer = await ask(f"{running.url}/api/v1/slos", Host=host)
        probed = await ask(f"{running.url}/healthz", Host=host)

    assert (answer.status, answer.json["detail"]) == (421, "this host name is not known here")
    assert probed.status == 200


async def test_a_name_that_the_operator_gave_may_be_asked_for() -> None:
    async with run_sidecar(web=WebOptions(allowed_hosts=frozenset({"Sidecar.shop.svc"}))) as running:
        assert (await ask(f"{running.url}/metrics", Host="sidecar.shop.svc:9464")).status == 200
        assert (await ask(f"{running.url}/metrics", Host="other.shop.svc:9464")).status == 421


async def test_reloading_needs_a_token_and_a_post(secret: Path) -> None:
    bearer = {"Authorization": "Bearer hunter2"}
    async with run_sidecar(web=WebOptions(token_file=secret), reload=reloaded) as running:
        url = f"{running.url}/-/reload"
        assert (await ask(url, "POST")).status == 401
        got = await ask(url, **bearer)
        done = await ask(url, "POST", **bearer)
    async with run_sidecar(reload=reloaded) as running:
        forbidden = await ask(f"{running.url}/-/reload", "POST")

    assert (got.status, got.headers["Allow"]) == (405, "POST")
    assert (done.status, done.json) == (
        200,
        {"at": "2023-11-14T22:13:20.000Z", "inForce": True, "problems": []},
    )
    assert (forbidden.status, "SIGHUP" in forbidden.json["detail"]) == (403, True)


async def test_a_reload_that_is_refused_says_what_is_wrong_with_the_specs(secret: Path) -> None:
    async with run_sidecar(web=WebOptions(token_file=secret), reload=refused) as running:
        answer = await ask(f"{running.url}/-/reload", "POST", Authorization="Bearer hunter2")

    assert (answer.status, answer.headers["Content-Type"]) == (422, "application/problem+json")
    assert answer.json == {
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "the specs from before are still watched",
        "problems": [
            {
                "path": "slos/shop.yaml",
                "line": 6,
                "column": 11,
                "code": "objective-range",
                "message": "objective must be below 100 %",
                "level": ProblemLevel.ERROR.value,
            }
        ],
    }
