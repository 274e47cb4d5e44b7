"""Times as people read them: in one time zone, the terminal's own, which ``TZ`` sets.

One offset from UTC holds for everything that a command prints, so a table over the change to summer time keeps its
order, and one label is right for all of it.
"""

from datetime import UTC, datetime, tzinfo


def zone() -> tzinfo:
    """The terminal's time zone, with the offset that it has now."""
    return datetime.now(UTC).astimezone().tzinfo or UTC


def zone_name() -> str:
    """How the zone is labelled, such as ``UTC`` or ``CET``."""
    return datetime.now(zone()).tzname() or "local time"


def time_text(moment: datetime) -> str:
    """A time to the minute, without its zone, for a column whose heading has it."""
    return f"{_local(moment):%Y-%m-%d %H:%M}"


def exact_time_text(moment: datetime) -> str:
    """A time to the second, without its zone."""
    return f"{_local(moment):%Y-%m-%d %H:%M:%S}"


def time_text_with_zone(moment: datetime) -> str:
    """A time to the minute, with its zone."""
    return f"{time_text(moment)} {zone_name()}"


def clock_text(moment: datetime) -> str:
    """The time of day, to the second, without its zone."""
    return f"{_local(moment):%H:%M:%S}"


def time_of(text: object) -> datetime | None:
    """The time that a record says in ISO 8601; None where it says none."""
    try:
        return datetime.fromisoformat(str(text))
    except ValueError:
        return None


def given_time(text: str | None) -> str | None:
    """A time that the user gave: without a zone it is in the terminal's, as the times are that are printed.

    Args:
        text: A time in ISO 8601, or an age such as ``10m``; what is neither is left to whoever reads it.
    """
    moment = None if text is None or text.isdecimal() else time_of(text)
    return text if moment is None or moment.tzinfo else moment.replace(tzinfo=zone()).isoformat()


def _local(moment: datetime) -> datetime:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(zone())
