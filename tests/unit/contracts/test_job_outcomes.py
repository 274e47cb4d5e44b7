"""Outcomes and the messages of a job's process: what is written is read back, and what is wrong is named."""

from typing import Any

import orjson
import pytest

from modelbus.shared.contracts import DriftFound, Progress, new_correlation_id
from modelbus.shared.contracts.records.job_outcomes import (
    AnswerOutcome,
    DatasetOutcome,
    EvaluationOutcome,
    FilesOutcome,
    KeptApart,
    Outcome,
    StoredFile,
    VersionOutcome,
    parse_outcome,
)
from modelbus.shared.errors import EstimatorRejected, ModelbusError
from modelbus.shared.worker.child_messages import (
    ChildMessage,
    EarlyEndOffered,
    ErrorRaised,
    OutcomeReached,
    ProgressMade,
    read_message,
    write_message,
)

EVENT = DriftFound(correlation_id=new_correlation_id(), service="evaluator", model="churn", version=2, columns=["age"])
OUTCOMES: list[Outcome] = [
    DatasetOutcome(record={"name": "customers", "row_count": 3}, blob_id="b", upload_id="u"),
    VersionOutcome(
        record={"model": "churn", "metrics": {"r2": None}},
        blob_id="b",
        apart=KeptApart(rows_blob_id="r", candidates=[{"number": 1, "mean": None}]),
        promote=True,
        survives_cancel=True,
    ),
    VersionOutcome(record={"model": "churn"}, blob_id="b", promote=False, champion_seen=None),
    EvaluationOutcome(record={"id": "june"}, files=[StoredFile(name="roc.svg", blob_id="b")]),
    FilesOutcome(kind="predictions", blobs={"csv": "b"}, report={"row_count": 3}),
    FilesOutcome(kind="export", blobs={"csv": "b"}, report={}),
    AnswerOutcome(result={"rows": [{"a": None, "$b": 2**63 - 1}]}, upload_id="u", event=EVENT),
]


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda outcome: outcome.kind)
def test_an_outcome_is_the_same_after_its_way_through_the_pipe_and_the_record(outcome: Outcome) -> None:
    told = read_message(write_message(OutcomeReached(outcome=outcome)))
    assert told == OutcomeReached(outcome=outcome)
    assert isinstance(told, OutcomeReached)
    kept = told.outcome.document()
    assert parse_outcome(kept) == outcome
    assert parse_outcome(kept).document() == kept == outcome.document()


def test_an_outcome_keeps_only_what_was_said() -> None:
    assert FilesOutcome(kind="export", blobs={}, report={}).document() == {"kind": "export", "blobs": {}, "report": {}}


@pytest.mark.parametrize(
    ("said", "depends"), [({}, False), ({"champion_seen": None}, True), ({"champion_seen": 3}, True)]
)
def test_whether_a_promotion_depends_on_the_champion_outlasts_the_record(said: dict[str, Any], depends: bool) -> None:
    outcome = VersionOutcome(record={"model": "churn"}, blob_id="b", promote=True).model_copy(update=said)
    kept = parse_outcome(outcome.document())
    assert isinstance(kept, VersionOutcome)
    assert kept.depends_on_champion is depends


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ({"kind": "unheard of"}, "Input tag 'unheard of'"),
        ({}, "Unable to extract tag"),
        (["answer"], "Input should be a valid dictionary"),
        ({"kind": "dataset", "record": {"name": "a"}}, "dataset.blob_id: Field required"),
        ({"kind": "dataset", "record": {"row_count": 3}, "blob_id": "b"}, "must have 'name'"),
        ({"kind": "evaluation", "record": {"id": ""}}, "must have 'id'"),
        ({"kind": "answer", "result": {}, "rows": 3}, "answer.rows: Extra inputs are not permitted"),
        ({"kind": "export", "blobs": {"csv": 3}, "report": {}}, "export.blobs.csv: Input should be a valid string"),
    ],
)
def test_what_is_wrong_with_an_outcome_is_named(document: Any, named: str) -> None:
    with pytest.raises(ModelbusError, match=r"^invalid outcome: ") as caught:
        parse_outcome(document)
    assert named in caught.value.message
    assert caught.value.code == "internal"
    told = read_message(orjson.dumps({"kind": "outcome", "outcome": document}))
    assert isinstance(told, ErrorRaised)
    assert (told.code, named in told.message) == ("internal", True)


@pytest.mark.parametrize(
    "message",
    [
        ProgressMade(progress=Progress(fraction=0.5, message="half")),
        EarlyEndOffered(),
        ErrorRaised(code="estimator_rejected", message="no", details=[{"where": "penalty"}]),
    ],
    ids=lambda message: message.kind,
)
def test_what_a_jobs_process_says_is_read_as_it_was_said(message: ChildMessage) -> None:
    assert read_message(write_message(message)) == message


def test_an_error_is_of_its_kind_again() -> None:
    error = ErrorRaised(code="estimator_rejected", message="no", details=[{"where": "penalty"}]).error()
    assert isinstance(error, EstimatorRejected)
    assert (error.message, error.details) == ("no", [{"where": "penalty"}])
