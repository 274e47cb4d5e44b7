"""The page of the queues' door and its examples: every command with its queue, and clients that wait long enough."""

import json
import os
import re
from collections import defaultdict
from pathlib import Path
from runpy import run_path
from typing import Any, get_args

import kombu.transport.redis
import pytest
import redis

from modelbus.shared.bus import QUEUES
from modelbus.shared.contracts import Command, JobChanged

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "queue.md").read_text()
EXAMPLES = ROOT / "examples"


def section(title: str) -> str:
    return re.split(r"^##+ ", PAGE.split(f"## {title}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def test_the_page_lists_every_command_with_its_queue() -> None:
    expected: defaultdict[str, set[str]] = defaultdict(set)
    for kind in get_args(get_args(Command)[0]):
        expected[kind.queue].add(kind.__name__)
    rows = re.findall(r"^\| `([\w.]+)` \| (.*) \|$", section("Which command goes where"), re.MULTILINE)
    assert {queue: set(re.findall(r"`(\w+)`", commands)) for queue, commands in rows} == expected
    assert {queue for queue, _ in rows} == set(QUEUES)


@pytest.mark.parametrize("title", ["What becomes of it", "Finding the reply"])
def test_the_events_that_it_shows_are_events(title: str) -> None:
    for shown in re.findall(r"```json\n(.*?)```", PAGE.partition(f"# {title}\n")[2].partition("\n## ")[0], re.DOTALL):
        JobChanged.model_validate_json(shown)


def test_the_page_says_where_the_broker_is() -> None:
    told = section("Where the broker is")
    for place in ("modelbus status", ".modelbus/run/state.json", ".modelbus/run/ports.json", "MODELBUS_BUS_URL"):
        assert f"`{place}`" in told
    assert "`redis:6379`" in told
    assert "redis:6379" in (ROOT / "deploy" / "make-secrets.sh").read_text()


def test_the_example_with_redis_waits_longer_than_the_clients_own_time_out(monkeypatch: pytest.MonkeyPatch) -> None:
    example, opened = run_path(str(EXAMPLES / "queue_redis.py")), []

    def ask(broker: redis.Redis, *_: Any) -> None:
        opened.append(broker)
        raise SystemExit

    monkeypatch.setitem(example["main"].__globals__, "ask", ask)
    with pytest.raises(SystemExit):
        example["main"]("redis://127.0.0.1:1/0")

    (broker,) = opened
    assert broker.connection_pool.connection_kwargs["socket_timeout"] is None


def test_the_example_with_kombu_leaves_the_socket_without_a_time_out() -> None:
    assert kombu.transport.redis.Channel.socket_timeout is None
    assert "socket_timeout" not in (EXAMPLES / "queue_kombu.py").read_text()


def test_no_example_opens_redis_with_its_default_time_out() -> None:
    opens = re.compile(r"redis\.(?:Redis\.from_url|Redis|from_url)\((.*)\)")
    for path in [
        *EXAMPLES.rglob("*.py"),
        *EXAMPLES.rglob("*.md"),
        *EXAMPLES.rglob("*.ipynb"),
        *ROOT.glob("docs/**/*.md"),
    ]:
        for arguments in opens.findall(path.read_text()):
            assert "socket_timeout=None" in arguments, f"{path.name}: a blocking pop would end after five seconds"


FINDERS = [
    ("queue_redis.py", "broker_url", "MODELBUS_BUS_URL", "redis://127.0.0.1:25133/0"),
    ("queue_kombu.py", "broker_url", "MODELBUS_BUS_URL", "redis://127.0.0.1:25133/0"),
    ("http_requests.py", "gateway_url", "MODELBUS_URL", "http://127.0.0.1:30854"),
]


def _stack(folder: Path, process_id: int) -> None:
    (folder / ".modelbus/run").mkdir(parents=True)
    state = {"pid": process_id, "bus_url": "redis://127.0.0.1:25133/0", "gateway_url": "http://127.0.0.1:30854"}
    (folder / ".modelbus/run/state.json").write_text(json.dumps(state))


@pytest.mark.parametrize(("example", "function", "variable", "url"), FINDERS)
def test_an_example_finds_the_stack_of_its_folder_or_above_as_the_command_line_does(
    example: str, function: str, variable: str, url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    find = run_path(str(EXAMPLES / example))[function]
    monkeypatch.delenv(variable, raising=False)
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    _stack(tmp_path, os.getpid())
    _stack(below, 2**22 + 1)  # no process has this id: a stack that was killed
    for folder in (tmp_path, below):
        monkeypatch.chdir(folder)
        assert find() == url
    monkeypatch.setenv(variable, "redis://elsewhere")
    assert find() == "redis://elsewhere"


def test_without_a_stack_an_example_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MODELBUS_BUS_URL", raising=False)
    monkeypatch.chdir(tmp_path)
    for example in ("queue_redis.py", "queue_kombu.py"):
        with pytest.raises(SystemExit, match="no local stack is running in this folder or above it"):
            run_path(str(EXAMPLES / example))["broker_url"]()


def test_the_line_with_redis_cli_takes_the_address_of_the_stack() -> None:
    (block,) = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert block.startswith("BUS=$(modelbus status --json |")
    assert 'redis-cli -u "$BUS" LPUSH predict' in block
