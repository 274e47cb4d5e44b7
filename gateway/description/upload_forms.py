"""The schemas of queries, and of forms for uploads, whose fields are the parameters of the query."""

import re
from collections.abc import Iterable
from typing import Final

from modelbus.gateway.description.plain_schemas import BYTES, PLACE, Document, plain_schema
from modelbus.gateway.routing.route import FileBody, Route

_FILE: Final[Document] = {
    **BYTES,
    "description": "The file. Its name and its Content-Type help to detect the format.",
}
_NOT_OF_FORMS: Final = frozenset({"wait", "file_name"})
"""Parameters of uploads that are not fields of forms: a form names its file itself."""


def parameters_of(route: Route) -> dict[str, Document]:
    """The schema of each parameter of a route's query, with its description; choices of uploads have names."""
    schemas = _parameter_schemas(route)
    return {name: _named(name, schema) for name, schema in schemas.items()} if _is_upload(route) else schemas


def form_of(route: Route) -> tuple[Document, list[str]]:
    """The reference to the schema of a route's form, and the names of its fields that may be repeated."""
    fields = _form(route)["properties"]
    lists = [name for name in fields if fields[name].get("type") == "array"]
    return {"$ref": PLACE.format(model=_form_name(route))}, lists


def _parameter_schemas(route: Route) -> dict[str, Document]:
    """The schema of each parameter of a query with its description, without null, which a text cannot be."""
    whole = route.query.model_json_schema()
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


def _is_upload(route: Route) -> bool:
    return isinstance(route.body, FileBody)


def upload_schemas(routes: Iterable[Route]) -> dict[str, Document]:
    """The forms of uploads, and the choices that they share with the query."""
    made: dict[str, Document] = {}
    for route in filter(_is_upload, routes):
        made[_form_name(route)] = _form(route)
        for name, schema in _parameter_schemas(route).items():
            if "enum" in schema:
                made[_choice_name(name)] = _choice(name, schema)
    return made


def _choice(parameter: str, schema: Document) -> Document:
    """A choice as a type of its own; its values have names with the parameter's, since Go has them all in one room."""
    values: list[str] = schema["x-enum-varnames"] if "x-enum-varnames" in schema else schema["enum"]
    names = [f"{parameter}_{re.sub(r'[^a-z0-9]+', '_', value.lower())}" for value in values]
    return {**{word: value for word, value in schema.items() if word != "default"}, "x-enum-varnames": names}


def _choice_name(parameter: str) -> str:
    return f"File{parameter.title().replace('_', '')}"


def _named(parameter: str, schema: Document) -> Document:
    """A choice by its name: written out in the query and in the form, it would become two types of the same name."""
    if "enum" not in schema:
        return schema
    named: Document = {word: schema[word] for word in ("description", "default") if word in schema}
    return {"$ref": PLACE.format(model=_choice_name(parameter)), **named}


def _form(route: Route) -> Document:
    """The form for an upload: the file, and the optional parameters of the query as fields."""
    required = route.query.model_json_schema().get("required", [])
    fields = parameters_of(route)
    return {
        "description": "A file with the options for reading it.",
        "type": "object",
        "properties": {"file": _FILE, **{one: fields[one] for one in fields if one not in {*required, *_NOT_OF_FORMS}}},
        "required": ["file"],
    }
