"""Where the gateway is, when nobody says: the environment, the local stack of the folder, this machine's port 8000."""

import os
from typing import Final
from urllib.parse import urlsplit

URL_VARIABLE: Final = "MODELBUS_URL"
API_KEY_VARIABLE: Final = "MODELBUS_API_KEY"
DEFAULT_URL: Final = "http://127.0.0.1:8000"


def default_url() -> str:
    """The address in ``MODELBUS_URL``, else the local stack's that runs here, else this machine's default port."""
    return os.environ.get(URL_VARIABLE) or _local_url() or DEFAULT_URL


def _local_url() -> str | None:
    from modelbus.stack_folder.running import running_stack  # reads locks, which not every system has

    state = running_stack()
    return state.gateway_url if state is not None else None


def default_api_key() -> str | None:
    """The key in ``MODELBUS_API_KEY``."""
    return os.environ.get(API_KEY_VARIABLE) or None


def is_this_machine(url: str) -> bool:
    """Whether the address is this machine's own."""
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")
