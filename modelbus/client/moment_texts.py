"""Times as query strings and commands say them."""

from datetime import datetime

from modelbus.shared.moments import moment_of

Moment = datetime | str
"""A time; or text: a time in ISO 8601, or an age such as ``10m``. Without a zone it is in UTC."""


def moment_text(moment: Moment | None) -> str | None:
    """A time as the gateway reads it; None stays None."""
    return moment.isoformat() if isinstance(moment, datetime) else moment


def drift_since(moment: Moment | None) -> str | None:
    """A time as a command says it: in ISO 8601 with its zone, also where an age is given.

    Raises:
        InvalidCommand: It is neither a time nor an age.
    """
    text = moment_text(moment)
    return None if text is None else moment_of(text).isoformat()
