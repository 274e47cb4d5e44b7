"""The connection below an answer: ended from outside, so that whoever reads the answer wakes."""

import contextlib
import socket

import httpx


def shut(response: httpx.Response) -> None:
    """End an answer's connection in both directions; the reader, in whatever thread, comes to its end."""
    stream = response.extensions.get("network_stream")
    connection = None if stream is None else stream.get_extra_info("socket")
    if connection is None:
        return
    # it may have ended by itself
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
