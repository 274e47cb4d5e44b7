"""JSON in and out, by the parser of pydantic: quick enough for the client, and no further dependency."""

from typing import Any

from modelbus.client.client_errors import WrongArgument


def json_of(document: Any) -> bytes:
    """A document as JSON; NaN and infinity become null, numbers and arrays of numpy plain ones.

    Raises:
        WrongArgument: A value has no form in JSON.
    """
    from pydantic_core import to_json

    strange: list[Any] = []

    def plain(value: Any) -> Any:
        if hasattr(value, "tolist"):
            return value.tolist()
        if type(value).__name__ in ("NaTType", "NAType"):
            return None
        strange.append(value)
        raise TypeError

    try:
        return to_json(document, inf_nan_mode="null", fallback=plain)
    except ValueError as error:
        problem = f"{strange[0]!r:.100} ({type(strange[0]).__name__})" if strange else str(error)[:300]
        raise WrongArgument(
            f"a value cannot be sent as JSON: {problem}; expected text, numbers, booleans, None, lists and mappings"
        ) from error


def document_of(text: bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: The text is not JSON.
    """
    from pydantic_core import from_json

    return from_json(text, allow_inf_nan=False)
