"""Exports of a dataset over HTTP: what the files hold, and that each is made once."""

import csv
import io
import json

import pytest
from pymongo.database import Database

from modelbus.shared.store.connection import Document
from tests.e2e.api import Api, fresh
from tests.e2e.contents import content, rows


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
