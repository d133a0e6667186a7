"""Errors as RFC 9457 problem details."""

from http import HTTPStatus
from typing import Annotated, Final

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler
from msgspec import Meta, Struct

# What the framework knows beyond the status.
_KEPT_HEADERS: Final = ("Allow", "WWW-Authenticate", "Retry-After")


class BadRequest(ValueError):
    """A parameter that cannot be meant; the message says which, and what to write."""


class ProblemDetails(Struct, frozen=True):
    """RFC 9457; the type is `about:blank`."""

    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str


def problem_response(status: int, detail: str, **headers: str) -> web.Response:
    """Answer with an error; *detail* is for a person, and `Retry_After="3"` sends the header of that name."""
    details = ProblemDetails(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return encode_problem(details, **headers)


def encode_problem(details: ProblemDetails, **headers: str) -> web.Response:
    return web.Response(
        status=details.status,
        body=msgspec.json.encode(details),
        content_type="application/problem+json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


@web.middleware
async def problem_middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give every refusal the same shape, in our words: the framework's may repeat what was sent."""
    try:
        return await handler(request)
    except BadRequest as mistake:
        return problem_response(400, str(mistake))
    except web.HTTPError as refusal:
        match refusal:
            case web.HTTPNotFound():
                detail = "nothing is served under this path"
            case web.HTTPMethodNotAllowed():
                detail = f"only {', '.join(sorted(refusal.allowed_methods))} can be used here"
            case web.HTTPRequestEntityTooLarge():
                detail = "the body of the request is too large"
            case _:
                detail = refusal.reason
        headers = {name: refusal.headers[name] for name in _KEPT_HEADERS if name in refusal.headers}
        return problem_response(refusal.status, detail, **headers)
