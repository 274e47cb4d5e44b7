"""The documents of MongoDB have the fields of the records that are answered from them, and agree on what may lack."""

from types import NoneType, UnionType
from typing import Annotated, Any, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from pydantic import BaseModel

from modelbus.shared.contracts.base import Contract
from modelbus.shared.contracts.documents.dataset_documents import (
    AlertDocument,
    ColumnDocument,
    DatasetDocument,
    ListedDataset,
    WrittenColumnDocument,
)
from modelbus.shared.contracts.documents.evaluation_documents import EvaluationDocument, ListedEvaluation
from modelbus.shared.contracts.documents.job_documents import (
    BoundDatasetDocument,
    ErrorDocument,
    JobDocument,
    ListedJob,
)
from modelbus.shared.contracts.documents.model_documents import (
    ComparisonDocument,
    FreeTextDocument,
    HeldOutDocument,
    ModelDocument,
    SignatureColumnDocument,
    SignatureDocument,
    VersionDocument,
)
from modelbus.shared.contracts.documents.service_documents import EstimatorDocument, ListedEstimator, ToldApiKey
from modelbus.shared.contracts.records.api_key_records import ApiKeyRecord
from modelbus.shared.contracts.records.dataset_records import (
    Alert,
    ColumnSchema,
    DatasetRecord,
    DatasetSummary,
    WrittenColumn,
)
from modelbus.shared.contracts.records.estimator_records import EstimatorRecord
from modelbus.shared.contracts.records.evaluation_records import EvaluationRecord
from modelbus.shared.contracts.records.job_records import BoundDataset, ErrorRecord, JobRecord, JobSummary
from modelbus.shared.contracts.records.model_records import (
    Comparison,
    FreeTextSummary,
    HeldOutRows,
    ModelRecord,
    Signature,
    SignatureColumn,
    VersionRecord,
)
from modelbus.shared.store.jobs import protocol
from modelbus.shared.store.operation import NewJob, Terms

ID = frozenset({"_id"})
PAIRS: list[tuple[Any, type[Contract], frozenset[str], frozenset[str]]] = [
    # the document, its record, what only the document has, what only the record has
    (ErrorDocument, ErrorRecord, frozenset(), frozenset()),
    (BoundDatasetDocument, BoundDataset, frozenset(), frozenset()),
    (ListedJob, JobSummary, ID | {"spec"}, frozenset({"correlation_id", "model", "dataset"})),
    (
        JobDocument,
        JobRecord,
        ID
        | {
            "spec_hash",
            "former_hashes",
            "queue",
            "door",
            "reply_to",
            "given_correlation_id",
            "headers",
            "retention_s",
            "fence",
            "lease",
        }
        | {"cancel_reason", "publish_count", "outcome", "files", "draft", "first_spec", "is_forgotten"}
        | {"not_before", "next_publish_at", "published_at"},
        frozenset({"correlation_id", "model", "dataset"}),
    ),
    (WrittenColumnDocument, WrittenColumn, frozenset(), frozenset()),
    (ColumnDocument, ColumnSchema, frozenset(), frozenset()),
    (AlertDocument, Alert, frozenset(), frozenset()),
    (ListedDataset, DatasetSummary, ID, frozenset()),
    (DatasetDocument, DatasetRecord, ID | {"blob_id"}, frozenset()),
    (SignatureColumnDocument, SignatureColumn, frozenset(), frozenset()),
    (SignatureDocument, Signature, frozenset(), frozenset()),
    (ComparisonDocument, Comparison, frozenset(), frozenset()),
    (HeldOutDocument, HeldOutRows, frozenset(), frozenset()),
    (FreeTextDocument, FreeTextSummary, frozenset(), frozenset()),
    (
        VersionDocument,
        VersionRecord,
        ID | {"blob_id", "candidates", "candidates_blob_id", "rows_blob_id"},
        frozenset(),
    ),
    (ModelDocument, ModelRecord, ID, frozenset({"name"})),
    (EvaluationDocument, EvaluationRecord, ID | {"files"}, frozenset()),
    (EstimatorDocument, EstimatorRecord, ID, frozenset()),
    (ToldApiKey, ApiKeyRecord, frozenset(), frozenset()),
]
PARTS = [
    (ListedEvaluation, EvaluationRecord, ID),
    (ListedEstimator, EstimatorRecord, frozenset()),
]
DOCUMENT_OF = {record: document for document, record, _, _ in PAIRS if not document.__name__.startswith("Listed")}


