"""The description of the HTTP door against the door itself, by every check that schemathesis has.

Whatever is sent: no 5xx, no answer that is not described, nothing taken that the schemas forbid, nothing refused that
they allow, and `Allow` as it is described.
"""

import re
from typing import Any
from urllib.parse import urlencode

import schemathesis
from hypothesis import HealthCheck, assume, settings
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import Failure
from schemathesis.generation.modes import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from modelbus.gateway.app import create_app
from modelbus.gateway.description.openapi import openapi_document
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.settings import Settings
from tests.e2e.api import Api

NEVER_ENDS = {"/events"}
LINE_BYTES = 8000
"""What a request line may have: HTTP's own limit, which no schema says."""
OF_CONTENT = {"malformed_table", "signature_mismatch", "estimator_rejected", "limit_exceeded"}
"""Codes of what is wrong with a file or with rows, which no schema describes."""
BEYOND_SCHEMAS = {
    "select dead letters by": "one of several parameters must be given",
    "options must be a JSON object": "JSON in a text",
    "must not repeat an evaluation": "generators make sets of lists whose entries differ, and the order counts",
    "given both in `options` and separately": "a rule of two parameters",
    "must not be repeated": "an option in the query string and in the form",
}
"""What a request may be refused for by its sentence, and why no schema can say it."""
OF_SCHEMAS = re.compile(r"^(Input|String|List|Dictionary|Value|Extra|Field|Unable)\b")
"""How pydantic begins what it says of one field, which the schema says too; validators of our own begin otherwise."""

load_all_checks()
schemathesis.serializer.alias(["application/vnd.apache.parquet"], "application/octet-stream")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Nothing is waited for, and nothing is followed: a test of forms, not of jobs."""
    if _is_positive(case) and any(one.name == "wait" for one in case.operation.query):
        case.query = {**(case.query or {}), "wait": "0"}
    if str((case.query or {}).get("follow")).lower() == "true":
        case.query["follow"] = "false"
    (case.headers or {}).pop("Prefer", None)


def _is_positive(case: Any) -> bool:
    return case.meta is not None and case.meta.generation.mode is GenerationMode.POSITIVE


@schemathesis.check
def refuses_only_what_no_schema_can_say(_context: Any, response: Any, case: Any) -> None:
    """What the schemas allow is not refused but for a rule that they cannot say."""
    if not _is_positive(case) or response.status_code not in (400, 422):
        return
    problem = response.json()
    if problem["code"] in OF_CONTENT or any(sentence in problem["detail"] for sentence in BEYOND_SCHEMAS):
        return
    faults = problem.get("errors", [])
    if problem["code"] == "invalid_command" and faults and not any(OF_SCHEMAS.match(one["problem"]) for one in faults):
        return
    raise Failure(operation=case.operation.label, title="refused though its schema allows it", message=response.text)


document = openapi_document(create_app(Settings())[ROUTES], requires_keys=False)
schema = schemathesis.openapi.from_dict(document).exclude(path=list(NEVER_ENDS))


@schema.parametrize()
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_what_is_answered_is_described_and_what_is_described_is_answered(case: Any, api: Api) -> None:
    assume(len(case.formatted_path) + len(urlencode(case.query or {}, doseq=True)) < LINE_BYTES)

    case.call_and_validate(
        base_url=f"http://{api.host}:{api.port}",
        excluded_checks=[positive_data_acceptance],  # `refuses_only_what_no_schema_can_say` is it, sentence by sentence
    )
