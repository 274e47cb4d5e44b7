"""What a JSON Schema allows, as people read it."""

from collections.abc import Mapping
from typing import Any

from modelbus.commands.terminal.printing import fact_text


def allowed_values(schema: Mapping[str, Any]) -> str:
    """The values that a JSON Schema allows, in short."""
    if "enum" in schema:
        return fact_text(schema["enum"])
    if "const" in schema:
        return fact_text([schema["const"]])
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " | ".join(dict.fromkeys(allowed_values(one) for one in schema[union]))
    kind = schema.get("type", "any")
    return " | ".join(kind) if isinstance(kind, list) else str(kind)
