"""The largest commands that are allowed: they are done, by whichever door they come, and nothing of them is poison."""

import json
from typing import Any
from uuid import uuid4

import pytest
import redis

from modelbus import QueueDoor
from modelbus.shared.bus import QUEUES, Publisher, poison_queue
from modelbus.shared.settings import Settings
from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(300)

BODY_LIMIT = Settings(_env_file=None).message_limit_bytes // 2
ROW_COUNT = 3200
COLUMNS = [f"measurement_{number:02}_of_the_day" for number in range(60)]


@pytest.fixture(scope="module")
def wide_model(api: Api) -> str:
    """A model of 60 columns."""
    lines = [",".join(str((row * column) % 17) for column in range(60)) + f",{row % 5}" for row in range(60)]
    dataset = api.dataset("\n".join([",".join([*COLUMNS, "y"]), *lines]), "wide")
    return str(api.train(dataset, "y", "LinearRegression")["version"]["model"])


def table(row_count: int = ROW_COUNT) -> dict[str, Any]:
    """Rows as columns and data: with its names in each row it is four times as large."""
    return {"columns": COLUMNS, "data": [[(row * column) % 17 for column in range(60)] for row in range(row_count)]}


def filled_up(limit: int, **beside: Any) -> bytes:
    """A body of rows of 60 columns, as large as may be, filled up with space."""
    rows = table(9000)
    text = json.dumps({**beside, **rows}, separators=(",", ":")).encode()
    while len(text) > limit:
        rows["data"] = rows["data"][: len(rows["data"]) * limit // len(text)]
        text = json.dumps({**beside, **rows}, separators=(",", ":")).encode()
    return text.ljust(limit)


def rows_of(body: bytes) -> int:
    return len(json.loads(body)["data"])


@pytest.fixture(autouse=True)
def _nothing_is_poison(api: Api, broker: redis.Redis) -> Any:
    before = api.get("/dead-letters").document
    yield
    assert api.get("/dead-letters").document == before
    assert [broker.llen(poison_queue(queue)) for queue in QUEUES] == [0] * len(QUEUES)


@pytest.mark.parametrize("prefer", ["wait=60", "respond-async"])
def test_the_largest_body_is_answered(api: Api, wide_model: str, prefer: str) -> None:
    body = filled_up(BODY_LIMIT)

    answer = api.post(f"/models/{wide_model}/predict", body, headers={"Prefer": prefer})

    assert answer.status == (200 if prefer.startswith("wait") else 202), answer.document
    job = api.ended_job(answer.correlation_id)
    assert (job["status"], job["attempt"]) == ("succeeded", 1)
    if answer.status == 200:
        assert len(answer.document["predictions"]) == rows_of(body)


def test_a_table_whose_rows_would_not_fit_with_their_names_is_answered_as_each_row_alone(
    api: Api, wide_model: str
) -> None:
    answer = api.post(f"/models/{wide_model}/predict", table(), headers={"Prefer": "wait=60"})

    assert answer.status == 200, answer.document
    assert len(answer.document["predictions"]) == ROW_COUNT
    alone = api.post(f"/models/{wide_model}/predict", {"columns": COLUMNS, "data": [table()["data"][-1]]})
    assert alone.document["predictions"] == answer.document["predictions"][-1:]
    assert api.job(answer.correlation_id)["spec"]["data"][0] == table()["data"][0], "the record has what was asked"


def test_one_byte_more_is_refused(api: Api, wide_model: str) -> None:
    answer = api.post(f"/models/{wide_model}/predict", filled_up(BODY_LIMIT) + b" ")

    assert (answer.status, answer.code) == (413, "limit_exceeded")


def test_the_largest_message_is_answered(api: Api, wide_model: str, publisher: Publisher, broker: redis.Redis) -> None:
    limit, correlation_id = BODY_LIMIT * 2 - 8192, str(uuid4())
    body = filled_up(limit, command="Predict", model=wide_model)
    # text in an envelope: as long as it is, but for two bytes a quotation mark
    body = body.strip().ljust(limit - body.count(b'"'))

    publisher.send("predict", body, correlation_id=correlation_id, reply_to=(replies := fresh("replies")))

    assert broker.brpop([replies], timeout=120)
    job = api.ended_job(correlation_id)
    assert (job["status"], job["attempt"], job["error"]) == ("succeeded", 1, None)


def test_a_larger_message_is_a_dead_letter_with_the_limit_in_its_reason(
    api: Api, wide_model: str, stack: LocalStack, broker: redis.Redis
) -> None:
    body = filled_up(BODY_LIMIT * 2, command="Predict", model=wide_model).decode()
    before = {letter["id"] for letter in api.get("/dead-letters?kind=message").document["dead_letters"]}

    broker.lpush("predict", json.dumps({"body": body}))

    def new() -> list[dict[str, Any]]:
        found = api.get("/dead-letters?kind=message").document["dead_letters"]
        return [letter for letter in found if letter["id"] not in before]

    (letter,) = wait_until(new, "the dead letter is kept", 60)
    assert f"{BODY_LIMIT * 2:,}" in letter["reason"]
    assert api.delete(f"/dead-letters/{letter['id']}").status == 204


def test_what_the_python_door_publishes_may_be_larger_than_a_message(
    api: Api, wide_model: str, stack: LocalStack, broker: redis.Redis
) -> None:
    with QueueDoor(bus_url=stack.bus_url, mongo_url=stack.mongo_url) as door:
        (job,) = door.publish({"command": "Predict", "model": wide_model, **table(9999), "has_scores": False})

    ended = api.ended_job(job)
    assert (ended["status"], ended["attempt"], ended["error"]) == ("succeeded", 1, None)
