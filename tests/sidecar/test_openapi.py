"""The OpenAPI document: current, complete, and held against the served API by schemathesis."""

import asyncio
import sys
from pathlib import Path
from typing import Any, Final

import jsonschema
import msgspec
import pytest

from sloctl.sidecar.component import ReloadResult
from sloctl.sidecar.http.application import build_application
from sloctl.sidecar.http.options import WebOptions
from tests.conftest import Figure
from tests.sidecar.http_client import ask
from tests.sidecar.running_sidecar import SHOP, START, RunningSidecar, run_sidecar
from tests.sidecar.specimens import slo
from tests.tools.openapi import render_document

ROOT: Final = Path(__file__).parents[2]
DOCUMENT: Final = ROOT / "sloctl/sidecar/http/api/openapi.json"
ROUTES: Final = slo(name="routes", group_by=("route",))
OUTAGE: Final = "".join(
    f'requests_total{{route="{route}",status="{status}"}} 100\n'
    for route in ("/pay", "/cart")
    for status in (200, 503)
)
SCHEMATHESIS: Final = (
    *(sys.executable, "-m", "schemathesis.cli", "run"),
    *("--checks", "all", "--no-color", "--suppress-health-check", "all"),
)


async def reloaded() -> ReloadResult:
    return ReloadResult(START, is_in_force=True)


def test_the_packaged_document_is_what_the_shapes_say() -> None:
    assert DOCUMENT.read_bytes() == render_document(), (
        f"renew it: python -m tests.tools.openapi > {DOCUMENT.relative_to(ROOT)}"
    )


async def test_every_route_of_the_api_is_documented_and_nothing_else() -> None:
    async with run_sidecar(reload=reloaded) as running:
        app = build_application(running.sidecar)
        served = {
            (route.method.lower(), route.resource.canonical)
            for route in app.router.routes()
            if route.resource is not None and route.method != "HEAD"
        }

    pages = {
        path
        for _, path in served
        if path in {"/", "/live", "/services"} or path.startswith(("/slo/", "/static/"))
    }
    paths = msgspec.json.decode(DOCUMENT.read_bytes())["paths"]
    documented = {(method, path) for path, methods in paths.items() for method in methods}
    assert {route for route in served if route[1] not in pages} == documented


async def test_answers_are_as_the_document_says() -> None:
    document = msgspec.json.decode(DOCUMENT.read_bytes())
    async with run_sidecar(SHOP, ROUTES) as running:
        await burn(running)
        for path, name in (
            ("/api/v1/slos", "SloPage"),
            ("/api/v1/slos/shop/routes", "SloGroups"),
            ("/api/v1/alerts", "FiringAlerts"),
            ("/api/v1/status", "Status"),
            ("/api/v1/slos?limit=x", "ProblemDetails"),
        ):
            schema: dict[str, Any] = {**document, "$ref": f"#/components/schemas/{name}"}
            jsonschema.validate((await ask(f"{running.url}{path}")).json, schema)


async def test_the_served_document_is_json_with_a_tag() -> None:
    async with run_sidecar() as running:
        answer = await ask(f"{running.url}/api/v1/openapi.json")

    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.body == DOCUMENT.read_bytes()


async def test_schemathesis_finds_no_answer_that_is_not_documented(tmp_path: Path, figure: Figure) -> None:
    figure(await checked(tmp_path, seconds=20))


@pytest.mark.full
async def test_schemathesis_finds_none_in_five_minutes_either(tmp_path: Path, figure: Figure) -> None:
    figure(await checked(tmp_path, seconds=300))


async def checked(folder: Path, *, seconds: int) -> str:
    """What schemathesis says last, of a sidecar with a token in the middle of an outage."""
    token = folder / "token"
    token.write_text("hunter2")
    async with run_sidecar(SHOP, ROUTES, web=WebOptions(token_file=token), reload=reloaded) as running:
        await burn(running)
        process = await asyncio.create_subprocess_exec(
            *SCHEMATHESIS,
            *("--max-time", str(seconds), "--header", "Authorization: Bearer hunter2"),
            f"{running.url}/api/v1/openapi.json",
            cwd=folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        answer = (await process.communicate())[0].decode()
    assert process.returncode == 0, answer
    return " ".join(line.strip() for line in answer.splitlines() if "generated" in line)


async def burn(running: RunningSidecar) -> None:
    await running.tick(OUTAGE)
    await running.tick(OUTAGE.replace("100", "200"), seconds=60)
