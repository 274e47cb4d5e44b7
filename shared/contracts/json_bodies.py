"""Bodies as either door takes them: what may be declared, read as JSON, and the commands in a message.

HTTP and the queues ask the same functions, so that they refuse the same bodies in the same words.
"""

import re
from typing import Any, Final

import orjson

from modelbus.shared.contracts.json_text import parse_json
from modelbus.shared.errors import BadRequest, UnsupportedMediaType

_JSON_TYPES: Final = ("application/json", "json", "application/octet-stream")
"""`json` is kombu's name of it. Bytes of no declared type are read as what they have to be."""
_UTF_8: Final = ("utf-8", "utf8")
_ENCODINGS: Final = (*_UTF_8, "us-ascii", "ascii", "binary", "identity")
"""What kombu says of bytes: their charset, of which ASCII is a part of UTF-8, or `binary`, which says nothing."""
_SHOWN_LIMIT: Final = 100
_PARAMETER: Final = re.compile(r"""\s*;\s*(?:([^\s;="]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]+)))?\s*""")
"""A parameter of a media type (RFC 9110, 8.3.1): a name with a token or a quoted string. It may be blank."""


def require_json(content_type: object, content_encoding: object = None) -> None:
    """Check that a body is declared as JSON in UTF-8, or not declared at all.

    Args:
        content_type: A media type with its parameters, in any valid spelling: ``Application/JSON; charset="UTF-8"``.
        content_encoding: How a message's bytes are encoded, as kombu says it: a charset, or ``binary``.

    Raises:
        UnsupportedMediaType: It is declared as something else; says as what, and what would be right.
    """
    if content_type not in (None, ""):
        _require_json_type(content_type)
    if content_encoding not in (None, "") and str(content_encoding).strip().lower() not in _ENCODINGS:
        raise UnsupportedMediaType(f"content encoding {_shown(content_encoding)}: JSON is sent as UTF-8")


def _require_json_type(given: object) -> None:
    if not isinstance(given, str):
        raise UnsupportedMediaType(f"the content type is text, such as application/json, not {type(given).__name__}")
    name, rest = re.fullmatch(r"([^;]*)(.*)", given, re.DOTALL).groups()  # type: ignore[union-attr]  # it always does
    if name.strip().lower() not in _JSON_TYPES:
        raise UnsupportedMediaType(f"content type {_shown(name.strip())}: the body must be application/json")
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
            raise UnsupportedMediaType(f"charset {_shown(charset)}: JSON is sent as UTF-8; say charset=utf-8, or none")


def _shown(given: object) -> str:
    return repr(given)[:_SHOWN_LIMIT]


def read_json(raw: bytes | str) -> Any:
    """Read a body.

    Raises:
        BadRequest: It is no JSON, is nested too deep, or has a key twice in one object; says which and where.
    """
    try:
        return parse_json(raw)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"the body is not JSON: {error}") from error
    except ValueError as error:
        raise BadRequest(f"the body: {error}") from error


def commands_of(body: Any) -> list[dict[str, Any]]:
    """The documents in a message's body: one, or those of an array.

    Raises:
        BadRequest: It is neither an object nor an array of objects, or an empty array.
    """
    documents = body if isinstance(body, list) else [body]
    if not documents or not isinstance(body, (dict, list)):
        found = "an empty array" if body == [] else type(body).__name__
        raise BadRequest(f"the body must be a command, or an array of at least one, not {found}")
    for place, document in enumerate(documents):
        if not isinstance(document, dict):
            kind = type(document).__name__
            raise BadRequest(f"an element of the array is not a JSON object: element {place} is {kind}")
    return documents
