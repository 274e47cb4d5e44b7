"""The named schemas of the OpenAPI description: of responses as in their models, of bodies as sent.

A body is a command without the fields given by its route and headers, and has the command's name, which is free since
HTTP never carries a complete command.
"""

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from modelbus.gateway.http.query import Query
from modelbus.gateway.routing.route import FileBody, JsonBody, Route
from modelbus.gateway.views.answer_models import Problem
from modelbus.shared.contracts.base import Scalar

Document = dict[str, Any]

_PLACE: Final = "#/components/schemas/{model}"
_SAID_BY_HEADERS: Final = frozenset({"command", "correlation_id"})
_CELL: Final[Document] = TypeAdapter(Scalar).json_schema()
"""A union of types, which needs a name for generated code."""
BYTES: Final[Document] = {"type": "string", "format": "binary"}
_FILE: Final[Document] = {
    **BYTES,
    "description": "The file. Its name and its Content-Type help to detect the format.",
}
_NOT_OF_FORMS: Final = frozenset({"wait", "file_name"})
"""Parameters of uploads that are not fields of forms: a form names its file itself."""
_OF_NAMES: Final = ("properties", "patternProperties", "$defs")
"""Keywords whose value contains schemas by name."""
_OF_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
"""Keywords whose value is a list of schemas."""
_OF_ONE: Final = ("items", "additionalProperties", "propertyNames", "not")
"""Keywords whose value is a schema."""


class ComponentSchemas:
    """All named schemas, and the reference of each model."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Args:
        routes: The routes whose bodies and responses are described.

        Raises:
            ValueError: Two routes give different fields of the same command, which would be two bodies.
        """
        routes = list(routes)
        models = list(dict.fromkeys(_models(routes)))
        self._places, whole = models_json_schema([(model, "validation") for model in models], ref_template=_PLACE)
        self.definitions: Document = {
            **{name: plain_schema(schema) for name, schema in whole["$defs"].items()},
            "Cell": {"description": "A cell of a row.", **_CELL},
            **{_form_name(route): _form(route) for route in routes if isinstance(route.body, FileBody)},
        }
        """The schemas by name."""
        said: dict[str, frozenset[str]] = {}
        for body in (route.body for route in routes if isinstance(route.body, JsonBody)):
            for model in body.models:
                self._leave_out(model, body.said_by_route, said)

    def place_of(self, model: type[BaseModel]) -> Document:
        """The reference to the schema of a model."""
        return self._places[model, "validation"]

    def form_of(self, route: Route) -> tuple[Document, list[str]]:
        """The reference to the schema of a route's upload form, and the names of its fields that may be repeated."""
        name = _form_name(route)
        fields = self.definitions[name]["properties"]
        return {"$ref": _PLACE.format(model=name)}, [one for one in fields if fields[one].get("type") == "array"]

    def _leave_out(
        self, model: type[BaseModel], said_by_route: frozenset[str], said: dict[str, frozenset[str]]
    ) -> None:
        name = self.place_of(model)["$ref"].rpartition("/")[2]
        fields = (_SAID_BY_HEADERS | said_by_route) & model.model_fields.keys()
        if said.setdefault(name, fields) != fields:
            raise ValueError(f"{name} is the body of routes that give different fields: {fields} and {said[name]}")
        schema = self.definitions[name]
        for field in fields & schema.get("properties", {}).keys():
            del schema["properties"][field]
        required = [field for field in schema.pop("required", []) if field not in fields]
        if required:
            schema["required"] = required


def plain_schema(schema: Document) -> Document:
    """A schema that all tools can process.

    Titles are removed: they repeat the name, and generators turn them into types.

    Args:
        schema: A JSON schema; it is not changed.
    """
    if schema == _CELL:
        return {"$ref": _PLACE.format(model="Cell")}
    plain = _with_names(_with_null(_with_plain_default(_untitled(schema))))
    if "patternProperties" in plain and "additionalProperties" not in plain:
        # the same with keywords that generators know: pydantic does not exclude other names
        [(pattern, value)] = plain.pop("patternProperties").items()
        plain |= {"propertyNames": {"pattern": pattern}, "additionalProperties": value}
    return {word: _plain_parts(word, value) for word, value in plain.items()}


