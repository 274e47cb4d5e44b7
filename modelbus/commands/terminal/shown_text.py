"""Text of users, records and errors as a terminal may show it: the one place where it is made harmless.

Nothing is read as markup, because everything goes to Rich as ``Text``. Control characters (C0, C1), bidirectional marks
and other invisible characters are shown escaped, as in Python, so that no name can move the cursor, colour the terminal
or reverse a line.
"""

from typing import Any

from rich.text import Text

from modelbus.shared.observing.log_text import printable


def shown(value: Any) -> str:
    """A text as a terminal may show it; its line ends stay."""
    return "\n".join(printable(line) for line in str(value).split("\n"))


def shown_in_line(value: Any) -> str:
    """A text as one line; its line ends and tabs are escaped too."""
    return printable(str(value).replace("\t", "\\t"))


def words(value: Any, style: str = "") -> Text:
    """A text for Rich, never read as markup or as the code of an emoji."""
    return Text(shown(value), style=style)
