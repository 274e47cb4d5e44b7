"""What an API key is: 256 random bits as text, known to the records by its SHA-256 alone; and what each scope allows.

No salt and no slow hash: they protect secrets that can be guessed, and 256 random bits cannot (docs/adr/0019).
"""

import hashlib
import re
import secrets
from collections.abc import Collection
from typing import Annotated, Final, Literal, get_args

from pydantic import AfterValidator, SecretStr

Scope = Literal["metrics", "read", "submit", "admin"]
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)
"""Each allows what those before it allow: `/metrics` alone; all that is read; all that is made; all."""

_PREFIX: Final = "mbk_"
_FORM: Final = re.compile(r"mbk_[A-Za-z0-9_-]{43}")


def new_api_key() -> str:
    """A fresh key: ``mbk_`` and 32 random bytes in URL-safe base64, without padding."""
    return _PREFIX + secrets.token_urlsafe(32)


def is_api_key(text: str) -> bool:
    """Whether a text has the form of a key."""
    return _FORM.fullmatch(text) is not None


def api_key_hash(text: str) -> str:
    """The SHA-256 of a key, in hexadecimal: what records hold of it."""
    return hashlib.sha256(text.encode()).hexdigest()


def allows(scopes: Collection[str], needed: Scope) -> bool:
    """Whether somebody with these scopes may do what needs ``needed``."""
    return any(scope in scopes for scope in SCOPES[SCOPES.index(needed) :])


def _well_formed(secret: SecretStr) -> SecretStr:
    if not is_api_key(secret.get_secret_value()):
        raise ValueError("is no API key: `mbk_` and 43 letters, digits, `_` or `-` (32 random bytes in base64)")
    return secret


ApiKeySecret = Annotated[SecretStr, AfterValidator(_well_formed)]
"""A whole key in the settings of a process."""
