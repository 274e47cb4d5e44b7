"""Reading a dataset back over HTTP: pages of rows, exports, and the end of both with their dataset."""

import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pyarrow.parquet as pq
import pytest
from pymongo.database import Database

from modelbus.stack import LocalStack
from shared.bus import Publisher
from shared.store.blobs import export_id
from shared.store.connection import Document
from tests.e2e.api import Answer, Api, fresh
from tests.e2e.tables import parcels
from tests.waiting import wait_until

LONG_COUNT = 120_003
"""Rows of three row groups."""
MESSY = (
    'id,"say ""a"", b",=cmd,when,zoned,flag,amount,whole,nothing\n'
    '1,"x, ""y""\nz",=1+1,2024-01-31,2024-01-31T10:00:00+02:00,yes,1.5,1.0,\n'
    "2,,-gx,,,no,-inf,,\n"
    "3, Zürich kg,@gx,1999-12-31T23:59:59.5,2024-01-31T10:00:00Z,,1e300,-7.0,\n"
)


@pytest.fixture(scope="module")
def long_dataset(api: Api) -> str:
    """A dataset of several row groups, whose rows are numbered."""
    lines = (f"{number},t{number % 977}kg,{number / 7}\n" for number in range(LONG_COUNT))
    return api.dataset("number,text,real\n" + "".join(lines), "long")


@pytest.fixture(scope="module")
def messy_dataset(api: Api) -> str:
    """A small dataset with everything that makes trouble."""
    return api.dataset(MESSY, "messy")


@pytest.fixture
def long_lived(api: Api) -> Iterator[str]:
    """A dataset of the test's own that takes seconds to export."""
    columns = [f"c{number}" for number in range(40)]
    lines = (",".join(str((row * 37 + number) / 7) for number in range(40)) + "\n" for row in range(60_000))
    name = api.dataset(",".join(columns) + "\n" + "".join(lines), "exported")
    yield name
    api.delete(f"/datasets/{name}")


def rows(api: Api, dataset: str, query: str = "", **headers: str) -> Answer:
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return api.get(f"/datasets/{dataset}/rows{query}", headers=fields)


def content(api: Api, dataset: str, query: str) -> Answer:
    answer = api.get(f"/datasets/{dataset}/content?{query}")
    assert answer.status == 200, answer
    return answer


def stored_of(database: Database[Document], correlation_ids: list[str]) -> tuple[int, int]:
    """How many jobs and files there are of some jobs."""
    query = {"metadata.correlation_id": {"$in": correlation_ids}}
    return database["jobs"].count_documents({"_id": {"$in": correlation_ids}}), database["fs.files"].count_documents(
        query
    )


# --- rows ---


def test_a_page_says_where_it_stands_and_where_it_goes_on(api: Api, long_dataset: str) -> None:
    answer = rows(api, long_dataset, "?offset=49999&limit=2")

    assert answer.status == 200
    assert answer.document == {
        "dataset": long_dataset,
        "offset": 49_999,
        "limit": 2,
        "row_count": LONG_COUNT,
        "columns": ["number", "text", "real"],
        "rows": [{"number": number, "text": f"t{number % 977}kg", "real": number / 7} for number in (49_999, 50_000)],
        "next": 50_001,
    }


def test_paging_through_a_dataset_gives_all_of_it(api: Api, long_dataset: str) -> None:
    found: list[Any] = []
    following: int | None = 119_000
    while following is not None:
        answer = rows(api, long_dataset, f"?offset={following}&limit=400&columns=number")
        found += [row["number"] for row in answer.document["rows"]]
        following = answer.document["next"]

    assert found == list(range(119_000, LONG_COUNT))


def test_pages_agree_with_the_parquet_file(api: Api, parcel_dataset: str) -> None:
    table = pq.read_table(io.BytesIO(content(api, parcel_dataset, "format=parquet").body))
    pages = [rows(api, parcel_dataset, f"?offset={offset}&limit=110").document["rows"] for offset in (0, 110, 220)]

    expected = [
        {name: cell.isoformat() if hasattr(cell, "isoformat") else cell for name, cell in row.items()}
        for row in table.to_pylist()
    ]
    assert [row for page in pages for row in page] == expected


@pytest.mark.parametrize("offset", [LONG_COUNT, LONG_COUNT + 1, 2**53])
def test_beyond_the_end_a_page_is_empty(api: Api, long_dataset: str, offset: int) -> None:
    answer = rows(api, long_dataset, f"?offset={offset}")

    assert (answer.status, answer.document["rows"], answer.document["next"]) == (200, [], None)


