"""Bodies at both doors: their declared types, parsing as JSON, and the commands in a message.

HTTP and the queues use the same functions, so both reject the same bodies with the same messages.
"""

import re
from typing import Any, Final

import orjson

from modelbus.shared.contracts.json_text import parse_json
from modelbus.shared.errors import BadRequest, UnsupportedMediaType

_JSON_TYPES: Final = ("application/json", "json", "application/octet-stream")
"""`json` is kombu's name for it. Bytes without a declared type are read as JSON."""
_UTF_8: Final = ("utf-8", "utf8")
_ENCODINGS: Final = (*_UTF_8, "us-ascii", "ascii", "binary", "identity")
"""kombu's encodings of bytes: a charset (ASCII is part of UTF-8), or `binary`, which is unspecific."""
_SHOWN_LIMIT: Final = 100
_PARAMETER: Final = re.compile(r"""\s*;\s*(?:([^\s;="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+)))?\s*""")
"""A parameter of a media type (RFC 9110, 8.3.1): a name with a token or a quoted string, or nothing."""


def require_json(content_type: object, content_encoding: object = None) -> None:
    """Check that a body is declared as JSON in UTF-8, or not declared.

    Args:
        content_type: A media type with its parameters, in any valid spelling: ``Application/JSON; charset="UTF-8"``.
        content_encoding: kombu's encoding of the message's bytes: a charset, or ``binary``.

    Raises:
        UnsupportedMediaType: The body is declared as something else; the message says as what, and what would be right.
    """
    if content_type not in (None, ""):
        _require_json_type(content_type)
    if content_encoding not in (None, "") and str(content_encoding).strip().lower() not in _ENCODINGS:
        raise UnsupportedMediaType(f"content encoding {_shown(content_encoding)} is not supported; send JSON as UTF-8")


def _require_json_type(given: object) -> None:
    if not isinstance(given, str):
        raise UnsupportedMediaType(
            f"the content type must be text, such as application/json, not {type(given).__name__}"
        )
    name, rest = re.fullmatch(r"([^;]*)(.*)", given, re.DOTALL).groups()  # type: ignore[union-attr]  # it always does
    if name.strip().lower() not in _JSON_TYPES:
        raise UnsupportedMediaType(f"content type {_shown(name.strip())} is not supported; send application/json")
    place = 0
    while place < len(rest):
        found = _PARAMETER.match(rest, place)
        if found is None:
            raise UnsupportedMediaType(
                f"content type {_shown(given)} is malformed; send application/json, or application/json; charset=utf-8"
            )
        place = found.end()
        charset = re.sub(r"\\(.)", r"\1", found[2]) if found[2] is not None else found[3]
        if (found[1] or "").lower() == "charset" and charset.strip().lower() not in _UTF_8:
            raise UnsupportedMediaType(
                f"charset {_shown(charset)} is not supported; send JSON as UTF-8, with charset=utf-8 or none"
            )


def _shown(given: object) -> str:
    return repr(given)[:_SHOWN_LIMIT]


def read_json(raw: bytes | str) -> Any:
    """Parse a body.

    Raises:
        BadRequest: The body is not JSON, is nested too deeply, or has a duplicate key; the message says which and
            where.
    """
    try:
        return parse_json(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not valid JSON: {error}") from error
    except ValueError as error:
        raise BadRequest(f"invalid JSON in the body: {error}") from error


def commands_of(body: Any) -> list[dict[str, Any]]:
    """The documents in the body of a message: one, or those of an array.

    Raises:
        BadRequest: The body is neither an object nor an array of objects, or it is an empty array.
    """
    documents = body if isinstance(body, list) else [body]
    if not documents or not isinstance(body, (dict, list)):
        found = "an empty array" if body == [] else type(body).__name__
        raise BadRequest(f"the body must be a command or an array of at least one command, not {found}")
    for place, document in enumerate(documents):
        if not isinstance(document, dict):
            kind = type(document).__name__
            raise BadRequest(f"each element of the array must be a JSON object; element {place} is {kind}")
    return documents
