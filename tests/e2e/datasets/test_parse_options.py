"""How a file is to be read, said with the upload: in the query string or in the form; and previews."""

import json
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from pymongo.database import Database

from modelbus.shared.store.connection import Document
from tests.e2e.api import Answer, Api, form, fresh

DAYS = "day;amount;code\n01/02/2024;1,5;007\n03/04/2024;-999;012\n"
DAY_OPTIONS = {
    "delimiter": ";",
    "decimal_mark": ",",
    "missing_marks": ["-999"],
    "columns": {"day": {"type": "datetime", "date_format": "%d/%m/%Y"}, "code": {"type": "integer"}},
}


def upload(api: Api, table: str | bytes, path: str = "/datasets", **fields: Any) -> Answer:
    query = urlencode({"wait": 60, **fields}, doseq=True)
    body = table.encode() if isinstance(table, str) else table
    return api.post(f"{path}?{query}", body, headers={"Content-Type": "text/csv"})


def types(document: dict[str, Any]) -> dict[str, str]:
    return {column["name"]: column["type"] for column in document["columns"]}


def test_options_as_one_object_in_the_query(api: Api) -> None:
    answer = upload(api, DAYS, name=fresh("days"), options=json.dumps(DAY_OPTIONS))

    assert answer.status == 201, answer
    assert types(answer.document) == {"day": "datetime", "amount": "real", "code": "integer"}
    by_name = {column["name"]: column for column in answer.document["columns"]}
    assert (by_name["day"]["minimum"], by_name["day"]["date_format"]) == ("2024-02-01T00:00:00", "%d/%m/%Y")
    assert (by_name["amount"]["missing"], by_name["code"]["maximum"]) == (1, 12)
    assert answer.document["options"] == DAY_OPTIONS


def test_options_as_fields_of_their_own(api: Api) -> None:
    answer = upload(
        api,
        "x|y\n1,5|?\n2|-\n".encode("cp1252"),
        name=fresh("fields"),
        delimiter="|",
        decimal_mark=",",
        encoding="cp1252",
        missing_marks=["?", "-"],
    )

    assert answer.status == 201, answer
    assert types(answer.document) == {"x": "real", "y": "empty"}
    assert answer.document["encoding"] == "cp1252"


def test_options_beside_the_file_in_a_form_in_any_order(api: Api) -> None:
    body, headers = form(
        file=("days.csv", "text/csv", DAYS), name=fresh("form"), options=json.dumps(DAY_OPTIONS), on_bad_rows="skip"
    )

    answer = api.post("/datasets?wait=60", body, headers=headers)

    assert answer.status == 201, answer
    assert types(answer.document) == {"day": "datetime", "amount": "real", "code": "integer"}
    assert answer.document["options"] == {**DAY_OPTIONS, "on_bad_rows": "skip"}


def test_bad_rows_are_skipped_and_reported(api: Api) -> None:
    answer = upload(api, 'a,b\n1,x\n2\n3,"y\n4,z\n', name=fresh("skipped"), on_bad_rows="skip")

    assert answer.status == 201, answer
    assert (answer.document["row_count"], answer.document["skipped_row_count"]) == (2, 2)
    assert [row["where"] for row in answer.document["skipped_rows"]] == ["line 3", "line 4"]


def test_a_header_can_be_absent(api: Api) -> None:
    answer = upload(api, "1,x\n2,y\n", name=fresh("headless"), has_header="false")

    assert types(answer.document) == {"column_1": "integer", "column_2": "text"}


def test_a_cell_that_does_not_fit_is_told_by_line_and_column(api: Api) -> None:
    options = {"columns": {"b": {"type": "integer"}}}

    answer = upload(api, "a,b\n1,2\n1,x\n", name=fresh("misfit"), options=json.dumps(options))

    assert (answer.status, answer.code) == (422, "malformed_table")
    assert answer.document["errors"] == [
        {"where": "line 3", "column": "b", "problem": "'x'", "expected": "a whole number of 64 bits"}
    ]