def test_columns_come_in_the_order_that_was_asked_for(api: Api, messy_dataset: str) -> None:
    name = 'say "a", b'

    answer = rows(api, messy_dataset, f"?columns={quote(name)}&columns=id&limit=1")

    assert answer.document["columns"] == [name, "id"]
    assert answer.document["rows"] == [{name: 'x, "y"\nz', "id": 1}]


def test_cells_are_what_json_has_for_them(api: Api, messy_dataset: str) -> None:
    first, second, third = rows(api, messy_dataset).document["rows"]

    assert (first["when"], first["zoned"]) == ("2024-01-31T00:00:00", "2024-01-31T08:00:00+00:00")
    assert (second["amount"], second["when"], second["flag"]) == ("-Infinity", None, False)
    assert (third["when"], third["whole"], third["nothing"]) == ("1999-12-31T23:59:59.500000", -7.0, None)
    schema = {column["name"]: column for column in api.get(f"/datasets/{messy_dataset}").document["columns"]}
    assert schema["zoned"]["minimum"] == first["zoned"]
    assert schema["when"]["maximum"] == first["when"]


def test_a_page_is_read_once_and_then_known(api: Api, long_dataset: str, database: Database[Document]) -> None:
    first, second = (rows(api, long_dataset, "?offset=77&limit=3") for _ in range(2))

    assert first.body == second.body
    assert first.correlation_id == second.correlation_id
    job = database["jobs"].find_one({"_id": first.correlation_id})
    assert job is not None
    assert (job["command"], job["attempt"], job["queue"]) == ("ReadRows", 1, "read")
    assert (job["expires_at"] - job["finished_at"]).total_seconds() == 3600


def test_a_page_that_is_forgotten_is_read_anew(api: Api, long_dataset: str, database: Database[Document]) -> None:
    first = rows(api, long_dataset, "?offset=78&limit=3")
    database["jobs"].delete_one({"_id": first.correlation_id})

    second = rows(api, long_dataset, "?offset=78&limit=3")

    assert (second.status, second.body, second.correlation_id) == (200, first.body, first.correlation_id)


def test_a_page_that_could_not_be_read_is_tried_again(
    api: Api, long_dataset: str, database: Database[Document]
) -> None:
    first = rows(api, long_dataset, "?offset=79&limit=3")
    error = {"code": "crashed", "message": "the worker died", "details": []}
    for status in ("failed", "dead", "cancelled"):
        changes = {"status": status, "result": None, "error": error}
        database["jobs"].update_one({"_id": first.correlation_id}, {"$set": changes})

        again = rows(api, long_dataset, "?offset=79&limit=3")

        assert (again.status, again.body, again.correlation_id) == (200, first.body, first.correlation_id)


def test_many_who_ask_for_one_page_at_once_are_answered_by_one_job(
    api: Api, long_dataset: str, database: Database[Document]
) -> None:
    first = rows(api, long_dataset, "?offset=81&limit=3")
    changes = {"status": "failed", "result": None, "error": {"code": "crashed", "message": "died", "details": []}}
    database["jobs"].update_one({"_id": first.correlation_id}, {"$set": changes})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: rows(api, long_dataset, "?offset=81&limit=3"), range(8)))

    assert {(one.status, one.body, one.correlation_id) for one in answers} == {(200, first.body, first.correlation_id)}
    history = [entry["what"] for entry in api.job(first.correlation_id)["history"]]
    assert (history.count("replayed"), history.count("succeeded")) == (1, 2)


@pytest.mark.parametrize("header", ["X_Correlation_ID", "Idempotency_Key"])
def test_a_page_has_the_id_that_its_caller_gives_it(api: Api, long_dataset: str, header: str) -> None:
    key = str(uuid4())

    answers = [rows(api, long_dataset, "?limit=1", **{header: key}) for _ in range(2)]

    assert answers[0].correlation_id == answers[1].correlation_id
    assert (answers[0].correlation_id == key) == (header == "X_Correlation_ID")
    assert answers[0].correlation_id != rows(api, long_dataset, "?limit=1").correlation_id
    assert rows(api, long_dataset, "?limit=2", **{header: key}).code == "correlation_id_reused"


