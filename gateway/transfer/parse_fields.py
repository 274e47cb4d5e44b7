"""The options for reading a file: in the query string, or as fields of the form."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from pydantic import Field

from modelbus.gateway.http.query import Query, is_whole_number
from modelbus.shared.contracts.commands.datasets import (
    MISSING_MARKS_LIMIT,
    CommentMark,
    Delimiter,
    TableFormat,
    TextEncoding,
)
from modelbus.shared.contracts.json_text import parse_json
from modelbus.shared.contracts.near_names import hint
from modelbus.shared.contracts.number_forms import UNIT_LIMIT, DecimalMark, Grouping, Percent, ThousandsMark, Unit
from modelbus.shared.contracts.sentences import type_name
from modelbus.shared.errors import BadRequest, InvalidCommand

Fields = Mapping[str, Sequence[str]]

_COMMAND_FIELDS: Final = frozenset({"format", "target", "row_limit"})
_OPTION_FIELDS: Final = frozenset(
    {
        "delimiter",
        "encoding",
        "decimal_mark",
        "on_bad_rows",
        "thousands_mark",
        "grouping",
        "percent",
        "comment",
        "repeated_header",
        "sheet",
    }
)
_LISTS: Final = {"missing_marks": MISSING_MARKS_LIMIT, "units": UNIT_LIMIT}
"""The fields that may be repeated, and their maximum number."""
_FLAGS: Final = frozenset({"has_header", "has_quotes", "skip_initial_space", "strip_text", "has_accounting_signs"})
_COUNTS: Final = frozenset({"skip_lines", "skip_below_header"})
_OPTIONS: Final = "options"
PARSE_FIELDS: Final = _COMMAND_FIELDS | _OPTION_FIELDS | _LISTS.keys() | _FLAGS | _COUNTS | {_OPTIONS}
"""All fields. ``options`` is the complete object as JSON; the others are its parts."""


def _default(value: bool | int | str) -> Any:
    """A field without a value of its own, whose documented default is that of the command."""
    return Field(None, json_schema_extra={"default": value})


class ParseQuery(Query):
    """The fields for the documentation; they are validated as part of the command."""

    file_name: str | None = Field(None, max_length=255)
    """The name of the file, whose extension helps to detect the format. Default: the file name in the form."""
    format: TableFormat | None = None
    """The format of the file. Default: detected from the media type, the name and the first bytes."""
    options: str | None = None
    """All parse options as a JSON object. Single options can be set separately instead."""
    delimiter: Delimiter | None = None
    """The delimiter of delimited text. Default: detected."""
    encoding: TextEncoding | None = None
    """The encoding of text. Default: detected."""
    decimal_mark: DecimalMark | None = None
    """The decimal separator in delimited text. Default: detected."""
    missing_marks: list[str] | None = None
    """A cell that means a missing value, in addition to empty cells. May be repeated."""
    has_header: bool | None = _default(True)
    """Whether the first record is a header."""
    on_bad_rows: Literal["refuse", "skip"] | None = _default("refuse")
    """How to handle rows that cannot be read: `refuse` the file, or `skip` and report the rows."""
    thousands_mark: ThousandsMark | None = None
    """The thousands separator. Default: none, so `1,234` is text."""
    grouping: Grouping | None = _default("thousands")
    """The size of digit groups: `thousands` (`1,234,567`) or `indian` (`12,34,567`)."""
    percent: Percent | None = None
    """How to read 12 %: as 0.12 (`fraction`) or 12 (`number`). Default: as text."""
    units: list[Unit] | None = None
    """A currency or another unit before or after numbers, such as `€` or `kg`. May be repeated."""
    has_accounting_signs: bool | None = _default(False)
    """Whether `(5)` and `5-` are negative numbers; otherwise they are text."""
    skip_lines: int | None = Field(None, ge=0, le=10_000)
    """The number of lines to skip above the header. Default: detected."""
    comment: CommentMark | None = None
    """The mark of comment lines, which are skipped. Default: `#`, and only above the header."""
    skip_below_header: int | None = Field(None, ge=0, le=100)
    """The number of records to skip directly below the header, such as a row of units. Default: detected."""
    repeated_header: Literal["keep", "skip"] | None = None
    """How to handle rows that repeat the header. Default: detected."""
    skip_initial_space: bool | None = None
    """Whether to ignore spaces after a delimiter. Default: detected."""
    strip_text: bool | None = _default(False)
    """Whether to strip spaces and tabs around text."""
    has_quotes: bool | None = _default(True)
    """Whether quotes enclose fields; otherwise a quote is an ordinary character."""
    sheet: str | None = Field(None, min_length=1, max_length=255)
    """The sheet of a workbook to read, by name. Default: the only visible sheet that has cells."""


def check_fields(fields: Fields, known: frozenset[str]) -> None:
    """Check that all fields are known and that only lists are repeated, so that no typing error goes unnoticed.

    Raises:
        BadRequest: Names the field, and the most similar one.
        InvalidCommand: A list is too long.
    """
    for name, values in fields.items():
        check_name(name, known)
        limit = _LISTS.get(name)
        if len(values) > 1 and limit is None:
            raise BadRequest(f"field {name} must not be repeated, but is given {len(values)} times")
        if limit is not None and len(values) > limit:
            problem = f"must be given at most {limit} times, not {len(values)}"
            raise InvalidCommand(f"field {name} {problem}", details=[{"where": f"options.{name}", "problem": problem}])


def check_name(name: str, known: frozenset[str]) -> None:
    """Check that a field is known.

    Raises:
        BadRequest: The field is unknown; names the most similar one.
    """
    if name not in known:
        raise BadRequest(f"unknown field {name[:100]!r}; {hint(name, sorted(known))}")


def parse_body(fields: Fields) -> dict[str, Any]:
    """The part of a command given by the fields: format, target and options.

    Raises:
        BadRequest: A field is malformed or repeated.
    """
    body: dict[str, Any] = {name: fields[name][0] for name in sorted(_COMMAND_FIELDS & fields.keys())}
    if "row_limit" in body:
        body["row_limit"] = _whole_number("row_limit", body["row_limit"])
    options: dict[str, Any] = {name: fields[name][0] for name in sorted(_OPTION_FIELDS & fields.keys())}
    options |= {name: list(fields[name]) for name in sorted(_LISTS & fields.keys())}
    options |= {name: _flag(name, fields[name][0]) for name in sorted(_FLAGS & fields.keys())}
    options |= {name: _whole_number(name, fields[name][0]) for name in sorted(_COUNTS & fields.keys())}
    whole = _json_object(fields[_OPTIONS][0]) if _OPTIONS in fields else {}
    twice = sorted(whole.keys() & options.keys())
    if twice:
        raise BadRequest(f"{', '.join(twice)}: given both in `options` and separately")
    return {**body, "options": {**whole, **options}} if whole or options else body


def _whole_number(name: str, given: str) -> int:
    if not is_whole_number(given):
        raise BadRequest(f"{name} must be a whole number, not {given[:50]!r}")
    return int(given)


def _flag(name: str, given: str) -> bool:
    if given not in ("true", "false"):
        raise BadRequest(f"{name} must be true or false, not {given[:50]!r}")
    return given == "true"


def _json_object(text: str) -> dict[str, Any]:
    try:
        document = parse_json(text)
    except ValueError as error:
        raise BadRequest(f"options must be a JSON object: {error}") from error
    if not isinstance(document, dict):
        raise BadRequest(f"options must be a JSON object, not {type_name(document)}")
    return document
