"""Files whose storing fails while they are sent: the reader is told by a reset, never by another answer in the file."""

import base64
import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from modelbus import Client, errors
from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import JOB_TIMEOUT_S, Api
from tests.e2e.terminal import Terminal
from tests.twins import BlockedClient

pytestmark = pytest.mark.timeout(240)

CHUNK_BYTES = 1024 * 1024
KINDS = ["dataset", "export", "predictions", "artifact", "evaluation plot", "job plot"]
Place = Callable[[str], tuple[str, str]]


@pytest.fixture(scope="module")
def made(api: Api) -> dict[str, Any]:
    """A dataset, a model of it, its evaluation, its predictions."""
    dataset = api.dataset("a,amount\n" + "".join(f"{row},{row * 2}\n" for row in range(50)), "broken")
    version = api.train(dataset, "amount", "Ridge", features=["a"])["version"]
    evaluated = api.post("/evaluations?wait=60", {"model": version["model"], "dataset": dataset})
    predicted = api.post(f"/models/{version['model']}/predict?wait=60", {"dataset": dataset})
    assert (evaluated.status, predicted.status) == (201, 200), (evaluated, predicted)
    return {"dataset": dataset, "model": version["model"], "evaluation": evaluated, "predictions": predicted}


@pytest.fixture
def place(api: Api, made: dict[str, Any], database: Database[Document]) -> Place:
    """Where a kind of file is downloaded, and the id of its blob; the file is there."""

    def place(kind: str) -> tuple[str, str]:
        path = {
            "dataset": f"/datasets/{made['dataset']}/content",
            "export": f"/datasets/{made['dataset']}/content?format=csv&wait=60",
            "predictions": f"/predictions/{made['predictions'].correlation_id}/content",
            "artifact": f"/models/{made['model']}/versions/1/artifact",
            "evaluation plot": f"/evaluations/{made['evaluation'].document['id']}/plots/residuals.svg",
            "job plot": f"/jobs/{made['evaluation'].correlation_id}/plots/residuals.json",
        }[kind]
        whole = api.get(path)
        assert whole.status == 200, whole
        digest = hashlib.sha256(whole.body).hexdigest()
        [blob] = database["fs.files"].find({"metadata.sha256": digest, "length": len(whole.body)})
        return path, blob["_id"]

    return place


def tear(database: Database[Document], blob_id: str, chunk_count: int, missing: int) -> None:
    """Make a blob one of so many chunks, of which one is gone: as if it was deleted while it is read."""
    database["fs.files"].update_one(
        {"_id": blob_id}, {"$set": {"length": chunk_count * CHUNK_BYTES, "chunkSize": CHUNK_BYTES}}
    )
    database["fs.chunks"].delete_many({"files_id": blob_id})
    database["fs.chunks"].insert_many(
        [
            {"files_id": blob_id, "n": number, "data": b"x" * CHUNK_BYTES}
            for number in range(chunk_count)
            if number != missing
        ]
    )


def everything(api: Api, path: str, meanwhile: Callable[[], None] = lambda: None) -> tuple[bytes, bool]:
    """All bytes that come on a connection after one request, and whether it was reset at their end.

    Args:
        api: Where to ask.
        path: For what.
        meanwhile: Called after the first bytes, and whenever nothing comes for half a second.
    """
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with socket.create_connection((api.host, api.port), timeout=JOB_TIMEOUT_S) as connection:
        connection.sendall(head.encode())
        sent = connection.recv(1024)
        meanwhile()
        connection.settimeout(0.5)
        while True:
            try:
                chunk = connection.recv(65536)
            except TimeoutError:
                meanwhile()
            except ConnectionResetError:
                return sent, True
            else:
                if not chunk:
                    return sent, False
                sent += chunk


@pytest.mark.parametrize("kind", KINDS)
def test_each_file_tells_its_digest(api: Api, place: Place, kind: str) -> None:
    path, _ = place(kind)

    answer = api.get(path)

    digest = base64.b64encode(hashlib.sha256(answer.body).digest()).decode()
    assert answer.headers["Repr-Digest"] == f"sha-256=:{digest}:"
    assert int(answer.headers["Content-Length"]) == len(answer.body)
    head = api.call("HEAD", path)
    assert (head.headers["Repr-Digest"], head.body) == (answer.headers["Repr-Digest"], b"")
    again = api.get(path, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status, again.body) == (304, b"")


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_goes_while_it_is_sent_is_cut_off(
    api: Api, place: Place, database: Database[Document], kind: str
) -> None:
    path, blob_id = place(kind)
    kept = _kept(database, blob_id)
    tear(database, blob_id, 3, missing=1)
    try:
        sent, was_reset = everything(api, path)
    finally:
        _put_back(database, kept)

    assert was_reset
    assert sent.count(b"HTTP/1.1") <= 1
    assert b"problem" not in sent
    assert len(sent) < 2 * CHUNK_BYTES


