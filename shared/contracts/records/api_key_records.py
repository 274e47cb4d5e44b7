"""API keys: the request to create one, and its record."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from modelbus.shared.api_keys import Scope
from modelbus.shared.contracts.base import HOUR_S, Contract, Name

DAY_S = 24 * HOUR_S


class NewApiKey(Contract):
    """A new API key."""

    name: Name
    """The name of the key, such as `ci` or `alice-laptop`."""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)] = ["read"]
    """The scopes of the key. Each scope includes those before it: `metrics`, `read`, `submit`, `admin`."""
    owner: Name | None = None
    """The owner of the records created with the key. Default: the name of the key. Two keys with one owner allow
    rotation without a gap."""
    expires_days: float | None = Field(None, gt=0, le=3650)
    """The number of days until the key expires; null for never."""


class ApiKeyRecord(Contract):
    """An API key without its secret."""

    name: str
    owner: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """The time of the last use, to the minute; null if the key has not been used."""
    revoked_at: datetime | None
