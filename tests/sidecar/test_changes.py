"""Changes that are posted stand on the charts."""

import json
from pathlib import Path

import aiohttp

from sloctl.sidecar.engine.changes import ChangeLog, ServiceChange
from sloctl.sidecar.http.options import WebOptions
from tests.sidecar.http_client import HttpAnswer, ask
from tests.sidecar.running_sidecar import START, RunningSidecar, run_sidecar

SERVED = 'requests_total{status="200"} %d\n'


async def post(running: RunningSidecar, body: object, bearer: str = "hunter2") -> HttpAnswer:
    headers = {"Authorization": f"Bearer {bearer}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{running.url}/api/v1/changes", data=json.dumps(body), headers=headers) as answer,
    ):
        return HttpAnswer(answer.status, answer.headers, await answer.read())


def token_file(folder: Path) -> WebOptions:
    (folder / "token").write_text("hunter2")
    return WebOptions(token_file=folder / "token")


async def test_a_posted_change_is_listed_and_marks_the_charts(tmp_path: Path) -> None:
    async with run_sidecar(web=token_file(tmp_path)) as running:
        await running.tick(SERVED % 200, seconds=60)
        answer = await post(running, {"text": "shop <1.4.2>", "service": "shop"})
        await post(running, {"text": "of another", "service": "cart"})
        signed = {"Authorization": "Bearer hunter2"}
        listed = (await ask(f"{running.url}/api/v1/changes", **signed)).json["changes"]
        page = (await ask(f"{running.url}/slo/shop/availability", **signed)).body.decode()

    assert (answer.status, answer.json["at"]) == (200, "2023-11-14T22:14:20.000Z")
    assert [each["text"] for each in listed] == ["shop <1.4.2>", "of another"]
    assert page.count("<title>14 Nov 22:14: shop &lt;1.4.2&gt;</title>") == 3
    assert "of another" not in page


async def test_without_the_token_nothing_is_posted(tmp_path: Path) -> None:
    async with run_sidecar(web=token_file(tmp_path)) as running:
        wrong = await post(running, {"text": "x"}, bearer="guess")
    async with run_sidecar() as running:
        none = await post(running, {"text": "x"})

    assert (wrong.status, none.status) == (401, 403)


async def test_what_is_no_change_is_refused_with_the_reason(tmp_path: Path) -> None:
    async with run_sidecar(web=token_file(tmp_path)) as running:
        answers = [
            await post(running, body)
            for body in (
                {},
                {"text": ""},
                {"text": "x", "at": "noon"},
                {"text": "x", "at": "2999-01-01T00:00:00Z"},
                {"text": "x", "at": "0101-01-20T00:13:52.13Z"},
            )
        ]

    assert [answer.status for answer in answers] == [400, 400, 400, 409, 409]
    assert "text" in answers[0].json["detail"]


def test_a_thousand_changes_are_kept_in_their_order() -> None:
    log = ChangeLog()
    for number in range(1200):
        log.record_change(ServiceChange(START - number, "deployed"))

    assert len(log.changes) == 1000
    assert [each.at for each in log.between(START - 1, START, "shop")] == [START - 1, START]
