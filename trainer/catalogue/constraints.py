"""scikit-learn's own parameter constraints: translated to JSON Schema, and used to validate values.

Only this file imports ``sklearn.utils._param_validation``, a private module that a release may move. The schema is for
clients and early answers; the library's validator decides about every value.
"""

import math
import numbers
from typing import Any

import numpy as np
from sklearn.utils import _param_validation as library

Schema = dict[str, Any]

INFINITY = "Infinity"
"""Infinity as text, because JSON has no number for it; accepted only where the library accepts it."""

_ITEM_LIMIT = 10_000
_SENTINELS = frozenset({"warn", "deprecated"})
_JSON_TYPES: dict[type, Schema] = {
    str: {"type": "string"},
    numbers.Integral: {"type": "integer"},
    numbers.Real: {"type": "number"},
}


def alternatives(constraints: list[Any]) -> list[Schema]:
    """JSON Schemas of the values that a parameter accepts, except those that JSON cannot express, such as objects."""
    return [schema for constraint in constraints for schema in _schemas(constraint)]


def is_deprecated(constraints: list[Any], default: Any) -> bool:
    """Whether the library has deprecated the parameter: its default is then a hidden marker."""
    return isinstance(default, str) and default == "deprecated" and not _is_shown(constraints, default)


def distinguishes_integers(constraints: list[Any]) -> bool:
    """Whether 1 and 1.0 mean different things to the parameter, such as one feature and all features."""
    kinds = {constraint.type for constraint in constraints if isinstance(constraint, library.Interval)}
    return library.RealNotInt in kinds and numbers.Integral in kinds


def json_default(constraints: list[Any], default: Any) -> tuple[bool, Any]:
    """Whether the default can be shown in JSON, and the default."""
    if isinstance(default, np.generic):
        default = default.item()
    if isinstance(default, float) and math.isinf(default):
        return True, INFINITY
    if isinstance(default, tuple):
        return True, list(default)
    is_json = default is None or isinstance(default, (bool, int, float, str))
    return is_json and _is_shown(constraints, default), default


def accepts(schema: Schema, value: Any) -> bool:
    """Whether a JSON value matches a schema. Unlike in JSON Schema, neither a boolean nor 1.0 is an integer."""
    if "anyOf" in schema:
        return any(accepts(choice, value) for choice in schema["anyOf"])
    if "const" in schema or "enum" in schema:
        return any(_is_option(option, value) for option in schema.get("enum", [schema.get("const")]))
    kind = schema["type"]
    if kind == "array":
        is_short = isinstance(value, list) and len(value) <= schema.get("maxItems", _ITEM_LIMIT)
        return is_short and all(accepts(schema["items"], each) for each in value)
    if kind == "object":
        return isinstance(value, dict) and all(accepts(schema["additionalProperties"], each) for each in value.values())
    if kind in ("integer", "number"):
        is_number = type(value) is int or (kind == "number" and type(value) is float)
        return is_number and _is_within(schema, value)
    return type(value) is {"string": str, "boolean": bool, "null": type(None)}[kind]


def refusal(constraints: list[Any], parameter: str, value: Any, estimator: str) -> str | None:
    """The library's own message if it refuses the value; None if it accepts it."""
    try:
        library.validate_parameter_constraints({parameter: constraints}, {parameter: value}, estimator)
    except library.InvalidParameterError as error:
        return str(error)
    return None


def _schemas(constraint: Any) -> list[Schema]:
    if constraint is None:
        return [{"type": "null"}]
    if isinstance(constraint, library.Interval):
        return _interval(constraint)
    if isinstance(constraint, library.StrOptions):
        return [{"enum": sorted(constraint.options - constraint.deprecated)}]
    if isinstance(constraint, library.Options):
        return [{"const": INFINITY}] if math.inf in constraint.options else []
    if isinstance(constraint, str):
        return _named(constraint)
    return [_JSON_TYPES[constraint].copy()] if constraint in _JSON_TYPES else []


def _named(constraint: str) -> list[Schema]:
    if constraint == "boolean":
        return [{"type": "boolean"}]
    if constraint == "array-like":
        items = {"anyOf": [{"type": "number"}, {"type": "string"}, {"type": "boolean"}]}
        return [{"type": "array", "items": items, "maxItems": _ITEM_LIMIT}]
    if constraint == "cv_object":
        return [{"type": "integer", "minimum": 2}, {"type": "null"}]
    return []


def _interval(interval: Any) -> list[Schema]:
    schema: Schema = {"type": "integer" if interval.type is numbers.Integral else "number"}
    if interval.left is not None and math.isfinite(interval.left):
        key = "minimum" if interval.closed in ("left", "both") else "exclusiveMinimum"
        schema[key] = interval.left
    if interval.right is not None and math.isfinite(interval.right):
        key = "maximum" if interval.closed in ("right", "both") else "exclusiveMaximum"
        schema[key] = interval.right
    return [schema, {"const": INFINITY}] if interval.type is not numbers.Integral and math.inf in interval else [schema]


def _is_option(option: Any, value: Any) -> bool:
    is_alike = type(option) is type(value) or (type(option) is float and type(value) is int)
    return bool(is_alike and option == value)


def _is_within(schema: Schema, value: float) -> bool:
    return (
        math.isfinite(value)
        and value >= schema.get("minimum", -math.inf)
        and value <= schema.get("maximum", math.inf)
        and value > schema.get("exclusiveMinimum", -math.inf)
        and value < schema.get("exclusiveMaximum", math.inf)
    )


def _is_shown(constraints: list[Any], default: Any) -> bool:
    """Whether the library documents this value; markers such as "warn" are allowed by hidden constraints only."""
    if not (isinstance(default, str) and default in _SENTINELS):
        return True
    return any(isinstance(each, library.StrOptions) and default in each.options for each in constraints)
