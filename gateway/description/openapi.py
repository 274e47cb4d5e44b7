"""The OpenAPI 3.1 description, made from what the routes say of themselves and the contracts' models."""

import re
from collections.abc import Iterable
from typing import Any, Final

from pydantic import TypeAdapter

from modelbus.gateway.description.component_schemas import BYTES, FILE_FORM, ComponentSchemas, Document, plain_schema
from modelbus.gateway.description.examples import CORRELATION_ID
from modelbus.gateway.routing.route import OPEN, Answer, FileBody, JsonBody, Route
from modelbus.gateway.views.answer_models import Problem
from modelbus.shared.api_keys import Scope
from modelbus.shared.contracts import CorrelationId, ModelReference, Name
from modelbus.shared.contracts.base import AliasName
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
"""Of files as bodies.

`application/x-ndjson` is taken and not among them: clients that are made in Python prefer whatever has JSON in its
name, and would call every file JSON lines.
"""
_TEXT_TYPES: Final = ("text/plain", "text/html")
_STREAM: Final = "text/event-stream"
_CORRELATION: Final = {"X-Correlation-ID": {"$ref": "#/components/headers/CorrelationId"}}
_ANSWER_HEADERS: Final = {
    "CorrelationId": {
        "description": "The id of the request, or of the job that it made or asked for.",
        "required": True,
        "schema": {"type": "string", "format": "uuid"},
    },
    "RetryAfter": {
        "description": "Seconds after which the same request may be answered.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Authenticate": {
        "description": "How to say who asks: `Bearer`, with an API key.",
        "required": True,
        "schema": {"type": "string"},
    },
}
_PROBLEM_HEADERS: Final = {401: {"WWW-Authenticate": "Authenticate"}, 503: {"Retry-After": "RetryAfter"}}
_TAGS: Final = {
    "datasets": "Files become immutable tables with a schema and a profile.",
    "estimators": "What can be trained.",
    "models": "Training, versions, aliases.",
    "predictions": "Rows answered at once, datasets by a job.",
    "explanations": "Why a model answers as it does, whether more rows would help, whether the world has moved on.",
    "evaluations": "Models measured on datasets.",
    "jobs": "Whatever was accepted, by its correlation id.",
    "logs": "What the services did, by job, by service, by time; followed as it happens.",
    "dead letters": "What could not be done, or not even be read; mended and replayed.",
    "services": "Who is there, how they do, and this documentation.",
    "keys": "Who may ask, and for what; for admins.",
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
        "description": "The id of the request and of the job it makes: the same request again is the same job, and "
        "another one is refused. Default: a new one, which every answer names.",
        "schema": {"type": "string", "format": "uuid"},
    },
    "IdempotencyKey": {
        "name": "Idempotency-Key",
        "in": "header",
        "description": "Any text by which a repeated request is known: it is the same job then, and answered alike. It "
        "counts for its method and path, and is bound to the request's content: with another one it is refused.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    },
    "Prefer": {
        "name": "Prefer",
        "in": "header",
        "description": "`wait=N` waits up to N seconds for the job's end, `respond-async` does not wait (RFC 7240).",
        "schema": {"type": "string"},
        "examples": {"wait": {"value": "wait=30"}, "asynchronous": {"value": "respond-async"}},
    },
}
_PATH_PARTS: Final[dict[str, tuple[str, Any, str]]] = {
    "name": ("Its name.", Name, "shop"),
    "id": ("The evaluation's id.", Name, "first"),
    "reference": ("`name` (its champion), `name@alias` or `name@3` (a version).", ModelReference, "prices@champion"),
    "alias": ("The alias.", AliasName, "champion"),
    "version": ("The version's number.", int, "1"),
    "file": ("The plot's name, with `.svg` or `.json`.", str, "residuals.svg"),
    "letter_id": ("The dead letter's id: of a job, its correlation id.", CorrelationId, CORRELATION_ID),
    "correlation_id": ("The job's correlation id.", CorrelationId, CORRELATION_ID),
}
_DESCRIPTION: Final = """\
Train, serve and evaluate scikit-learn models on tabular data, over a message bus.

* Whatever changes something may be sent with `X-Correlation-ID` or `Idempotency-Key`; sent again, it is the same job.
* Work is answered `202` with `Location`, or with its outcome when `?wait=N` or `Prefer: wait=N` was long enough.
* Every error is a problem (RFC 9457) with a stable `code`, a sentence, and one entry for each fault in `errors`.
* The same commands may be published to a queue: `/asyncapi.json` describes that door.
"""


def openapi_document(routes: Iterable[Route]) -> Document:
    """Describe all routes that are part of the interface.

    Args:
        routes: The application's.

    Returns:
        An OpenAPI 3.1 document.
    """
    described = [route for route in routes if route.is_documented]
    schemas = ComponentSchemas(described)
    paths: dict[str, Document] = {}
    for route in described:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
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
            "headers": _ANSWER_HEADERS,
            "parameters": _PARAMETERS,
            "securitySchemes": {"ApiKey": {"type": "http", "scheme": "bearer", "bearerFormat": "mbk_..."}},
        },
    }


