"""JSON in and out, by the parser of pydantic: quick enough for the client, and no further dependency."""

from typing import Any

from modelbus.client.client_errors import WrongArgument


def json_of(document: Any) -> bytes:
    """A document as JSON; NaN and infinity become null, numbers and arrays of numpy plain ones.

    Raises:
        WrongArgument: A value has no form in JSON.
    """
    from pydantic_core import to_json

    try:
        return to_json(document, inf_nan_mode="null", fallback=_plain)
    except ValueError as error:
        reason = error.__cause__ if isinstance(error.__cause__, WrongArgument) else error
        raise WrongArgument(f"a value cannot be sent as JSON: {str(reason)[:300]}") from error


def document_of(text: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: The text is not JSON.
    """
    from pydantic_core import from_json

    return from_json(text, allow_inf_nan=False)


def _plain(value: Any) -> Any:
    """An object of numpy or pandas as Python's own."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if type(value).__name__ in ("NaTType", "NAType"):
        return None
    raise WrongArgument(
        f"{value!r:.100} ({type(value).__name__}) is not text, a number, a boolean, a list or a mapping"
    )
