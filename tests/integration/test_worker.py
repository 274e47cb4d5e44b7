"""The worker with real child processes: whatever a job does, it ends in its record, and the service goes on."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen
from uuid import uuid4

import pytest
import redis
from pymongo import MongoClient
from structlog.typing import EventDict

from modelbus.stack import LocalStack
from shared.bus import EventSubscriber, Publisher
from shared.contracts import new_correlation_id
from shared.contracts.records import TERMINAL_STATUSES
from shared.settings import Settings
from shared.store.connection import Document, create_indexes
from shared.worker.loop import Worker
from shared.worker.service import Tools, _open
from shared.worker.sweeper import Sweeper
from tests.integration.conftest import MakeConsumer
from tests.integration.job_handlers import ACT
from tests.integration.samples import train_command
from tests.integration.test_bus import receive
from tests.stack_fixtures import started
from tests.waiting import is_alive, wait_until

MEBIBYTE = 2**20
HANDLERS = {"TrainModel": ACT, "RetrainModel": "tests.integration.job_handlers:unknown_outcome"}
ROOT = Path(__file__).parents[2]


@dataclass
class Bench:
    """A worker at work, and what a test wants to know of it."""

    tools: Tools
    worker: Worker
    thread: threading.Thread

    def send(self, do: str, queue: str = "train", **wishes: Any) -> str:
        """Publish a command straight to the queue; returns its job's id."""
        correlation_id = new_correlation_id()
        command = train_command(hyperparameters={"do": do, **wishes}).model_dump(mode="json", exclude_none=True)
        self.tools.publisher.send(queue, command, correlation_id=correlation_id)
        return correlation_id

    def job(self, correlation_id: str) -> Document:
        return self.tools.ledger.find(correlation_id) or {}

    def wait_for(self, correlation_id: str, *statuses: str) -> Document:
        wanted = statuses or TERMINAL_STATUSES
        return wait_until(
            lambda: job if (job := self.job(correlation_id)).get("status") in wanted else None,
            f"the job is {' or '.join(sorted(wanted))}",
            state=lambda: self.job(correlation_id),
        )

    def run(self, do: str, **wishes: Any) -> Document:
        return self.wait_for(self.send(do, **wishes))

    def child_of(self, correlation_id: str) -> int:
        """The id of the process that does a job, once the job's heartbeat has told it."""
        progress = wait_until(
            lambda: self.job(correlation_id).get("progress"),
            "the job has told its process id",
            state=lambda: self.job(correlation_id),
        )
        return int(progress["message"].removeprefix("pid "))


def quick_settings(servers: LocalStack, **changes: Any) -> Settings:
    return Settings.model_validate(
        {
            "mongo_url": servers.mongo_url,
            "bus_url": servers.bus_url,
            "mongo_database": f"test-{uuid4().hex[:12]}",
            "lease_s": 2,
            "heartbeat_s": 0.2,
            "sweep_s": 0.2,
            "cancel_grace_s": 0.3,
            "retry_backoff_s": 0,
            "stop_grace_s": 0,
            "job_memory_limit_bytes": 512 * MEBIBYTE,
            **changes,
        }
    )


@contextmanager
def opened(settings: Settings) -> Iterator[tuple[Tools, Sweeper]]:
    """The tools of a service, as a service makes them; closed and cleared afterwards."""
    tools, sweeper = _open("trainer", settings)
    create_indexes(tools.database)
    try:
        yield tools, sweeper
    finally:
        tools.publisher.close()
        sweeper._publisher.close()
        with MongoClient[Document](settings.mongo_url.get_secret_value()) as client:
            client.drop_database(settings.mongo_database)
        tools.database.client.close()


@contextmanager
def working(tools: Tools, *queues: str) -> Iterator[Bench]:
    """A worker that works inside the block."""
    worker = tools.worker(queues or ("train",), HANDLERS)
    thread = threading.Thread(target=worker.run, name="worker-of-test", daemon=True)
    thread.start()
    try:
        yield Bench(tools, worker, thread)
    finally:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive(), "the worker has stopped"


@pytest.fixture(scope="module")
def bench(servers: LocalStack, raw_redis: redis.Redis, fork_server: None) -> Iterator[Bench]:
    """One worker for all tests that leave it as it was: each ends only if the worker outlives what it does."""
    raw_redis.flushall()
    settings = quick_settings(servers, concurrency=2, bus_url=bench_url(servers))
    with opened(settings) as (tools, _), working(tools) as bench:
        yield bench


def bench_url(servers: LocalStack) -> str:
    """A Redis database of the bench's own, so that it takes no other worker's messages."""
    return servers.bus_url.removesuffix("/0") + "/1"


