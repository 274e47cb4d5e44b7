"""A JSON Schema in words, for those who gave a value that it does not take."""

import json
from collections.abc import Mapping
from typing import Any, Final

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
    "maximum": "of {} at most",
    "exclusiveMaximum": "below {}",
}


def in_words(schema: Mapping[str, Any]) -> str:
    """What a schema takes: ``an integer of at least 1, of 50 at most``."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(in_words, schema["anyOf"])))
    if "enum" in schema or "const" in schema:
        options = schema.get("enum", [schema.get("const")])
        return " or ".join(json.dumps(option, ensure_ascii=False) for option in options[:_OPTION_LIMIT])
    bounds = [words.format(f"{schema[key]:,}") for key, words in _BOUNDS.items() if key in schema]
    noun = " ".join([_NOUNS[schema["type"]], ", ".join(bounds)]).strip()
    if schema["type"] == "array":
        count = f" of {schema['maxItems']:,} at most" if "maxItems" in schema else ""
        return f"{noun}{count}, each {in_words(schema['items'])}"
    return f"{noun}, each value {in_words(schema['additionalProperties'])}" if schema["type"] == "object" else noun
