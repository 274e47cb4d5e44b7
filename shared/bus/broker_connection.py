"""Opening a connection to the broker, with the options that were measured to survive its failures."""

import socket
from typing import Any, Final

from kombu import Connection
from kombu.exceptions import KombuError, OperationalError

from modelbus.shared.bus.transport import register_hardened_transport

_REDIS_SCHEMES: Final = ("redis", "rediss", "sentinel")

_REDIS_OPTIONS: Final[dict[str, Any]] = {
    # Without timeouts a publish on a half-open link hangs for ever.
    "socket_timeout": 5,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "health_check_interval": 5,
    # A message is acknowledged right after its job is claimed, so this covers milliseconds of work.
    "visibility_timeout": 60,
    "unacked_restore_throttle": 1,
    # A retried LPUSH that had arrived would be queued twice; our own retry is counted and logged.
    "retry_on_timeout": False,
}


def open_connection(url: str, service: str, *, message_limit_bytes: int | None = None) -> Connection:
    """Make a connection object for ``url``; it connects at first use.

    Args:
        url: Any URL that kombu understands.
        service: Keeps this service's unacknowledged messages apart from other services': with shared keys, one
            service's visibility timeout would redeliver another's messages.
        message_limit_bytes: A larger message is delivered as malformed (Redis only; other brokers limit it themselves).
    """
    register_hardened_transport()
    # One try, then the caller decides: kombu's own would go on for `connect_timeout` inside a property access.
    options: dict[str, Any] = {"max_retries": 0}
    if url.split("://", 1)[0] in _REDIS_SCHEMES:
        options |= {
            **_REDIS_OPTIONS,
            "unacked_key": f"unacked.{service}",
            "unacked_index_key": f"unacked_index.{service}",
            "unacked_mutex_key": f"unacked_mutex.{service}",
            # A restorer that was killed must not keep the others from restoring for five minutes.
            "unacked_mutex_expire": 10,
            "client_name": f"modelbus-{service}",
        }
        if message_limit_bytes is not None:
            options["message_limit_bytes"] = message_limit_bytes
    return Connection(url, transport_options=options, connect_timeout=5)


def connection_errors(connection: Connection) -> tuple[type[BaseException], ...]:
    """What a lost or refusing broker raises, for ``except``."""
    own = (*connection.connection_errors, *connection.channel_errors)
    return (*own, OperationalError, KombuError, OSError, socket.timeout)
