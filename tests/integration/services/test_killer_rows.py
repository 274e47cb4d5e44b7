"""Rows that crash the process that predicts them, or never end: they fail alone, and all others are answered.

The killers are trees of scikit-learn whose stored nodes were altered: rows that go left at the root are read where no
memory is, or go round in a circle in C, where no exception reaches. The other rows of the same model are harmless.
"""

import os
import signal
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
import redis
from prometheus_client import REGISTRY
from structlog.typing import EventDict

from modelbus.predictor.engine import Engine
from modelbus.predictor.isolated_predictions import Suspects
from modelbus.predictor.lane import InteractiveLane
from modelbus.shared.bus import send_recorded
from modelbus.shared.bus.queues import SENT_AGAIN_HEADER
from modelbus.shared.contracts import Predict, new_correlation_id
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.stack import LocalStack
from tests.integration.lane_bench import LaneBench, lane_settings, predict, predicting
from tests.integration.stored_models import make_model
from tests.integration.worker_bench import opened
from tests.unit.tables import features, fit, rows_of
from tests.waiting import wait_until

TREE = "DecisionTreeClassifier"
NOWHERE = 2**40
ROOT = 0


def lead_left_to(node: int) -> Any:
    """Alters a tree: whatever goes left at its root comes to a node, there or not."""

    def alter(model: FittedModel) -> None:
        tree: Any = model.estimator
        state = tree.tree_.__getstate__()
        nodes = state["nodes"].copy()
        nodes["left_child"][0] = node
        tree.tree_.__setstate__({**state, "nodes": nodes})

    return alter


def rows_that_go(*, left: bool) -> list[Document]:
    model = fit(TREE).model
    tree: Any = model.estimator
    rows = rows_of(features())
    matrix, _ = model.encoder.rows(rows)
    goes_left = matrix[:, tree.tree_.feature[0]] <= tree.tree_.threshold[0]
    return [row for row, is_left in zip(rows, goes_left, strict=True) if is_left == left]


KILLING = rows_that_go(left=True)[0]
HARMLESS = rows_that_go(left=False)[0]


@pytest.fixture(scope="module")
def bench(servers: LocalStack, raw_redis: redis.Redis, fork_server: None) -> Iterator[LaneBench]:
    """One lane for all tests: each ends only if the lane outlives what it does."""
    raw_redis.flushall()
    settings = lane_settings(servers, 2, predict_slow_s=0.5, predict_time_limit_s=3)
    with opened(settings) as (tools, _):
        make_model(tools.database, "churn")
        with predicting(tools) as bench:
            yield bench


@pytest.fixture
def crashing(bench: LaneBench) -> str:
    """A model of the test's own, which was not set apart yet: rows that go left crash their process."""
    return new_killer(bench, "crashing", NOWHERE)


@pytest.fixture
def endless(bench: LaneBench) -> str:
    """Likewise: rows that go left never end."""
    return new_killer(bench, "endless", ROOT)


def new_killer(bench: LaneBench, kind: str, node: int) -> str:
    name = f"{kind}-{uuid4().hex[:8]}"
    make_model(bench.tools.database, name, TREE, lead_left_to(node))
    return name


def engine_of(bench: LaneBench) -> Engine:
    assert isinstance(bench.lane, InteractiveLane)
    return bench.lane._engine


def engine_pid(bench: LaneBench) -> int:
    """The process that predicts now."""
    return wait_until(lambda: child.pid if (child := engine_of(bench)._child) else None, "the engine runs")


def lost_engines(reason: str) -> float:
    return REGISTRY.get_sample_value("modelbus_predict_engines_lost_total", {"reason": reason}) or 0


def ways(job: Document) -> list[str]:
    return [entry["event"] for entry in job["history"]]


@pytest.mark.parametrize("is_interactive", [True, False])
def test_a_row_that_crashes_its_process_fails_alone_with_the_reason(
    bench: LaneBench, crashing: str, *, is_interactive: bool
) -> None:
    before = lost_engines("crashed")
    healthy = [predict() for _ in range(5)]
    same = [predict(HARMLESS, model=crashing) for _ in range(5)]
    killer = predict(KILLING, model=crashing)
    ids = bench.send(*healthy[:3], *same[:2], killer, *healthy[3:], *same[2:], is_interactive=is_interactive)
    jobs = {correlation_id: bench.wait_for(correlation_id) for correlation_id in ids}

    job = jobs.pop(killer["correlation_id"])
    assert (job["status"], job["error"]["code"]) == ("failed", "crashed")
    assert "killed by SIGSEGV" in job["error"]["message"]
    assert {job["status"] for job in jobs.values()} == {"succeeded"}
    assert lost_engines("crashed") - before == 2, "once with its neighbours, once alone"


@pytest.mark.parametrize("is_interactive", [True, False])
def test_a_row_that_never_ends_is_ended_and_holds_up_nobody(
    bench: LaneBench, endless: str, *, is_interactive: bool
) -> None:
    before = lost_engines("overrun")
    killer, neighbour = predict(KILLING, model=endless), predict(HARMLESS, model=endless)
    healthy = [predict() for _ in range(3)]
    ids = bench.send(killer, *healthy, neighbour, is_interactive=is_interactive)

    assert {bench.wait_for(correlation_id)["status"] for correlation_id in ids[1:]} == {"succeeded"}
    assert bench.job(killer["correlation_id"])["status"] == "running", "it runs still, in a process of its own"
    assert bench.answer(predict())["status"] == "succeeded"
    job = bench.wait_for(killer["correlation_id"])
    assert (job["status"], job["error"]["code"], job["attempt"]) == ("failed", "timed_out", 1)
    assert "MODELBUS_PREDICT_TIME_LIMIT_S" in job["error"]["message"]
    assert lost_engines("overrun") - before == 1


