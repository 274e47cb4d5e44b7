"""An id that has an upload already stands for that upload: the same file with the same things said of it, or none."""

import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest

from tests.e2e.api import Answer, Api, form, fresh
from tests.integration.refusals.direct_doors import DirectDoors

TABLE = "a,b\n1,2\n"
OTHER_TABLE = "a,b\n1,3\n"
PATHS = {"upload": "/datasets", "preview": "/datasets/preview"}
HEADERS = ("Idempotency-Key", "X-Correlation-ID")


def sent(
    api: Api, key: Mapping[str, str], path: str, table: str = TABLE, media_type: str = "text/csv", **said: Any
) -> Answer:
    """Send a file as the body; nobody works, so that the answer is its job."""
    query = urlencode({**said, "wait": 0}, doseq=True)
    return api.post(f"{path}?{query}", table.encode(), headers={"Content-Type": media_type, **key})


def sent_by_form(api: Api, key: Mapping[str, str], path: str, file_name: str, table: str, **said: str) -> Answer:
    body, headers = form(**said, file=(file_name, "text/csv", table))
    return api.post(f"{path}?wait=0", body, headers={**headers, **key})


def stored(doors: DirectDoors, correlation_id: str) -> int:
    """How many files are kept for a job."""
    return doors.database["fs.files"].count_documents({"metadata.correlation_id": correlation_id})


CHANGES: dict[str, tuple[dict[str, Any], str, str]] = {
    "another file": ({"table": OTHER_TABLE}, "source.sha256", "the file's content differs"),
    "a longer file": ({"table": TABLE * 2}, "source.sha256", "the file's content differs"),
    "another media type": ({"media_type": "text/plain"}, "source.media_type", "the file's media type differs"),
    "another file name": ({"file_name": "other.csv"}, "source.file_name", "the file's name differs"),
    "another format": ({"format": "tsv"}, "format", "format differs"),
    "another option": ({"delimiter": ";"}, "options.delimiter", "options.delimiter differs"),
    "another list": ({"missing_marks": ["x", "y"]}, "options.missing_marks", "options.missing_marks differs"),
}


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
@pytest.mark.parametrize(("change", "place", "words"), CHANGES.values(), ids=CHANGES.keys())
def test_an_id_with_another_upload_is_refused_by_what_differs(
    doors: DirectDoors, path: str, header: str, change: dict[str, Any], place: str, words: str
) -> None:
    said, key = {"name": fresh("repeated")} if path == "/datasets" else {}, {header: str(uuid4())}
    first = sent(doors.api, key, path, **said)
    assert first.status == 202, first

    other = sent(doors.api, key, path, **{**said, **change})

    assert (other.status, other.code, other.places) == (409, "correlation_id_reused", [place])
    assert words in other.detail
    assert "repeat that request unchanged, or use a new correlation id" in other.detail
    assert doors.api.job(first.correlation_id)["spec"] == first.document["spec"]
    assert stored(doors, first.correlation_id) == 1


def test_an_id_with_another_dataset_name_or_target_is_refused_by_both(doors: DirectDoors) -> None:
    key, name = {"Idempotency-Key": str(uuid4())}, fresh("repeated")
    assert sent(doors.api, key, "/datasets", name=name).status == 202

    other = sent(doors.api, key, "/datasets", name=fresh("other"), target="b")

    assert (other.status, other.places) == (409, ["dataset", "target"])
    assert [detail["expected"] for detail in other.document["errors"]] == [name, None]


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_form_is_bound_to_its_file_and_its_fields(doors: DirectDoors, path: str) -> None:
    said, key = {"name": fresh("repeated")} if path == "/datasets" else {}, {"Idempotency-Key": str(uuid4())}
    first = sent_by_form(doors.api, key, path, "a.csv", TABLE, **said)
    assert first.status == 202, first

    again = sent_by_form(doors.api, key, path, "a.csv", TABLE, **said)
    file = sent_by_form(doors.api, key, path, "a.csv", OTHER_TABLE, **said)
    name = sent_by_form(doors.api, key, path, "b.csv", TABLE, **said)
    field = sent_by_form(doors.api, key, path, "a.csv", TABLE, **said, decimal_mark=",")

    assert (again.status, again.document["correlation_id"]) == (202, first.correlation_id)
    assert [(one.status, one.places) for one in (file, name, field)] == [
        (409, ["source.sha256"]),
        (409, ["source.file_name"]),
        (409, ["options.decimal_mark"]),
    ]
    assert stored(doors, first.correlation_id) == 1


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_the_same_upload_again_is_the_same_job_and_stores_nothing(doors: DirectDoors, path: str, header: str) -> None:
    said, key = {"name": fresh("repeated")} if path == "/datasets" else {}, {header: str(uuid4())}

    first, again = (sent(doors.api, key, path, **said, file_name="a.csv") for _ in range(2))

    assert (first.status, again.status) == (202, 202)
    assert again.document["spec"] == first.document["spec"]
    assert stored(doors, first.correlation_id) == 1


