"""A proxy on the way to the gateway that cuts connections: after the gateway has answered, and before it has."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

CHUNK = 65536


class CuttingProxy:
    """Passes bytes on, unless it is to cut."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._answers_to_cut = 0
        self._requests_to_cut = self._after_bytes = 0
        self.connections = 0
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def cut_answers(self, count: int) -> None:
        """Drop the next answers: the gateway has done what was asked, and nobody hears of it."""
        self._answers_to_cut = count

    def cut_requests(self, count: int, after_bytes: int = 0) -> None:
        """Break off the next requests, after so many bytes."""
        self._requests_to_cut, self._after_bytes = count, after_bytes

    def run(self) -> None:
        """Take connections until the listener is closed."""
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(client,), daemon=True)
            thread.start()
            self._threads.append(thread)

    def close(self) -> None:
        """Stop listening and wait for what is under way."""
        # shutdown wakes the thread that accepts; close alone does not
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)

    def _serve(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as gateway:
            back = threading.Thread(target=self._pass_answers, args=(gateway, client), daemon=True)
            back.start()
            self._pass_requests(client, gateway)
            back.join(10)

    def _pass_requests(self, client: socket.socket, gateway: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := client.recv(CHUNK):
                if self._requests_to_cut and passed + len(data) >= self._after_bytes:
                    self._requests_to_cut -= 1
                    break
                gateway.sendall(data)
                passed += len(data)
        for side in (gateway, client):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _pass_answers(self, gateway: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := gateway.recv(CHUNK):
                if self._answers_to_cut:
                    self._answers_to_cut -= 1
                    break
                client.sendall(data)
        for side in (gateway, client):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)


@contextmanager
def cutting_proxy(url: str) -> Iterator[CuttingProxy]:
    """Run a proxy for a block."""
    proxy = CuttingProxy(url)
    thread = threading.Thread(target=proxy.run)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join(10)
