"""Files that people have, by either door: compressed ones, workbooks, Arrow and ORC; uploads, previews, predictions."""

import bz2
import gzip
import io
import lzma
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pyarrow as pa
import pytest
from pyarrow import orc
from pymongo.database import Database

from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from tests.e2e.api import Answer, Api, fresh
from tests.e2e.commands import train_command
from tests.e2e.doors import Door, HttpDoor, Outcome
from tests.unit.workbooks import ods, xlsx

Upload = Callable[..., Outcome]

HEADER = ["size", "color", "price"]
CELLS = [[number / 2, ("red", "blue")[number % 2], number * 3] for number in range(40)]
ROWS = [HEADER, *CELLS]
CSV = "".join(",".join(map(str, row)) + "\n" for row in ROWS).encode()
TYPES = {"size": "real", "color": "text", "price": "integer"}


def _arrow_table() -> pa.Table:
    return pa.table({name: [row[index] for row in CELLS] for index, name in enumerate(HEADER)})


def _orc() -> bytes:
    sink = io.BytesIO()
    orc.write_table(_arrow_table(), sink)
    return sink.getvalue()


def _arrow() -> bytes:
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, _arrow_table().schema) as writer:
        writer.write_table(_arrow_table())
    return sink.getvalue()


FILES: dict[str, tuple[Callable[[], bytes], str, str | None]] = {
    "boxes.csv.gz": (lambda: gzip.compress(CSV), "csv", "gzip"),
    "boxes.csv.bz2": (lambda: bz2.compress(CSV), "csv", "bzip2"),
    "boxes.csv.xz": (lambda: lzma.compress(CSV), "csv", "xz"),
    "boxes.csv.zst": (lambda: bytes(pa.Codec("zstd").compress(CSV)), "csv", "zstd"),
    "boxes.xlsx": (lambda: xlsx({"Boxes": ROWS}), "xlsx", None),
    "boxes.ods": (lambda: ods({"Boxes": ROWS}), "ods", None),
    "boxes.arrows": (_arrow, "arrow", None),
    "boxes.orc": (_orc, "orc", None),
}


@pytest.fixture
def upload(api: Api, door: Door, database: Database[Document]) -> Upload:
    """Uploads a file, over HTTP as a body, by the queue as a stored file that a command names."""

    def by_http(name: str, content: bytes, file_name: str, **options: Any) -> Outcome:
        query = urlencode({"name": name, "file_name": file_name, **options})
        answer = api.post(f"/datasets?{query}", content, headers={"Prefer": "respond-async"})
        ended = api.ended_job(answer.correlation_id)
        return _outcome(ended)

    def by_queue(name: str, content: bytes, file_name: str, **options: Any) -> Outcome:
        correlation_id = str(uuid4())
        stored = BlobStore(database).save(content, "upload", correlation_id, 0)
        source = {"kind": "upload", "upload_id": stored, "file_name": file_name}
        command = {"command": "ProfileDataset", "dataset": name, "source": source, "options": options}
        return door.send(command, correlation_id)

    return by_http if isinstance(door, HttpDoor) else by_queue


def _outcome(job: dict[str, Any]) -> Outcome:
    error = job["error"]
    if error is None:
        return Outcome(job["status"], job["result"])
    places = tuple(detail["where"] for detail in error["details"])
    return Outcome(job["status"], job["result"], error["code"], error["message"], places)


def preview(api: Api, content: bytes, **fields: Any) -> Answer:
    return api.post(f"/datasets/preview?{urlencode({'wait': 60, **fields})}", content)


@pytest.mark.parametrize("file_name", FILES)
def test_a_file_in_any_format_is_the_same_dataset(api: Api, upload: Upload, file_name: str) -> None:
    make, found_format, compression = FILES[file_name]
    name = fresh("format")

    outcome = upload(name, make(), file_name)

    assert outcome.status == "succeeded", outcome
    record = api.get(f"/datasets/{name}").document
    assert {column["name"]: column["type"] for column in record["columns"]} == TYPES
    assert (record["format"], record["compression"], record["row_count"]) == (found_format, compression, 40)
    assert record["sha256"] == api.upload(fresh("plain"), CSV.decode()).document["sha256"]


