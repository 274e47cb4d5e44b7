"""The worker with real child processes: whatever a job does, it ends in its record, and the worker goes on."""

import os
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest
import redis
from structlog.typing import EventDict

from modelbus.shared.contracts import new_correlation_id
from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.integration.conftest import MakeConsumer
from tests.integration.messages import receive
from tests.integration.worker_bench import Bench, bench_url
from tests.waiting import is_alive, wait_until

# --- how jobs end ---


def test_a_job_that_comes_through_has_succeeded(bench: Bench) -> None:
    job = bench.run("answer_oddly", report={"answer": 42, "$status": "$$NOW"})
    assert (job["status"], job["attempt"], job["error"]) == ("succeeded", 1, None)
    assert (job["result"]["answer"], job["result"]["$status"]) == (42, "$$NOW")
    assert job["result"]["pid"] != os.getpid(), "it was done in another process"
    assert [entry["event"] for entry in job["history"]] == ["accepted", "claimed", "succeeded"]
    assert (job["door"], job["owner"]) == ("queue", "queue")


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


def test_a_job_that_cannot_be_accepted_for_an_unforeseen_reason_ends_and_the_worker_goes_on(
    bench: Bench, consume: MakeConsumer, servers: LocalStack
) -> None:
    refuse_documents(bench, {"status": {"$ne": "queued"}})
    answers = f"answers-{uuid4()}"
    try:
        job = bench.wait_for(bench.send("answer_oddly", report={}, reply_to=answers))
    finally:
        refuse_documents(bench, {})
    assert (job["status"], job["error"]["code"]) == ("failed", "internal")
    [told] = receive(consume(answers, url=bench_url(servers)))
    assert (told.correlation_id, told.documents[0]["error"]["code"]) == (job["_id"], "internal")
    assert "the service failed while processing this command" in job["error"]["message"]
    assert bench.run("answer_oddly", report={})["status"] == "succeeded"


def test_a_message_whose_job_cannot_be_recorded_at_all_is_kept_as_poison(
    bench: Bench, consume: MakeConsumer, servers: LocalStack
) -> None:
    refuse_documents(bench, {"status": {"$nin": ["queued", "failed"]}})
    try:
        answers = f"answers-{uuid4()}"
        correlation_id = bench.send("answer_oddly", report={}, reply_to=answers)
        with redis.Redis.from_url(bench_url(servers)) as broker:
            wait_until(lambda: broker.llen("train.poison"), "the message is kept")
            broker.delete("train.poison")
        [told] = receive(consume(answers, url=bench_url(servers)))
        assert (told.correlation_id, told.documents[0]["error"]["code"]) == (correlation_id, "internal")
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
    assert "Input tag 'unheard of'" in job["error"]["message"]


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
    progress = wait_until(lambda: bench.job(correlation_id)["progress"], "a heartbeat notes the progress")
    assert progress["fraction"] == 0.5
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
    printed = [line for line in logged if line["event"] == "job.output"]
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
    assert sum(line["event"] == "job.output" for line in logged) == 1000
    assert sum(line["event"] == "job.output_truncated" for line in logged) == 1


def test_what_a_thread_of_a_job_logs_and_warns_of_belongs_to_the_job(bench: Bench, logged: list[EventDict]) -> None:
    correlation_id = bench.send("log_from_thread")
    assert bench.wait_for(correlation_id)["status"] == "succeeded"
    spoken = [line for line in logged if line["event"] in ("handler.spoke", "library.logged")]
    assert [line["event"] for line in spoken] == ["handler.spoke", "library.logged"]
    assert "RuntimeWarning: from a thread" in spoken[1]["text"]
    assert {line["correlation_id"] for line in spoken} == {correlation_id}
    assert spoken[0]["timestamp"] < spoken[1]["timestamp"]


def test_where_a_library_crashed_is_in_the_log_of_its_job(bench: Bench, logged: list[EventDict]) -> None:
    correlation_id = bench.send("segfault")
    bench.wait_for(correlation_id)
    traced = [line for line in logged if "Segmentation fault" in str(line.get("text"))]
    assert {(line["event"], line["correlation_id"]) for line in traced} == {("job.output", correlation_id)}
    assert any("in segfault" in str(line.get("text")) for line in logged)


def test_every_line_of_a_job_has_its_correlation_id(bench: Bench, logged: list[EventDict]) -> None:
    correlation_id = bench.send("reject")
    bench.wait_for(correlation_id)
    wait_until(lambda: bench.worker.running_jobs == 0, "the job is over")
    of_jobs = [line for line in logged if line["event"].startswith("job.")]
    assert all("correlation_id" in line for line in of_jobs)
    own = {line["event"] for line in of_jobs if line["correlation_id"] == correlation_id}
    assert {"job.started", "job.finished"} <= own


@pytest.mark.parametrize(
    ("do", "level"),
    [("nothing", "info"), ("reject", "warning"), ("divide", "error"), ("kill_itself", "error"), ("allocate", "error")],
)
def test_the_end_of_a_job_is_logged_as_gravely_as_it_is(
    bench: Bench, logged: list[EventDict], do: str, level: str
) -> None:
    correlation_id = bench.send(do)
    bench.wait_for(correlation_id)

    def ends() -> list[EventDict]:
        own = [line for line in list(logged) if line.get("correlation_id") == correlation_id]
        return [line for line in own if line["event"] == "job.finished"]

    (end,) = wait_until(ends, "the end is logged", state=lambda: logged)
    assert end["level"] == level, end
