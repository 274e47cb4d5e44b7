"""Moments as people write them: a time in ISO 8601, or how long ago it was."""

import re
from datetime import UTC, datetime, timedelta
from typing import Final

from modelbus.shared.errors import InvalidCommand

_AGE: Final = re.compile(r"^(\d{1,5})([smhd])$")
_UNIT_S: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
MOMENT_FORMS: Final = "a time (2026-01-31T12:00Z) or an age (90s, 10m, 2h)"


def moment_of(text: str) -> datetime:
    """Read a moment; a time without a zone is in UTC.

    Raises:
        InvalidCommand: It is neither a time nor an age.
    """
    if age := _AGE.match(text):
        return datetime.now(UTC) - timedelta(seconds=int(age[1]) * _UNIT_S[age[2]])
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidCommand(f"{text[:50]!r} is no moment: write {MOMENT_FORMS}") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
