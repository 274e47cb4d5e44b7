"""Names of the plots of columns, valid as a part of a URL whatever the columns are called. Pure."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

_LENGTH_LIMIT: Final = 60
"""The maximum number of characters kept of a column's name: with prefix and number, a plot's name has 100 at most."""


def plot_names(kind: str, columns: Iterable[str]) -> list[str]:
    """A name for the plot of each column.

    Args:
        kind: The prefix of all names; a valid name itself.
        columns: Names of columns, any text.

    Returns:
        The kind and the letters a to z and digits of the column's name, such as ``drift_sent_on``; numbered if two
        would be equal or nothing is left. In the columns' order, each once.
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
