"""The API's own document: OpenAPI 3.1, with each status that a route can have, who may use it, what
bytes it takes and gives, and examples.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from launchkit.codec import adapter, plain
from launchkit.wire.problems import Problem
from launchkit.wire.protocol import BYTES_TYPE, PROBLEM_TYPE
from launchkit_server.access import Needs
from launchkit_server.envelope import STREAM_TYPE
from launchkit_server.examples import EXAMPLES

SCHEMAS = "#/components/schemas/"
BEARER = {"type": "http", "scheme": "bearer", "description": "A token: launchkit token create"}
MEANINGS: Mapping[int, str] = {
    400: "The request is damaged, or has a token in its URL",
    401: "There is no token, or none that counts",
    403: "The one who asks may not do that",
    404: "It is not there",
    408: "The body did not come in time",
    409: "It exists already, is in use, or is held by another",
    412: "It was changed since it was read",
    413: "The body is too large",
    415: "The body is of another type",
    416: "The log has no such bytes",
    422: "A value is wrong, or a rule says no",
    429: "Too many requests; Retry-After says when to come back",
    500: "A fault of the server",
    503: "The database is away, or enough of yours is under way; Retry-After says when to return",
}
_BYTES = {"schema": {"type": "string", "format": "binary"}}


@dataclass(frozen=True)
class Documented:
    """A route as it stands in the document."""

    path: str
    route: APIRoute

    @property
    def permission(self) -> str | None:
        """What one needs; None is nothing."""
        calls = (one.call for one in self.route.dependant.dependencies)
        return next((str(call.permission) for call in calls if isinstance(call, Needs)), None)

    def statuses(self, operation: Mapping[str, Any]) -> Sequence[int]:
        """The statuses of what can go wrong."""
        found = [400, 422, 429, 500, 503]
        headers = {one["name"].lower() for one in operation.get("parameters", ())}
        if self.permission:
            found += [401, 403, 404, 409]
        if self.route.body_field or self.takes_bytes:
            found += [408, 413, 415]
        found += [412] if "if-match" in headers else []
        found += [416] if "range" in headers else []
        return sorted(found)

    @property
    def takes_bytes(self) -> bool:
        """Whether the body is bytes, not JSON."""
        takes_request = self.route.dependant.request_param_name is not None
        return takes_request and "GET" not in (self.route.methods or ())

    @property
    def gives_bytes(self) -> bool:
        """Whether the answer is bytes."""
        return self.route.response_model is None and self.route.status_code != 204


def describe(app: FastAPI, routes: Sequence[Documented]) -> None:
    """Complete the document of *app*."""
    document = app.openapi()
    components = document["components"]
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    problem = adapter(Problem).json_schema(ref_template=SCHEMAS + "{model}")
    components["schemas"]["Problem"] = problem
    for value in EXAMPLES:
        if schema := components["schemas"].get(type(value).__name__):
            schema["examples"] = [plain(value)]
    components["securitySchemes"] = {"token": BEARER}
    components["responses"] = {f"Problem{status}": _problem(status) for status in MEANINGS}
    for one in routes:
        for method in one.route.methods or ():
            _complete(document["paths"][one.path][method.lower()], one)


def _complete(operation: dict[str, Any], one: Documented) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    for status in one.statuses(operation):
        answers[str(status)] = {"$ref": f"#/components/responses/Problem{status}"}
    if one.permission:
        operation["security"] = [{"token": []}]
        operation["x-permission"] = one.permission
    if one.takes_bytes:
        operation["requestBody"] = {"required": True, "content": {BYTES_TYPE: _BYTES}}
    good = answers.get("200", {})
    if STREAM_TYPE in good.get("content", {}):
        told = "Server-sent events; the data of each is JSON."
        good["content"] = {STREAM_TYPE: {"schema": {"description": told}}}
    elif good and one.gives_bytes and not good.get("content"):
        good["content"] = {BYTES_TYPE: _BYTES}
        if "416" in answers:
            answers["206"] = {**good, "description": "The bytes of the range"}


def _problem(status: int) -> dict[str, Any]:
    content = {PROBLEM_TYPE: {"schema": {"$ref": f"{SCHEMAS}Problem"}}}
    return {"description": MEANINGS[status], "content": content}
