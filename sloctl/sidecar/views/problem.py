"""Errors as RFC 9457 problem details."""

import json
from http import HTTPStatus

from aiohttp import web
from aiohttp.typedefs import Handler


def problem(status: int, detail: str) -> web.Response:
    """What went wrong, for programs; *detail* for the person behind them."""
    document = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return web.Response(status=status, text=json.dumps(document), content_type="application/problem+json")


@web.middleware
async def problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal of the router, in the same shape."""
    try:
        return await handler(request)
    except web.HTTPError as refused:
        response = problem(refused.status, refused.text or refused.reason)
        if "Allow" in refused.headers:
            response.headers["Allow"] = refused.headers["Allow"]
        return response
