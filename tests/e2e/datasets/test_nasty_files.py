"""Files as people have them, each with what must become of it: ``tests/nasty_files`` and its ``expected.json``.

What is right was decided as the table's owner would: nothing is changed silently, and what is wrong is told by its
place. An expectation that leaves a field out does not care about it, but for warnings: those that it does not name
must not be there.
"""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pyarrow.parquet as pq
import pytest
from pymongo.database import Database

from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import Answer, Api, fresh
from tests.waiting import wait_until

FOLDER = Path(__file__).parents[2] / "nasty_files"
EXPECTED: dict[str, dict[str, Any]] = json.loads((FOLDER / "expected.json").read_text("utf-8"))
BESIDE_THE_FILES = {"expected.json", "make_parquet.py"}
FIELDS = ("row_count", "format", "encoding", "delimiter")
TABLES = sorted(name for name, expected in EXPECTED.items() if expected["status"] == 201)
REFUSED = sorted(EXPECTED.keys() - set(TABLES))


@pytest.fixture(scope="module", autouse=True)
def _services_outlive_the_files(api: Api, stack: LocalStack) -> Iterator[None]:
    """Whatever comes in, the services are the same processes afterwards, and no message is left behind or poisoned."""
    before, waiting = instances(api), depths(api)
    gateway = stack.service("gateway").pid
    yield
    assert instances(api) == before
    assert stack.service("gateway").pid == gateway
    wait_until(lambda: all(depth <= waiting[queue] for queue, depth in depths(api).items()), "no message waits", 20)


def instances(api: Api) -> set[tuple[str, str, int]]:
    services = api.get("/services").document["services"]
    return {(one["_id"], one["service"], one["pid"]) for one in services if one["is_alive"]}


def depths(api: Api) -> dict[str, int]:
    found: dict[str, int] = api.get("/services").document["queues"]
    return found


def upload(api: Api, file_name: str) -> tuple[str, Answer]:
    name = fresh("nasty")
    query = {"name": name, "wait": 60, "file_name": file_name, **EXPECTED[file_name].get("query", {})}
    return name, api.post(f"/datasets?{urlencode(query, doseq=True)}", (FOLDER / file_name).read_bytes())


def cells(api: Api, name: str) -> dict[str, list[Any]]:
    table = pq.read_table(io.BytesIO(api.get(f"/datasets/{name}/content").body))
    return {column: [plain(cell) for cell in table.column(column).to_pylist()] for column in table.column_names}


def plain(cell: Any) -> Any:
    """The cell as JSON has it."""
    if cell in (float("inf"), float("-inf")):
        return str(cell)
    return cell.isoformat() if hasattr(cell, "isoformat") else cell


def test_every_file_has_its_expectation() -> None:
    assert {path.name for path in FOLDER.iterdir()} - BESIDE_THE_FILES == EXPECTED.keys()


@pytest.mark.parametrize("file_name", TABLES)
def test_a_table_is_read_as_its_owner_meant_it(api: Api, file_name: str) -> None:
    expected = EXPECTED[file_name]

    name, answer = upload(api, file_name)

    assert answer.status == 201, answer
    document = answer.document
    columns = {column["name"]: column for column in document["columns"]}
    assert [column["name"] for column in document["columns"]] == list(expected.get("columns", columns))
    assert len(columns) == expected.get("column_count", len(columns))
    assert {one: column["type"] for one, column in columns.items()} | expected.get("columns", {}) == {
        one: column["type"] for one, column in columns.items()
    }
    assert {field: document[field] for field in FIELDS} == {
        field: expected.get(field, document[field]) for field in FIELDS
    }
    for key, field in (("missing", "missing"), ("date_formats", "date_format")):
        assert {one: columns[one][field] for one in expected.get(key, {})} == expected.get(key, {})
    assert [row["where"] for row in document["skipped_rows"]] == expected.get("skipped", [])
    assert_said(document["warnings"], expected["warnings"])
    messages = [alert["message"] for alert in document["alerts"]]
    assert [words for words in expected.get("alerts", []) if not any(words in one for one in messages)] == [], messages
    assert_cells(cells(api, name), expected)
    assert api.delete(f"/datasets/{name}").status == 204


def assert_said(warnings: list[str], words: list[str]) -> None:
    assert len(warnings) == len(words), warnings
    assert all(part in warning for warning, part in zip(warnings, words, strict=True)), warnings


def assert_cells(found: dict[str, list[Any]], expected: dict[str, Any]) -> None:
    assert found == expected.get("cells", {}) | {name: found[name] for name in found.keys() - expected.get("cells", {})}
    last_row = expected.get("last_row", {})
    assert {name: found[name][-1] for name in last_row} == last_row


@pytest.mark.parametrize("file_name", REFUSED)
def test_a_file_that_is_refused_is_told_why_and_where(api: Api, database: Database[Document], file_name: str) -> None:
    expected = EXPECTED[file_name]

    name, answer = upload(api, file_name)

    assert (answer.status, answer.code) == (expected["status"], expected["code"]), answer
    assert answer.places == expected["places"], answer
    assert [words for words in expected["words"] if words not in answer.detail] == [], answer
    assert api.get(f"/datasets/{name}").status == 404
    # the upload stays, for a replay, where a job was made of it
    files = list(database["fs.files"].find({"metadata.correlation_id": answer.correlation_id}))
    has_job = api.get(f"/jobs/{answer.correlation_id}").status == 200
    assert [file["metadata"]["kind"] for file in files] == ["upload"] * has_job


def test_a_line_beyond_the_limit_is_refused_by_its_number(api: Api) -> None:
    answer = api.upload(fresh("long"), "a,b\n1,2\n3," + "x" * 1_100_000 + "\n")

    assert (answer.status, answer.code, answer.places) == (413, "limit_exceeded", ["line 3"])
