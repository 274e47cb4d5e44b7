"""The fields that say how a file is to be read: in the query string, or in the form beside the file."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
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
    }
)
_LISTS: Final = {"missing_marks": MISSING_MARKS_LIMIT, "units": UNIT_LIMIT}
"""Fields that may be given more than once, and how often at most."""
_FLAGS: Final = frozenset({"has_header", "has_quotes", "skip_initial_space", "strip_text", "has_accounting_signs"})
_COUNTS: Final = frozenset({"skip_lines", "skip_below_header"})
_OPTIONS: Final = "options"
PARSE_FIELDS: Final = _COMMAND_FIELDS | _OPTION_FIELDS | _LISTS.keys() | _FLAGS | _COUNTS | {_OPTIONS}
"""All of them. ``options`` is the whole object as JSON; the others are its parts, for those who type."""


class ParseQuery(Query):
    """Those fields as the documentation has them; they are checked with the command that they are a part of."""

    file_name: str | None = Field(None, max_length=255)
    """What the file is called: its ending tells the format where nothing else does. Default: what a form says."""
    format: TableFormat | None = None
    """The file's format; default: found from its media type, name and first bytes."""
    options: str | None = None
    """All parse options as one JSON object; the fields below are its parts, for those who type."""
    delimiter: Delimiter | None = None
    """Between the fields of delimited text; default: found."""
    encoding: TextEncoding | None = None
    """Of text; default: found."""
    decimal_mark: DecimalMark | None = None
    """Of numbers in delimited text; default: found."""
    missing_marks: list[str] | None = None
    """Cells that mean "no value", beside the empty one; given once for each."""
    has_header: bool | None = None
    """Whether the first record holds the columns' names; default: true."""
    on_bad_rows: Literal["refuse", "skip"] | None = None
    """What to do about rows that cannot be read; default: refuse the file."""
    thousands_mark: ThousandsMark | None = None
    """Between groups of digits; default: none, `1,234` is text."""
    grouping: Grouping | None = None
    """Of digits: `thousands` (`1,234,567`, the default) or `indian` (`12,34,567`)."""
    percent: Percent | None = None
    """Whether 12 % becomes 0.12 (`fraction`) or 12 (`number`); default: it is text."""
    units: list[Unit] | None = None
    """Currencies and other units beside numbers, such as `€` or `kg`; given once for each."""
    has_accounting_signs: bool | None = None
    """Whether `(5)` and `5-` are negative numbers; default: they are text."""
    skip_lines: int | None = Field(None, ge=0, le=10_000)
    """Lines above the header to leave out; default: found."""
    comment: CommentMark | None = None
    """Lines that begin with it are left out; default: only above the header, those with `#`."""
    skip_below_header: int | None = Field(None, ge=0, le=100)
    """Records right below the header to leave out, such as a row of units; default: found."""
    repeated_header: Literal["keep", "skip"] | None = None
    """What to do about rows that say the header again; default: found."""
    skip_initial_space: bool | None = None
    """Whether spaces behind a delimiter are no part of the field; default: found."""
    strip_text: bool | None = None
    """Whether spaces and tabs around text are no part of it; default: false."""
    has_quotes: bool | None = None
    """Whether quotes around a field are no part of it; default: true."""


def check_fields(fields: Fields, known: frozenset[str]) -> None:
    """Check that all fields are known and only lists are given more than once: a typing error must not pass unseen.

    Raises:
        BadRequest: Names the field, and the likely one meant.
        InvalidCommand: A list is longer than it may be.
    """
    for name, values in fields.items():
        check_name(name, known)
        limit = _LISTS.get(name)
        if len(values) > 1 and limit is None:
            raise BadRequest(f"field {name} is given {len(values)} times; once is enough")
        if limit is not None and len(values) > limit:
            problem = f"is given {len(values)} times; {limit} at most"
            raise InvalidCommand(f"field {name} {problem}", details=[{"where": f"options.{name}", "problem": problem}])


def check_name(name: str, known: frozenset[str]) -> None:
    """Check that there is such a field.

    Raises:
        BadRequest: There is none; names the likely one meant.
    """
    if name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(known))}"
        raise BadRequest(f"unknown field {name[:100]!r}; {hint}")


def parse_body(fields: Fields) -> dict[str, Any]:
    """The part of a command that the fields make: format, target and options.

    Raises:
        BadRequest: A field is malformed, or said twice.
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
        raise BadRequest(f"{', '.join(twice)}: given in `options` and as a field of its own")
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
