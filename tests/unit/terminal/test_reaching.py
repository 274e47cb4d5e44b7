"""Where nobody listens, it is said at once: which address, and how to start something there."""

import socket
from collections.abc import Iterator

import pytest

from modelbus.commands.terminal.reaching import require_gateway, require_mongo, server_faults
from modelbus.errors import GatewayUnreachable, InvalidCommand, StoreUnavailable


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that nobody listens at, and that nobody else gets meanwhile."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture
def open_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_gateway_that_was_not_named_is_started_with_up(silent_port: int) -> None:
    with pytest.raises(GatewayUnreachable, match=r"no gateway runs here .*modelbus up.*--url"):
        require_gateway(f"http://127.0.0.1:{silent_port}", is_named=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_gateway_that_was_named_is_named_again(silent_port: int, host: str) -> None:
    url = f"http://{host}:{silent_port}"
    with pytest.raises(GatewayUnreachable) as raised:
        require_gateway(url, is_named=True)
    assert url in raised.value.message
    assert not raised.value.may_have_arrived


@pytest.mark.parametrize("url", ["localhost", "http://", "ftp://x", "http://127.0.0.1:99999", "http://[::", ""])
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(GatewayUnreachable, match="is not a valid address"):
        require_gateway(url, is_named=True)


def test_who_listens_is_reached(open_port: int) -> None:
    require_gateway(f"http://127.0.0.1:{open_port}/path", is_named=True)
    require_mongo(f"mongodb://user:secret@127.0.0.1:{open_port}/?replicaSet=rs0")


def test_one_member_of_a_replica_set_is_enough(open_port: int, silent_port: int) -> None:
    require_mongo(f"mongodb://127.0.0.1:{silent_port},127.0.0.1:{open_port}/admin")
    require_mongo("mongodb+srv://cluster.example.org/")  # found by DNS


def test_a_mongodb_that_is_not_there_is_named_without_its_password(silent_port: int) -> None:
    with pytest.raises(StoreUnavailable, match=r"modelbus up.*--mongo-url") as raised:
        require_mongo(f"mongodb://user:secret@127.0.0.1:{silent_port}/")
    assert "secret" not in raised.value.message


def test_another_scheme_is_no_mongodb() -> None:
    with pytest.raises(StoreUnavailable, match="is not an address of MongoDB"):
        require_mongo("redis://127.0.0.1")


def test_what_a_library_raises_becomes_one_sentence() -> None:
    with pytest.raises(StoreUnavailable, match="MongoDB: ValueError: bad"), server_faults(StoreUnavailable, "MongoDB"):
        raise ValueError("bad")
    with pytest.raises(InvalidCommand), server_faults(StoreUnavailable, "MongoDB"):
        raise InvalidCommand("as it was")
