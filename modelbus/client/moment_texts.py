"""Times in query strings and commands."""

from datetime import datetime

from modelbus.shared.moments import moment_of

Moment = datetime | str
"""A time, or a text: a time in ISO 8601, or an age such as ``10m``. Times without a zone are in UTC."""


def moment_text(moment: Moment | None) -> str | None:
    """A time as text; None stays None."""
    return moment.isoformat() if isinstance(moment, datetime) else moment


def drift_since(moment: Moment | None) -> str | None:
    """A time in ISO 8601 with its zone, as commands have it; ages are converted.

    Raises:
        InvalidCommand: The text is neither a time nor an age.
    """
    text = moment_text(moment)
    return None if text is None else moment_of(text).isoformat()