def parameter_schemas(query: type[Query]) -> dict[str, Document]:
    """The schema of each parameter of a query with its description, without null, which a text cannot be."""
    whole = query.model_json_schema()
    definitions = whole.get("$defs", {})
    return {name: _parameter_schema(schema, definitions) for name, schema in whole.get("properties", {}).items()}


def _parameter_schema(schema: Document, definitions: Document) -> Document:
    kinds = [kind for kind in schema.get("anyOf", [schema]) if kind.get("type") != "null"]
    kept = {word: value for word, value in kinds[0].items() if word not in ("description", "examples")}
    if "$ref" in kept:
        kept = definitions[kept["$ref"].rsplit("/", 1)[-1]]
    if schema.get("default") is not None:
        kept["default"] = schema["default"]
    return plain_schema({**kept, "description": schema.get("description", "")})


def _form_name(route: Route) -> str:
    return f"{route.query.__name__.removesuffix('Query')}Form"


def _form(route: Route) -> Document:
    """The form for an upload: the file, and the optional parameters of the query as fields."""
    required = route.query.model_json_schema().get("required", [])
    fields = parameter_schemas(route.query)
    return {
        "description": "A file with the options for reading it.",
        "type": "object",
        "properties": {"file": _FILE, **{one: fields[one] for one in fields if one not in {*required, *_NOT_OF_FORMS}}},
        "required": ["file"],
    }


def _untitled(schema: Document) -> Document:
    return {word: value for word, value in schema.items() if word != "title"}


def _with_null(schema: Document) -> Document:
    """Replace a union with null by a list of types, since generators confuse schemas that differ only by `anyOf`."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind != {"type": "null"}]
    if len(kinds) != 1 or len(schema["anyOf"]) != 2 or not isinstance(kinds[0].get("type"), str) or "const" in kinds[0]:
        return schema
    kind = {**_untitled(kinds[0]), "type": [kinds[0]["type"], "null"]}
    if "enum" in kind:
        kind["enum"] = [*kind["enum"], None]
    return {**kind, **{word: value for word, value in schema.items() if word != "anyOf"}}


def _with_names(schema: Document) -> Document:
    """Add names for values that are signs, which generators need for constants."""
    values = [value for value in schema.get("enum", []) if value is not None]
    if all(map(_is_word, values)):
        return schema
    names = [value if _is_word(value) else "_".join(map(_sign_name, str(value))) for value in values]
    return {**schema, "x-enum-varnames": names}


def _is_word(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value[:1].isalpha())


def _sign_name(sign: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", unicodedata.name(sign, f"sign {ord(sign)}").lower())


def _with_plain_default(schema: Document) -> Document:
    """Move a default that is an object or a sign into the description: generators would copy it into code."""
    default = schema.get("default")
    if isinstance(default, dict):
        default = {name: value for name, value in default.items() if value is not None}
    elif "enum" not in schema or _is_word(default):
        return schema
    told = f"{schema.get('description', '')}\n\nDefault: `{json.dumps(default)}`.".strip()
    rest = {word: value for word, value in schema.items() if word != "default"}
    return {**rest, "description": told} if default else rest


def _plain_parts(word: str, value: Any) -> Any:
    """The value of a keyword with its schemas made plain."""
    if word in _OF_NAMES:
        return {name: plain_schema(each) for name, each in value.items()}
    if word in _OF_LISTS:
        return [plain_schema(each) for each in value]
    return plain_schema(value) if word in _OF_ONE and isinstance(value, dict) else value


def _models(routes: list[Route]) -> Iterator[type[BaseModel]]:
    yield Problem
    for route in routes:
        if isinstance(route.body, JsonBody):
            yield from route.body.models
        for answer in route.answers.values():
            if answer.model is not None:
                yield answer.model