def test_a_model_that_held_up_others_does_so_once(bench: LaneBench, endless: str, logged: list[EventDict]) -> None:
    first = bench.send(predict(KILLING, model=endless))[0]
    wait_until(lambda: bench.job(first).get("status") == "running", "it runs apart")
    before = lost_engines("overrun")
    second = bench.send(predict(KILLING, model=endless))[0]
    assert bench.answer(predict())["status"] == "succeeded"
    assert lost_engines("overrun") == before
    assert {bench.wait_for(one)["error"]["code"] for one in (first, second)} == {"timed_out"}
    assert [line["model"] for line in logged if line["event"] == "model.isolated"] == [endless]


def test_a_model_that_goes_on_crashing_is_asked_in_processes_of_their_own(bench: LaneBench, crashing: str) -> None:
    before = lost_engines("crashed")
    killers = bench.send(*(predict(KILLING, model=crashing) for _ in range(6)))
    jobs = [bench.wait_for(killer) for killer in killers]
    assert {(job["status"], job["error"]["code"]) for job in jobs} == {("failed", "crashed")}
    assert lost_engines("crashed") - before == 3
    harmless = bench.answer(predict(HARMLESS, model=crashing))
    assert (harmless["status"], ways(harmless)) == ("succeeded", ["accepted", "claimed", "succeeded"])


def test_what_is_answered_apart_is_what_is_answered_together(bench: LaneBench, crashing: str) -> None:
    command = predict(HARMLESS, HARMLESS, model=crashing, has_probabilities=True)
    together = bench.answer(dict(command))
    bench.send(*(predict(KILLING, model=crashing) for _ in range(6)))
    apart = wait_until(
        lambda: job if "claimed" in ways(job := bench.answer(dict(command))) else None, "the model is set apart"
    )
    assert apart["result"] == together["result"]
    version = bench.tools.library.version(crashing)
    usage = wait_until(
        lambda: (
            found
            if (found := bench.tools.database["usage"].find_one(version["correlation_id"])) and found["rows"] >= 4
            else None
        ),
        "what was answered apart is counted too",
    )
    assert usage["requests"] * 2 == usage["rows"]


@pytest.mark.parametrize("kind", ["crashing", "endless"])
def test_a_job_that_is_sent_again_is_claimed_before_it_is_computed(
    bench: LaneBench, request: pytest.FixtureRequest, kind: str
) -> None:
    model = request.getfixturevalue(kind)
    command = predict(KILLING, model=model, correlation_id=new_correlation_id())
    job = bench.tools.ledger.accept(new_job(Predict.model_validate(command), command["correlation_id"], door="http"))
    send_recorded(bench.tools.publisher, "predict", job["_id"], is_again=True)
    ended = bench.wait_for(job["_id"])
    assert "claimed" in ways(ended)
    assert (ended["status"], ended["error"]["code"]) == (
        "failed", "crashed" if kind == "crashing" else "timed_out"
    )  # fmt: skip
    assert bench.answer(predict())["status"] == "succeeded"


def test_a_message_that_is_sent_again_is_marked(bench: LaneBench) -> None:
    ids = bench.send(predict(), predict(), headers={SENT_AGAIN_HEADER: True})
    assert all("claimed" in ways(bench.wait_for(correlation_id)) for correlation_id in ids)


def test_a_killed_engine_is_replaced_and_its_requests_are_answered(bench: LaneBench) -> None:
    for _ in range(2):
        os.kill(engine_pid(bench), signal.SIGKILL)
        job = bench.answer(predict())
        assert (job["status"], ways(job)) == ("succeeded", ["succeeded"])


def test_an_engine_that_stands_still_is_replaced_and_its_requests_are_answered(
    bench: LaneBench, crashing: str, endless: str
) -> None:
    os.kill(engine_pid(bench), signal.SIGSTOP)
    ids = bench.send(predict(HARMLESS, model=crashing), predict(HARMLESS, model=endless))
    assert {bench.wait_for(correlation_id)["status"] for correlation_id in ids} == {"succeeded"}


def test_a_damaged_model_ends_its_own_requests_alone(bench: LaneBench) -> None:
    versions, models = bench.tools.database["versions"], bench.tools.database["models"]
    damages: dict[str, tuple[Any, Document]] = {
        "no-libraries": (versions, {"$unset": {"libraries": ""}}),
        "no-file": (versions, {"$set": {"blob_id": "gone"}}),
        "no-hash": (versions, {"$set": {"artifact_sha256": 7}}),
        "no-aliases": (models, {"$unset": {"aliases": ""}}),
        "odd-versions": (models, {"$set": {"aliases": {"champion": "one"}}}),
    }
    for name, (collection, change) in damages.items():
        make_model(bench.tools.database, name)
        key = name if collection is models else f"{name}@1"
        assert collection.update_one({"_id": key}, change).modified_count == 1
    ids = bench.send(*(command for name in damages for command in (predict(model=name), predict())))
    jobs = [bench.wait_for(correlation_id) for correlation_id in ids]
    assert [job["status"] for job in jobs] == ["failed", "succeeded"] * len(damages)
    assert all(ways(job) in (["failed"], ["succeeded"]) for job in jobs)


def test_a_model_is_forgotten_to_be_slow_and_few_are_remembered() -> None:
    suspects = Suspects()
    for number in range(5000):
        suspects.note(f"model-{number}", is_overrun=True)
    assert len(suspects._losses) <= 1000
    assert "model-4999" in suspects
    assert "model-0" not in suspects
