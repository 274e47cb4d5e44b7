"""Whatever dies, an accepted job ends as it should: services, Redis and MongoDB are killed while jobs run."""

import http.client
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import redis

from modelbus.stack import LocalStack
from tests.e2e.api import Answer, Api, fresh
from tests.e2e.processes import group_of
from tests.e2e.tables import numbers
from tests.waiting import is_alive, wait_until

pytestmark = pytest.mark.timeout(240)

MEMBERS = ("redis", "mongod", "gateway", "trainer", "predictor", "evaluator")


@pytest.fixture(autouse=True)
def ready_again(stack: LocalStack) -> Iterator[None]:
    """Leave the stack as it was found."""
    yield
    for name in MEMBERS:
        stack.wait_until_ready(name)


@pytest.fixture
def quick_training(number_dataset: str) -> dict[str, Any]:
    """A training command, less its model, whose fit takes a moment."""
    return {"dataset": number_dataset, "target": "amount", "features": ["a", "b", "c"], "estimator": "Ridge"}


def _kill_and_see_it_back(stack: LocalStack, name: str, number: int = signal.SIGKILL) -> None:
    """End a service and wait until the stack has started it again."""
    pid = stack.service(name).pid
    stack.kill(name, number)
    wait_until(lambda: stack.service(name).pid not in (None, pid), f"{name} is started again", 60)
    stack.wait_until_ready(name)


def _accept(answer: Answer) -> str:
    assert answer.status == 202, answer
    return answer.correlation_id


def _train(api: Api, training: dict[str, Any]) -> str:
    return _accept(api.post("/models", {"model": fresh("survivor"), **training}))


def _events_of(job: dict[str, Any]) -> list[str]:
    return [entry["event"] for entry in job["history"]]


def test_a_fit_whose_trainer_is_killed_is_done_again(
    api: Api, stack: LocalStack, slow_training: dict[str, Any]
) -> None:
    correlation_id = _train(api, slow_training)
    api.running_job(correlation_id, doing="fitting")

    _kill_and_see_it_back(stack, "trainer")

    job = api.ended_job(correlation_id)
    assert (job["status"], job["attempt"], job["error"]) == ("succeeded", 2, None)
    assert "lapsed" in _events_of(job)
    assert api.get(f"/models/{job['spec']['model']}").document["versions"] == [1]


def test_a_bulk_prediction_whose_predictor_is_killed_is_done_again(
    api: Api, stack: LocalStack, slow_model: str, many_rows: str
) -> None:
    correlation_id = _accept(api.post(f"/models/{slow_model}/predict", {"dataset": many_rows}))
    api.running_job(correlation_id)

    _kill_and_see_it_back(stack, "predictor")

    job = api.ended_job(correlation_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 2)
    content = api.get(f"/predictions/{correlation_id}/content?format=csv").body
    assert content.count(b"\n") == job["result"]["row_count"] + 1 == 15_001


def test_an_evaluation_whose_evaluator_is_killed_is_done_again(
    api: Api, stack: LocalStack, slow_model: str, many_rows: str
) -> None:
    correlation_id = _accept(api.post("/evaluations", {"model": slow_model, "dataset": many_rows}))
    api.running_job(correlation_id, doing="predicting")

    _kill_and_see_it_back(stack, "evaluator")

    job = api.ended_job(correlation_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 2)
    assert api.get(f"/evaluations/{correlation_id}").document["row_count"] == 15_000


def test_an_upload_whose_evaluator_is_killed_at_once_becomes_a_dataset(api: Api, stack: LocalStack) -> None:
    name = fresh("survivor")
    correlation_id = _accept(api.upload(name, numbers(20_000), wait_s=0))

    _kill_and_see_it_back(stack, "evaluator")

    assert api.ended_job(correlation_id)["status"] == "succeeded"
    assert api.get(f"/datasets/{name}").document["row_count"] == 20_000


def test_the_process_of_a_fit_ends_with_its_killed_trainer(
    api: Api, stack: LocalStack, endless_training: dict[str, Any]
) -> None:
    correlation_id = _train(api, endless_training)
    api.running_job(correlation_id, doing="fitting")
    trainer = stack.service("trainer")
    group = group_of(stack, "trainer")
    assert trainer.pid in group
    assert len(group) > 2

    stack.kill("trainer")

    wait_until(lambda: not any(map(is_alive, group)), "no process of the trainer is left", 30)
    api.delete(f"/jobs/{correlation_id}")
    assert api.ended_job(correlation_id)["status"] == "cancelled"


def test_a_job_is_done_though_the_gateway_is_killed_right_after_it_accepted(
    api: Api, stack: LocalStack, quick_training: dict[str, Any]
) -> None:
    accepted = [_train(api, quick_training) for _ in range(3)]

    _kill_and_see_it_back(stack, "gateway")

    assert [api.ended_job(one)["status"] for one in accepted] == ["succeeded"] * 3


