"""A whole service in a process of its own: what it tells of itself, and how it ends."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from modelbus.shared.bus import Publisher
from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.integration.samples import train_command
from tests.integration.worker_bench import HANDLERS
from tests.waiting import is_alive, wait_until

ROOT = Path(__file__).parents[3]

SERVICE = f"""
import sys
from modelbus.shared.worker.service import run_service
sys.exit(run_service("trainer", ("train",), lambda tools: [tools.worker(("train",), {HANDLERS!r})]))
"""


@dataclass
class RunningService:
    """A service in a process of its own."""

    process: subprocess.Popen[bytes]
    port_file: Path
    database: Any
    publisher: Publisher

    def send(self, **wishes: Any) -> str:
        correlation_id = new_correlation_id()
        command = train_command(hyperparameters=wishes).model_dump(mode="json")
        self.publisher.send("train", command, correlation_id=correlation_id)
        return correlation_id

    def job(self, correlation_id: str) -> Document:
        return self.database["jobs"].find_one({"_id": correlation_id}) or {}

    def child_of(self, correlation_id: str) -> int:
        progress = wait_until(lambda: self.job(correlation_id).get("progress"), "the job has told its process id")
        return int(progress["message"].removeprefix("pid "))

    def answer_of(self, path: str) -> bytes:
        with urlopen(f"http://127.0.0.1:{self.port_file.read_text()}{path}", timeout=5) as answer:
            return bytes(answer.read())


StartService = Callable[..., RunningService]


@pytest.fixture
def start_service(servers: LocalStack, database: Any, publisher: Publisher, tmp_path: Path) -> Iterator[StartService]:
    processes: list[subprocess.Popen[bytes]] = []

    def start_service(**settings: str) -> RunningService:
        port_file = tmp_path / f"port-{len(processes)}"
        environment = {
            **os.environ,
            "MODELBUS_MONGO_URL": servers.mongo_url,
            "MODELBUS_BUS_URL": servers.bus_url,
            "MODELBUS_MONGO_DATABASE": database.name,
            "MODELBUS_PORT_FILE": str(port_file),
            "MODELBUS_HEARTBEAT_S": "0.2",
            "MODELBUS_LEASE_S": "2",
            "MODELBUS_SWEEP_S": "0.2",
            "MODELBUS_STOP_GRACE_S": "0",
            **settings,
        }
        process = subprocess.Popen(
            [sys.executable, "-c", SERVICE], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL
        )
        processes.append(process)
        wait_until(port_file.exists, "the service has started", timeout_s=30)
        return RunningService(process, port_file, database, publisher)

    yield start_service
    for process in processes:
        process.kill()
        process.wait()


def test_a_service_tells_that_it_lives_and_hands_its_work_back_on_sigterm(start_service: StartService) -> None:
    service = start_service()
    assert b'"status": "ok"' in service.answer_of("/health/ready")
    assert b"modelbus_jobs_running" in service.answer_of("/metrics")
    announced = wait_until(lambda: service.database["services"].find_one(), "the service is announced")
    assert (announced["service"], announced["pid"]) == ("trainer", service.process.pid)
    correlation_id = service.send(do="sleep")
    child = service.child_of(correlation_id)
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(20) == 0
    assert not is_alive(child)
    job = service.job(correlation_id)
    assert (job["status"], job["attempt"]) == ("queued", 0)
    assert service.database["services"].find_one() is None


def test_a_killed_service_leaves_no_process_behind_and_another_does_its_job(
    start_service: StartService, tmp_path: Path
) -> None:
    service = start_service()
    correlation_id = service.send(do="wait_for_file", file=str(tmp_path / "go"))
    child = service.child_of(correlation_id)
    service.process.kill()
    service.process.wait()
    wait_until(lambda: not is_alive(child), "the job's process is gone too")
    (tmp_path / "go").touch()
    other = start_service()
    job = wait_until(
        lambda: job if (job := other.job(correlation_id))["status"] == "succeeded" else None,
        "another service does the job",
        state=lambda: other.job(correlation_id),
    )
    assert (job["attempt"], job["fence"]) == (2, 3), "claimed, lapsed, claimed"
    workers = [entry["worker"] for entry in job["history"] if entry["event"] == "claimed"]
    assert [int(worker.rpartition("-")[2]) for worker in workers] == [service.process.pid, other.process.pid]
