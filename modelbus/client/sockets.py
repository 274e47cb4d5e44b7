"""The connection of an answer, shut from outside so that its reader wakes."""

import contextlib
import socket

import httpx


def shut(response: httpx.Response) -> None:
    """Shut an answer's connection in both directions; a reader in any thread reaches the end."""
    stream = response.extensions.get("network_stream")
    connection = None if stream is None else stream.get_extra_info("socket")
    if connection is None:
        return
    # the connection may have ended already
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
