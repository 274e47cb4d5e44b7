"""JSON schemas in words that all tools can process: generators of code know less than pydantic writes."""

import json
import re
import unicodedata
from typing import Any, Final

from pydantic import TypeAdapter

from modelbus.shared.contracts.base import Scalar

Document = dict[str, Any]

PLACE: Final = "#/components/schemas/{model}"
"""The reference to a named schema."""
CELL: Final[Document] = TypeAdapter(Scalar).json_schema()
"""A union of types, which needs a name for generated code."""
BYTES: Final[Document] = {"type": "string", "format": "binary"}
_OF_NAMES: Final = ("properties", "patternProperties", "$defs")
"""Keywords whose value contains schemas by name."""
_OF_LISTS: Final = ("anyOf", "oneOf", "allOf", "prefixItems")
"""Keywords whose value is a list of schemas."""
_OF_ONE: Final = ("items", "additionalProperties", "propertyNames", "not")
"""Keywords whose value is a schema."""


def plain_schema(schema: Document) -> Document:
    """A schema that all tools can process.

    Titles are removed: they repeat the name, and generators turn them into types.

    Args:
        schema: A JSON schema; it is not changed.
    """
    if schema == CELL:
        return {"$ref": PLACE.format(model="Cell")}
    plain = _with_names(_with_null(_with_plain_default(_untitled(schema))))
    if "patternProperties" in plain and "additionalProperties" not in plain:
        # the same with keywords that generators know: pydantic does not exclude other names
        [(pattern, value)] = plain.pop("patternProperties").items()
        plain |= {"propertyNames": {"pattern": pattern}, "additionalProperties": value}
    return {word: _plain_parts(word, value) for word, value in plain.items()}


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
