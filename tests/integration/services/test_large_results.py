"""Large results at the gateway: passed on as they lie in their blob, never parsed on the loop that serves all."""

from collections.abc import AsyncIterator
from typing import Any, Final

import orjson
import pytest
from aiohttp.test_utils import TestClient, TestServer
from pymongo.database import Database

from modelbus.gateway.app import create_app
from modelbus.gateway.http.requests import CORRELATION_HEADER
from modelbus.shared.contracts import Command, Predict, ReadRows, new_correlation_id
from modelbus.shared.settings import Settings
from modelbus.shared.store.blobs.worker_blobs import BlobStore
from modelbus.shared.store.connection import Document
from modelbus.shared.store.jobs.acceptance import new_job
from modelbus.shared.store.jobs.ledger import FinishedJob, JobLedger

# aiohttp warns of a request's fields that are named by text; here the gateway runs where warnings are errors.
pytestmark = pytest.mark.filterwarnings("ignore::aiohttp.web_exceptions.NotAppKeyWarning")

INSIDE: Final = b'"model" : "churn", "version":\t2,  "predictions": [1.50, null,"\\u00e9"], "report": { } }'
"""What nobody writes that has parsed it."""
TEXT: Final = b"{" + INSIDE


@pytest.fixture
async def gateway(settings: Settings, indexed: Database[Document]) -> AsyncIterator[TestClient[Any, Any]]:
    """The gateway in this process, on the test's own database."""
    async with TestClient(TestServer(create_app(settings))) as client:
        yield client


def ended(ledger: JobLedger, blobs: BlobStore, command: Command, text: bytes = TEXT) -> str:
    """A job whose result is stored apart; returns its id."""
    job = new_job(command, new_correlation_id(), door="http")
    blob_id = blobs.save(text, "result", job.correlation_id, 0)
    ledger.record_finished([FinishedJob(job, {"stored_result": blob_id, "size_bytes": len(text)}, None)])
    return job.correlation_id


async def test_a_job_has_its_large_result_as_it_was_stored(
    gateway: TestClient[Any, Any], ledger: JobLedger, blobs: BlobStore
) -> None:
    correlation_id = ended(ledger, blobs, Predict(model="churn", rows=[{"a": 1}]))
    response = await gateway.get(f"/jobs/{correlation_id}")
    body = await response.read()
    assert response.status == 200
    assert b'"result":' + TEXT in body
    job = orjson.loads(body)
    assert (job["correlation_id"], job["status"], job["result"]["version"]) == (correlation_id, "succeeded", 2)


async def test_a_large_answer_goes_on_behind_its_correlation_id(
    gateway: TestClient[Any, Any], ledger: JobLedger, blobs: BlobStore
) -> None:
    correlation_id = ended(ledger, blobs, Predict(model="churn", rows=[{"a": 1}]))
    asked = {CORRELATION_HEADER: correlation_id}
    response = await gateway.post("/models/churn/predict?wait=10", json={"rows": [{"a": 1}]}, headers=asked)
    told = await response.read()
    assert response.status == 200, told
    assert response.content_type == "application/json"
    assert response.headers[CORRELATION_HEADER] == correlation_id
    assert told == b'{"correlation_id":"%s",' % correlation_id.encode() + INSIDE


async def test_a_large_result_that_was_removed_is_said_to_be_gone(
    gateway: TestClient[Any, Any], ledger: JobLedger, blobs: BlobStore, indexed: Database[Document]
) -> None:
    correlation_id = ended(ledger, blobs, ReadRows(dataset="shop"))
    indexed["fs.files"].delete_many({})
    response = await gateway.get(f"/jobs/{correlation_id}")
    assert (response.status, (await response.json())["code"]) == (404, "unknown_upload")