# --- how jobs end ---


def test_a_job_that_comes_through_has_succeeded(bench: Bench) -> None:
    job = bench.run("answer_oddly", report={"answer": 42, "$status": "$$NOW"})
    assert (job["status"], job["attempt"], job["error"]) == ("succeeded", 1, None)
    assert (job["result"]["answer"], job["result"]["$status"]) == (42, "$$NOW")
    assert job["result"]["pid"] != os.getpid(), "it was done in another process"
    assert [entry["what"] for entry in job["history"]] == ["accepted", "claimed", "succeeded"]
    assert (job["door"], job["owner"]) == ("queue", "local")


def test_an_error_of_the_handler_keeps_its_code_words_and_details(bench: Bench) -> None:
    job = bench.run("reject")
    assert (job["status"], job["attempt"]) == ("failed", 1)
    assert job["error"] == {
        "code": "estimator_rejected",
        "message": "LogisticRegression rejected the data",
        "details": [{"where": "penalty", "problem": "l3"}],
    }


def refuse_documents(bench: Bench, rule: Document) -> None:
    """Have MongoDB refuse the jobs that do not fulfil a rule: a fault that no worker foresees."""
    bench.tools.database.command("collMod", "jobs", validator=rule, validationLevel="strict")


def test_a_job_that_cannot_be_accepted_for_an_unforeseen_reason_ends_and_the_worker_goes_on(bench: Bench) -> None:
    refuse_documents(bench, {"status": {"$ne": "queued"}})
    try:
        job = bench.run("answer_oddly", report={})
    finally:
        refuse_documents(bench, {})
    assert (job["status"], job["error"]["code"]) == ("failed", "internal")
    assert "the service failed on this command" in job["error"]["message"]
    assert bench.run("answer_oddly", report={})["status"] == "succeeded"


def test_a_message_whose_job_cannot_be_recorded_at_all_is_kept_as_poison(bench: Bench, servers: LocalStack) -> None:
    refuse_documents(bench, {"status": {"$nin": ["queued", "failed"]}})
    try:
        bench.send("answer_oddly", report={})
        with redis.Redis.from_url(bench_url(servers)) as broker:
            wait_until(lambda: broker.llen("train.poison"), "the message is kept")
            broker.delete("train.poison")
    finally:
        refuse_documents(bench, {})
    assert bench.run("answer_oddly", report={})["status"] == "succeeded"


def test_an_error_that_nobody_expected_is_internal_and_named_without_its_trace(bench: Bench) -> None:
    job = bench.run("divide")
    assert job["status"] == "failed"
    assert job["error"] == {"code": "internal", "message": "ZeroDivisionError: division by zero", "details": []}


def test_a_job_that_misses_a_server_is_tried_again_until_it_comes_through(bench: Bench, servers: LocalStack) -> None:
    correlation_id = bench.send("miss_store", attempts=2)
    for attempt in (1, 2):
        wait_until(
            lambda: (job := bench.job(correlation_id)) and (job["status"], job["attempt"]) == ("queued", attempt),  # noqa: B023
            f"attempt {attempt} has failed",
            state=lambda: bench.job(correlation_id),
        )
        bench.tools.publisher.send("train", train_message(bench, correlation_id), correlation_id=correlation_id)
    job = bench.wait_for(correlation_id)
    assert (job["status"], job["attempt"], job["error"]) == ("succeeded", 3, None)


def train_message(bench: Bench, correlation_id: str) -> Document:
    return dict(bench.job(correlation_id)["spec"])


@pytest.mark.parametrize(
    ("do", "reason"),
    [
        ("leave", "it exited with status 7"),
        ("kill_itself", "killed by SIGKILL"),
        ("segfault", "killed by SIGSEGV"),
    ],
)
def test_a_process_that_dies_fails_its_job_alone(bench: Bench, do: str, reason: str) -> None:
    job = bench.run(do, status=7)
    assert (job["status"], job["error"]["code"], job["attempt"]) == ("failed", "crashed", 1)
    assert reason in job["error"]["message"]
    assert bench.run("nothing")["status"] == "succeeded", "the service does the next job"


def test_a_job_that_exits_without_an_error_has_not_succeeded(bench: Bench) -> None:
    job = bench.run("leave", status=0)
    assert (job["status"], job["error"]["code"]) == ("failed", "crashed")


def test_a_job_that_needs_too_much_memory_is_told_its_limit(bench: Bench) -> None:
    job = bench.run("allocate")
    assert (job["status"], job["error"]["code"]) == ("failed", "out_of_memory")
    assert "more than 512 MiB" in job["error"]["message"]
    assert "MODELBUS_JOB_MEMORY_LIMIT_BYTES" in job["error"]["message"]


