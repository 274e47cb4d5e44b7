"""``modelbus logs`` and ``modelbus dead-letters`` as a person runs them, against a running gateway."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import redis

from modelbus.stack import LocalStack
from tests.e2e.api import Api
from tests.e2e.tables import numbers
from tests.waiting import wait_until

Run = Callable[..., subprocess.CompletedProcess[str]]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def environment(stack: LocalStack) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MODELBUS_")}
    return {**kept, "MODELBUS_URL": stack.gateway_url, "COLUMNS": "200", "PYTHONPATH": str(ROOT)}


@pytest.fixture
def run(environment: dict[str, str], tmp_path: Path) -> Run:
    """Runs ``modelbus`` in an empty folder."""

    def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "modelbus", *arguments],
            cwd=tmp_path,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def poisoned(api: Api, broker: redis.Redis) -> str:
    """The id of a message that cannot be read."""
    mark = str(uuid4())
    broker.lpush("evaluate", json.dumps({"body": f"junk {mark}"}))

    def found() -> list[str]:
        listed = api.get("/dead-letters?kind=message&queue=evaluate").document["dead_letters"]
        letters = [api.get(f"/dead-letters/{one['id']}").document for one in listed]
        return [letter["id"] for letter in letters if mark in letter["text"]]

    return str(wait_until(found, "the message becomes a dead letter", 60)[0])


def test_lines_of_one_job_are_merged_from_all_services(api: Api, run: Run, number_dataset: str) -> None:
    trained = api.train(number_dataset, "amount", "Ridge", features=["a"])["version"]["correlation_id"]
    path = f"/jobs/{trained}/logs"
    wait_until(lambda: len({one["service"] for one in api.get(path).document["lines"]}) > 1, "the lines are kept")
    shown = run("logs", "--correlation-id", trained)
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert {line.split()[1] for line in lines} == {"gateway", "trainer"}
    assert any("job.started" in line for line in lines)
    as_json = run("logs", "trainer", "--correlation-id", trained, "--json", "--lines", "2").stdout.splitlines()
    assert [json.loads(line)["service"] for line in as_json] == ["trainer", "trainer"]


def test_a_job_is_followed_to_its_end(api: Api, run: Run, number_dataset: str) -> None:
    trained = api.train(number_dataset, "amount", "Ridge", features=["b"])["version"]["correlation_id"]
    followed = run("logs", "--correlation-id", trained, "--follow")
    assert (followed.returncode, "job.finished" in followed.stdout) == (0, True), followed


def test_what_comes_next_is_shown_until_ctrl_c(api: Api, environment: dict[str, str], tmp_path: Path) -> None:
    marked = str(uuid4())
    arguments = ["logs", "gateway", "--follow", "--lines", "1", "--json"]
    with subprocess.Popen(
        [sys.executable, "-m", "modelbus", *arguments], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True
    ) as following:
        watchdog = threading.Timer(90, following.kill)
        watchdog.start()
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["service"] == "gateway"
        api.get("/services", headers={"X-Correlation-ID": marked})
        for line in following.stdout:
            if json.loads(line).get("correlation_id") == marked:
                break
        following.send_signal(signal.SIGINT)
        assert following.wait(30) == 0
        watchdog.cancel()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("logs", "trainr"), "unknown service 'trainr'"),
        (("logs", "--since", "yesterday"), "'yesterday' is not a valid time"),
        (("dead-letters", "show", str(uuid4())), "does not exist"),
    ],
)
def test_what_goes_wrong_is_a_sentence(run: Run, arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_gateway_and_a_stack_it_is_said_how_to_start_one(run: Run) -> None:
    done = run("dead-letters", "list", "--url", "http://127.0.0.1:1")
    assert (done.returncode, "no gateway answers at http://127.0.0.1:1" in done.stderr) == (3, True)


def test_a_message_is_listed_shown_mended_and_replayed(
    api: Api, broker: redis.Redis, run: Run, amount_model: str, number_dataset: str, tmp_path: Path
) -> None:
    letter_id = poisoned(api, broker)
    assert letter_id in run("dead-letters", "list", "--kind", "message").stdout
    shown = run("dead-letters", "show", letter_id).stdout
    assert any(line.startswith("reason ") and "the body is not valid JSON" in line for line in shown.splitlines())
    assert any(line.startswith("text ") and "junk" in line for line in shown.splitlines())

    (tmp_path / "bad.json").write_text(json.dumps({"command": "EvaluateModel", "model": "m"}))
    refused = run("dead-letters", "edit", letter_id, "--file", "bad.json")
    assert refused.returncode == 1
    assert "dataset: is required" in refused.stderr

    command = {"command": "EvaluateModel", "model": "nowhere", "dataset": number_dataset}
    (tmp_path / "good.json").write_text(json.dumps(command))
    edited = run("dead-letters", "edit", letter_id, "--file", "good.json", "--set", f"model={amount_model}", "--json")
    assert json.loads(edited.stdout)["edited_body"] == {**command, "model": amount_model}, edited.stderr

    replayed = run("dead-letters", "replay", letter_id)
    [correlation_id] = replayed.stdout.split()
    assert api.ended_job(correlation_id)["status"] == "succeeded"
    assert run("dead-letters", "show", letter_id).returncode == 1


def test_an_editor_changes_what_is_there_or_nothing(
    api: Api, broker: redis.Redis, run: Run, number_dataset: str, tmp_path: Path
) -> None:
    letter_id = poisoned(api, broker)
    command = {"command": "EvaluateModel", "model": "m", "dataset": number_dataset}
    api.call("PUT", f"/dead-letters/{letter_id}", {"body": command})
    untouched = run("dead-letters", "edit", letter_id, EDITOR="true")
    assert (untouched.returncode, "Nothing was changed" in untouched.stderr) == (1, True)
    edited = run("dead-letters", "edit", letter_id, "--json", VISUAL='sed -i s/\\"m\\"/\\"other\\"/')
    assert json.loads(edited.stdout)["edited_body"]["model"] == "other", edited.stderr


def test_messages_are_purged_once_it_is_certain(api: Api, broker: redis.Redis, run: Run) -> None:
    letter_id = poisoned(api, broker)
    assert run("dead-letters", "purge", "--kind", "message").returncode == 1
    assert api.get(f"/dead-letters/{letter_id}").status == 200
    refused = run("dead-letters", "purge", "--kind", "message")
    assert "Remove " in refused.stderr
    assert "dead letter" in refused.stderr, "how many are removed is said before it is asked"
    assert run("dead-letters", "purge").returncode == 2
    assert run("dead-letters", "purge", letter_id, "--yes").stdout == "1 dead letter removed\n"
    purged = run("dead-letters", "purge", "--kind", "message", "--yes", "--json")
    assert json.loads(purged.stdout)["purged"] >= 0
    assert run("dead-letters", "list", "--kind", "message").stdout == "There are no dead letters.\n"


def test_what_a_library_warns_of_is_in_the_log_of_its_job(api: Api) -> None:
    table = numbers(60)
    training = api.train(
        api.dataset(table), "kind", "MLPClassifier", features=["a", "b"], hyperparameters={"max_iter": 2}
    )
    path = f"/jobs/{training['version']['correlation_id']}/logs?level=warning"

    def warned() -> list[dict[str, Any]]:
        return [one for one in api.get(path).document["lines"] if "ConvergenceWarning" in str(one)]

    [line, *_] = wait_until(warned, "the warning is kept", state=lambda: api.get(path).document)
    assert (line["service"], line["event"]) == ("trainer", "fit.warned")
