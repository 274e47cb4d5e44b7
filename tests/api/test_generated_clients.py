"""Clients that a generator makes of the description, each in its language, against a running stack.

All tell the same story (``clients/story.*``): upload a file, train, predict, read, download, be refused, delete. They
stand on their language's own library, and in Python on what the generator asks for.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelbus.stack import LocalStack
from tests.api.conftest import Tools

pytestmark = pytest.mark.timeout(600)

CLIENTS = Path(__file__).parent / "clients"
TABLE = "size,price\n" + "".join(f"{size},{size * 7}\n" for size in range(1, 31))
Story = tuple[list[str | Path], Path]
"""A command that tells the story, and where it runs."""
Build = Callable[[Tools, Path, Path], Story]


def in_python(tools: Tools, document: Path, folder: Path) -> Story:
    tools.generate(document, "python", folder, {"packageName": "modelbus_gateway"})
    shutil.copy(CLIENTS / "story.py", folder)
    return [tools.folder / "bin" / "python", folder / "story.py"], folder


def in_typescript(tools: Tools, document: Path, folder: Path) -> Story:
    tools.generate(document, "typescript-fetch", folder / "gateway", {})
    shutil.copy(CLIENTS / "story.ts", folder)
    compiler = tools.script("typescript", "bin/tsc")
    where = ["--module", "commonjs", "--moduleResolution", "node10", "--target", "es2022", "--lib", "es2022,dom"]
    types = ["--types", "node", "--typeRoots", tools.folder / "node_modules" / "@types"]
    tools.run(tools.node, compiler, "--strict", *where, *types, "--outDir", "made", "story.ts", folder=folder)
    return [tools.node, folder / "made" / "story.js"], folder


def in_go(tools: Tools, document: Path, folder: Path) -> Story:
    tools.generate(document, "go", folder / "gateway", {"packageName": "gateway", "withGoMod": "false"})
    # tests that are generated beside it need a module of others
    shutil.rmtree(folder / "gateway" / "test", ignore_errors=True)
    shutil.copy(CLIENTS / "story.go", folder)
    (folder / "go.mod").write_text("module story\n\ngo 1.23\n")
    alone = {"GOPROXY": "off", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=mod", "CGO_ENABLED": "0"}
    cache = {"GOCACHE": str(tools.folder / "go-cache"), "GOPATH": str(tools.folder / "go-path")}
    tools.run(tools.folder / "bin" / "go", "build", "-o", "story", ".", folder=folder, **alone, **cache)
    return [folder / "story"], folder


@pytest.mark.parametrize("build", [in_python, in_typescript, in_go])
def test_a_generated_client_uploads_trains_predicts_and_downloads(
    tools: Tools, document: Path, stack: LocalStack, tmp_path: Path, build: Build
) -> None:
    table = tmp_path / "table.csv"
    table.write_text(TABLE)
    folder = tmp_path / "client"
    folder.mkdir()
    language = build.__name__.removeprefix("in_")

    command, where = build(tools, document, folder)
    told: dict[str, Any] = json.loads(tools.run(*command, stack.gateway_url, table, f"by-{language}", folder=where))

    assert told == {
        "upload_status": 201,
        "row_count": 30,
        "columns": ["size", "price"],
        "version": 1,
        "tags": {"by": language},
        "predictions": 1,
        "listed": True,
        "job": "succeeded",
        "content": TABLE,
        "refused": [404, "unknown_dataset"],
    }
