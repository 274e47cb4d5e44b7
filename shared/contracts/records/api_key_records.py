"""API keys: what is asked for when one is made, and what is told of one."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from modelbus.shared.api_keys import Scope
from modelbus.shared.contracts.base import HOUR_S, Contract, Name

DAY_S = 24 * HOUR_S


class NewApiKey(Contract):
    """A key to be made."""

    name: Name
    """What people call it: `ci`, `alice-laptop`."""
    scopes: Annotated[list[Scope], Field(min_length=1, max_length=4)] = ["read"]
    """What it allows; each scope includes those before it: `metrics`, `read`, `submit`, `admin`."""
    owner: Name | None = None
    """Whose the records are that it makes; by default its name. Two keys of one owner take turns without a gap."""
    expires_days: float | None = Field(None, gt=0, le=3650)
    """Days until it expires; null for never."""


class ApiKeyRecord(Contract):
    """A key, without its text."""

    name: str
    owner: str
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    """To a minute; null if it never was."""
    revoked_at: datetime | None
