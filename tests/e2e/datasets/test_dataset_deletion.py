"""With a dataset go its pages and exports."""

from uuid import uuid4

from pymongo.database import Database

from modelbus.shared.bus import Publisher
from modelbus.shared.store.blobs.blob_queries import export_id
from modelbus.shared.store.connection import Document
from tests.e2e.api import Api
from tests.e2e.contents import content, rows
from tests.e2e.tables import parcels
from tests.waiting import wait_until


def stored_of(database: Database[Document], correlation_ids: list[str]) -> tuple[int, int]:
    """How many jobs and files there are of some jobs."""
    query = {"metadata.correlation_id": {"$in": correlation_ids}}
    return database["jobs"].count_documents({"_id": {"$in": correlation_ids}}), database["fs.files"].count_documents(
        query
    )


def test_with_a_dataset_go_its_pages_and_exports(api: Api, database: Database[Document], publisher: Publisher) -> None:
    name = api.dataset(parcels(400), "passing")
    by_queue = str(uuid4())
    publisher.send("read", {"command": "ReadRows", "dataset": name}, correlation_id=by_queue)
    read = [rows(api, name, f"?offset={offset}").correlation_id for offset in (0, 1)]
    exported = [content(api, name, f"format={form}").correlation_id for form in ("csv", "jsonl")]
    wait_until(lambda: api.get(f"/jobs/{by_queue}").status == 200, "the command is recorded")
    api.ended_job(by_queue)
    everything = [by_queue, *read, *exported]
    assert stored_of(database, everything) == (5, 2)

    assert api.delete(f"/datasets/{name}").status == 204

    assert stored_of(database, everything) == (0, 0)
    blobs = [export_id(correlation_id, 1) for correlation_id in exported]
    assert database["fs.chunks"].count_documents({"files_id": {"$in": blobs}}) == 0


def test_a_dataset_of_the_same_name_has_pages_and_exports_of_its_own(api: Api) -> None:
    name = api.dataset("a\n1\n2\n", "again")
    before = [rows(api, name), content(api, name, "format=csv")]
    assert api.delete(f"/datasets/{name}").status == 204
    assert api.upload(name, "a\n3\n").status == 201

    after = [rows(api, name), content(api, name, "format=csv")]

    assert after[0].document["rows"] == [{"a": 3}]
    assert after[1].body == b"a\n3\n"
    assert not {answer.correlation_id for answer in before} & {answer.correlation_id for answer in after}


def test_an_export_that_runs_when_its_dataset_is_deleted_ends_and_leaves_nothing(
    api: Api, long_lived: str, database: Database[Document]
) -> None:
    correlation_id = api.get(f"/datasets/{long_lived}/content?format=jsonl&wait=0").correlation_id
    api.running_job(correlation_id)
    # As if it were killed in the middle of storing its file: a chunk without a file.
    blob_id = export_id(correlation_id, 1)
    database["fs.chunks"].insert_one({"files_id": blob_id, "n": 0, "data": b"half a file"})

    assert api.delete(f"/datasets/{long_lived}").status == 204

    assert stored_of(database, [correlation_id]) == (0, 0)
    assert database["fs.chunks"].count_documents({"files_id": blob_id}) == 0
    assert api.get(f"/datasets/{long_lived}/rows").code == "unknown_dataset"


def test_what_is_deleted_with_a_dataset_is_found_by_an_index(
    api: Api, messy_dataset: str, database: Database[Document]
) -> None:
    exported = content(api, messy_dataset, "format=csv").correlation_id
    found = [
        database["jobs"].find({"spec.dataset": "any", "command": {"$in": ["ReadRows", "ExportDataset"]}}),
        database["fs.files"].find({"metadata.correlation_id": {"$in": [exported, "other"]}}),
    ]

    assert [query.explain()["executionStats"]["totalDocsExamined"] for query in found] == [0, 1]