def test_a_prediction_asked_while_the_predictor_is_down_is_answered_when_it_is_back(
    api: Api, stack: LocalStack, amount_model: str
) -> None:
    stack.kill("predictor")

    answer = api.post(f"/models/{amount_model}/predict?wait=60", {"rows": [{"a": 1, "b": 2, "c": 3}]})

    assert answer.status == 200


def test_a_stopping_trainer_hands_back_its_fit_without_counting_the_attempt(
    api: Api, stack: LocalStack, slow_training: dict[str, Any]
) -> None:
    correlation_id = _train(api, slow_training)
    api.running_job(correlation_id, doing="fitting")

    _kill_and_see_it_back(stack, "trainer", signal.SIGTERM)

    job = api.ended_job(correlation_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 1)
    assert "released" in _events_of(job)
    assert "lapsed" not in _events_of(job)


def test_jobs_are_done_though_redis_forgets_everything(
    api: Api,
    broker: redis.Redis,
    quick_training: dict[str, Any],
    amount_model: str,
    unlabelled_dataset: str,
    number_dataset: str,
) -> None:
    rows = {"rows": [{"a": 1, "b": 2, "c": 3}]}
    asked = [("/models", {"model": fresh("survivor"), **quick_training}) for _ in range(3)]
    asked += [(f"/models/{amount_model}/predict", {"dataset": unlabelled_dataset})] * 2
    asked += [("/evaluations", {"model": amount_model, "dataset": number_dataset})] * 2
    asked += [(f"/models/{amount_model}/predict", rows)] * 2
    accepted = [_accept(api.post(path, body, headers={"Prefer": "respond-async"})) for path, body in asked]

    broker.flushall()

    assert [api.ended_job(one)["status"] for one in accepted] == ["succeeded"] * len(asked)
    assert api.post(f"/models/{amount_model}/predict", rows).status == 200


def test_jobs_are_done_though_redis_is_killed(
    api: Api, stack: LocalStack, quick_training: dict[str, Any], amount_model: str
) -> None:
    before = [_train(api, quick_training) for _ in range(3)]

    stack.kill("redis")

    while_away = [_train(api, quick_training) for _ in range(2)]
    stack.wait_until_ready("redis")
    assert [api.ended_job(one)["status"] for one in before + while_away] == ["succeeded"] * 5
    asked = api.post(f"/models/{amount_model}/predict?wait=60", {"rows": [{"a": 1, "b": 2, "c": 3}]})
    assert asked.status == 200


def test_http_says_so_while_mongodb_is_away_and_accepted_jobs_are_done_after_it(
    api: Api, stack: LocalStack, quick_training: dict[str, Any], slow_training: dict[str, Any]
) -> None:
    accepted = [_train(api, slow_training), *(_train(api, quick_training) for _ in range(2))]
    api.running_job(accepted[0])
    refusals: list[Answer] = []

    def is_refused() -> bool:
        # Each kill makes the stack wait longer before it starts the server again.
        stack.kill("mongod")
        try:
            answer = api.post("/models", {"model": fresh("refused"), **quick_training})
        except (OSError, http.client.HTTPException) as error:
            raise AssertionError("the gateway itself went away") from error
        if answer.status != 503:
            accepted.append(_accept(answer))
            return False
        refusals.append(answer)
        return True

    wait_until(is_refused, "a request is refused", 90)

    assert (refusals[0].code, refusals[0].headers["Content-Type"]) == ("store_unavailable", "application/problem+json")
    assert refusals[0].headers["Retry-After"]
    assert api.get("/health/live").status == 200
    stack.wait_until_ready("mongod")
    assert [api.ended_job(one)["status"] for one in accepted] == ["succeeded"] * len(accepted)


@pytest.mark.parametrize("service", ["trainer", "evaluator", "predictor"])
def test_a_service_goes_on_after_redis_refused_its_bookkeeping(
    api: Api,
    broker: redis.Redis,
    quick_training: dict[str, Any],
    amount_model: str,
    number_dataset: str,
    service: str,
) -> None:
    asked = {
        "trainer": ("/models", {"model": fresh("survivor"), **quick_training}),
        "evaluator": ("/evaluations", {"model": amount_model, "dataset": number_dataset}),
        "predictor": (f"/models/{amount_model}/predict", {"dataset": number_dataset}),
    }
    path, body = asked[service]
    # A text where a hash should be: whatever is noted or acknowledged is refused, while messages go on to come.
    broker.delete(f"unacked.{service}")
    broker.set(f"unacked.{service}", "in the way")
    during = _accept(api.post(path, body))
    assert api.ended_job(during)["status"] == "succeeded"

    broker.delete(f"unacked.{service}")

    afterwards = [_accept(api.post(path, body)) for _ in range(3)]
    assert [api.ended_job(one)["status"] for one in afterwards] == ["succeeded"] * 3
