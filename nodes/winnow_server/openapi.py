"""What the task interface takes and answers, as an OpenAPI 3.1 document: made from the very types that check requests."""

from functools import cache
from typing import Any

import msgspec

from winnow_schemas.tasks import (
    AddRequest,
    ClaimReply,
    ClaimRequest,
    CompleteRequest,
    FailRequest,
    HeartbeatReply,
    HeartbeatRequest,
    PurgeRequest,
    ReleaseRequest,
    TaskState,
    TaskView,
    UrgencyRequest,
)

_REFERENCE = "#/components/schemas/{name}"
_ID: dict[str, Any] = {
    "name": "id",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
}
_KIND_TEXT = {"type": "string", "pattern": "^[A-Z][A-Z0-9_]{2,39}$"}
_KIND: dict[str, Any] = {"name": "kind", "in": "path", "required": True, "schema": _KIND_TEXT}
_LISTING: list[dict[str, Any]] = [
    {"name": "state", "in": "query", "schema": {"type": "array", "items": {"enum": list(TaskState)}}},
    {"name": "kind", "in": "query", "schema": _KIND_TEXT},
    {"name": "after", "in": "query", "schema": _ID["schema"]},
    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1, "maximum": 1000}},
]
_OBJECT = {"type": "object"}
_ONE = "/api/v1/tasks/{id}"
_TABLE: list[tuple[str, str, str, list[dict[str, Any]], type | None, type | None]] = [
    ("get", "/api/v1/tasks", "List tasks, newest first", _LISTING, None, None),
    ("post", "/api/v1/tasks", "Add tasks; known ones stay as they are", [], AddRequest, None),
    ("post", "/api/v1/tasks/purge", "Forget finished tasks", [], PurgeRequest, None),
    ("get", "/api/v1/summary", "Counts, held kinds, forecast", [], None, None),
    ("post", "/api/v1/claim", "Ask for a task", [], ClaimRequest, ClaimReply),
    ("get", _ONE, "One task with its history", [_ID], None, None),
    ("post", f"{_ONE}/heartbeat", "Go on", [_ID], HeartbeatRequest, HeartbeatReply),
    ("post", f"{_ONE}/complete", "Publish result and successors", [_ID], CompleteRequest, None),
    ("post", f"{_ONE}/fail", "It could not be done", [_ID], FailRequest, None),
    ("post", f"{_ONE}/release", "Give it back unfinished", [_ID], ReleaseRequest, None),
    ("post", f"{_ONE}/urgency", "Move it forward or back", [_ID], UrgencyRequest, None),
    *(
        ("post", f"{_ONE}/{action}", f"{action.capitalize()} a task", [_ID], None, None)
        for action in ("pause", "resume", "cancel", "retry")
    ),
    ("post", "/api/v1/kinds/{kind}/pause", "Stop handing out a kind", [_KIND], None, None),
    ("post", "/api/v1/kinds/{kind}/resume", "Hand it out again", [_KIND], None, None),
]
_ERRORS = {
    "400": "The body is no JSON",
    "401": "No valid token",
    "403": "The token's role may not do this",
    "404": "There is no such task",
    "409": "The lease is lost, or the task's state does not allow it",
    "413": "More than a megabyte",
    "422": "The request does not fit",
    "503": "The database is away; ask again",
}


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    types = {each for *_, asked, told in _TABLE for each in (asked, told) if each is not None} | {TaskView}
    ordered = sorted(types, key=lambda each: each.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template=_REFERENCE)
    references = dict(zip(ordered, schemas, strict=True))
    error = {"type": "object", "required": ["error"], "properties": {"error": {"type": "string"}}}
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary, parameters, asked, told in _TABLE:
        operation: dict[str, Any] = {
            "summary": summary,
            "parameters": parameters,
            "responses": {
                "200": _content("Done", references[told] if told else _OBJECT),
                **{status: _content(text, error) for status, text in _ERRORS.items()},
            },
        }
        if asked is not None:
            operation["requestBody"] = {"required": True, **_content("", references[asked])}
            del operation["requestBody"]["description"]
        paths.setdefault(path, {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {"title": "Winnow task server", "version": "1"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _content(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}
