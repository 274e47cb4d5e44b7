"""Models and versions as the gateway returns them."""

import hashlib
from typing import Any

import orjson

from modelbus.gateway.http.answers import public
from modelbus.shared.contracts.documents.model_documents import ModelDocument, VersionDocument
from modelbus.shared.contracts.records.model_records import ModelRecord, VersionRecord


def model_view(document: ModelDocument) -> dict[str, Any]:
    """A model as the gateway returns it."""
    return ModelRecord.model_validate({**public(document), "name": document["_id"]}).model_dump(mode="json")


def version_view(document: VersionDocument) -> tuple[dict[str, Any], str]:
    """A version as the gateway returns it, and its ETag, which changes with the fields that can change."""
    record = VersionRecord.model_validate(public(document)).model_dump(mode="json")
    body = orjson.dumps([record["artifact_sha256"], record["tags"], record["note"]], option=orjson.OPT_SORT_KEYS)
    return record, hashlib.sha256(body).hexdigest()
