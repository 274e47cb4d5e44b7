"""Suggestions for misspelt names, with one measure of similarity for fields, parameters, columns and estimators."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_GIVEN_LIMIT: Final = 200
"""The maximum number of characters compared of a given name: the time grows with its length."""
_SIMILARITY: Final = 0.6
"""The minimum similarity of a suggestion, from 0 to 1 (``difflib.SequenceMatcher.ratio``)."""


def near_names(given: str, known: Iterable[str], limit: int = 1) -> list[str]:
    """The known names that are most similar to a given one, the most similar first; case does not matter.

    Args:
        given: The misspelt name.
        known: The valid names.
        limit: The maximum number of names to return.
    """
    by_folded = {name.casefold(): name for name in known}
    close = get_close_matches(given[:_GIVEN_LIMIT].casefold(), by_folded, n=limit, cutoff=_SIMILARITY)
    return [by_folded[name] for name in close]


def hint(given: str, known: Iterable[str], limit: int = 40) -> str:
    """What to use instead of an unknown name: the most similar known one, or all of them.

    Args:
        given: The unknown name.
        known: The valid names, in the order in which to list them.
        limit: The maximum number of names in a list.

    Returns:
        ``did you mean name?`` or ``expected one of name, value``; empty without known names.
    """
    names = list(known)
    near = near_names(given, names)
    if near:
        return f"did you mean {near[0]}?"
    more = f" and {len(names) - limit} more" if len(names) > limit else ""
    return f"expected one of {', '.join(names[:limit])}{more}" if names else ""
