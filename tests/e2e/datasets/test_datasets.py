"""Datasets over HTTP: uploaded, read, downloaded, deleted."""

import hashlib
import io
import json
import threading
from collections.abc import Iterator
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from pymongo.database import Database

from modelbus.shared.bus import Publisher
from modelbus.shared.store.connection import Document
from modelbus.stack import LocalStack
from tests.e2e.api import Answer, Api, form, fresh, gzipped
from tests.e2e.doors import QueueDoor
from tests.e2e.tables import numbers, parcels

SMALL = "a,b\n1,x\n2,y\n"


@pytest.fixture(scope="module")
def strict_api(stack: LocalStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    """A second gateway on the same servers that takes 2000 bytes of upload at most."""
    with LocalStack(
        tmp_path_factory.mktemp("strict") / ".modelbus",
        bus_url=stack.bus_url,
        mongo_url=stack.mongo_url,
        services=("gateway",),
        environment={"MODELBUS_UPLOAD_LIMIT_BYTES": "2000"},
    ) as gateway:
        yield Api(gateway.gateway_url)


def test_a_messy_file_becomes_a_dataset_with_the_type_of_each_column(api: Api) -> None:
    name = fresh("parcels")

    answer = api.upload(name, parcels(120))

    assert answer.status == 201
    assert answer.headers["Location"] == f"/datasets/{name}"
    assert answer.document["row_count"] == 120
    assert {column["name"]: column["type"] for column in answer.document["columns"]} == {
        "parcel": "text",
        "weight": "real",
        "city": "text",
        "sent_on": "datetime",
        "express": "boolean",
        "remark": "empty",
        "tariff": "text",
    }
    weight = next(column for column in answer.document["columns"] if column["name"] == "weight")
    assert weight["missing"] == sum(line.split(",")[1] == "" for line in parcels(120).splitlines())
    assert api.get(f"/datasets/{name}").document == answer.document


def test_the_list_names_a_dataset_without_its_columns(api: Api, parcel_dataset: str) -> None:
    listed = {one["name"]: one for one in api.get("/datasets").document["datasets"]}

    assert listed[parcel_dataset]["row_count"] == 300
    assert "columns" not in listed[parcel_dataset]
    assert "blob_id" not in listed[parcel_dataset]


def test_a_form_brings_name_and_file(api: Api) -> None:
    name = fresh("form")
    body, headers = form(name=name, file=("shop.tsv", "text/tab-separated-values", "a\tb\n1\tx, y\n"))

    answer = api.post("/datasets?wait=60", body, headers=headers)

    assert answer.status == 201
    assert (answer.document["name"], answer.document["row_count"]) == (name, 1)
    assert [column["name"] for column in answer.document["columns"]] == ["a", "b"]


def test_what_the_query_string_calls_a_file_counts_beside_a_form_too(api: Api) -> None:
    name = fresh("form")
    body, headers = form(file=("rows", "application/octet-stream", '{"a": 1}\n{"a": 2}\n'))

    answer = api.post(f"/datasets?name={name}&file_name=rows.jsonl&wait=60", body, headers=headers)

    assert (answer.status, answer.document["row_count"]) == (201, 2)


def test_a_form_without_a_file_is_refused(api: Api) -> None:
    body, headers = form(name=fresh("form"))

    answer = api.post("/datasets", body, headers=headers)

    assert (answer.status, answer.code) == (400, "bad_request")
    assert "file" in answer.detail


def test_an_upload_that_does_not_wait_is_answered_by_its_job(api: Api) -> None:
    name = fresh("later")

    answer = api.upload(name, SMALL, wait_s=0)

    assert answer.status == 202
    assert answer.headers["Location"] == f"/jobs/{answer.correlation_id}"
    assert answer.headers["Retry-After"]
    job = api.ended_job(answer.correlation_id)
    assert (job["status"], job["command"]) == ("succeeded", "ProfileDataset")
    assert job["result"]["dataset"]["name"] == name
    assert api.get(f"/datasets/{name}").document["correlation_id"] == answer.correlation_id


@pytest.mark.parametrize("header", ["Idempotency_Key", "X_Correlation_ID"])
def test_a_repeated_upload_is_the_same_upload(api: Api, header: str) -> None:
    name, key = fresh("repeated"), str(uuid4())

    first, second = (api.upload(name, SMALL, wait_s=60, **{header: key}) for _ in range(2))

    assert (first.status, second.status) == (201, 201)
    assert first.document == second.document
    assert first.correlation_id == second.correlation_id


@pytest.mark.parametrize("is_deleted", [False, True], ids=["dataset there", "dataset deleted"])
def test_another_file_under_the_key_of_an_upload_is_refused(api: Api, is_deleted: bool) -> None:
    name, key = fresh("repeated"), str(uuid4())
    first = api.upload(name, SMALL, Idempotency_Key=key)
    assert first.status == 201
    if is_deleted:
        assert api.delete(f"/datasets/{name}").status == 204

    other = api.upload(name, SMALL + SMALL.splitlines()[-1] + "\n", Idempotency_Key=key)
    same = api.upload(name, SMALL, Idempotency_Key=key)

    assert (other.status, other.code, other.places) == (409, "correlation_id_reused", ["source.sha256"])
    assert (same.status, same.document) == (201, first.document)


def test_two_uploads_with_one_key_at_the_same_moment_make_one_dataset(api: Api, database: Database[Document]) -> None:
    name, key = fresh("raced"), str(uuid4())
    answers: list[Answer] = []

    def upload() -> None:
        answers.append(api.upload(name, SMALL, X_Correlation_ID=key))

    threads = [threading.Thread(target=upload) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status for answer in answers] == [201] * 6
    assert len({answer.body for answer in answers}) == 1
    files = list(database["fs.files"].find({"metadata.correlation_id": key}))
    assert [file["metadata"]["kind"] for file in files] == ["dataset"]


def test_a_correlation_id_of_another_job_is_not_taken_for_an_upload(api: Api, parcel_model: str) -> None:
    training = api.get(f"/models/{parcel_model}/versions/1").document["correlation_id"]

    answer = api.upload(fresh("mistaken"), SMALL, X_Correlation_ID=training)

    assert (answer.status, answer.code) == (409, "correlation_id_reused")


def test_a_correlation_id_of_an_upload_under_another_name_is_not_taken(api: Api) -> None:
    key = str(uuid4())
    assert api.upload(fresh("first"), SMALL, X_Correlation_ID=key).status == 201

    answer = api.upload(fresh("second"), SMALL, X_Correlation_ID=key)

    assert (answer.status, answer.code) == (409, "correlation_id_reused")


def test_a_name_that_is_taken_is_a_conflict_and_leaves_nothing(
    api: Api, parcel_dataset: str, database: Database[Document]
) -> None:
    answer = api.upload(parcel_dataset, SMALL)

    assert (answer.status, answer.code) == (409, "dataset_exists")
    assert database["fs.files"].count_documents({"metadata.correlation_id": answer.correlation_id}) == 0


@pytest.mark.parametrize(
    ("table", "line"),
    [("a,b\n1,2\n3,4,5\n", "line 3"), ('a,b\n1,2\n"3,4\n5,6\n', "line 3")],
    ids=["too many fields", "open quote"],
)
def test_a_malformed_table_is_refused_by_its_line(api: Api, table: str, line: str) -> None:
    name = fresh("malformed")

    answer = api.upload(name, table)

    assert (answer.status, answer.code) == (422, "malformed_table")
    assert answer.places[0] == line
    assert line in answer.detail
    assert api.get(f"/datasets/{name}").status == 404
    job = api.job(answer.correlation_id)
    assert (job["status"], job["error"]["code"]) == ("failed", "malformed_table")


def test_an_empty_file_is_no_table(api: Api) -> None:
    answer = api.upload(fresh("empty"), "")

    assert (answer.status, answer.code) == (422, "malformed_table")


def test_an_upload_over_the_limit_is_refused_before_it_is_read(api: Api) -> None:
    answer = api.post(f"/datasets?name={fresh('huge')}", headers={"Content-Length": str(2**50)})

    assert (answer.status, answer.code) == (413, "limit_exceeded")


def test_an_upload_of_unknown_length_is_counted_as_it_comes(strict_api: Api, database: Database[Document]) -> None:
    chunks = (b"1,2\n" * 100 for _ in range(10))

    answer = strict_api.post(f"/datasets?name={fresh('huge')}", chunks, headers={"Content-Type": "text/csv"})

    assert (answer.status, answer.code) == (413, "limit_exceeded")
    assert "2000" in answer.detail
    assert database["fs.files"].count_documents({"metadata.correlation_id": answer.correlation_id}) == 0


def test_a_form_over_the_limit_is_refused_too(strict_api: Api) -> None:
    body, headers = form(name=fresh("huge"), file=("huge.csv", "text/csv", "1,2\n" * 1000))

    answer = strict_api.post("/datasets", body, headers=headers)

    assert (answer.status, answer.code) == (413, "limit_exceeded")


def test_a_compressed_upload_is_refused(api: Api) -> None:
    answer = api.upload(fresh("gzip"), gzipped(SMALL), Content_Encoding="gzip")

    assert (answer.status, answer.code) == (415, "unsupported_media_type")


def test_json_lines_and_parquet_are_taken_too(api: Api, parcel_dataset: str) -> None:
    lines = "\n".join(json.dumps({"a": number, "b": f"t{number}"}) for number in range(5))
    parquet = api.get(f"/datasets/{parcel_dataset}/content").body
    by_lines, by_parquet = fresh("lines"), fresh("parquet")

    first = api.upload(by_lines, lines, Content_Type="application/x-ndjson")
    second = api.upload(by_parquet, parquet, Content_Type="application/vnd.apache.parquet")

    assert (first.status, first.document["format"], first.document["row_count"]) == (201, "jsonl", 5)
    assert (second.status, second.document["format"], second.document["row_count"]) == (201, "parquet", 300)
    original = api.get(f"/datasets/{parcel_dataset}").document["columns"]
    assert [(c["name"], c["type"]) for c in second.document["columns"]] == [(c["name"], c["type"]) for c in original]


def test_a_download_is_the_parquet_file_whose_hash_is_recorded(api: Api, parcel_dataset: str) -> None:
    record = api.get(f"/datasets/{parcel_dataset}").document

    answer = api.get(f"/datasets/{parcel_dataset}/content")

    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/vnd.apache.parquet"
    assert answer.headers["ETag"] == f'"{record["file_sha256"]}"'
    assert hashlib.sha256(answer.body).hexdigest() == record["file_sha256"]
    assert len(answer.body) == record["size_bytes"]
    assert pq.read_table(io.BytesIO(answer.body)).num_rows == 300


def test_a_download_that_the_caller_has_is_not_sent_again(api: Api, parcel_dataset: str) -> None:
    etag = api.get(f"/datasets/{parcel_dataset}").document["file_sha256"]

    answer = api.get(f"/datasets/{parcel_dataset}/content", headers={"If-None-Match": f'"{etag}"'})

    assert (answer.status, answer.body) == (304, b"")
    assert api.get(f"/datasets/{parcel_dataset}/content", headers={"If-None-Match": '"other"'}).status == 200


def test_an_upload_with_a_target_is_told_what_matters_to_training(api: Api, publisher: Publisher) -> None:
    lines = [f"{row},{row % 5 / 2},{'yes' if row % 50 == 0 else 'no'},{int(row % 50 == 0)}" for row in range(300)]
    text = "\n".join(["row,size,churn,left", *lines]) + "\n"
    name = fresh("alerts")
    command = {"command": "ProfileDataset", "dataset": name, "source": {"kind": "inline", "text": text}}

    outcome = QueueDoor(api, publisher).send({**command, "target": "churn"})

    assert outcome.status == "succeeded"
    record = api.get(f"/datasets/{name}").document
    assert record["target"] == "churn"
    assert [(alert["code"], alert["column"]) for alert in record["alerts"]] == [
        ("class_imbalance", "churn"),
        ("identifier_like", "row"),
        ("target_leak", "left"),
    ]
    size = next(column for column in record["columns"] if column["name"] == "size")
    assert (size["mean"], size["quantiles"]["0.5"]) == (1.0, 1.0)
    assert sum(size["histogram"]["counts"]) == 300
    trained = api.train(name, "churn", "DecisionTreeClassifier", features=["size", "left"])
    assert any(text.startswith("column 'left' leaks") for text in trained["version"]["warnings"])


def test_a_target_that_the_file_lacks_is_refused(api: Api, publisher: Publisher) -> None:
    name = fresh("no-target")
    command = {"command": "ProfileDataset", "dataset": name, "source": {"kind": "inline", "text": SMALL}}

    outcome = QueueDoor(api, publisher).send({**command, "target": "c"})

    assert (outcome.status, outcome.code, outcome.places) == ("failed", "invalid_command", ("target",))
    assert api.get(f"/datasets/{name}").status == 404


def test_an_unknown_dataset_is_not_found(api: Api) -> None:
    name = fresh("nowhere")

    answers = [api.get(f"/datasets/{name}"), api.get(f"/datasets/{name}/content"), api.delete(f"/datasets/{name}")]

    assert [(answer.status, answer.code) for answer in answers] == [(404, "unknown_dataset")] * 3
    assert all(name in answer.detail for answer in answers)


def test_a_deleted_dataset_leaves_no_bytes_and_frees_its_name(api: Api, database: Database[Document]) -> None:
    name = api.dataset(SMALL, "passing")
    document = database["datasets"].find_one({"_id": name})
    assert document is not None

    answer = api.delete(f"/datasets/{name}")

    assert (answer.status, answer.body) == (204, b"")
    assert api.get(f"/datasets/{name}").status == 404
    assert database["fs.files"].count_documents({"metadata.correlation_id": document["correlation_id"]}) == 0
    assert database["fs.chunks"].count_documents({"files_id": document["blob_id"]}) == 0
    assert api.upload(name, "c\n1\n").status == 201


def test_a_dataset_under_a_model_is_deleted_only_by_force(api: Api) -> None:
    dataset = api.dataset(numbers(60), "used")
    trained = api.train(dataset, "amount", "Ridge", features=["a", "b"])

    refused = api.delete(f"/datasets/{dataset}")

    assert (refused.status, refused.code) == (409, "still_in_use")
    assert api.get(f"/datasets/{dataset}").status == 200
    assert api.delete(f"/datasets/{dataset}?force=true").status == 204
    assert api.get(f"/datasets/{dataset}").status == 404
    predicted = api.post(f"/models/{trained['version']['model']}/predict", {"rows": [{"a": 1, "b": 2}]})
    assert predicted.status == 200
