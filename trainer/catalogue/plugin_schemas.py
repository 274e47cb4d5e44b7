"""JSON Schemas of plug-ins: which of them the trainer can validate values with.

A schema with a keyword that is not supported is refused as a whole: the keyword would be ignored silently.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from modelbus.trainer.catalogue.constraints import Schema, accepts

_BOUNDS: Final = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_KEYWORDS: Final[Mapping[str, frozenset[str]]] = {
    "integer": _BOUNDS,
    "number": _BOUNDS,
    "string": frozenset(),
    "boolean": frozenset(),
    "null": frozenset(),
    "array": frozenset({"items", "maxItems"}),
    "object": frozenset({"additionalProperties"}),
}
"""The keywords that are supported for each type."""
_SCALARS: Final = (str, int, float, bool, type(None))


def schema_fault(name: str, schema: Any) -> str | None:
    """Why values of a hyperparameter cannot be validated with this schema; None if they can."""
    fault = _fault(schema) or _json_fault(schema)
    if fault is None and "default" in schema and not accepts(schema, schema["default"]):
        fault = "it does not accept its own default"
    return None if fault is None else f"the schema of {name}: {fault}"


def choices_of(schema: Mapping[str, Any]) -> list[Schema]:
    """The alternatives of a schema for which ``schema_fault`` returns None."""
    if "anyOf" in schema:
        return [choice for each in schema["anyOf"] for choice in choices_of(each)]
    return [{key: value for key, value in schema.items() if key not in ("default", "description")}]


def _fault(schema: Any) -> str | None:
    if not isinstance(schema, Mapping):
        return f"it must be an object, not a {type(schema).__name__}"
    keywords = schema.keys() - {"default", "description"}
    if "anyOf" in keywords:
        return _alternatives_fault(schema["anyOf"], keywords - {"anyOf"})
    if keywords & {"enum", "const"}:
        return _options_fault(schema, keywords - {"enum", "const", "type"})
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in _KEYWORDS:
        return f"its type must be one of {', '.join(_KEYWORDS)}"
    unknown = keywords - {"type"} - _KEYWORDS[kind]
    if unknown:
        return f"{', '.join(sorted(unknown))} of {kind} is not supported"
    return _inner_fault(kind, schema)


def _json_fault(schema: Mapping[str, Any]) -> str | None:
    """Why the schema cannot be stored and returned unchanged; None if it can."""
    try:
        text = json.dumps(dict(schema), allow_nan=False, ensure_ascii=False).encode()
        is_same = json.loads(text, parse_int=_stored_integer) == schema
    except (TypeError, ValueError) as error:
        return f"it is not valid JSON ({error})"
    return None if is_same else "it is not valid JSON: use lists instead of tuples, and text as keys"


def _stored_integer(digits: str) -> int:
    number = int(digits)
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"{digits} does not fit into 64 bits")
    return number


def _alternatives_fault(choices: Any, others: set[str]) -> str | None:
    if others:
        return f"{', '.join(sorted(others))} cannot be combined with anyOf"
    if not isinstance(choices, list) or not choices:
        return "anyOf must be a list of schemas"
    return next((fault for choice in choices if (fault := _fault(choice))), None)


def _options_fault(schema: Mapping[str, Any], others: set[str]) -> str | None:
    if others:
        return f"{', '.join(sorted(others))} cannot be combined with enum or const"
    options = schema.get("enum", [schema.get("const")])
    is_list = isinstance(options, list) and options and all(isinstance(option, _SCALARS) for option in options)
    return None if is_list else "enum must be a list of plain values, and const a plain value"


def _inner_fault(kind: str, schema: Mapping[str, Any]) -> str | None:
    if kind in ("integer", "number"):
        is_number = all(type(schema[key]) in (int, float) for key in schema.keys() & _BOUNDS)
        return None if is_number else "its bounds must be numbers"
    if kind == "array":
        is_count = type(schema.get("maxItems", 0)) is int
        return _fault(schema.get("items")) if is_count else "maxItems must be an integer"
    return _fault(schema.get("additionalProperties")) if kind == "object" else None