def test_options_of_a_column_that_is_not_there_are_refused(api: Api) -> None:
    answer = upload(api, "a,b\n1,2\n", name=fresh("wrong"), options='{"columns": {"z": {"type": "text"}}}')

    assert (answer.status, "no column 'z'" in answer.detail) == (422, True), answer


def test_wrong_options_are_told_before_the_file_is_sent(api: Api, database: Database[Document]) -> None:
    answer = upload(api, "a,b\n1,2\n", name=fresh("wrong"), delimiter=";;")

    assert answer.status == 422
    assert database["fs.files"].count_documents({"metadata.correlation_id": answer.correlation_id}) == 0


# --- previews ---


def test_a_preview_shows_how_a_file_would_be_read_and_makes_nothing(api: Api, database: Database[Document]) -> None:
    answer = upload(api, "a;b;when\n1,5;x;2024-01-31\n2\n2,5;;\n", "/datasets/preview")

    assert answer.status == 200, answer
    document = answer.document
    assert (document["format"], document["encoding"], document["delimiter"]) == ("csv", "utf-8", ";")
    assert types(document) == {"a": "real", "b": "text", "when": "datetime"}
    assert document["rows"] == [
        {"a": 1.5, "b": "x", "when": "2024-01-31T00:00:00"},
        {"a": 2.5, "b": None, "when": None},
    ]
    assert [row["where"] for row in document["skipped_rows"]] == ["line 3"]
    assert not document["is_truncated"]
    assert database["fs.files"].count_documents({"metadata.correlation_id": answer.correlation_id}) == 0
    assert database["datasets"].count_documents({"correlation_id": answer.correlation_id}) == 0


def test_a_preview_reads_the_beginning_of_a_large_file(api: Api, database: Database[Document]) -> None:
    table = "number,text\n" + "".join(f'{number},"some\ntext"\n' for number in range(200_000))

    answer = upload(api, table, "/datasets/preview", row_limit=3)

    assert answer.status == 200, answer
    assert answer.document["is_truncated"]
    assert [row["number"] for row in answer.document["rows"]] == [0, 1, 2]
    assert answer.document["skipped_row_count"] == 0
    assert 10_000 < answer.document["row_count"] < 100_000


def test_text_that_begins_with_the_name_of_parquet_is_cut_as_other_text(api: Api) -> None:
    answer = upload(api, "PAR1,text\n" + "1,some text that fills the file\n" * 100_000, "/datasets/preview")

    assert answer.status == 200, answer
    assert (answer.document["format"], answer.document["is_truncated"]) == ("csv", True)


def test_a_preview_takes_options_and_a_form(api: Api) -> None:
    body, headers = form(file=("days.csv", "text/csv", DAYS), options=json.dumps(DAY_OPTIONS), row_limit="1")

    answer = api.post("/datasets/preview?wait=60", body, headers=headers)

    assert answer.status == 200, answer
    assert answer.document["rows"] == [{"day": "2024-02-01T00:00:00", "amount": 1.5, "code": 7}]


def test_a_preview_of_parquet_reads_it_whole(api: Api, parcel_dataset: str) -> None:
    parquet = api.get(f"/datasets/{parcel_dataset}/content").body

    answer = upload(api, parquet, "/datasets/preview", format="parquet", row_limit=2)

    assert answer.status == 200, answer
    assert (answer.document["row_count"], len(answer.document["rows"]), answer.document["is_truncated"]) == (
        300,
        2,
        False,
    )


def test_a_preview_of_what_is_no_table_says_why_and_leaves_nothing(api: Api, database: Database[Document]) -> None:
    answer = upload(api, b"\x00\x01\x02\x03" * 100, "/datasets/preview")

    assert (answer.status, answer.code) == (422, "malformed_table")
    assert database["fs.files"].count_documents({"metadata.correlation_id": answer.correlation_id}) == 0


def test_a_repeated_preview_is_the_same_preview(api: Api) -> None:
    key = str(uuid4())
    first, second = (
        api.post("/datasets/preview?wait=60", b"a,b\n1,2\n", headers={"Idempotency-Key": key}) for _ in range(2)
    )

    assert (first.status, second.status) == (200, 200)
    assert first.document == second.document
    assert first.correlation_id == second.correlation_id
