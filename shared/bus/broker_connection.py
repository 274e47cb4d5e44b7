"""Connections to the broker, with options that were tested to survive its failures."""

import socket
from typing import Any, Final

from kombu import Connection
from kombu.exceptions import KombuError, OperationalError

from modelbus.shared.bus.transport import register_hardened_transport

_REDIS_SCHEMES: Final = ("redis", "rediss", "sentinel")

_REDIS_OPTIONS: Final[dict[str, Any]] = {
    # Without timeouts, publishing on a half-open connection would hang for ever.
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 5,
    # A message is acknowledged right after its job is claimed, so this covers milliseconds of work.
    "visibility_timeout": 60,
    "unacked_restore_throttle": 1,
    # Retrying an LPUSH that had arrived would queue the message twice; our own retry is counted and logged.
    "retry_on_timeout": False,
}


def open_connection(url: str, service: str, *, message_limit_bytes: int | None = None) -> Connection:
    """Make a connection object for ``url``, which connects on first use.

    Args:
        url: Any URL that kombu supports.
        service: The service, whose unacknowledged messages get their own keys: with shared keys, the visibility timeout
            of one service would redeliver another's messages.
        message_limit_bytes: Larger messages are delivered as malformed (Redis only; other brokers have their own
            limit).
    """
    register_hardened_transport()
    # A single attempt, then the caller decides: kombu would retry for `connect_timeout` inside a property access.
    options: dict[str, Any] = {"max_retries": 0}
    if url.split("://", 1)[0] in _REDIS_SCHEMES:
        options |= {
            **_REDIS_OPTIONS,
            "unacked_key": f"unacked.{service}",
            "unacked_index_key": f"unacked_index.{service}",
            "unacked_mutex_key": f"unacked_mutex.{service}",
            # A killed restorer must not prevent others from restoring for five minutes.
            "unacked_mutex_expire": 10,
            "client_name": f"modelbus-{service}",
        }
        if message_limit_bytes is not None:
            options["message_limit_bytes"] = message_limit_bytes
    return Connection(url, transport_options=options, connect_timeout=5)


def connection_errors(connection: Connection) -> tuple[type[BaseException], ...]:
    """The exceptions of a lost or refused connection, for ``except``."""
    own = (*connection.connection_errors, *connection.channel_errors)
    return (*own, OperationalError, KombuError, OSError, socket.timeout)
