"""Column names: unique, not empty, not too long."""

from collections.abc import Sequence

from modelbus.evaluator.ingest.faults import refused
from modelbus.shared.contracts.base import usable_name

NAME_LIMIT = 500
"""Longer names could not be named in a command."""


def column_names(found: Sequence[str], *, line: int | None = None) -> tuple[list[str], list[str]]:
    """Make usable names of those that were found.

    Surrounding space is cut, characters are composed (Unicode NFC); an empty name becomes ``column_3``; a name that was
    there already gets a suffix (``age``, ``age_2``).

    Returns:
        The names, as many as were found and all different, and a warning for each that was changed.

    Raises:
        MalformedTable: A name is longer than 500 characters, or holds a NUL character.
    """
    taken = {usable_name(name) for name in found}
    given: set[str] = set()
    names, warnings = [], []
    for position, name in enumerate(map(usable_name, found), start=1):
        if len(name) > NAME_LIMIT:
            raise refused(f"the name of column {position} has {len(name)} characters", "at most 500", line=line)
        if "\0" in name:
            raise refused(f"the name of column {position} has a NUL character", "text", line=line)
        usable = name
        if not name:
            usable = _free(f"column_{position}", taken | given)
            warnings.append(f"column {position} has no name and is called {usable!r}")
        elif name in given:
            usable = _free(name, taken | given, first=2)
            warnings.append(f"column {position} is also named {name!r} and is called {usable!r}")
        given.add(usable)
        names.append(usable)
    return names, warnings


def _free(name: str, taken: set[str], *, first: int = 1) -> str:
    candidate = name if first == 1 else f"{name}_{first}"
    suffix = first
    while candidate in taken:
        suffix += 1
        candidate = f"{name}_{suffix}"
    return candidate
