"""Whether a server listens at an address: tried before a command begins, so that it fails within a second."""

import socket
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

from modelbus.client.client_errors import GatewayUnreachable
from modelbus.client.places import is_this_machine
from modelbus.shared.errors import ModelbusError, StoreUnavailable

KNOCK_S: Final = 1.0
"""Seconds in which a connection must be there."""
_PORTS: Final = {"http": 80, "https": 443, "mongodb": 27017}


def require_gateway(url: str, *, is_named: bool) -> None:
    """Make sure that something listens at a gateway's address.

    An address that neither answers nor refuses is not an error yet: it is noted on standard error.

    Args:
        url: The address.
        is_named: Whether the user named it; otherwise it is the local stack's, or the default.

    Raises:
        GatewayUnreachable: Nothing listens there.
    """
    scheme, host, port = _place_of(url)
    if host is None:
        raise GatewayUnreachable(f"{url!r} is not a valid address; expected: one such as http://127.0.0.1:8000")
    if _goes_through_proxy(scheme, host, url):
        return  # the proxy says what is wrong
    try:
        _knock([(host, port)])
    except TimeoutError:
        sys.stderr.write(f"no answer from {url} yet; trying for up to 30 seconds, Ctrl-C stops\n")
    except OSError as error:
        raise unreachable(url, is_named=is_named, reason=_reason(error)) from error


def unreachable(url: str, *, is_named: bool, reason: str) -> GatewayUnreachable:
    """The error for an address at which no gateway answers."""
    if is_named:
        return GatewayUnreachable(f"no gateway answers at {url}: {reason}", may_have_arrived=False)
    return GatewayUnreachable(
        f"no gateway runs here ({url}: {reason}). Start one with: modelbus up; or name one with --url or MODELBUS_URL",
        may_have_arrived=False,
    )


def require_mongo(url: str) -> None:
    """Make sure that something listens at one of a MongoDB's addresses.

    Raises:
        StoreUnavailable: Nothing listens there, or the address is not one of MongoDB.
    """
    if not url.startswith(("mongodb://", "mongodb+srv://")):
        shown = _without_password(url)
        raise StoreUnavailable(f"{shown!r} is not an address of MongoDB; expected: one such as mongodb://host:27017")
    places = _places_of(url)
    if not places:
        return  # the library looks the servers up
    try:
        _knock(places)
    except OSError as error:
        reason = "no answer within a second" if isinstance(error, TimeoutError) else _reason(error)
        raise StoreUnavailable(
            f"no MongoDB answers at {_without_password(url)}: {reason}. Start one with: modelbus up; "
            "or name one with --mongo-url or MODELBUS_MONGO_URL"
        ) from error


@contextmanager
def server_faults(kind: type[ModelbusError], name: str) -> Iterator[None]:
    """Turn what a server's library raises into one sentence.

    Args:
        kind: The error for it.
        name: What the server is called.

    Raises:
        ModelbusError: Of that kind, where something else than a ``ModelbusError`` or an exit was raised.
    """
    try:
        yield
    except ModelbusError:
        raise
    except Exception as error:
        raise kind(f"{name}: {type(error).__name__}: {error}") from error


def _knock(places: Sequence[tuple[str, int]]) -> None:
    """Connect to the first place that answers.

    Raises:
        OSError: None does; the error of the last one.
    """
    last: OSError = ConnectionRefusedError()
    for place in places:
        try:
            socket.create_connection(place, timeout=KNOCK_S).close()
            return
        except OSError as error:
            last = error
    raise last


def _place_of(url: str) -> tuple[str, str | None, int]:
    """The scheme, the host and the port of an address; no host where it is not valid."""
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
    except (KeyError, ValueError):
        return "", None, 0


def _places_of(url: str) -> list[tuple[str, int]]:
    scheme, _, rest = url.partition("://")
    if scheme not in _PORTS:
        return []
    hosts = rest.partition("/")[0].partition("?")[0].rpartition("@")[2].split(",")
    found = [_place_of(f"{scheme}://{host}") for host in hosts]
    return [(host, port) for _, host, port in found if host]


def _goes_through_proxy(scheme: str, host: str, url: str) -> bool:
    if is_this_machine(url):
        return False
    proxies = urllib.request.getproxies()
    return bool(proxies.get(scheme) or proxies.get("all")) and not urllib.request.proxy_bypass(host)


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    return (error.strerror or str(error) or type(error).__name__).lower()


def _without_password(url: str) -> str:
    from modelbus.stack.urls import without_password

    return without_password(url)
