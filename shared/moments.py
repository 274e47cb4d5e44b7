"""Moments as people write them: a time in ISO 8601, or how long ago it was."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from modelbus.shared.errors import InvalidCommand

_AGE: Final = re.compile(r"^(\d{1,5})([smhd])$")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
DAY_PATTERN: Final = (
    r"([12]\d{3}-((0[1-9]|1[0-2])-(0[1-9]|1\d|2[0-8])|(0[13-9]|1[0-2])-(29|30)|(0[13578]|1[02])-31)"
    r"|[12]\d([02468][48]|[13579][26]|[2468]0)-02-29)"
)
"""The pattern of a calendar day, from the year 1000 to 2999."""
TIME_PATTERN: Final = r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d{1,6})?)?"
"""The pattern of a time of the day."""
MOMENT_PATTERN: Final = rf"^(\d{{1,5}}[smhd]|{DAY_PATTERN}(T{TIME_PATTERN}(Z|[+-](0\d|1[0-4]):[0-5]\d)?)?)$"
"""The documented forms of a moment; ``datetime.fromisoformat`` accepts more."""
MOMENT_FORMS: Final = "a time (2026-01-31T12:00Z) or an age (90s, 10m, 2h)"


def moment_of(text: str) -> datetime:
    """Read a moment; a time without a zone is in UTC.

    Raises:
        InvalidCommand: The text is neither a time nor an age.
    """
    if age := _AGE.match(text):
        return datetime.now(UTC) - timedelta(seconds=int(age[1]) * _UNIT_S[age[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidCommand(f"{text[:50]!r} is not a valid time: use {MOMENT_FORMS}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
