"""Makes correlation ids; separate from the contracts, which check them, so that a client needs no pydantic for one."""

from uuid import uuid4


def new_correlation_id() -> str:
    """A fresh correlation id: a random UUID (RFC 9562, version 4) in lower-case text."""
    return str(uuid4())
