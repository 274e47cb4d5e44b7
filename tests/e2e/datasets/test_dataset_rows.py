"""Pages of a dataset's rows over HTTP: what they hold, and that each is read once."""

import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pyarrow.parquet as pq
import pytest
from pymongo.database import Database

from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import Answer, Api, fresh
from tests.e2e.contents import content, rows

LONG_COUNT = 120_003
"""Rows of three row groups."""


@pytest.fixture(scope="module")
def long_dataset(api: Api) -> str:
    """A dataset of several row groups, whose rows are numbered."""
    lines = (f"{number},t{number % 977}kg,{number / 7}\n" for number in range(LONG_COUNT))
    return api.dataset("number,text,real\n" + "".join(lines), "long")


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
    assert (second["amount"], second["when"], second["flag"]) == ("-Infinity", None, "no")
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


def assert_same_page(api: Api, dataset: str, query: str, first: Answer) -> None:
    """Ask for a page again: it is the first one to the byte, by the same job."""
    again = rows(api, dataset, query)
    assert (again.status, again.body, again.correlation_id) == (200, first.body, first.correlation_id)


def test_a_page_that_is_forgotten_is_read_anew(api: Api, long_dataset: str, database: Database[Document]) -> None:
    first = rows(api, long_dataset, "?offset=78&limit=3")
    database["jobs"].delete_one({"_id": first.correlation_id})

    assert_same_page(api, long_dataset, "?offset=78&limit=3", first)


def test_a_page_that_could_not_be_read_is_tried_again(
    api: Api, long_dataset: str, database: Database[Document]
) -> None:
    first = rows(api, long_dataset, "?offset=79&limit=3")
    error = {"code": "crashed", "message": "the worker died", "details": []}
    for status in ("failed", "dead", "cancelled"):
        changes = {"status": status, "result": None, "error": error}
        database["jobs"].update_one({"_id": first.correlation_id}, {"$set": changes})

        assert_same_page(api, long_dataset, "?offset=79&limit=3", first)


def test_many_who_ask_for_one_page_at_once_are_answered_by_one_job(
    api: Api, long_dataset: str, database: Database[Document]
) -> None:
    first = rows(api, long_dataset, "?offset=81&limit=3")
    changes = {"status": "failed", "result": None, "error": {"code": "crashed", "message": "died", "details": []}}
    database["jobs"].update_one({"_id": first.correlation_id}, {"$set": changes})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: rows(api, long_dataset, "?offset=81&limit=3"), range(8)))

    assert {(one.status, one.body, one.correlation_id) for one in answers} == {(200, first.body, first.correlation_id)}
    history = [entry["event"] for entry in api.job(first.correlation_id)["history"]]
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


def test_a_likely_column_is_named(api: Api, long_dataset: str) -> None:
    answer = rows(api, long_dataset, "?columns=numbx")

    assert answer.detail == f"columns.0: dataset {long_dataset!r} has no column 'numbx' (did you mean 'number'?)"
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


def test_the_lanes_are_announced(api: Api, stack: LocalStack) -> None:
    evaluators = [one for one in api.get("/services").document["services"] if one["service"] == "evaluator"]

    assert evaluators
    assert all({"read", "export"} <= set(one["queues"]) for one in evaluators)
    assert UUID(rows(api, api.dataset("a\n1\n", "lanes")).correlation_id).version == 5
