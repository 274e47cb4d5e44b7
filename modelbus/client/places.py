"""The gateway's default address: the environment's, that of the folder's local stack, port 8000 of this machine."""

import os
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from modelbus.client.client_errors import GatewayUnreachable, WrongArgument

URL_VARIABLE: Final = "MODELBUS_URL"
API_KEY_VARIABLE: Final = "MODELBUS_API_KEY"
DEFAULT_URL: Final = "http://127.0.0.1:8000"


def default_url() -> str:
    """The address in ``MODELBUS_URL``, else that of the local stack running here, else port 8000 of this machine."""
    return os.environ.get(URL_VARIABLE) or _local_url() or DEFAULT_URL


def _local_url() -> str | None:
    from modelbus.stack_folder.running import running_stack  # it reads locks, which not every system has

    state = running_stack()
    return state.gateway_url if state is not None else None


def default_api_key() -> str | None:
    """The API key in ``MODELBUS_API_KEY``."""
    return os.environ.get(API_KEY_VARIABLE) or None


def is_this_machine(url: str) -> bool:
    """Whether the address is one of this machine's loopback addresses."""
    host = ""
    try:
        host = urlsplit(url).hostname or ""
        address = ip_address(host)
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def gateway_url(url: str) -> str:
    """An address without a slash at its end.

    Raises:
        GatewayUnreachable: The text is not an address of HTTP.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        is_valid = False
    if not is_valid or not url.isprintable() or " " in url:
        raise GatewayUnreachable(
            f"{url!r} is not a gateway's address; expected one such as http://127.0.0.1:8000",
            may_have_arrived=False,
            is_passing=False,
        )
    return url.rstrip("/")


def key_text(api_key: str) -> str:
    """An API key, without space around it.

    Raises:
        WrongArgument: It has characters that an HTTP header cannot carry; the key itself is not shown.
    """
    key = api_key.strip()
    if not key.isascii() or not key.isprintable():
        raise WrongArgument("the API key has characters that no key has; keys look like mbk_...")
    return key
