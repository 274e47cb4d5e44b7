"""Choosing the ports of the stack's servers."""

import contextlib
import json
import random
import socket
from pathlib import Path

from modelbus.stack.stack_errors import PortInUse

LOOPBACK = "127.0.0.1"
FREE_PORTS = range(20_000, 32_000)
"""Below the range of Linux' outgoing connections: a client that keeps trying to reach a stopped server could otherwise
get the server's own port as its source, connect to itself and keep the port."""


class PortChooser:
    """Chooses ports: the requested one, else that of the last run, so that URLs stay valid, else any free one."""

    def __init__(self, path: Path) -> None:
        """Args:
        path: The file with the ports of the last run.
        """
        self._path = path
        self._remembered = _read_ports(path)
        self._taken: set[int] = set()

    def choose(self, name: str, wanted: int | None, option: str, host: str = LOOPBACK) -> int:
        """Choose the port of one server and remember it.

        Args:
            name: The server.
            wanted: The requested port; 0 and None mean any.
            option: The option that changes it, for the error.
            host: The address that the server binds.

        Raises:
            PortInUse: The requested port is in use.
        """
        if wanted:
            self._require_free(name, wanted, option, host)
            port = wanted
        else:
            port = self._find_free(self._remembered.get(name), host)
        self._taken.add(port)
        self._remember(name, port)
        return port

    def _require_free(self, name: str, port: int, option: str, host: str) -> None:
        if port in self._taken or not is_port_free(port, host):
            raise PortInUse(
                f"port {port} for {name} is in use by another program. "
                f"Stop that program, or choose another port with {option} (0 takes a free one)."
            )

    def _find_free(self, remembered: int | None, host: str) -> int:
        candidates = [port for port in (remembered,) if port is not None]
        candidates += random.sample(FREE_PORTS, 200)
        for port in candidates:
            if port not in self._taken and is_port_free(port, host):
                return port
        raise PortInUse(f"no free port found from {FREE_PORTS.start} to {FREE_PORTS.stop - 1} on {host}.")

    def _remember(self, name: str, port: int) -> None:
        self._remembered[name] = port
        self._path.write_text(json.dumps(self._remembered))


def is_port_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen on the port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)  # two sockets may bind one address when both reuse it; only one may listen
        except OSError:
            return False
    return True


def is_listening(port: int, host: str = LOOPBACK, timeout_s: float = 0.2) -> bool:
    """Whether a server accepts connections on the port."""
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout_s):
        return True
    return False


def _read_ports(path: Path) -> dict[str, int]:
    try:
        ports = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {str(name): port for name, port in ports.items() if isinstance(port, int)} if isinstance(ports, dict) else {}
