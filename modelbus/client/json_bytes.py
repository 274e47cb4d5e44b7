"""JSON in and out, by the parser that pydantic brings: as quick as the client needs, and no further package."""

from typing import Any


def json_of(document: Any) -> bytes:
    """A document as JSON; numbers that JSON has no form for are null.

    Raises:
        ValueError: JSON cannot say it.
    """
    from pydantic_core import to_json

    return to_json(document, inf_nan_mode="null")


def document_of(text: bytes) -> Any:
    """Read JSON.

    Raises:
        ValueError: It is none.
    """
    from pydantic_core import from_json

    return from_json(text, allow_inf_nan=False)
