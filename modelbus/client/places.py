"""Where the gateway is, when nobody says: the environment, else this machine's default port."""

import os
from typing import Final
from urllib.parse import urlsplit

URL_VARIABLE: Final = "MODELBUS_URL"
API_KEY_VARIABLE: Final = "MODELBUS_API_KEY"
DEFAULT_URL: Final = "http://127.0.0.1:8000"


def default_url() -> str:
    """The address in ``MODELBUS_URL``, else this machine's default port."""
    return os.environ.get(URL_VARIABLE) or DEFAULT_URL


def default_api_key() -> str | None:
    """The key in ``MODELBUS_API_KEY``."""
    return os.environ.get(API_KEY_VARIABLE) or None


def is_this_machine(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
