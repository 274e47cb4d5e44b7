"""The page of the queues' door and its examples: every command with its queue, and clients that wait long enough."""

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
