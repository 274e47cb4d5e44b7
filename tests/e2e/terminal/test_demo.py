"""The demo that a newcomer runs first, as they run it."""

import http.server
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from modelbus import Client
from modelbus.stack import LocalStack
from tests.stack_fixtures import started

ROOT = Path(__file__).parents[3]
UUID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b")


def _run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(ROOT / "examples" / "demo.py"), *arguments]
    environment = {**os.environ, "COLUMNS": "200"}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=220, check=False)


@pytest.mark.timeout(240)
def test_the_demo_shows_right_answers_and_finds_their_ids_in_the_logs(tmp_path: Path) -> None:
    with started(LocalStack(tmp_path / "probe", services=())):
        pass  # without servers on this machine the test is skipped here

    demo = _run("--keep", "--directory", str(tmp_path / ".modelbus"))

    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert demo.stderr == ""
    assert "accuracy" in demo.stdout
    assert "R²" in demo.stdout
    assert "All answers are right." in demo.stdout
    assert "kept:" in demo.stdout
    stated = set(UUID.findall(demo.stdout))
    assert len(stated) >= 15
    logged = "".join(path.read_text() for path in (tmp_path / ".modelbus" / "logs").glob("*.log"))
    assert {one for one in stated if one not in logged} == set()


def _assert_fails_clearly(demo: "subprocess.CompletedProcess[str]", *words: str, code: int = 1) -> None:
    assert demo.returncode == code
    assert "Traceback" not in demo.stdout + demo.stderr
    assert "the demo failed:" in demo.stdout
    for word in words:
        assert word in demo.stdout


def test_the_demo_says_so_when_nothing_answers(tmp_path: Path) -> None:
    _assert_fails_clearly(
        _run("--url", "http://127.0.0.1:1", "--directory", str(tmp_path)), "no gateway answers", "127.0.0.1:1", code=3
    )


def test_the_demo_says_so_when_the_address_is_none(tmp_path: Path) -> None:
    _assert_fails_clearly(_run("--url", "localhost", "--directory", str(tmp_path)), "localhost", code=3)


class _Liar(http.server.BaseHTTPRequestHandler):
    """Answers everything as Modelbus would, and wrongly."""

    status, body = 200, b""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(self.status)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(
    params=[(200, b'{"row_count": 3, "columns": []}'), (502, b"<html>Bad Gateway</html>")], ids=["wrong", "no"]
)
def liar(request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server that is no Modelbus."""
    status, body = request.param
    handler = type(f"Liar{uuid4().hex}", (_Liar,), {"status": status, "body": body})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_demo_says_so_when_an_answer_is_wrong(liar: str, tmp_path: Path) -> None:
    _assert_fails_clearly(_run("--url", liar, "--directory", str(tmp_path)), code=3)


def test_the_demo_runs_against_a_stack_that_is_there_and_leaves_nothing(stack: LocalStack, tmp_path: Path) -> None:
    demo = _run("--url", stack.gateway_url, "--directory", str(tmp_path / "elsewhere"))

    assert demo.returncode == 0, demo.stdout + demo.stderr
    assert "modelbus logs --correlation-id" in demo.stdout
    assert "removed: 3 evaluations, 3 models, 6 datasets" in demo.stdout
    assert not (tmp_path / "elsewhere").exists()
    with Client(stack.gateway_url) as client:
        left = [one.name for one in [*client.datasets.list(), *client.models.list()]]
    assert not [name for name in left if name.startswith(("tumours-", "wines-", "diabetes-"))]
