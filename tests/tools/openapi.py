"""The OpenAPI 3.1 document, made from the shapes that encode the answers.

`python -m tests.tools.openapi > sloctl/sidecar/http/api/openapi.json` renews the packaged document, which the
sidecar serves as it is.
"""

import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Any, Final, TypeAlias

import msgspec

from sloctl.sidecar.http.api import shapes
from sloctl.sidecar.http.api.query import SloQuery
from sloctl.sidecar.http.problem_details import ProblemDetails

Json: TypeAlias = dict[str, Any]

ROOT: Final = Path(__file__).parents[2]
_JSON: Final = "application/json"
_PROBLEM_TYPE: Final = "application/problem+json"
_PROBLEM_TEXTS: Final = {
    400: "A parameter or a header is wrong.",
    401: "The bearer token is missing or wrong.",
    403: "Only where there is a token.",
    409: "The time lies in the future, or before 1970.",
    404: "There is no such thing.",
    413: "The body is longer than 64 KiB.",
    421: "The host name is not one of ours.",
    500: "A bug; the log has it.",
    503: "Not now; Retry-After, where given, says when again.",
}
_COMMON_PROBLEMS: Final = (400, 401, 421, 500)
# Shapes that no operation has as its whole answer.
_EXTRA_SHAPES: Final = (ProblemDetails, shapes.ReloadProblemDetails)
# Headers that answers of a status carry.
_HEADERS: Final[Mapping[int, Mapping[str, str]]] = {
    200: {"ETag": "Strong: the same tag, the same bytes.", "Cache-Control": "Keep it, but ask each time."},
    304: {"ETag": "That of the answer the client has.", "Cache-Control": "Keep it, but ask each time."},
    401: {"WWW-Authenticate": "Bearer"},
    503: {"Retry-After": "Seconds."},
}


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path; *answer* is None where the answer is *text* of that type."""

    path: str
    id: str
    summary: str
    response: type[msgspec.Struct] | None
    method: str = "get"
    media_type: str = ""
    query: type[msgspec.Struct] | None = None
    problems: tuple[int, ...] = _COMMON_PROBLEMS
    is_conditional: bool = True
    is_public: bool = False
    request: type[msgspec.Struct] | None = None


OPERATIONS: Final = (
    Operation("/api/v1/slos", "slos", "SLOs, page by page", shapes.SloPage, query=SloQuery),
    Operation(
        "/api/v1/slos/{service}/{name}",
        "slo",
        "One SLO, by group",
        shapes.SloGroups,
        problems=(*_COMMON_PROBLEMS, 404),
    ),
    Operation("/api/v1/alerts", "alerts", "Alerts that fire", shapes.FiringAlerts),
    Operation("/api/v1/targets", "targets", "Scrape targets", shapes.Targets),
    Operation("/api/v1/status", "status", "The sidecar itself", shapes.Status),
    Operation("/api/v1/changes", "changes", "What was changed when", shapes.Changes, is_conditional=False),
    Operation(
        "/api/v1/changes",
        "change",
        "Mark a change on the charts",
        shapes.Change,
        method="post",
        request=shapes.Change,
        problems=(*_COMMON_PROBLEMS, 403, 409, 413),
        is_conditional=False,
    ),
    Operation("/api/v1/openapi.json", "openapi", "This document", None, media_type=_JSON),
    Operation(
        "/-/reload",
        "reload",
        "Read the specs anew",
        shapes.ReloadOutcome,
        method="post",
        problems=(*_COMMON_PROBLEMS, 403),
        is_conditional=False,
    ),
    Operation(
        "/metrics",
        "metrics",
        "The metrics, in the format that Accept asks for",
        None,
        media_type="text/plain",
        is_conditional=False,
    ),
    Operation(
        "/healthz",
        "healthz",
        "Whether the loop still ticks",
        None,
        media_type="text/plain",
        problems=(400, 500, 503),
        is_conditional=False,
        is_public=True,
    ),
    Operation(
        "/readyz",
        "readyz",
        "Whether there have been data",
        None,
        media_type="text/plain",
        problems=(400, 500, 503),
        is_conditional=False,
        is_public=True,
    ),
)


def render_document() -> bytes:
    """Render the document as the package holds it, indented for people."""
    return msgspec.json.format(msgspec.json.encode(_build_document()), indent=2) + b"\n"


def _build_document() -> Json:
    components, schemas = _build_schemas()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    paths: dict[str, Json] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _describe_operation(operation, components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "sloctl sidecar",
            "version": project["version"],
            "description": "Live error-budget burn. Null is unknown; errors are RFC 9457 problem details.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"token": []}, {}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _build_schemas() -> tuple[dict[type, Json], dict[str, Json]]:
    """Give references by type, and the schemas that they refer to."""
    answers = [operation.response for operation in OPERATIONS if operation.response is not None]
    types: list[type[msgspec.Struct]] = [*answers, *_EXTRA_SHAPES]
    references, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        # A docstring, with the indentation of its source.
        schema["description"] = cleandoc(schema["description"])
    return dict(zip(types, references, strict=True)), schemas


def _describe_operation(operation: Operation, components: Mapping[type, Json]) -> Json:
    described: Json = {
        "operationId": operation.id,
        "summary": operation.summary,
        "responses": {str(status): each for status, each in _describe_responses(operation, components)},
    }
    if parameters := _describe_parameters(operation):
        described["parameters"] = parameters
    if operation.request is not None:
        body = {_JSON: {"schema": components[operation.request]}}
        described["requestBody"] = {"required": True, "content": body}
    if operation.is_public:
        described["security"] = []
    return described


def _describe_responses(operation: Operation, components: Mapping[type, Json]) -> list[tuple[int, Json]]:
    problem = {_PROBLEM_TYPE: {"schema": components[ProblemDetails]}}
    responses = [
        (200, _describe_response(operation, 200, "The answer.", _response_content(operation, components)))
    ]
    if operation.is_conditional:
        responses.append((304, _describe_response(operation, 304, "What the client has is still so.", None)))
    responses += [
        (status, _describe_response(operation, status, _PROBLEM_TEXTS[status], problem))
        for status in sorted(operation.problems)
    ]
    if operation.response is shapes.ReloadOutcome:
        refused = {_PROBLEM_TYPE: {"schema": components[shapes.ReloadProblemDetails]}}
        responses.append(
            (422, _describe_response(operation, 422, "The new specs are wrong; the old stay.", refused))
        )
    return responses


def _describe_response(operation: Operation, status: int, description: str, content: Json | None) -> Json:
    response: Json = {"description": description}
    if content is not None:
        response["content"] = content
    headers = _HEADERS.get(status, {}) if status >= 400 or operation.is_conditional else {}
    if headers:
        response["headers"] = {
            name: {"description": text, "schema": {"type": "string"}} for name, text in headers.items()
        }
    return response


def _response_content(operation: Operation, components: Mapping[type, Json]) -> Json:
    if operation.response is not None:
        return {_JSON: {"schema": components[operation.response]}}
    if operation.path == "/metrics":
        text = {"schema": {"type": "string"}}
        return {"text/plain": text, "application/openmetrics-text": text}
    return {
        operation.media_type: {"schema": {"type": "object" if operation.media_type == _JSON else "string"}}
    }


def _describe_parameters(operation: Operation) -> Sequence[Json]:
    in_path = [part[1:-1] for part in operation.path.split("/") if part.startswith("{")]
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in in_path
    ]
    if operation.query is not None:
        parameters += _query_parameters(operation.query)
    if operation.is_conditional:
        parameters.append(_header_parameter("If-None-Match", "ETags of what the client has."))
    return parameters


def _query_parameters(query: type[msgspec.Struct]) -> list[Json]:
    _, schemas = msgspec.json.schema_components([query])
    return [
        {"name": name, "in": "query", "description": schema.pop("description", ""), "schema": _given(schema)}
        for name, schema in schemas[query.__name__]["properties"].items()
    ]


def _given(schema: Json) -> Json:
    """Without the null that stands for a parameter that is not given."""
    if "anyOf" not in schema:
        return schema
    return next(option for option in schema["anyOf"] if option["type"] != "null")


def _header_parameter(name: str, description: str) -> Json:
    return {"name": name, "in": "header", "description": description, "schema": {"type": "string"}}


if __name__ == "__main__":
    sys.stdout.buffer.write(render_document())
