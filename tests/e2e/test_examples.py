"""The examples do what they say: run as a reader would run them, against a stack."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from modelbus.stack import LocalStack

EXAMPLES = Path("examples")
TIMEOUT_S = 100


def _run(stack: LocalStack, *command: str, folder: Path | None = None) -> str:
    environment = {**os.environ, "MODELBUS_URL": stack.gateway_url}
    done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _without_run_ids(text: str) -> str:
    """What a run printed, with what differs from run to run as its document has it."""
    text = re.sub(r"(flats|rents|first-look)-[0-9a-f]{8}", r"\1-RUN", text)
    return re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}", "TASK", text)


def test_the_script_prints_what_its_document_shows(stack: LocalStack) -> None:
    printed = _run(stack, sys.executable, str(EXAMPLES / "http_requests.py"))

    (documented,) = re.findall(r"```text\n(.*?)```", (EXAMPLES / "http_requests.md").read_text(), re.DOTALL)
    assert _without_run_ids(printed) == documented


def test_the_script_says_that_nobody_answers() -> None:
    script = [sys.executable, str(EXAMPLES / "http_requests.py"), "--url", "http://127.0.0.1:1"]
    done = subprocess.run(script, capture_output=True, text=True, timeout=TIMEOUT_S)

    assert done.returncode == 1
    assert "no answer from http://127.0.0.1:1" in done.stderr


def test_the_curl_commands_work_as_they_stand(stack: LocalStack, tmp_path: Path) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", (EXAMPLES / "curl.md").read_text(), re.DOTALL)
    script = "set -euo pipefail\nshopt -s expand_aliases\n" + "\n".join(f"{block}\necho\n" for block in blocks)

    printed = _run(stack, "bash", "-c", script, folder=tmp_path)

    lines = [line for line in printed.splitlines() if line.startswith("{")]
    assert json.loads(lines[0])["name"] == "curl-shop"
    assert json.loads(lines[-1])["code"] == "unknown_dataset"
    assert "event: status" in printed