@pytest.mark.parametrize("value", [2**63, 2**64 - 1])
def test_an_outcome_that_cannot_be_recorded_fails_its_job(bench: Bench, value: int) -> None:
    job = bench.run("answer_oddly", report={"text": "x"})
    assert job["status"] == "succeeded"
    job = bench.run("answer_number", text=str(value))
    assert (job["status"], job["error"]["code"], job["attempt"]) == ("failed", "internal", 1)
    assert "cannot be recorded" in job["error"]["message"]


def test_an_outcome_of_an_unknown_kind_fails_its_job(bench: Bench) -> None:
    correlation_id = new_correlation_id()
    bench.tools.publisher.send("train", {"command": "RetrainModel", "model": "churn"}, correlation_id=correlation_id)
    job = bench.wait_for(correlation_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "internal")
    assert "cannot be applied" in job["error"]["message"]


@pytest.mark.parametrize("do", ["sleep", "sleep_deaf", "backtrack"])
def test_a_cancelled_job_s_process_is_gone_whatever_it_does(bench: Bench, do: str) -> None:
    correlation_id = bench.send(do)
    child = bench.child_of(correlation_id)
    assert is_alive(child)
    bench.tools.ledger.request_cancel(correlation_id)
    job = bench.wait_for(correlation_id)
    assert job["status"] == "cancelled"
    wait_until(lambda: not is_alive(child), "the process is gone")


def test_a_job_without_its_lease_is_killed_and_left_to_who_has_it(bench: Bench) -> None:
    correlation_id = bench.send("sleep")
    child = bench.child_of(correlation_id)
    # Somebody took it over: the fence has moved on.
    bench.tools.database["jobs"].update_one({"_id": correlation_id}, {"$inc": {"fence": 1}})
    wait_until(lambda: not is_alive(child), "the process is gone")
    assert bench.job(correlation_id)["status"] == "running"
    bench.tools.database["jobs"].delete_one({"_id": correlation_id})


def test_a_heartbeat_keeps_a_long_job_s_lease_and_tells_its_progress(bench: Bench, tmp_path: Path) -> None:
    correlation_id = bench.send("wait_for_file", file=str(tmp_path / "go"))
    first = wait_until(lambda: bench.job(correlation_id).get("lease"), "the job runs")
    wait_until(
        lambda: bench.job(correlation_id)["lease"]["until"] > first["until"] + timedelta(seconds=0.5),
        "heartbeats extend the lease",
    )
    assert bench.job(correlation_id)["progress"]["fraction"] == 0.5
    (tmp_path / "go").touch()
    job = bench.wait_for(correlation_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 1)


def test_two_jobs_run_at_once_where_two_may(bench: Bench, tmp_path: Path) -> None:
    jobs = [bench.send("wait_for_file", file=str(tmp_path / "go")) for _ in range(2)]
    assert len({bench.child_of(job) for job in jobs}) == 2
    assert bench.worker.running_jobs == 2
    third = bench.send("nothing")
    (tmp_path / "go").touch()
    assert {bench.wait_for(job)["status"] for job in (*jobs, third)} == {"succeeded"}
    wait_until(lambda: bench.worker.running_jobs == 0, "nothing runs any more")


# --- what jobs print ---


def test_what_a_job_prints_is_logged_with_its_correlation_id(bench: Bench, logged: list[EventDict]) -> None:
    correlation_id = bench.send("say", text="first line\nsecond line \x1b[31m")
    bench.wait_for(correlation_id)
    printed = [line for line in logged if line["event"] == "job.printed"]
    assert {line["correlation_id"] for line in printed} == {correlation_id}
    assert [line["text"] for line in printed if line["text"] != "to stderr"] == [
        "first line",
        "second line \x1b[31m",
        "by write(2)",
    ]
    assert "to stderr" in {line["text"] for line in printed}


def test_a_job_that_prints_without_end_fills_no_log(bench: Bench, logged: list[EventDict]) -> None:
    job = bench.run("say", text="\n".join(str(number) for number in range(5000)))
    assert job["status"] == "succeeded"
    assert sum(line["event"] == "job.printed" for line in logged) == 1000
    assert sum(line["event"] == "job.printed_too_much" for line in logged) == 1


def test_every_line_of_a_job_has_its_correlation_id(bench: Bench, logged: list[EventDict]) -> None:
    correlation_id = bench.send("reject")
    bench.wait_for(correlation_id)
    wait_until(lambda: bench.worker.running_jobs == 0, "the job is over")
    of_jobs = [line for line in logged if line["event"].startswith("job.")]
    assert {"job.started", "job.finished"} <= {line["event"] for line in of_jobs}
    assert {line["correlation_id"] for line in of_jobs} == {correlation_id}