def test_a_sheet_is_named_and_a_wrong_name_is_told_with_the_right_ones(api: Api, upload: Upload) -> None:
    content = xlsx({"Boxes": ROWS, "Notes": [["a"], [1]]})
    name = fresh("sheet")

    unsaid = upload(name, content, "book.xlsx")
    wrong = upload(name, content, "book.xlsx", sheet="Cartons")
    right = upload(name, content, "book.xlsx", sheet="Boxes")

    assert (unsaid.code, unsaid.places) == ("malformed_table", ("file",))
    assert unsaid.message is not None
    assert "expected the option sheet, one of 'Boxes', 'Notes'" in unsaid.message
    assert (wrong.code, wrong.places) == ("invalid_command", ("options.sheet",))
    assert right.status == "succeeded", right
    record = api.get(f"/datasets/{name}").document
    assert (record["sheet"], record["options"]) == ("Boxes", {"sheet": "Boxes"})


def test_a_file_that_is_compressed_twice_is_refused_in_one_sentence(upload: Upload) -> None:
    outcome = upload(fresh("twice"), gzip.compress(gzip.compress(CSV)), "boxes.csv.gz")
    assert (outcome.status, outcome.code) == ("failed", "malformed_table")
    assert outcome.message == "the file is compressed twice: gzip within gzip; expected one compression"


def test_a_workbook_is_sent_in_a_form_with_the_name_of_its_sheet(api: Api) -> None:
    boundary = "b0undary"
    fields = "".join(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in (("name", fresh("form")), ("sheet", "Boxes"))
    )
    file = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="book.xlsx"\r\n\r\n'
    content = xlsx({"Notes": [["a"], [1]], "Boxes": ROWS})
    body = (fields + file).encode() + content + f"\r\n--{boundary}--\r\n".encode()

    headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    answer = api.post("/datasets?wait=60", body, headers=headers)

    assert (answer.status, answer.document.get("sheet"), answer.document.get("row_count")) == (201, "Boxes", 40), answer


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_preview_reads_the_beginning_of_a_compressed_file(api: Api, pack: Callable[[bytes], bytes]) -> None:
    # hardly compressible, so that what is kept of the file is cut in its midst
    numbers = "".join(f"{number},{uuid4().hex}{uuid4().hex}\n" for number in range(60_000))

    answer = preview(api, pack(f"number,text\n{numbers}".encode()), row_limit=2)

    assert answer.status == 200, answer
    assert (answer.document["format"], answer.document["is_truncated"]) == ("csv", True)
    assert [row["number"] for row in answer.document["rows"]] == [0, 1]
    assert 5_000 < answer.document["row_count"] < 60_000


@pytest.mark.parametrize("file_name", ["boxes.xlsx", "boxes.ods", "boxes.arrows", "boxes.orc", "boxes.csv.gz"])
def test_a_preview_of_a_small_file_shows_all_of_it(api: Api, file_name: str) -> None:
    make, found_format, compression = FILES[file_name]

    answer = preview(api, make(), row_limit=1)

    assert answer.status == 200, answer
    said = answer.document
    assert (said["format"], said["compression"], said["is_truncated"]) == (found_format, compression, False)
    assert (said["row_count"], said["rows"]) == (40, [{"size": 0.0, "color": "red", "price": 0}])
    assert said["sheet"] == ("Boxes" if re.search("xlsx|ods", file_name) else None)


def test_rows_of_each_format_are_predicted_alike(api: Api, door: Door) -> None:
    trained = api.upload(fresh("trained"), CSV.decode()).document["name"]
    outcome = door.send(train_command(trained, target="price", features=["size", "color"], estimator="Ridge"))
    assert outcome.result is not None, outcome
    reference = f"{outcome.result['version']['model']}@1"

    predicted = {}
    for file_name in ("boxes.xlsx", "boxes.ods", "boxes.orc", "boxes.arrows", "boxes.csv.gz"):
        dataset = fresh("rows")
        assert api.post(f"/datasets?wait=60&name={dataset}&file_name={file_name}", FILES[file_name][0]()).status == 201
        answer = api.post(f"/models/{reference}/predict", {"dataset": dataset})
        job = api.ended_job(answer.correlation_id)
        assert job["status"] == "succeeded", job
        predicted[file_name] = api.get(f"/predictions/{answer.correlation_id}/content?format=csv").body

    assert len(set(predicted.values())) == 1
