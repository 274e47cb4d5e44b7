"""The warnings of a fit, as sentences for people."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

WARNING_LIMIT = 50
"""Maximum number of distinct warnings."""

_WARNING_LENGTH = 500


@contextmanager
def gathered_warnings() -> Iterator[list[str]]:
    """Collect warnings as sentences, each once, without deprecations, which address developers.

    Yields a list to which the caller may add its own sentences; those of libraries are appended at the end.
    """
    notes: list[str] = []
    caught: dict[str, None] = {}

    def keep(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        # a streamed fit may warn in each of thousands of steps, so only the sentences are kept
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