def test_the_content_of_a_preview_counts_behind_the_part_that_is_kept(doors: DirectDoors) -> None:
    key, long = {"Idempotency-Key": str(uuid4())}, TABLE + "1,2\n" * 400_000
    first = sent(doors.api, key, "/datasets/preview", long)
    assert first.document["spec"]["is_truncated"]

    again, other = (
        sent(doors.api, key, "/datasets/preview", long),
        sent(doors.api, key, "/datasets/preview", long + "3,4\n"),
    )

    assert (again.status, again.document["spec"]) == (202, first.document["spec"])
    assert (other.status, other.places) == (409, ["source.sha256"])


def test_two_different_uploads_with_one_key_at_the_same_moment_are_one_job_and_one_refusal(doors: DirectDoors) -> None:
    key, name = {"X-Correlation-ID": str(uuid4())}, fresh("raced")
    answers: list[Answer] = []
    tables = [TABLE, OTHER_TABLE] * 3
    threads = [
        threading.Thread(target=lambda table=table: answers.append(sent(doors.api, key, "/datasets", table, name=name)))
        for table in tables
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answer.status for answer in answers) == [202] * 3 + [409] * 3
    assert len({answer.document["spec"]["source"]["sha256"] for answer in answers if answer.status == 202}) == 1
    assert stored(doors, key["X-Correlation-ID"]) == 1


def test_an_id_of_another_kind_of_job_is_refused_before_the_file_is_read(doors: DirectDoors) -> None:
    key = {"X-Correlation-ID": str(uuid4())}
    assert sent(doors.api, key, "/datasets/preview").status == 202

    answer = sent(doors.api, key, "/datasets", name=fresh("other"))

    assert (answer.status, answer.code) == (409, "correlation_id_reused")
    assert "belongs to a PreviewDataset job" in answer.detail


def test_a_key_counts_for_its_method_and_path(doors: DirectDoors) -> None:
    key = {"Idempotency-Key": str(uuid4())}

    preview, upload = sent(doors.api, key, "/datasets/preview"), sent(doors.api, key, "/datasets", name=fresh("other"))

    assert (preview.status, upload.status) == (202, 202)
    assert preview.correlation_id != upload.correlation_id


def test_another_command_under_a_key_is_refused_by_the_fields_that_differ(
    doors: DirectDoors, number_dataset: str
) -> None:
    key = {"Idempotency-Key": str(uuid4())}
    training = {"model": fresh("model"), "dataset": number_dataset, "target": "amount", "estimator": "Ridge"}
    assert doors.api.post("/models?wait=0", training, headers=key).status == 202

    again = doors.api.post("/models?wait=0", training, headers=key)
    other = doors.api.post("/models?wait=0", {**training, "seed": 5, "hold_out": {"fraction": 0.3}}, headers=key)

    assert again.status == 202
    assert (other.status, other.code, sorted(other.places)) == (
        409,
        "correlation_id_reused",
        ["hold_out.fraction", "seed"],
    )
