"""The examples do what they say: run as a reader would run them, against a stack."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from modelbus.stack import LocalStack
from tests.e2e.api import Api

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


@pytest.fixture(scope="module")
def foreign_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The Python of another environment: it has the broker's clients, and nothing of this project."""
    folder = tmp_path_factory.mktemp("foreign")
    uv = str(Path(sys.executable).with_name("uv"))
    python = str(folder / "bin" / "python")
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True, timeout=TIMEOUT_S)
    packages = [f"kombu[redis]=={version('kombu')}", f"redis=={version('redis')}"]
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *packages], check=True, timeout=TIMEOUT_S)
    missing = subprocess.run([python, "-c", "import modelbus"], capture_output=True, cwd=folder)
    assert missing.returncode != 0
    return python


def test_the_queue_alone_trains_predicts_and_evaluates(stack: LocalStack, foreign_python: str) -> None:
    script = str((EXAMPLES / "queue_redis.py").resolve())

    # without an address: that of the stack that runs in the folder
    printed = _run(stack, foreign_python, script, folder=stack.layout.root.parent)

    lines = printed.splitlines()
    assert [line.split()[2] for line in lines if "<-" in line] == [
        "ProfileDataset",
        "TrainModel",
        "Predict",
        "EvaluateModel",
    ]
    assert [line.split()[-1] for line in lines if "->" in line] == ["succeeded"] * 4
    assert "          [86, 95]" in lines


def test_each_example_finds_the_stack_from_a_folder_below(stack: LocalStack) -> None:
    below = stack.layout.root.parent / "below"
    below.mkdir(exist_ok=True)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MODELBUS_")}
    script = [sys.executable, str((EXAMPLES / "http_requests.py").resolve())]
    done = subprocess.run(script, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment, cwd=below)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All calls were answered." in done.stdout


def test_kombu_alone_predicts(stack: LocalStack, foreign_python: str, tmp_path: Path, size_model: str) -> None:
    script = str((EXAMPLES / "queue_kombu.py").resolve())

    printed = _run(stack, foreign_python, script, stack.bus_url, size_model, folder=tmp_path)

    correlation_id, status, prediction, error = printed.split()
    assert (status, error) == ("succeeded", "None")
    assert float(prediction.strip("[]")) == pytest.approx(86, abs=2)
    assert Api(stack.gateway_url).job(correlation_id)["status"] == "succeeded"


def test_node_predicts(stack: LocalStack, tmp_path: Path, size_model: str) -> None:
    if shutil.which("npm") is None:
        assert not os.environ.get("CI"), "CI needs Node.js"
        pytest.skip("there is no Node.js here")
    subprocess.run(["npm", "install", "--silent", "--no-audit", "redis"], cwd=tmp_path, check=True, timeout=TIMEOUT_S)
    shutil.copy(EXAMPLES / "queue_node.mjs", tmp_path)

    printed = _run(stack, "node", "queue_node.mjs", stack.bus_url, size_model, folder=tmp_path)

    assert printed.split()[1] == "succeeded"


@pytest.fixture(scope="module")
def size_model(stack: LocalStack) -> str:
    """A model of the columns that the examples ask with."""
    api = Api(stack.gateway_url)
    table = "size,color,price\n" + "".join(
        f"{number},{('red', 'blue')[number % 2]},{7 * number + 3 * (number % 2)}\n" for number in range(1, 41)
    )
    return str(api.train(api.dataset(table, "sizes"), "price", "Ridge")["version"]["model"])