# --- what comes by the queue ---


def test_an_array_of_commands_is_done_command_by_command(bench: Bench) -> None:
    ids = [new_correlation_id() for _ in range(5)]
    good = train_command(hyperparameters={"do": "nothing"}).model_dump(mode="json")
    array = [{**good, "correlation_id": correlation_id} for correlation_id in ids]
    array[2] = {"command": "TrainModel", "correlation_id": ids[2]}
    bench.tools.publisher.send("train", array)
    jobs = [bench.wait_for(correlation_id) for correlation_id in ids]
    assert [job["status"] for job in jobs] == ["succeeded", "succeeded", "failed", "succeeded", "succeeded"]


def test_a_command_that_breaks_its_contract_is_recorded_and_answered(
    bench: Bench, consume: MakeConsumer, servers: LocalStack
) -> None:
    answers = f"answers-{uuid4()}"
    correlation_id = new_correlation_id()
    bench.tools.publisher.send(
        "train", {"command": "TrainModel", "seed": 2**63}, correlation_id=correlation_id, reply_to=answers
    )
    job = bench.wait_for(correlation_id)
    assert (job["status"], job["error"]["code"], job["command"]) == ("failed", "invalid_command", "TrainModel")
    # Whether there must be a target is only known with the estimator.
    assert {"model", "dataset", "estimator", "seed"} == {d["where"] for d in job["error"]["details"]}
    [answer] = receive(consume(answers, url=bench_url(servers)))
    assert answer.correlation_id == correlation_id
    assert (answer.documents[0]["status"], answer.documents[0]["error"]["code"]) == ("failed", "invalid_command")


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"command": "$$unheard_of"},
        {"command": {"$gt": ""}},
        {"command": "TrainModel", "a\x00b": 1},
        {"command": "TrainModel", "seed": 2**64 - 1, "model": {"$ne": None}},
        {"command": "TrainModel", "hyperparameters": {"a": [[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]}},
        {"command": "TrainModel", "contract": "$$NOW"},
        {"command": "Train\ud7ff\U0001f4a5" * 200},
    ],
    ids=lambda document: str(document)[:40],
)
def test_no_command_however_odd_stops_the_worker(bench: Bench, document: Document) -> None:
    correlation_id = new_correlation_id()
    bench.tools.publisher.send("train", document, correlation_id=correlation_id)
    job = bench.wait_for(correlation_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "invalid_command")
    assert bench.run("nothing")["status"] == "succeeded"


def test_a_command_on_the_wrong_queue_is_refused_and_told_the_right_one(bench: Bench) -> None:
    correlation_id = new_correlation_id()
    command = {"command": "EvaluateModel", "model": "churn", "dataset": "customers"}
    bench.tools.publisher.send("train", command, correlation_id=correlation_id)
    job = bench.wait_for(correlation_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "invalid_command")
    assert job["error"]["message"] == "EvaluateModel travels on queue 'evaluate', not 'train'"


def test_an_id_that_is_no_uuid_is_refused_under_a_fresh_one_that_the_answer_names(
    bench: Bench, consume: MakeConsumer, servers: LocalStack
) -> None:
    answers = f"answers-{uuid4()}"
    command = train_command(hyperparameters={"do": "nothing"}).model_dump(mode="json")
    bench.tools.publisher.send("train", command, correlation_id="job number 7", reply_to=answers)
    [answer] = receive(consume(answers, url=bench_url(servers)))
    job = bench.wait_for(answer.documents[0]["correlation_id"])
    assert (job["status"], job["error"]["details"][0]["given"]) == ("failed", "job number 7")


def test_a_command_that_is_sent_many_times_is_done_once(bench: Bench, tmp_path: Path) -> None:
    record = tmp_path / "runs"
    correlation_id = new_correlation_id()
    command = train_command(hyperparameters={"do": "nothing", "record": str(record)}).model_dump(mode="json")
    for _ in range(10):
        bench.tools.publisher.send("train", command, correlation_id=correlation_id)
    bench.wait_for(correlation_id)
    assert bench.run("nothing")["status"] == "succeeded", "all copies have come"
    assert record.read_text() == f"{correlation_id} 1\n"