def test_who_does_not_wait_is_answered_by_the_job(api: Api, long_dataset: str) -> None:
    answer = rows(api, long_dataset, "?offset=80&limit=1", Prefer="respond-async")

    assert answer.status == 202
    assert answer.headers["Location"] == f"/jobs/{answer.correlation_id}"
    assert api.ended_job(answer.correlation_id)["result"]["rows"] == [{"number": 80, "text": "t80kg", "real": 80 / 7}]
    assert rows(api, long_dataset, "?offset=80&limit=1", Prefer="respond-async").status == 200


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("offset=-1", "offset"),
        ("offset=x", "offset"),
        (f"offset={2**53 + 1}", "offset"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=", "limit"),
        ("columns=numbx", "columns.0"),
        ("columns=number&columns=", "columns.1"),
        ("columns=number&columns=text&columns=number", "columns.2"),
        ("columnz=number", "columnz"),
    ],
)
def test_a_faulty_query_is_refused_by_the_field_at_fault(api: Api, long_dataset: str, query: str, place: str) -> None:
    answer = rows(api, long_dataset, f"?{query}")

    assert (answer.status, answer.code, answer.places) == (422, "invalid_command", [place])


def test_a_likely_column_is_named(api: Api, long_dataset: str) -> None:
    answer = rows(api, long_dataset, "?columns=numbx")

    assert answer.detail == f"columns.0: no column 'numbx' in dataset {long_dataset!r} (is it 'number'?)"
    assert answer.document["errors"][0]["expected"] == ["number"]


def test_a_wide_dataset_is_paged_and_exported(api: Api) -> None:
    names = [f"c{number}" for number in range(1500)]
    lines = [",".join(f"{row + number}.5" for number in range(1500)) for row in range(250)]
    name = api.dataset(",".join(names) + "\n" + "\n".join(lines) + "\n", "wide")

    answer = rows(api, name, "?limit=250")
    again = rows(api, name, "?limit=250")

    assert answer.status == 200
    assert answer.document["columns"] == names
    assert answer.document["rows"] == [{f"c{n}": row + n + 0.5 for n in range(1500)} for row in range(250)]
    assert again.body == answer.body
    assert rows(api, name, "?columns=c1&columns=c1499&offset=249").document["rows"] == [{"c1": 250.5, "c1499": 1748.5}]
    assert content(api, name, "format=csv").body.decode() == ",".join(names) + "\n" + "\n".join(lines) + "\n"


def test_rows_and_contents_of_an_unknown_dataset_are_not_found(api: Api) -> None:
    name = fresh("nowhere")

    answers = [rows(api, name), api.get(f"/datasets/{name}/content?format=csv")]

    assert [(answer.status, answer.code) for answer in answers] == [(404, "unknown_dataset")] * 2


# --- exports ---


def test_an_export_as_csv_is_a_download(api: Api, messy_dataset: str) -> None:
    answer = content(api, messy_dataset, "format=csv")

    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{messy_dataset}.csv"
    assert answer.headers["Content-Length"] == str(len(answer.body))
    job = api.job(answer.correlation_id)
    assert (job["command"], job["status"], job["result"]["row_count"]) == ("ExportDataset", "succeeded", 3)
    assert answer.headers["ETag"] == f'"{job["result"]["sha256"]}"'
    records = list(csv.reader(io.StringIO(answer.body.decode(), newline="")))
    assert [record[2] for record in records] == ["'=cmd", "'=1+1", "'-gx", "'@gx"]
    assert records[2][6] == "-inf"


def test_an_export_as_json_lines_has_every_key_in_each_line(api: Api, messy_dataset: str) -> None:
    answer = content(api, messy_dataset, "format=jsonl")

    assert answer.headers["Content-Type"] == "application/x-ndjson"
    lines = [json.loads(line) for line in answer.body.splitlines()]
    assert [list(line) for line in lines] == [list(rows(api, messy_dataset).document["rows"][0])] * 3
    assert lines[1]["amount"] == float("-inf")
    assert b'"amount":-1e999' in answer.body


@pytest.mark.parametrize("query", ["format=csv&formulas=kept", "format=jsonl", "format=parquet"])
def test_an_export_that_is_uploaded_again_is_the_same_dataset(api: Api, messy_dataset: str, query: str) -> None:
    exported = content(api, messy_dataset, query)

    again = fresh("again")
    answer = api.upload(again, exported.body, Content_Type=exported.headers["Content-Type"].partition(";")[0])

    assert answer.status == 201, answer
    original = api.get(f"/datasets/{messy_dataset}").document
    kept = ("name", "type", "missing", "distinct", "minimum", "maximum")
    assert [{name: column[name] for name in kept} for column in answer.document["columns"]] == [
        {name: column[name] for name in kept} for column in original["columns"]
    ]
    assert rows(api, again).document["rows"] == rows(api, messy_dataset).document["rows"]


