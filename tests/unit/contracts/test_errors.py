"""The tree of errors: stable codes, sentences for people, and a way over the wire and back."""

import pickle
import re

import pytest

import modelbus.shared.errors as module
from modelbus.shared.contracts import ErrorRecord
from modelbus.shared.errors import (
    BusUnavailable,
    EstimatorRejected,
    InvalidCommand,
    LeaseLost,
    ModelbusError,
    SignatureMismatch,
    StoreUnavailable,
    error_of,
    error_types,
)
from modelbus.shared.store.jobs.ledger import error_document

TYPES = [kind for kind in error_types() if kind.__module__ == module.__name__]
"""Those that cross the wire; the local stack has some of its own."""


def test_no_two_errors_share_a_code() -> None:
    codes = [kind.code for kind in error_types()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)


def test_every_error_of_the_module_is_in_the_tree_and_in_the_drawing() -> None:
    named = {kind.__name__ for kind in TYPES}
    written = {name for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert named == written
    assert named <= set(re.findall(r"\w+", module.__doc__ or ""))


def test_codes_are_what_programs_test_and_never_change() -> None:
    assert {kind.__name__: kind.code for kind in TYPES} == {
        "ModelbusError": "internal",
        "BadRequest": "bad_request",
        "UnsupportedMediaType": "unsupported_media_type",
        "InvalidCommand": "invalid_command",
        "SignatureMismatch": "signature_mismatch",
        "LimitExceeded": "limit_exceeded",
        "Unauthenticated": "unauthenticated",
        "Forbidden": "forbidden",
        "NotFound": "not_found",
        "UnknownDataset": "unknown_dataset",
        "UnknownModel": "unknown_model",
        "UnknownEstimator": "unknown_estimator",
        "UnknownEvaluation": "unknown_evaluation",
        "UnknownJob": "unknown_job",
        "UnknownUpload": "unknown_upload",
        "UnknownApiKey": "unknown_api_key",
        "Conflict": "conflict",
        "DatasetExists": "dataset_exists",
        "DatasetChanged": "dataset_changed",
        "EvaluationExists": "evaluation_exists",
        "ApiKeyExists": "api_key_exists",
        "CorrelationIdReused": "correlation_id_reused",
        "StillInUse": "still_in_use",
        "JobFinished": "job_finished",
        "MalformedTable": "malformed_table",
        "EstimatorRejected": "estimator_rejected",
        "ArtifactRefused": "artifact_refused",
        "JobCancelled": "cancelled",
        "JobTimedOut": "timed_out",
        "JobOutOfMemory": "out_of_memory",
        "JobCrashed": "crashed",
        "Unavailable": "unavailable",
        "StoreUnavailable": "store_unavailable",
        "BusUnavailable": "bus_unavailable",
        "TooManyStreams": "too_many_streams",
        "BacklogFull": "backlog_full",
        "LeaseLost": "lease_lost",
    }


def test_only_a_missing_server_is_worth_a_retry() -> None:
    assert {kind.__name__ for kind in TYPES if kind.is_retryable} == {
        "Unavailable",
        "StoreUnavailable",
        "BusUnavailable",
        "TooManyStreams",
    }


@pytest.mark.parametrize("kind", TYPES)
def test_an_error_without_words_says_what_its_class_says(kind: type[ModelbusError]) -> None:
    error = kind()
    assert str(error) == error.message == (kind.__doc__ or "").strip()
    assert error.message.endswith(".")
    assert error.details == []


@pytest.mark.parametrize("kind", TYPES)
def test_an_error_comes_back_from_its_record(kind: type[ModelbusError]) -> None:
    error = kind("what was wrong", details=[{"where": "rows.2", "problem": "no number"}])
    record = ErrorRecord.model_validate(error_document(error))
    again = error_of(record.code, record.message, record.details)
    assert (type(again), again.message, again.details) == (kind, error.message, error.details)


@pytest.mark.parametrize("kind", TYPES)
def test_an_error_can_be_pickled(kind: type[ModelbusError]) -> None:
    again = pickle.loads(pickle.dumps(kind("wrong", details=[{"where": "x"}])))
    assert (type(again), again.message, again.details) == (kind, "wrong", [{"where": "x"}])


def test_an_unknown_code_gives_a_plain_error() -> None:
    error = error_of("from_a_later_release", "new trouble")
    assert (type(error), error.code, error.message) == (ModelbusError, "internal", "new trouble")


def test_details_are_copied_so_that_nobody_changes_them_afterwards() -> None:
    detail = {"where": "x"}
    error = InvalidCommand("wrong", details=[detail])
    detail["where"] = "y"
    assert error.details == [{"where": "x"}]


def test_what_is_a_special_case_is_caught_as_the_general_one() -> None:
    assert issubclass(SignatureMismatch, InvalidCommand)
    assert not issubclass(LeaseLost, StoreUnavailable)
    assert not issubclass(EstimatorRejected, InvalidCommand)
    assert not issubclass(BusUnavailable, StoreUnavailable)
