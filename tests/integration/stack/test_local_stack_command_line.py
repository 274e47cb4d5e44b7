"""``modelbus up``, ``status`` and ``logs`` as a person runs them, with stand-ins for the services."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from modelbus.stack import LocalStack
from modelbus.stack.waiting import wait_until
from tests.stack_fixtures import started
from tests.waiting import is_alive

ROOT = Path(__file__).parents[3]
FAKE = Path(__file__).parents[1] / "fake_service.py"
NAMES = ("trainer", "predictor", "evaluator", "gateway")
CORRELATION_ID = "0b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10"
BANNER = "Modelbus is ready"


@dataclass
class CommandLine:
    """Runs ``modelbus`` in one folder, with fake services in front of the real ones."""

    folder: Path
    environment: dict[str, str]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "modelbus", *arguments, "--directory", str(self.folder / ".modelbus")]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*arguments), env=self.environment, capture_output=True, text=True, timeout=60, check=False
        )

    def start_up(self, *arguments: str, until: str = BANNER) -> "Up":
        output = (self.folder / "up.txt").open("w")
        with output:
            process = subprocess.Popen(
                self.command("up", "--port", "0", *arguments),
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        up = Up(process, self.folder)
        assert wait_until(lambda: until in up.shown or process.poll() is not None, 30)
        assert process.poll() is None, up.shown
        return up


@dataclass
class Up:
    """A running ``modelbus up``."""

    process: "subprocess.Popen[bytes]"
    folder: Path

    @property
    def shown(self) -> str:
        return (self.folder / "up.txt").read_text()

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.folder / ".modelbus/run/state.json").read_text())
        return state

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(timeout=30)


def command_line(folder: Path, **variables: str) -> CommandLine:
    fakes = folder / "fakes"
    fakes.mkdir(parents=True)
    for name in NAMES:
        shutil.copy(FAKE, fakes / f"{name}.py")
    # Python imports this when it starts: the package then looks here first
    (fakes / "sitecustomize.py").write_text(f"import modelbus\n\nmodelbus.__path__.insert(0, {str(fakes)!r})\n")
    paths = [str(fakes), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELBUS_")}
    return CommandLine(folder, {**kept, "COLUMNS": "200", "PYTHONPATH": os.pathsep.join(paths), **variables})


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Skip where servers cannot run; the command line itself can only fail there."""
    with started(LocalStack(tmp_path_factory.mktemp("probe"), services=(), is_persistent=False)):
        pass


@pytest.fixture(scope="module")
def modelbus(machine: None, tmp_path_factory: pytest.TempPathFactory) -> CommandLine:
    return command_line(tmp_path_factory.mktemp("up"))


@pytest.fixture(scope="module")
def up(modelbus: CommandLine) -> Iterator[Up]:
    running = modelbus.start_up()
    yield running
    running.end()


def test_the_banner_says_where_the_gateway_is(up: Up) -> None:
    url = up.state["gateway_url"]
    with urlopen(url, timeout=5) as answer:
        assert json.load(answer)["name"] == "gateway"
    assert f"{url}/docs" in up.shown
    assert "modelbus datasets upload" in up.shown


