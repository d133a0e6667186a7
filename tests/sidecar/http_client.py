"""Asking a sidecar over HTTP, as a client would."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec


@dataclass(frozen=True)
class HttpAnswer:
    """One answer; the names of its headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever was answered
        return msgspec.json.decode(self.body)

    @property
    def etag(self) -> str:
        return self.headers["ETag"]


async def ask(url: str, method: str = "GET", **headers: str) -> HttpAnswer:
    """`If_None_Match="…"` sends the header of that name."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, url, headers=sent, ssl=False) as answer,
    ):
        return HttpAnswer(answer.status, answer.headers, await answer.read())
