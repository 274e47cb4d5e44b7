"""Ctrl-C while a command waits, the shell's completion, and output whose reader has gone: in processes of their own."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from modelbus import cli
from modelbus.stack import LocalStack
from tests.e2e.api import Api, fresh
from tests.e2e.terminal import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
def terminal(
    stack: LocalStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Terminal:
    """A shell in an empty folder, told where the gateway is."""
    return Terminal(stack.gateway_url, tmp_path, monkeypatch, capsys)


def _train(endless_training: dict[str, Any], model: str) -> list[str]:
    values = [f"{name}={value}" for name, value in endless_training["hyperparameters"].items()]
    return [
        *("train", endless_training["dataset"], endless_training["target"]),
        *("-e", endless_training["estimator"], "-m", model),
        *(part for value in values for part in ("-s", value)),
        *(part for name in endless_training["features"] for part in ("--feature", name)),
    ]


@pytest.mark.parametrize("as_json", [False, True])
def test_ctrl_c_ends_the_waiting_and_says_how_to_go_on(
    terminal: Terminal, api: Api, endless_training: dict[str, Any], as_json: bool
) -> None:
    model = fresh("interrupted")
    with terminal.start(*_train(endless_training, model), *(["--json"] if as_json else [])) as waiting:
        job = wait_until(lambda: _job_of(api, model), "the job is there", 60)
        api.running_job(job)
        waiting.send_signal(signal.SIGINT)
        out, err = waiting.communicate(timeout=30)

    assert (waiting.returncode, out) == (130, "")
    assert "The job continues." in err
    assert f"modelbus jobs wait {job}" in err
    assert f"modelbus jobs cancel {job}" in err
    assert "Traceback" not in err
    assert api.job(job)["status"] == "running"
    terminal.ok("jobs", "cancel", job)
    assert api.ended_job(job)["status"] == "cancelled"


def _job_of(api: Api, model: str) -> str | None:
    for one in api.get("/jobs?command=TrainModel&limit=5").document["jobs"]:
        if api.job(one["correlation_id"])["spec"]["model"] == model:
            return str(one["correlation_id"])
    return None


def _completed(terminal: Terminal, *words: str, **variables: str) -> list[str]:
    """What bash would suggest for the last word."""
    environment = {
        **terminal.environment,
        **variables,
        "_MODELBUS_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(["modelbus", *words]),
        "COMP_CWORD": str(len(words)),
    }
    done = subprocess.run(
        [sys.executable, "-c", "from modelbus.cli import app; app(prog_name='modelbus')"],
        env=environment,
        cwd=terminal.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.stdout.split()


def test_names_are_completed_from_the_gateway(
    terminal: Terminal, number_dataset: str, amount_model: str, parcel_model: str
) -> None:
    assert "upload" in _completed(terminal, "datasets", "up")
    assert number_dataset in _completed(terminal, "datasets", "show", number_dataset[:9])
    assert amount_model in _completed(terminal, "predict", amount_model[:6])
    assert f"{amount_model}@champion" in _completed(terminal, "predict", f"{amount_model}@")
    assert _completed(terminal, "train", "x", "y", "--estimator", "RidgeC") == [
        "RidgeCV",
        "RidgeClassifier",
        "RidgeClassifierCV",
    ]


def test_without_a_gateway_nothing_is_completed_and_nothing_is_said(terminal: Terminal) -> None:
    assert _completed(terminal, "datasets", "show", "a", MODELBUS_URL="http://127.0.0.1:1") == []


def test_a_reader_that_has_seen_enough_is_no_error(terminal: Terminal) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with os.fdopen(write_end, "wb") as nobody:
        done = subprocess.run(
            [sys.executable, "-m", "modelbus", "estimators", "list", "--json"],
            env=terminal.environment,
            stdout=nobody,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert "Traceback" not in done.stderr
    assert "Exception ignored" not in done.stderr


def test_the_demo_can_be_started_by_its_command() -> None:
    assert "demo" in [command.name or command.callback.__name__ for command in cli.app.registered_commands]
