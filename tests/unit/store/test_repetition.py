"""Whether a request repeats the one that its id belongs to, and what is said of one that does not."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelbus.shared.contracts import new_correlation_id, parse_command, spec_hash
from modelbus.shared.contracts.documents.job_documents import UploadingJob
from modelbus.shared.errors import CorrelationIdReused
from modelbus.shared.store.jobs.acceptance import new_job, require_same
from modelbus.shared.store.operation import NewJob

SHA256 = "0" * 64


def upload(source: dict[str, Any] | None = None, **fields: Any) -> NewJob:
    """An upload over HTTP, each time of another blob."""
    command = {
        "command": "ProfileDataset",
        "dataset": "shop",
        "source": {"kind": "upload", "upload_id": new_correlation_id(), "sha256": SHA256, **(source or {})},
        **fields,
    }
    return new_job(parse_command(command), "0b5c1e0e-5c0a-4e0b-9d7d-2f6a4f1c9a11", door="http", owner="alice")


def recorded(job: NewJob, **changes: Any) -> UploadingJob:
    """What is recorded of it."""
    return {
        "_id": job.correlation_id,
        "owner": job.owner,
        "command": job.command,
        "status": "succeeded",
        "spec_hash": job.spec_hash,
        "spec": job.spec,
        **changes,
    }


def test_a_file_counts_by_its_content_and_not_by_where_it_lies() -> None:
    first, again = upload(), upload()

    assert first.spec != again.spec
    assert require_same(recorded(first), again)["_id"] == first.correlation_id


def test_a_file_without_a_digest_counts_by_where_it_lies() -> None:
    with pytest.raises(CorrelationIdReused, match=r"source\.upload_id"):
        require_same(recorded(upload({"sha256": None})), upload({"sha256": None}))


FIELDS = {
    "dataset": st.sampled_from(["shop", "other"]),
    "format": st.sampled_from([None, "csv", "tsv"]),
    "target": st.sampled_from([None, "a", "b"]),
    "options.delimiter": st.sampled_from([None, ",", ";"]),
    "options.has_header": st.booleans(),
    "options.missing_marks": st.sampled_from([None, ["x"], ["x", "y"]]),
    "source.file_name": st.sampled_from([None, "a.csv"]),
    "source.sha256": st.sampled_from([SHA256, "1" * 64]),
}
said = st.fixed_dictionaries(FIELDS)


def upload_of(values: dict[str, Any]) -> NewJob:
    """An upload with these fields, each by its place."""
    parts: dict[str, Any] = {"options": {}, "source": {}}
    for place, value in values.items():
        room, _, name = place.rpartition(".")
        (parts[room] if room else parts)[name] = value
    return upload(parts.pop("source"), **parts)


@given(first=said, now=said)
def test_every_field_that_differs_is_named_and_no_other(first: dict[str, Any], now: dict[str, Any]) -> None:
    differing = {place for place in FIELDS if first[place] != now[place]}
    job = upload_of(now)
    if not differing:
        assert require_same(recorded(upload_of(first)), job)
        return

    with pytest.raises(CorrelationIdReused) as caught:
        require_same(recorded(upload_of(first)), job)

    assert {detail["where"] for detail in caught.value.details} == differing
    assert "repeat that request unchanged, or use a new correlation id or Idempotency-Key" in caught.value.message


def test_somebody_elses_request_is_refused_without_a_word_of_it() -> None:
    job = upload()

    with pytest.raises(CorrelationIdReused, match="of another owner") as caught:
        require_same(recorded(job, owner="bob"), replace(upload(dataset="other")))

    assert caught.value.details == []


def test_long_values_are_told_by_their_kind() -> None:
    spec = {"rows": [{"a": 1}] * 1000, "note": "x" * 1000, "tags": {"a": "b"}}
    job = NewJob("id", "Predict", "predict", spec, spec_hash(spec), "alice", "http")
    other = {"rows": [{"a": 2}], "note": "y", "tags": None}

    with pytest.raises(CorrelationIdReused) as caught:
        require_same(recorded(job), replace(job, spec=other, spec_hash=spec_hash(other)))

    told = {detail["where"]: detail["expected"] for detail in caught.value.details}
    assert told == {"rows": "a list of 1000", "note": "x" * 200, "tags": "an object"}
