"""The OpenAPI 3.1 description, generated from the declarations of the routes and the contracts' models."""

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import TypeAdapter

from modelbus.gateway.description.component_schemas import ComponentSchemas
from modelbus.gateway.description.examples import CORRELATION_ID
from modelbus.gateway.description.plain_schemas import BYTES, Document
from modelbus.gateway.description.upload_forms import form_of, parameters_of
from modelbus.gateway.http.problems import status_of
from modelbus.gateway.routing.route import OPEN, Answer, FileBody, JsonBody, Route
from modelbus.gateway.views.answer_models import Problem
from modelbus.shared.api_keys import SCOPES
from modelbus.shared.contracts import CorrelationId, ModelReference, Name
from modelbus.shared.contracts.base import AliasName
from modelbus.shared.errors import Unauthenticated
from modelbus.shared.version import VERSION

_TABLE_TYPES: Final = (
    "application/octet-stream",
    "text/csv",
    "text/tab-separated-values",
    "application/vnd.apache.parquet",
    "application/vnd.apache.arrow.file",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/gzip",
    "application/zip",
)
"""The documented media types of files as bodies.

`application/x-ndjson` is accepted but not documented: generated Python clients prefer any media type with JSON in its
name, and would declare every file as JSON lines.
"""
_TEXT_TYPES: Final = ("text/plain", "text/html")
_STREAM: Final = "text/event-stream"
_CORRELATION: Final = {"X-Correlation-ID": {"$ref": "#/components/headers/CorrelationId"}}
_ANSWER_HEADERS: Final = {
    "CorrelationId": {
        "description": "The id of the request, or of the job that it created or read.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "RetryAfter": {
        "description": "The number of seconds to wait before a retry.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Authenticate": {
        "description": "The authentication scheme: `Bearer`, with an API key.",
        "required": True,
        "schema": {"type": "string"},
    },
}
_PROBLEM_HEADERS: Final = {401: {"WWW-Authenticate": "Authenticate"}, 503: {"Retry-After": "RetryAfter"}}
_UNAUTHENTICATED: Final = status_of(Unauthenticated())
_SECURITY_SCHEMES: Final = {
    "ApiKey": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "mbk_...",
        "description": "An API key. `modelbus keys create NAME --scope submit` creates one.",
    }
}
_REQUIRED: Final = {scope: f"Requires an API key with the scope `{scope}`." for scope in SCOPES}
_TAGS: Final = {
    "datasets": "Immutable tables made from uploaded files, with a schema and a profile.",
    "estimators": "The estimators that can be trained.",
    "models": "Trainings, model versions and aliases.",
    "predictions": "Predictions of rows, returned at once, and of datasets, as jobs.",
    "explanations": "Feature importance, partial dependence, Shapley values, learning curves and drift.",
    "evaluations": "Metrics and plots of models on datasets.",
    "jobs": "The jobs of all accepted commands, by correlation id.",
    "logs": "The log lines of all services, by job, service and time; also as a live stream.",
    "dead letters": "Dead jobs and unreadable messages, to be inspected, edited and replayed.",
    "services": "The state of the services, and this documentation.",
    "keys": "API keys, for administrators.",
}
_HEADERS: Final = {
    "X-Correlation-ID": {"$ref": "#/components/parameters/CorrelationId"},
    "Idempotency-Key": {"$ref": "#/components/parameters/IdempotencyKey"},
    "Prefer": {"$ref": "#/components/parameters/Prefer"},
}
_PARAMETERS: Final = {
    "CorrelationId": {
        "name": "X-Correlation-ID",
        "in": "header",
        "description": "The id of the request and of its job. A repeated request with the same id returns the "
        "same job; a different request with the same id is refused. Default: a new id, returned in every response.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "A text that identifies the request. A repeated request with the same key returns the same job. "
        "The key applies to one method and path and is bound to the request's content: a different request is refused.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=N` waits up to N seconds for the job; `respond-async` does not wait (RFC 7240).",
        "schema": {"type": "string"},
        "examples": {"wait": {"value": "wait=30"}, "asynchronous": {"value": "respond-async"}},
    },
}
_PATH_PARTS: Final[dict[str, tuple[str, Any, str]]] = {
    "name": ("The name.", Name, "shop"),
    "id": ("The id of the evaluation.", Name, "first"),
    "reference": (
        "`name` (the champion), `name@alias` or `name@3` (a version number).",
        ModelReference,
        "prices@champion",
    ),
    "alias": ("The alias.", AliasName, "champion"),
    "version": ("The number of the version.", int, "1"),
    "file": ("The name of the plot, followed by `.svg` or `.json`.", str, "residuals.svg"),
    "letter_id": ("The id of the dead letter; for a job, its correlation id.", CorrelationId, CORRELATION_ID),
    "correlation_id": ("The correlation id of the job.", CorrelationId, CORRELATION_ID),
}
_DESCRIPTION: Final = """\
Train, serve and evaluate scikit-learn models on tabular data, over a message bus.

* Requests that create a job can be repeated safely with `X-Correlation-ID` or `Idempotency-Key`.
* Work is done by jobs. The response is `202` with `Location`, or the outcome if the job ends within the time given by
  `?wait=N` or `Prefer: wait=N`.
* Every error is a problem document (RFC 9457) with a stable `code`, a message, and one entry per fault in `errors`.
* The same commands can be published to queues, as described by `/asyncapi.json`.
"""


