"""Servers that say nothing: a TCP proxy that can be made to swallow everything, and a socket that never answers.

The proxy may swallow what its open connections send (a half-open link, as a dead NAT leaves it), or that of all that
come, too (a server that hangs).
"""

import contextlib
import select
import socket
import threading
from collections.abc import Iterator


class BlackHole:
    """Forwards to a server; after ``swallow`` the connections that are open then say nothing any more, nor close.

    After ``fall_silent`` it is the same with those that are made, until ``speak_again``.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._swallowed: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self._is_silent = False
        self._stopping = threading.Event()
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._accept, self._forward)]
        for thread in self._threads:
            thread.start()

    @property
    def port(self) -> int:
        """Where the proxy listens."""
        return int(self._listener.getsockname()[1])

    def swallow(self) -> int:
        """Forward nothing more on the connections that are open now; new ones work. Returns how many they are."""
        with self._lock:
            self._swallowed += self._pairs
            count = len(self._pairs)
            self._pairs = []
        return count

    def fall_silent(self) -> None:
        """Forward nothing more, of connections that are open and of new ones."""
        with self._lock:
            self._is_silent = True
        self.swallow()

    def speak_again(self) -> None:
        """Forward what new connections send."""
        with self._lock:
            self._is_silent = False

    def close(self) -> None:
        """Close everything."""
        self._stopping.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # which wakes the thread that accepts; closing does not
        self._listener.close()
        for thread in self._threads:
            thread.join(timeout=5)
        for pair in [*self._pairs, *self._swallowed]:
            for end in pair:
                end.close()

    def _accept(self) -> None:
        while not self._stopping.is_set():
            with contextlib.suppress(OSError):
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                with self._lock:
                    (self._swallowed if self._is_silent else self._pairs).append((client, server))

    def _forward(self) -> None:
        while not self._stopping.is_set():
            with self._lock:
                ways = {one: other for pair in self._pairs for one, other in (pair, pair[::-1])}
            readable, _, _ = select.select(list(ways), [], [], 0.01)
            with self._lock:
                live = {end for pair in self._pairs for end in pair}
                for end in readable:
                    if end in live:
                        self._pass_on(end, ways[end])

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        try:
            data = source.recv(65536)
            if data:
                sink.sendall(data)
                return
        except OSError:
            data = b""
        self._pairs = [pair for pair in self._pairs if source not in pair]
        source.close()
        sink.close()


@contextlib.contextmanager
def black_hole(host: str, port: int) -> Iterator[BlackHole]:
    """A proxy for the time of a block."""
    proxy = BlackHole(host, port)
    try:
        yield proxy
    finally:
        proxy.close()


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """A port where every connection is accepted and nothing is ever answered, for the time of a block."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        yield int(listener.getsockname()[1])
