"""A JSON Schema in words, for error messages about values that it does not accept."""

import json
from collections.abc import Mapping
from typing import Any, Final

from modelbus.shared.plural import counted

_OPTION_LIMIT: Final = 20
_NOUNS: Final = {
    "integer": "an integer",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_BOUNDS: Final = {
    "minimum": "of at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "of at most {}",
    "exclusiveMaximum": "below {}",
}


def in_words(schema: Mapping[str, Any]) -> str:
    """Which values a schema accepts: ``an integer of at least 1 and of at most 50``."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(in_words, schema["anyOf"])))
    if "enum" in schema or "const" in schema:
        options = schema.get("enum", [schema.get("const")])
        return " or ".join(json.dumps(option, ensure_ascii=False) for option in options[:_OPTION_LIMIT])
    bounds = [words.format(f"{schema[key]:,}") for key, words in _BOUNDS.items() if key in schema]
    noun = " ".join([_NOUNS[schema["type"]], " and ".join(bounds)]).strip()
    if schema["type"] == "array":
        count = f" of at most {counted(schema['maxItems'], 'item')}" if "maxItems" in schema else ""
        return f"{noun}{count}, each {in_words(schema['items'])}"
    return f"{noun}, each value {in_words(schema['additionalProperties'])}" if schema["type"] == "object" else noun