def test_status_shows_every_process_ready(modelbus: CommandLine, up: Up) -> None:
    done = modelbus.run("status", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert [member["name"] for member in report["members"]] == ["redis", "mongod", *NAMES]
    assert all(member["is_ready"] and member["pid"] and member["port"] for member in report["members"])
    assert report["pid"] == up.process.pid


def test_status_shows_a_table_to_people(modelbus: CommandLine, up: Up) -> None:
    shown = modelbus.run("status").stdout
    assert all(name in shown for name in (*NAMES, "restarts", up.state["gateway_url"]))


def test_a_second_up_names_the_first_and_fails(modelbus: CommandLine, up: Up) -> None:
    done = modelbus.run("up")
    assert done.returncode == 1
    assert f"process {up.process.pid} at {up.state['gateway_url']}" in done.stderr
    assert "Traceback" not in done.stderr


def test_logs_of_all_services_come_in_time_order(modelbus: CommandLine, up: Up) -> None:
    done = modelbus.run("logs", "--json", "--lines", "1000")
    moments = [json.loads(line)["timestamp"] for line in done.stdout.splitlines() if line.startswith("{")]
    assert moments == sorted(moments)
    assert len(moments) > len(NAMES)


def test_logs_of_one_job_are_found_in_every_service(modelbus: CommandLine, up: Up) -> None:
    lines = modelbus.run("logs", "--correlation-id", CORRELATION_ID).stdout.splitlines()
    assert sorted(line.split()[1] for line in lines) == sorted(NAMES)


def test_logs_are_followed(modelbus: CommandLine, up: Up) -> None:
    with subprocess.Popen(
        modelbus.command("logs", "trainer", "--follow", "--lines", "0", "--json"),
        env=modelbus.environment,
        stdout=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        assert wait_until(lambda: has_open(following.pid, "trainer.log"), 10)
        with (modelbus.folder / ".modelbus/logs/trainer.log").open("a") as log:
            log.write("something new\n")
        assert following.stdout.readline() == "something new\n"
        following.send_signal(signal.SIGINT)
        assert following.wait(timeout=10) == 0


def has_open(pid: int, name: str) -> bool:
    """Say whether a process has a file open."""
    return any(link.resolve().name == name for link in Path(f"/proc/{pid}/fd").iterdir())


def test_logs_of_an_unknown_service_name_the_known(modelbus: CommandLine, up: Up) -> None:
    done = modelbus.run("logs", "trainr")
    assert done.returncode == 1
    assert "no log of 'trainr'" in done.stderr
    assert "trainer" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_everything_in_order(machine: None, tmp_path: Path, number: int) -> None:
    modelbus = command_line(tmp_path)
    up = modelbus.start_up()
    pids = [member["pid"] for member in up.state["members"]]
    assert up.end(number) == 0
    assert not any(is_alive(pid) for pid in pids)
    assert "service.stopped" in (tmp_path / ".modelbus/logs/trainer.log").read_text()
    status = modelbus.run("status")
    assert (status.returncode, "Start one with: modelbus up" in status.stdout) == (1, True)


def test_a_second_signal_kills_what_does_not_obey_the_first(machine: None, tmp_path: Path) -> None:
    up = command_line(tmp_path, FAKE_STUBBORN="trainer").start_up()
    pids = [member["pid"] for member in up.state["members"]]
    up.process.send_signal(signal.SIGINT)
    assert wait_until(lambda: "process.ended name=gateway" in up.shown, 10)
    assert is_alive(up.process.pid)
    assert up.end(signal.SIGINT) == 0
    assert not any(is_alive(pid) for pid in pids)


def test_a_signal_while_starting_stops_what_has_started(machine: None, tmp_path: Path) -> None:
    up = command_line(tmp_path, FAKE_SLOW="trainer").start_up(until="process.started name=gateway")
    pids = [member["pid"] for member in up.state["members"] if member["pid"]]
    assert up.end() == 130
    assert not any(is_alive(pid) for pid in pids)
    assert BANNER not in up.shown


def test_nothing_outlives_an_up_that_is_killed(machine: None, tmp_path: Path) -> None:
    modelbus = command_line(tmp_path)
    up = modelbus.start_up()
    pids = [member["pid"] for member in up.state["members"]]
    up.end(signal.SIGKILL)
    assert wait_until(lambda: not any(is_alive(pid) for pid in pids), 20)
    assert modelbus.run("status").returncode == 1
    modelbus.start_up().end()


def test_a_busy_port_is_a_sentence(machine: None, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        done = command_line(tmp_path).run("up", "--port", str(other.getsockname()[1]))
    assert done.returncode == 1
    assert "choose another port with --port" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_service_that_cannot_start_is_a_sentence_with_its_last_lines(machine: None, tmp_path: Path) -> None:
    done = command_line(tmp_path, FAKE_CRASH="evaluator").run("up", "--port", "0")
    assert done.returncode == 1
    assert "evaluator ended while starting" in done.stderr
    assert "the settings make no sense" in done.stderr
