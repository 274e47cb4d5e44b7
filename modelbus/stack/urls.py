"""Hosts and URLs: without passwords, and as this machine reaches them."""

from modelbus.stack.ports import LOOPBACK

ANY_ADDRESS = frozenset({"", "0.0.0.0", "::", "*"})  # noqa: S104 - compared with, never bound


def without_password(url: str) -> str:
    """The URL without its password, for output."""
    scheme, separator, rest = url.partition("://")
    login, at, place = rest.rpartition("@")
    return f"{scheme}{separator}{login.partition(':')[0]}:***{at}{place}" if at else url


def reachable_host(bind_host: str) -> str:
    """The address at which this machine reaches a server that binds ``bind_host``."""
    return LOOPBACK if bind_host in ANY_ADDRESS else bind_host


def http_url(host: str, port: int) -> str:
    """The URL of an HTTP server, without a trailing slash."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