def openapi_document(routes: Iterable[Route], *, requires_keys: bool = True) -> Document:
    """Describe all documented routes.

    Args:
        routes: The routes of the application.
        requires_keys: Whether the gateway requires API keys; otherwise no operation mentions them.

    Returns:
        An OpenAPI 3.1 document.
    """
    described = [route for route in routes if route.is_documented]
    schemas = ComponentSchemas(described)
    paths: dict[str, Document] = {}
    for route in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas, requires_keys=requires_keys)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Modelbus",
            "version": VERSION,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This gateway"}],
        "tags": [{"name": name, "description": description} for name, description in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": schemas.definitions,
            "headers": {
                name: _ANSWER_HEADERS[name] for name in _ANSWER_HEADERS if requires_keys or name != "Authenticate"
            },
            "parameters": _PARAMETERS,
            **({"securitySchemes": _SECURITY_SCHEMES} if requires_keys else {}),
        },
    }


def _operation(route: Route, schemas: ComponentSchemas, *, requires_keys: bool) -> Document:
    scope = route.scope if requires_keys else OPEN
    described: Document = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": route.description if scope is OPEN else f"{route.description}\n\n{_REQUIRED[scope]}",
        "parameters": [*_path_parameters(route.path), *_query_parameters(route), *_header_parameters(route)],
        "responses": {
            **{str(status): _answer(answer, schemas) for status, answer in sorted(route.answers.items())},
            **{
                str(status): _problem(status, codes, schemas)
                for status, codes in sorted(route.codes_by_status().items())
                if status not in route.answers and (status != _UNAUTHENTICATED or requires_keys)
            },
        },
        "security": [] if scope is OPEN else [{"ApiKey": [scope]}],
    }
    if route.body is not None:
        described["requestBody"] = _body(route.body, route, schemas)
    return described


def _path_parameters(path: str) -> list[Document]:
    parameters = []
    for part in re.findall(r"{(\w+)}", path):
        description, kind, example = _PATH_PARTS[part]
        schema = TypeAdapter(kind).json_schema()
        shown: Document = {name: schema[name] for name in ("type", "format", "pattern") if name in schema}
        if kind is int:
            shown["minimum"] = 1
        parameters.append(
            {
                "name": part,
                "in": "path",
                "required": True,
                "description": description,
                "schema": shown,
                "example": int(example) if kind is int else example,
            }
        )
    return parameters


def _query_parameters(route: Route) -> list[Document]:
    whole = route.query.model_json_schema()
    schemas = parameters_of(route)
    return [
        _query_parameter(name, schemas[name], whole["properties"][name], is_required=name in whole.get("required", []))
        for name in sorted(schemas, key=lambda name: name == "wait")
    ]


def _query_parameter(name: str, schema: Document, declared: Document, *, is_required: bool) -> Document:
    parameter = {
        "name": name,
        "in": "query",
        "description": schema["description"],
        **({"required": True} if is_required else {}),
        "schema": {word: value for word, value in schema.items() if word != "description"},
    }
    if "examples" in declared:
        parameter["example"] = declared["examples"][-1]
    return parameter


def _header_parameters(route: Route) -> list[Document]:
    names = sorted(route.headers | ({"Prefer"} if "wait" in route.query.model_fields else set()))
    return [_HEADERS[name] for name in names]


def _answer(answer: Answer, schemas: ComponentSchemas) -> Document:
    headers = {
        **_CORRELATION,
        **{name: {"description": text, "schema": {"type": "string"}} for name, text in answer.headers.items()},
    }
    contents: Document = {kind: {"schema": _content_schema(kind)} for kind in answer.media_types}
    if answer.model is not None:
        contents["application/json"] = {"schema": schemas.place_of(answer.model)}
        if answer.example is not None:
            contents["application/json"]["example"] = answer.example
    return {"description": answer.description, "headers": headers, **({"content": contents} if contents else {})}


def _content_schema(media_type: str) -> Document:
    """The schema of a body without a model: an object, text or bytes; events have no schema."""
    if media_type == _STREAM:
        return {}
    if media_type.endswith("json"):
        return {"type": "object"}
    return {"type": "string"} if media_type in _TEXT_TYPES else BYTES


def _problem(status: int, codes: list[str], schemas: ComponentSchemas) -> Document:
    named = ", ".join(f"`{code}`" for code in codes)
    headers = {name: {"$ref": f"#/components/headers/{key}"} for name, key in _PROBLEM_HEADERS.get(status, {}).items()}
    return {
        "description": f"Error: {named}.",
        "headers": {**_CORRELATION, **headers},
        "content": {"application/problem+json": {"schema": schemas.place_of(Problem)}},
    }


def _body(body: JsonBody | FileBody, route: Route, schemas: ComponentSchemas) -> Document:
    if isinstance(body, FileBody):
        return _file_body(body, route)
    kinds = [schemas.place_of(model) for model in body.models]
    return {
        "required": body.is_required,
        "content": {
            "application/json": {
                "schema": kinds[0] if len(kinds) == 1 else {"anyOf": kinds},
                "examples": {name: {"value": value} for name, value in body.examples.items()},
            }
        },
    }


def _file_body(body: FileBody, route: Route) -> Document:
    form, lists = form_of(route)
    # the form first: generated clients use it, with the file's name
    content: Document = {"multipart/form-data": {"schema": form}}
    if lists:
        # one part for each item, as in the query string
        content["multipart/form-data"]["encoding"] = {name: {"style": "form", "explode": True} for name in lists}
    content |= {kind: {"schema": BYTES} for kind in _TABLE_TYPES}
    content["text/csv"]["example"] = body.example
    return {
        "required": True,
        "description": "The file, without Content-Encoding: as the body, or as the field `file` of a form. Each option "
        "can be a query parameter or a field of the form, but not both. The media type may be "
        "`application/octet-stream` for any file; the format is then detected from the name and the content. A file "
        "may be compressed with gzip, zip, bzip2, xz or zstd.",
        "content": content,
    }