def test_a_file_that_is_gone_before_it_is_sent_is_a_problem(
    api: Api, place: Place, database: Database[Document]
) -> None:
    path, blob_id = place("artifact")
    kept = _kept(database, blob_id)
    tear(database, blob_id, 3, missing=0)
    try:
        answer = api.get(path)
    finally:
        _put_back(database, kept)

    assert (answer.status, answer.code) == (404, "unknown_upload")


def test_a_mongodb_that_dies_while_a_file_is_sent_cuts_it_off(
    api: Api, stack: LocalStack, place: Place, database: Database[Document]
) -> None:
    path, blob_id = place("dataset")
    kept = _kept(database, blob_id)
    # A MongoDB that is back soon enough is asked for the rest: it is killed until it is given up.
    # More than one batch of MongoDB's and what fits into the buffers of a connection together
    tear(database, blob_id, 48, missing=-1)
    try:
        sent, was_reset = everything(api, path, lambda: stack.kill("mongod"))
    finally:
        stack.wait_until_ready("mongod")
        _put_back(database, kept)

    assert was_reset
    assert sent.count(b"HTTP/1.1") == 1
    assert b"problem" not in sent
    assert len(sent) < 48 * CHUNK_BYTES
    assert api.get(path).status == 200


@pytest.fixture(params=[Client, BlockedClient], ids=["blocking", "asynchronous"])
def impatient(request: pytest.FixtureRequest, stack: LocalStack) -> Iterator[Any]:
    """Each twin of the client, which tries once."""
    with request.param(stack.gateway_url, retry_s=0.0) as client:
        yield client


@pytest.mark.parametrize("fault", ["torn", "altered"])
def test_the_client_keeps_no_file_that_is_not_whole(
    impatient: Any, place: Place, made: dict[str, Any], database: Database[Document], tmp_path: Path, fault: str
) -> None:
    target = tmp_path / "table.parquet"
    target.write_text("an earlier file")
    _, blob_id = place("dataset")
    kept = _kept(database, blob_id)
    expected: type[errors.ModelbusError]
    if fault == "torn":
        tear(database, blob_id, 3, missing=2)
        expected = errors.GatewayUnreachable
    else:
        tear(database, blob_id, 3, missing=-1)
        expected = errors.DamagedDownload
    try:
        with pytest.raises(expected) as caught:
            impatient.datasets.download(made["dataset"], target)
        with pytest.raises(expected):
            impatient.datasets.to_frame(made["dataset"])
    finally:
        _put_back(database, kept)

    assert target.read_text() == "an earlier file"
    assert list(tmp_path.iterdir()) == [target]
    if fault == "altered":
        assert made["dataset"] in caught.value.message
        assert hashlib.sha256(b"x" * 3 * CHUNK_BYTES).hexdigest() in caught.value.message


def test_the_command_line_says_that_a_download_is_damaged(
    stack: LocalStack,
    place: Place,
    made: dict[str, Any],
    database: Database[Document],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, blob_id = place("artifact")
    kept = _kept(database, blob_id)
    tear(database, blob_id, 2, missing=-1)
    try:
        done = Terminal(stack.gateway_url, tmp_path, monkeypatch, capsys).run(
            "models", "artifact", f"{made['model']}@1", "model.skops"
        )
    finally:
        _put_back(database, kept)

    assert done.code == 1
    assert "is damaged, and was not kept" in " ".join(done.err.split())
    assert list(tmp_path.iterdir()) == []


def _kept(database: Database[Document], blob_id: str) -> list[tuple[str, Document]]:
    files = [("fs.files", one) for one in database["fs.files"].find({"_id": blob_id})]
    return files + [("fs.chunks", one) for one in database["fs.chunks"].find({"files_id": blob_id})]


def _put_back(database: Database[Document], kept: list[tuple[str, Document]]) -> None:
    blob_id = kept[0][1]["_id"]
    database["fs.chunks"].delete_many({"files_id": blob_id})
    database["fs.files"].delete_one({"_id": blob_id})
    for collection, document in kept:
        database[collection].insert_one(document)
