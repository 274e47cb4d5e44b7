"""Counts in sentences: a number with separators of thousands, and the form of a word that agrees with it."""


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """A count and its noun: ``1 row``, ``2 rows``, ``1,240 rows``.

    Args:
        count: How many, 0 or more.
        singular: The noun for one.
        plural: The noun for any other count; default: the singular with an ``s``.
    """
    return f"{count:,} {agreeing(count, singular, plural or f'{singular}s')}"


def agreeing(count: int, singular: str, plural: str) -> str:
    """The form of a word that agrees with a count, such as a verb: ``agreeing(2, "holds", "hold")`` is ``hold``."""
    return singular if count == 1 else plural
