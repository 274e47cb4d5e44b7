"""Free text, by either door: found at the upload, told in the version, learnt by its words or as the command says."""

from typing import Any

import pytest

from tests.e2e.api import Api
from tests.e2e.commands import train_command
from tests.e2e.doors import Door
from tests.e2e.tables import message_table

SPAM = "Congratulations!!! call 09061234567 now to claim your free ticket"


@pytest.fixture(scope="module")
def message_dataset(api: Api) -> str:
    return api.dataset(message_table(), "messages")


def command(dataset: str, **changes: Any) -> dict[str, Any]:
    return train_command(dataset, **{"estimator": "LogisticRegression", **changes})


def test_free_text_is_found_at_the_upload(api: Api, message_dataset: str) -> None:
    dataset = api.get(f"/datasets/{message_dataset}").document

    found = {column["name"]: column["is_free_text"] for column in dataset["columns"]}
    [told] = [alert for alert in dataset["alerts"] if alert["code"] == "free_text"]

    assert found == {"message": True, "n": False, "sender": False, "kind": False}
    assert told["column"] == "message"
    assert "becomes features of its words and word pairs" in told["message"]
    assert not [alert for alert in dataset["alerts"] if alert["code"] == "identifier_like"]


def test_a_model_of_messages_tells_spam_by_its_words(api: Api, door: Door, message_dataset: str) -> None:
    outcome = door.send(command(message_dataset, estimator="LogisticRegression"))

    assert outcome.status == "succeeded", outcome
    assert outcome.result is not None
    version = outcome.result["version"]
    assert version["metrics"]["roc_auc"] > 0.98
    assert {column["name"] for column in version["signature"]["columns"] if column["is_free_text"]} == {"message"}
    [told] = version["free_text"]
    assert (told["column"], told["feature_count"] > 20, told["term_count"] > 50) == ("message", True, True)
    assert not [warning for warning in version["warnings"] if "message" in warning]

    rows = [{"message": text, "n": 1, "sender": "Anna Smith 1"} for text in (SPAM, "xyzzy 12345678", None, "Shall we?")]
    asked = {"command": "Predict", "model": f"{version['model']}@1", "rows": rows}
    predicted = door.send(asked)
    one = door.send({**asked, "rows": rows[:1], "has_probabilities": True})

    assert predicted.result is not None, predicted
    assert one.result is not None, one
    assert predicted.result["predictions"][0] == one.result["predictions"][0] == "spam"
    assert predicted.result["report"]["unseen"]["message"] == 1
    assert predicted.result["report"]["missing"] == {"message": 1}

    other = api.dataset(message_table(seed=1, count=300), "more-messages")
    measured = api.post("/evaluations?wait=60", {"model": f"{version['model']}@1", "dataset": other})
    assert measured.document["metrics"]["roc_auc"] > 0.98


def test_a_training_may_say_what_is_free_text_and_what_is_not(door: Door, message_dataset: str) -> None:
    given = {"free_text": ["sender"], "categorical": ["message"]}
    checked = door.send(command(message_dataset, command="CheckTraining", **given))
    trained = door.send(command(message_dataset, **given))

    assert checked.result is not None, checked
    assert checked.result["free_text"] == ["sender"]
    assert trained.result is not None, trained
    version = trained.result["version"]
    assert [told["column"] for told in version["free_text"]] == ["sender"]
    assert version["metrics"]["roc_auc"] < 0.9
    assert [warning for warning in version["warnings"] if "'message' looks like free text" in warning]