def name_of(value: Any) -> str:
    """In a test's id."""
    return getattr(value, "__name__", "")


def hint_of(document: Any, name: str) -> Any:
    """A key's type, without what says whether it may lack."""
    hint = get_type_hints(document, include_extras=True)[name]
    return get_args(hint)[0] if get_origin(hint) is NotRequired else hint


def plain(hint: Any) -> Any:
    """A record's type as a document holds it: constraints left out, each record as its document."""
    if get_origin(hint) is Annotated:
        return plain(get_args(hint)[0])
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return DOCUMENT_OF.get(hint, dict[str, Any])
    if get_origin(hint) in (Union, UnionType):
        kinds = {plain(kind) for kind in get_args(hint)}
        return frozenset({Any}) if Any in kinds else frozenset(kinds)
    if get_origin(hint) is list:
        return list[plain(get_args(hint)[0])]  # type: ignore[misc]
    return hint


def fields_of(document: Any, record: type[BaseModel], own: frozenset[str]) -> list[str]:
    return [name for name in get_type_hints(document) if name not in own and name in record.model_fields]


@pytest.mark.parametrize(("document", "record", "own", "lacking"), PAIRS, ids=name_of)
def test_a_document_has_the_fields_of_its_record_and_those_of_the_store(
    document: Any, record: type[Contract], own: frozenset[str], lacking: frozenset[str]
) -> None:
    assert is_typeddict(document)
    assert set(get_type_hints(document)) == (record.model_fields.keys() - lacking) | own


@pytest.mark.parametrize(("document", "record", "own"), PARTS, ids=name_of)
def test_a_part_of_a_document_has_fields_of_its_record(
    document: Any, record: type[Contract], own: frozenset[str]
) -> None:
    assert set(get_type_hints(document)) - own < record.model_fields.keys()


ALL = [(document, record, own) for document, record, own, _ in PAIRS] + PARTS


@pytest.mark.parametrize(("document", "record", "own"), ALL, ids=name_of)
def test_what_a_record_gives_a_default_may_lack_in_its_document(
    document: Any, record: type[Contract], own: frozenset[str]
) -> None:
    names = fields_of(document, record, own)
    expected = {name for name in names if record.model_fields[name].is_required()}
    assert {name for name in names if name in document.__required_keys__} == expected


@pytest.mark.parametrize(("document", "record", "own"), ALL, ids=name_of)
def test_a_field_has_the_same_type_in_a_document_as_in_its_record(
    document: Any, record: type[Contract], own: frozenset[str]
) -> None:
    hints = get_type_hints(record)
    names = fields_of(document, record, own)
    found = {name: plain(hint_of(document, name)) for name in names}
    # The codes of alerts and the ways of holding rows out are many words: documents have them as text.
    as_text = {"code", "method"} & set(names) if record in (Alert, HeldOutRows) else set()
    expected = {name: str if name in as_text else plain(hints[name]) for name in names}
    assert found == expected


def test_a_new_job_has_what_its_document_demands_and_nothing_unknown() -> None:
    terms = Terms(lease_s=1, republish_s=1, retry_backoff_s=1, job_retention_s=1, dead_retention_s=1, max_attempts=3)
    job = NewJob("id", "TrainModel", "train", {}, "hash", "owner", "http")
    made = protocol.new_job_document(job, terms)

    assert made.keys() <= get_type_hints(JobDocument).keys()
    assert made.keys() >= JobDocument.__required_keys__


def test_none_stays_what_may_be_null() -> None:
    assert plain(str | None) == frozenset({str, NoneType})
