"""Printing errors on standard error: a sentence for people, or one JSON document for programs."""

import json
import sys
from collections.abc import Mapping
from typing import Any, Final

from rich.console import Console
from rich.text import Text

from modelbus.commands.terminal.printing import cell_text, fact_text
from modelbus.commands.terminal.schema_words import allowed_values
from modelbus.commands.terminal.shown_text import words
from modelbus.shared.errors import ModelbusError

_DETAIL_LIMIT: Final = 10
_GIVEN_LIMIT: Final = 100
"""Characters of a refused value that are repeated."""


def print_error(error: ModelbusError, *, as_json: bool) -> None:
    """Print an error: the sentence, each field at fault, and the id to look for in the logs."""
    if as_json:
        document = {"code": error.code, "message": error.message, "details": error.details}
        told = {"error": {**document, "correlation_id": error.correlation_id}}
        sys.stderr.write(json.dumps(told, indent=2, default=str) + "\n")
        return
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    console.print(Text.assemble(("error: ", "bold red"), words(error.message)))
    details = [detail for detail in error.details if not _is_said(detail, error.message)]
    for detail in details[:_DETAIL_LIMIT]:
        console.print(words(f"  {_detail_text(detail)}"))
    if len(details) > _DETAIL_LIMIT:
        console.print(words(f"  and {len(details) - _DETAIL_LIMIT} more; --json has all"))
    for note in getattr(error, "__notes__", []):
        console.print(words(f"  {note}"))
    if error.correlation_id:
        console.print(words(f"  ({error.code}, correlation id {error.correlation_id})", "dim"))


def _is_said(detail: Mapping[str, Any], message: str) -> bool:
    """Whether the sentence says all that a detail has to say."""
    known = {name: value for name, value in detail.items() if value not in (None, "", [], {})}
    names = [str(known[name]) for name in ("where", "column", "problem") if name in known]
    expected = known.get("expected", [])
    near = expected if isinstance(expected, list) else [expected]
    return "given" not in known and len(near) < 2 and all(text in message for text in [*names, *map(str, near)])


def _detail_text(detail: Mapping[str, Any]) -> str:
    parts = [str(detail.get("problem", ""))]
    if "expected" in detail:
        expected = detail["expected"]
        # of a hyperparameter it is the JSON Schema, with its description
        shown = allowed_values(expected) if isinstance(expected, Mapping) else fact_text(expected)
        parts.append(f"expected: {shown}")
    if "given" in detail:
        given = cell_text(detail["given"])
        parts.append(f"given: {given if len(given) <= _GIVEN_LIMIT else given[: _GIVEN_LIMIT - 3] + '...'}")
    place = ", ".join(str(detail[name]) for name in ("where", "column") if detail.get(name))
    said = "; ".join(part for part in parts if part)
    return f"{place}: {said}" if place else said