def _operation(route: Route, schemas: ComponentSchemas) -> Document:
    described: Document = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": route.description,
        "parameters": [*_path_parameters(route.path), *_query_parameters(route), *_header_parameters(route)],
        "responses": {
            **{str(status): _answer(answer, schemas) for status, answer in sorted(route.answers.items())},
            **{
                str(status): _problem(status, codes, schemas)
                for status, codes in sorted(route.codes_by_status().items())
                if status not in route.answers
            },
        },
        "security": _security(route.scope),
    }
    if route.body is not None:
        described["requestBody"] = _body(route.body, schemas)
    return described


def _security(scope: Scope | None) -> list[Document]:
    """What a key must allow, as the role that OpenAPI lets a key have; a gateway on loopback may demand no key."""
    return [] if scope is OPEN else [{"ApiKey": [scope]}, {}]


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
    definitions, required = whole.get("$defs", {}), whole.get("required", [])
    return [
        _query_parameter(name, schema, definitions, is_required=name in required)
        for name, schema in sorted(whole.get("properties", {}).items(), key=lambda item: item[0] == "wait")
    ]


def _query_parameter(name: str, schema: Document, definitions: Document, *, is_required: bool) -> Document:
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    kept = {key: value for key, value in kinds[0].items() if key not in ("description", "examples")}
    if "$ref" in kept:
        kept = definitions[kept["$ref"].rsplit("/", 1)[-1]]
    if schema.get("default") is not None:
        kept["default"] = schema["default"]
    parameter = {
        "name": name,
        "in": "query",
        "description": schema.get("description", ""),
        **({"required": True} if is_required else {}),
        "schema": plain_schema(kept),
    }
    if "examples" in schema:
        parameter["example"] = schema["examples"][-1]
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
    """What a body that is no model's is to who receives it: an object, text, or bytes; of events nothing is said."""
    if media_type == _STREAM:
        return {}
    if media_type.endswith("json"):
        return {"type": "object"}
    return {"type": "string"} if media_type in _TEXT_TYPES else BYTES


def _problem(status: int, codes: list[str], schemas: ComponentSchemas) -> Document:
    named = ", ".join(f"`{code}`" for code in codes)
    headers = {name: {"$ref": f"#/components/headers/{key}"} for name, key in _PROBLEM_HEADERS.get(status, {}).items()}
    return {
        "description": f"Refused: {named}.",
        "headers": {**_CORRELATION, **headers},
        "content": {"application/problem+json": {"schema": schemas.place_of(Problem)}},
    }


def _body(body: JsonBody | FileBody, schemas: ComponentSchemas) -> Document:
    if isinstance(body, FileBody):
        return _file_body(body)
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


def _file_body(body: FileBody) -> Document:
    # the form first: it is what generated clients send, with the file's name
    content: Document = {"multipart/form-data": {"schema": FILE_FORM}}
    content |= {kind: {"schema": BYTES} for kind in _TABLE_TYPES}
    content["text/csv"]["example"] = body.example
    return {
        "required": True,
        "description": "The file, streamed, without Content-Encoding: as the body, or as the field `file` of a form. "
        "Options go into the query string or into fields of the form, but not into both. Any file may be sent as "
        "`application/octet-stream`, and JSON lines as `application/x-ndjson`: the format is found from the bytes and "
        "the name of the file. A file may be compressed with gzip, zip, bzip2, xz or zstd.",
        "content": content,
    }
