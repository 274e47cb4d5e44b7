"""``modelbus events``: what happens to jobs, as it happens, until Ctrl-C."""

import json
import select
import signal
import subprocess
import sys

from modelbus.stack import LocalStack
from tests.e2e.api import Api
from tests.waiting import wait_until


def test_events_are_shown_as_they_happen(stack: LocalStack, api: Api, amount_model: str) -> None:
    command = [sys.executable, "-m", "modelbus", "events", "--url", stack.gateway_url, "--command", "Predict", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as shown:
        assert shown.stdout is not None
        asked: set[str] = set()

        def is_heard() -> bool:
            # it may not listen yet, and events are told once
            asked.add(api.post(f"/models/{amount_model}/predict", {"rows": [{"a": 1, "b": 2, "c": 3}]}).correlation_id)
            return bool(_readable(shown))

        wait_until(is_heard, "an event is shown", 60)
        event = json.loads(shown.stdout.readline())
        shown.send_signal(signal.SIGINT)
        _, said = shown.communicate(timeout=30)

    assert (event["command"], event["status"]) == ("Predict", "succeeded")
    assert event["correlation_id"] in asked
    assert (shown.returncode, said) == (0, "")


def test_a_gateway_that_is_not_there_is_told() -> None:
    command = [sys.executable, "-m", "modelbus", "events", "--url", "http://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)

    assert done.returncode == 3
    assert "no gateway answers at http://127.0.0.1:1" in done.stderr


def _readable(process: "subprocess.Popen[str]") -> bool:

    return bool(select.select([process.stdout], [], [], 0.5)[0])
