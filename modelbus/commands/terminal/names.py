"""Lists of names on the command line: repeated options, or one option with commas."""

import csv
from collections.abc import Sequence

import typer


def names_of(given: Sequence[str] | None, option: str) -> list[str] | None:
    """Read names that are repeated or separated by commas; one with a comma in it is quoted. None where none is given.

    Raises:
        BadParameter: A name is empty or is given twice.
    """
    names = [name.strip() for text in given or [] for name in _split(text)]
    if not all(names):
        raise typer.BadParameter("a column's name is empty", param_hint=option)
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise typer.BadParameter(f"{twice!r} is given twice", param_hint=option)
    return names or None


def _split(text: str) -> list[str]:
    return next(csv.reader([text], skipinitialspace=True), []) or [""]
