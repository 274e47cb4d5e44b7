"""The services of the stack as child processes: their environment, their ports, and when they are ready."""

import os
import sys
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import modelbus
from modelbus.stack.journal import Journal
from modelbus.stack.ports import LOOPBACK
from modelbus.stack.processes import ManagedProcess, OnChange, ProcessPlan
from modelbus.stack.stack_errors import ServiceFailed, StackError
from modelbus.stack.urls import http_url, reachable_host
from modelbus.stack_folder.stack_layout import Layout

GATEWAY = "gateway"
SERVICES = ("trainer", "predictor", "evaluator", GATEWAY)
PROBE_TIMEOUT_S = 2.0


class Service:
    """One service of Modelbus, started as ``python -m <name>``."""

    failure: type[StackError] = ServiceFailed

    def __init__(
        self,
        name: str,
        layout: Layout,
        environment: Mapping[str, str],
        journal: Journal,
        on_change: OnChange = lambda: None,
        *,
        command: Sequence[str] | None = None,
    ) -> None:
        """Args:
        name: The service.
        layout: The paths of its port file and its log.
        environment: Its settings; it gets the user's variables too.
        journal: The log of its restarts.
        on_change: Called when it starts and when it ends.
        command: What to run instead.
        """
        self.name = name
        self.port_file = layout.port_file(name)
        plan = ProcessPlan(
            name=name,
            command=command or service_command(name),
            environment={
                **os.environ,
                **python_path(),
                **environment,
                "MODELBUS_PORT_FILE": str(self.port_file.resolve()),
            },
            log_file=layout.log_file(name),
            before_start=lambda: self.port_file.unlink(missing_ok=True),
        )
        self._host = LOOPBACK if name != GATEWAY else reachable_host(plan.environment.get("MODELBUS_GATEWAY_HOST", ""))
        self.process = ManagedProcess(plan, journal, on_change)

    @property
    def pid(self) -> int | None:
        """Its process id; None while it is down."""
        return self.process.pid

    @property
    def restarts(self) -> int:
        """The number of its restarts."""
        return self.process.restarts

    @property
    def log_file(self) -> Path:
        """The file of its output."""
        return self.process.plan.log_file

    @property
    def port(self) -> int | None:
        """Its HTTP port; None until it has written it."""
        return read_port(self.port_file)

    @property
    def url(self) -> str | None:
        """The URL of /health/ready, /metrics and, of the gateway, everything else."""
        return None if (port := self.port) is None else http_url(self._host, port)

    def is_ready(self) -> bool:
        """Whether it is ready for work."""
        return self.pid is not None and (port := self.port) is not None and probe_ready(self._host, port)


def service_command(name: str) -> list[str]:
    """The command that starts a service; with ``-P``, files in the working directory cannot shadow its modules."""
    return [sys.executable, "-P", "-m", f"modelbus.{name}"]


def python_path() -> dict[str, str]:
    """The environment variable by which services find Modelbus when it runs from a checkout."""
    root = Path(modelbus.__file__).resolve().parents[1]
    if root.name in {"site-packages", "dist-packages"}:
        return {}
    paths = [*filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep)), str(root)]
    return {"PYTHONPATH": os.pathsep.join(paths)}


def probe_ready(host: str, port: int, timeout_s: float = PROBE_TIMEOUT_S) -> bool:
    """Whether a service is ready."""
    connection = HTTPConnection(host, port, timeout=timeout_s)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def read_port(path: Path) -> int | None:
    """Read a port file; None if it does not exist or is still empty."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
