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
from modelbus.shared.errors import BusUnavailable, ModelbusError, StoreUnavailable

KNOCK_S: Final = 1.0
"""Seconds in which a connection must be there."""
_PORTS: Final = {"http": 80, "https": 443, "redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671, "mongodb": 27017}


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
    if scheme not in ("http", "https") or host is None or _goes_through_proxy(scheme, host, url):
        return  # the client says what is wrong, or the proxy does
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
        raise StoreUnavailable(f"{_without_password(url)!r} is not an address of MongoDB, such as mongodb://host:27017")
    _require(url, StoreUnavailable, "MongoDB", "--mongo-url or MODELBUS_MONGO_URL")


def require_bus(url: str) -> None:
    """Make sure that something listens at the broker's address.

    Raises:
        BusUnavailable: Nothing listens there.
    """
    _require(url, BusUnavailable, "broker", "--bus-url or MODELBUS_BUS_URL")


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


def _require(url: str, kind: type[ModelbusError], name: str, option: str) -> None:
    places = _places_of(url)
    if not places:
        return  # found by DNS, or by the library that knows the scheme
    try:
        _knock(places)
    except OSError as error:
        reason = "no answer within a second" if isinstance(error, TimeoutError) else _reason(error)
        raise kind(
            f"no {name} answers at {_without_password(url)}: {reason}. Start one with: modelbus up; "
            f"or name one with {option}"
        ) from error


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
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or _PORTS.get(parts.scheme, 80)
    except ValueError:
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