def test_the_same_export_is_made_once(api: Api, messy_dataset: str) -> None:
    queries = ("format=csv", "format=csv&formulas=escaped", "format=csv&formulas=kept")
    plain, escaped, kept = (content(api, messy_dataset, query) for query in queries)
    by_json = [content(api, messy_dataset, f"format=jsonl&formulas={way}") for way in ("escaped", "kept")]

    assert plain.correlation_id == escaped.correlation_id != kept.correlation_id
    assert by_json[0].correlation_id == by_json[1].correlation_id
    assert (plain.body == escaped.body, plain.body == kept.body) == (True, False)
    assert api.job(plain.correlation_id)["attempt"] == 1


@pytest.mark.parametrize("query", ["format=csv", "format=jsonl", "format=parquet"])
def test_an_export_that_the_caller_has_is_not_sent_again(api: Api, messy_dataset: str, query: str) -> None:
    etag = content(api, messy_dataset, query).headers["ETag"]
    path = f"/datasets/{messy_dataset}/content?{query}"

    for known in (etag, f'"other", {etag}', "*"):
        answer = api.get(path, headers={"If-None-Match": known})
        assert (answer.status, answer.body, answer.headers["ETag"]) == (304, b"", etag)
    assert api.get(path, headers={"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize("query", ["format=csv", "format=jsonl", "format=parquet", ""])
def test_head_tells_of_a_file_without_sending_it(api: Api, messy_dataset: str, query: str) -> None:
    path = f"/datasets/{messy_dataset}/content?{query}"

    told, sent = api.call("HEAD", path), api.get(path)

    assert (told.status, told.body) == (200, b"")
    for name in ("Content-Length", "Content-Type", "Content-Disposition", "ETag"):
        assert told.headers[name] == sent.headers[name]


def test_an_export_that_takes_longer_than_the_wait_is_answered_by_its_job(api: Api, long_lived: str) -> None:
    answer = api.get(f"/datasets/{long_lived}/content?format=csv", headers={"Prefer": "wait=0"})

    assert answer.status == 202
    assert answer.headers["Location"] == f"/jobs/{answer.correlation_id}"
    assert answer.headers["Retry-After"]
    assert rows(api, long_lived, "?limit=1").status == 200
    assert api.ended_job(answer.correlation_id)["status"] == "succeeded"
    assert content(api, long_lived, "format=csv&wait=0").correlation_id == answer.correlation_id


@pytest.mark.parametrize("status", ["failed", "dead", "cancelled"])
def test_an_export_that_failed_earlier_is_made_again(
    api: Api, messy_dataset: str, database: Database[Document], status: str
) -> None:
    first = content(api, messy_dataset, "format=csv&formulas=kept")
    error = {"code": "crashed", "message": "the worker died", "details": []}
    changes = {"status": status, "result": None, "error": error}
    database["jobs"].update_one({"_id": first.correlation_id}, {"$set": changes})

    again = content(api, messy_dataset, "format=csv&formulas=kept")

    assert (again.body, again.correlation_id) == (first.body, first.correlation_id)


def test_an_export_whose_job_or_file_is_gone_is_made_again(
    api: Api, parcel_dataset: str, database: Database[Document]
) -> None:
    first = content(api, parcel_dataset, "format=csv")
    database["jobs"].delete_one({"_id": first.correlation_id})
    second = content(api, parcel_dataset, "format=csv")
    database["fs.files"].delete_one({"metadata.correlation_id": first.correlation_id})
    third = content(api, parcel_dataset, "format=csv")

    assert first.body == second.body == third.body
    assert first.correlation_id == second.correlation_id == third.correlation_id
    assert database["fs.files"].count_documents({"metadata.correlation_id": first.correlation_id}) == 1


@pytest.mark.parametrize(("query", "place"), [("format=xlsx", "format"), ("format=csv&formulas=run", "formulas")])
def test_a_faulty_export_is_refused_by_the_field_at_fault(api: Api, messy_dataset: str, query: str, place: str) -> None:
    answer = api.get(f"/datasets/{messy_dataset}/content?{query}")

    assert (answer.status, answer.code, answer.places) == (422, "invalid_command", [place])


# --- deletion ---


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
    api.running_job(correlation_id, "rows")
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


def test_the_lanes_are_announced(api: Api, stack: LocalStack) -> None:
    evaluators = [one for one in api.get("/services").document["services"] if one["service"] == "evaluator"]

    assert evaluators
    assert all({"read", "export"} <= set(one["queues"]) for one in evaluators)
    assert UUID(rows(api, api.dataset("a\n1\n", "lanes")).correlation_id).version == 5
