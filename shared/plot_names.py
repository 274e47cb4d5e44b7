"""Names of plots that are of columns: a part of a URL, whatever the columns are called. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_LENGTH_LIMIT: Final = 60
"""Characters that are kept of a column's name: with what stands before and behind, a plot's name has 100 at most."""


def plot_names(kind: str, columns: Iterable[str]) -> list[str]:
    """A name for the plot of each column.

    Args:
        kind: What they all begin with; a name itself.
        columns: Names of columns, any text.

    Returns:
        The kind and what the column's name has of letters a to z and digits, such as ``drift_sent_on``; where two would
        be alike, or nothing is left, numbered. In the columns' order, each once.
    """
    names: dict[str, None] = {}
    for column in columns:
        base = name = f"{kind}_{_slug(column) or 'column'}"
        number = 1
        while name in names:
            number += 1
            name = f"{base}_{number}"
        names[name] = None
    return list(names)


def _slug(text: str) -> str:
    # an accent is told apart from its letter, and left out
    ascii_text = unicodedata.normalize("NFKD", text.casefold()).encode("ascii", "ignore").decode()
    return re.sub("[^a-z0-9]+", "_", ascii_text)[:_LENGTH_LIMIT].strip("_")
