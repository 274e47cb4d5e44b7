"""docker-compose.yml, run for real: a project of its own, with secrets, a port and an image tag of its own."""

import json
import os
import socket
import subprocess
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.e2e.api import Api
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
SERVICES = ("gateway", "trainer", "predictor", "evaluator", "redis", "mongo")
START_S = 900.0
"""Far more than a start takes: the machine may be busy with other things, and the image may have to be built."""


class Project:
    """One compose project."""

    def __init__(self, secrets: Path) -> None:
        """Args:
        secrets: The folder of its secret files.
        """
        self.port = _free_port()
        self.secrets = secrets
        self._environment = {
            **os.environ,
            "COMPOSE_PROJECT_NAME": f"modelbus-test-{uuid4().hex[:8]}",
            "MODELBUS_SECRETS": str(secrets),
            "MODELBUS_BIND": "127.0.0.1",
            "MODELBUS_PORT": str(self.port),
            "MODELBUS_TAG": "test",
        }

    @property
    def url(self) -> str:
        """Where its gateway is published."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def admin_key(self) -> str:
        """The key that the secrets give."""
        return (self.secrets / "modelbus_admin_key").read_text()

    def api(self) -> Api:
        """Its HTTP door, as an admin."""
        return Api(self.url, self.admin_key)

    def compose(self, *arguments: str) -> str:
        """Run ``docker compose``; returns what it printed.

        Raises:
            AssertionError: It ended otherwise than well.
        """
        return self._run("docker", "compose", *arguments)

    def docker(self, *arguments: str) -> str:
        """Run ``docker``."""
        return self._run("docker", *arguments)

    def attempt(self, service: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command inside a service's container, however it ends."""
        return subprocess.run(
            ["docker", "exec", self.containers(service)[0], *command],
            capture_output=True,
            text=True,
            timeout=START_S,
            check=False,
        )

    def up(self, *arguments: str) -> None:
        """Bring everything up and wait until all is healthy."""
        self.compose("up", "-d", "--wait", "--wait-timeout", str(int(START_S)), *arguments)

    def containers(self, service: str) -> list[str]:
        """The ids of a service's containers, those that stopped included."""
        return self.compose("ps", "-aq", service).split()

    def inspect(self, service: str) -> dict[str, Any]:
        """What Docker knows of a service's first container."""
        found: dict[str, Any] = json.loads(self.docker("inspect", self.containers(service)[0]))[0]
        return found

    def wait_healthy(self, service: str) -> None:
        """Wait until Docker calls a service's container healthy."""

        def is_healthy() -> bool:
            state = self.inspect(service)["State"]
            return bool(state["Running"] and state["Health"]["Status"] == "healthy")

        wait_until(is_healthy, f"{service} is healthy", START_S, lambda: self.compose("logs", "--tail", "20", service))

    def _run(self, *command: str) -> str:
        ended = subprocess.run(
            command, cwd=ROOT, env=self._environment, capture_output=True, text=True, timeout=2 * START_S, check=False
        )
        assert ended.returncode == 0, f"{' '.join(command)}\n{ended.stdout[-4000:]}\n{ended.stderr[-4000:]}"
        return ended.stdout


def why_no_docker() -> str | None:
    """Why compose cannot be run here; None when it can."""
    for command in (["docker", "compose", "version"], ["docker", "info"]):
        try:
            ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except OSError as error:
            return f"there is no docker: {error}"
        if ended.returncode:
            return f"`{' '.join(command)}` fails: {ended.stderr.strip()[:300]}"
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
