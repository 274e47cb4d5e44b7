"""What a fit warns of, as sentences for people."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WARNING_LIMIT = 50
"""So many different warnings are kept."""

_WARNING_LENGTH = 500


@contextmanager
def gathered_warnings() -> Iterator[list[str]]:
    """Gather warnings as sentences, each once; what addresses developers (deprecations) is left out.

    Gives a list to which the caller may add sentences of its own; those of libraries follow at the end.
    """
    notes: list[str] = []
    caught: dict[str, None] = {}

    def keep(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        # a streamed fit may warn at each of thousands of steps, so nothing is kept but the sentences
        if len(caught) < WARNING_LIMIT and not issubclass(category, (FutureWarning, DeprecationWarning)):
            caught[f"{category.__name__}: {' '.join(str(message).split())}"[:_WARNING_LENGTH]] = None

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        warnings.showwarning = keep
        yield notes
    for sentence in caught:
        if sentence not in notes and len(notes) < WARNING_LIMIT:
            notes.append(sentence)
