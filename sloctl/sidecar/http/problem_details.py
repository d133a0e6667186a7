"""Errors as RFC 9457 problem details."""

from http import HTTPStatus
from typing import Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from sloctl.sidecar.http.api.shapes import ProblemDetails

PROBLEM_TYPE: Final = "application/problem+json"
# What the framework knows beyond the status.
_KEPT_HEADERS: Final = ("Allow", "WWW-Authenticate", "Retry-After")


def problem_response(status: int, detail: str, **headers: str) -> web.Response:
    """What went wrong, for programs; *detail* for the person behind them."""
    details = ProblemDetails(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return web.Response(
        status=status,
        body=msgspec.json.encode(details),
        content_type=PROBLEM_TYPE,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every refusal of the router, in the same shape."""
    try:
        return await handler(request)
    except web.HTTPError as refused:
        kept = {name: refused.headers[name] for name in _KEPT_HEADERS if name in refused.headers}
        return problem_response(refused.status, _error_detail(refused), **kept)


def _error_detail(refused: web.HTTPError) -> str:
    """In our words: the framework's may repeat what was sent."""
    match refused:
        case web.HTTPNotFound():
            return "nothing is served under this path"
        case web.HTTPMethodNotAllowed():
            return f"only {', '.join(sorted(refused.allowed_methods))} can be used here"
        case web.HTTPRequestEntityTooLarge():
            return "the body of the request is too large"
        case _:
            return refused.reason
