"""The stack's services as processes, with a stand-in that behaves as they do towards the stack."""

import io
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from modelbus.stack import LocalStack, LogRelay
from modelbus.stack.stack_errors import PortInUse, ServiceFailed, StackError
from modelbus.stack.waiting import wait_until
from tests.stack_fixtures import started
from tests.waiting import is_alive

FAKE = Path(__file__).parents[1] / "fake_service.py"
NAMES = ("trainer", "gateway")
Urls = dict[str, Any]


@pytest.fixture(scope="module")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Urls]:
    with started(LocalStack(tmp_path_factory.mktemp("servers"), services=(), is_persistent=False)) as stack:
        yield {"mongo_url": stack.mongo_url, "bus_url": stack.bus_url}


def stack_of(folder: Path, urls: Urls, **options: Any) -> LocalStack:
    commands = {name: (sys.executable, str(FAKE)) for name in NAMES}
    return LocalStack(folder, services=NAMES, commands=commands, **urls, **options)


def answer_of(url: str | None) -> Any:
    with urlopen(f"{url}/health/ready", timeout=5) as answer:
        return json.load(answer)


def events_in(stack: LocalStack, name: str) -> list[dict[str, Any]]:
    lines = stack.layout.log_file(name).read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_each_service_answers_where_the_stack_says(tmp_path: Path, urls: Urls) -> None:
    with stack_of(tmp_path, urls) as stack:
        trainer = stack.service("trainer")
        assert answer_of(trainer.url) == {"name": "trainer", "pid": trainer.pid}
        assert answer_of(stack.gateway_url) == {"name": "gateway", "pid": stack.service("gateway").pid}


def test_services_are_given_the_servers_and_the_settings(tmp_path: Path, urls: Urls) -> None:
    with stack_of(tmp_path, urls, environment={"FAKE_CHILD": "trainer"}) as stack:
        pass
    events = events_in(stack, "trainer")
    assert [event["event"] for event in events] == ["child.started", "service.ready", "service.stopped"]
    assert events[1]["mongo_url"] == urls["mongo_url"]


def test_a_service_that_is_killed_is_started_again_at_the_same_place(tmp_path: Path, urls: Urls) -> None:
    with stack_of(tmp_path, urls) as stack:
        url, pid = stack.gateway_url, stack.service("gateway").pid
        stack.kill("gateway")
        stack.wait_until_ready("gateway")
        assert answer_of(url)["pid"] == stack.service("gateway").pid != pid
        assert stack.service("gateway").restarts == 1
        said = [(line["event"], line.get("name"), line.get("how")) for line in events_in(stack, "stack")]
    assert ("process.ended", "gateway", "signal SIGKILL") in said
    assert ("process.restarting", "gateway", None) in said


def test_a_restart_on_request_lets_the_service_end_in_order(tmp_path: Path, urls: Urls) -> None:
    with stack_of(tmp_path, urls) as stack:
        pid = stack.service("trainer").pid
        stack.restart("trainer")
        assert stack.service("trainer").pid != pid
        assert [event["event"] for event in events_in(stack, "trainer")][:2] == ["service.ready", "service.stopped"]


def test_a_killed_service_takes_its_own_children_along(tmp_path: Path, urls: Urls) -> None:
    with stack_of(tmp_path, urls, environment={"FAKE_CHILD": "trainer"}) as stack:
        [child] = [event["child"] for event in events_in(stack, "trainer") if event["event"] == "child.started"]
        assert is_alive(child)
        stack.kill("trainer")
        assert wait_until(lambda: not is_alive(child), timeout_s=10)


def test_a_service_that_ends_while_starting_is_quoted_and_nothing_is_left(tmp_path: Path, urls: Urls) -> None:
    stack = stack_of(tmp_path, urls, environment={"FAKE_CRASH": "trainer"})
    with pytest.raises(ServiceFailed) as caught:
        stack.start()
    assert "trainer ended while starting (exit code 1)" in caught.value.message
    assert "RuntimeError: the settings make no sense" in caught.value.message
    assert all(member.process.pid is None for member in stack.members)


def test_a_service_that_never_becomes_ready_is_named(tmp_path: Path, urls: Urls) -> None:
    commands = {"trainer": (sys.executable, "-c", "import time; time.sleep(600)")}
    stack = LocalStack(tmp_path, services=("trainer",), commands=commands, **urls, start_timeout_s=0.3)
    with pytest.raises(ServiceFailed, match="trainer was not ready within"):
        stack.start()


def test_a_program_that_is_not_there_is_said(tmp_path: Path, urls: Urls) -> None:
    commands = {"trainer": ("/nowhere/trainer",)}
    with pytest.raises(ServiceFailed, match="cannot execute /nowhere/trainer: No such file"):
        LocalStack(tmp_path, services=("trainer",), commands=commands, **urls).start()


def test_the_gateway_s_busy_port_is_named_with_its_option(tmp_path: Path, urls: Urls) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=rf"port {port} .* --port"):
            stack_of(tmp_path, urls, gateway_port=port).start()


def test_logs_are_shown_with_their_service_and_kept_as_they_were(tmp_path: Path, urls: Urls) -> None:
    shown = io.StringIO()
    with stack_of(tmp_path, urls, relay=LogRelay(shown)) as stack:
        pass
    lines = shown.getvalue().splitlines()
    assert any("trainer    info    service.ready correlation_id=0b8f5d0e" in line for line in lines)
    assert any(line.endswith("trainer    a plain line") for line in lines)
    assert any("stack      info    stack.ready" in line for line in lines)
    assert "a plain line\n" in stack.service("trainer").log_file.read_text()


def test_what_the_stack_does_not_run_is_named(tmp_path: Path, urls: Urls) -> None:
    with (
        stack_of(tmp_path, urls) as stack,
        pytest.raises(StackError, match="runs no predictor; it runs trainer, gateway"),
    ):
        stack.service("predictor")
