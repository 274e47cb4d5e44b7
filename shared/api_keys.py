"""API keys: 256 random bits as text, recorded only as their SHA-256; and what each scope allows.

No salt and no slow hash: both protect secrets that can be guessed, and 256 random bits cannot (docs/adr/0019).
"""

import hashlib
import re
import secrets
from collections.abc import Collection
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, SecretStr

Scope = Literal["metrics", "read", "submit", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
"""Each scope includes those before it: `/metrics` only; reading; creating; everything."""

_PREFIX: Final = "mbk_"
_FORM: Final = re.compile(r"mbk_[A-Za-z0-9_-]{43}")


def new_api_key() -> str:
    """Make a key: ``mbk_`` and 32 random bytes in URL-safe base64, without padding."""
    return _PREFIX + secrets.token_urlsafe(32)


def is_api_key(text: str) -> bool:
    """Whether a text has the form of a key."""
    return _FORM.fullmatch(text) is not None


def api_key_hash(text: str) -> str:
    """The SHA-256 of a key in hexadecimal, which is the only trace of it in the records."""
    return hashlib.sha256(text.encode()).hexdigest()


def allows(scopes: Collection[str], needed: Scope) -> bool:
    """Whether these scopes include the one that is needed."""
    return any(scope in scopes for scope in SCOPES[SCOPES.index(needed) :])


def _well_formed(secret: SecretStr) -> SecretStr:
    if not is_api_key(secret.get_secret_value()):
        raise ValueError(
            "must be an API key: `mbk_` followed by 43 letters, digits, `_` or `-` (32 random bytes in base64)"
        )
    return secret


ApiKeySecret = Annotated[SecretStr, AfterValidator(_well_formed)]
"""A complete key in the settings of a process."""