def test_another_command_under_the_same_id_changes_nothing_and_is_answered(
    bench: Bench, consume: MakeConsumer, servers: LocalStack
) -> None:
    correlation_id = bench.send("nothing")
    before = bench.wait_for(correlation_id)
    answers = f"answers-{uuid4()}"
    other = train_command(model="prices").model_dump(mode="json")
    bench.tools.publisher.send("train", other, correlation_id=correlation_id, reply_to=answers)
    [answer] = receive(consume(answers, url=bench_url(servers)))
    assert answer.documents[0]["error"]["code"] == "correlation_id_reused"
    assert bench.job(correlation_id) == before


def test_the_end_of_a_job_is_told_to_everybody_and_to_its_sender(bench: Bench, servers: LocalStack) -> None:
    heard: list[dict[str, Any]] = []
    subscriber = EventSubscriber(bench_url(servers), "test", heard.extend)
    subscriber.start()
    assert subscriber.wait_subscribed(10)
    correlation_id = bench.send("reject")
    bench.wait_for(correlation_id)
    wait_until(lambda: any(event["status"] == "failed" for event in heard), "the end is told", state=lambda: heard)
    assert {event["correlation_id"] for event in heard} == {correlation_id}
    subscriber.stop()


# --- limits, stops and lost servers ---


def test_a_job_that_runs_too_long_is_ended(servers: LocalStack, broker: redis.Redis, fork_server: None) -> None:
    settings = quick_settings(servers, job_time_limit_s=0.5)
    with opened(settings) as (tools, _), working(tools) as bench:
        job = bench.run("sleep_deaf")
        assert (job["status"], job["error"]["code"]) == ("failed", "timed_out")
        assert "longer than 0.5 s (MODELBUS_JOB_TIME_LIMIT_S)" in job["error"]["message"]


def test_a_worker_that_stops_hands_its_job_back_and_another_does_it(
    servers: LocalStack, broker: redis.Redis, fork_server: None, tmp_path: Path
) -> None:
    with opened(quick_settings(servers)) as (tools, sweeper):
        with working(tools) as bench:
            correlation_id = bench.send("wait_for_file", file=str(tmp_path / "go"))
            child = bench.child_of(correlation_id)
        assert not is_alive(child)
        job = bench.job(correlation_id)
        assert (job["status"], job["attempt"], job["lease"]) == ("queued", 0, None)
        (tmp_path / "go").touch()
        sweeper.sweep()
        with working(tools) as other:
            job = other.wait_for(correlation_id)
        assert (job["status"], job["attempt"]) == ("succeeded", 1)
        assert [entry["what"] for entry in job["history"]] == [
            "accepted",
            "claimed",
            "released",
            "claimed",
            "succeeded",
        ]


def test_a_stopping_worker_lets_a_job_end_that_takes_no_longer_than_its_grace(
    servers: LocalStack, broker: redis.Redis, fork_server: None, tmp_path: Path
) -> None:
    with opened(quick_settings(servers, stop_grace_s=30)) as (tools, _), working(tools) as bench:
        correlation_id = bench.send("wait_for_file", file=str(tmp_path / "go"))
        bench.child_of(correlation_id)
        bench.worker.stop()
        (tmp_path / "go").touch()
        assert bench.wait_for(correlation_id)["status"] == "succeeded"
        wait_until(lambda: not bench.thread.is_alive(), "the worker ends long before its grace does")


@pytest.fixture
def fragile(servers: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    """A MongoDB that may be killed."""
    folder = tmp_path_factory.mktemp("fragile") / ".modelbus"
    with started(LocalStack(folder, services=(), bus_url=servers.bus_url)) as stack:
        yield stack


def test_what_a_job_gave_while_mongodb_was_away_is_recorded_when_it_is_back(
    fragile: LocalStack, broker: redis.Redis, fork_server: None, tmp_path: Path
) -> None:
    settings = quick_settings(fragile, lease_s=30, heartbeat_s=0.2)
    record = tmp_path / "runs"
    with opened(settings) as (tools, _), working(tools) as bench:
        correlation_id = bench.send("wait_for_file", file=str(tmp_path / "go"), record=str(record))
        bench.child_of(correlation_id)
        waiting = bench.send("nothing")
        fragile.kill("mongod")
        (tmp_path / "go").touch()
        fragile.wait_until_ready("mongod")
        job = bench.wait_for(correlation_id)
        assert (job["status"], job["attempt"]) == ("succeeded", 1)
        assert record.read_text() == f"{correlation_id} 1\n", "it was done once"
        assert bench.wait_for(waiting)["status"] == "succeeded", "what waited is done as well"


# --- a whole service ---

SERVICE = f"""
import sys
from shared.worker.service import run_service
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
    workers = [entry["worker"] for entry in job["history"] if entry["what"] == "claimed"]
    assert [int(worker.rpartition("-")[2]) for worker in workers] == [service.process.pid, other.process.pid]
