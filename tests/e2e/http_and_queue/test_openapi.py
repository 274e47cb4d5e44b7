"""The description of the HTTP door against the door itself: whatever is sent, no 5xx and no undocumented answer."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from modelbus.gateway.app import create_app
from modelbus.gateway.description.openapi import openapi_document
from modelbus.gateway.routing.route_table import ROUTES
from modelbus.shared.settings import Settings
from tests.e2e.api import Api

NOT_SENT = {"/metrics", "/docs", "/events"}
"""What is no JSON door, or never ends."""


schemathesis.serializer.alias(["application/vnd.apache.parquet", "application/x-ndjson"], "application/octet-stream")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Nothing is waited for: a test of forms, not of jobs."""
    if "wait" in (case.query or {}):
        case.query["wait"] = "0"
    (case.headers or {}).pop("Prefer", None)


document = openapi_document(create_app(Settings())[ROUTES])
schema = schemathesis.openapi.from_dict(document).exclude(path=list(NOT_SENT))


@schema.parametrize()
@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
def test_every_answer_is_documented(case: Any, api: Api) -> None:
    case.call_and_validate(
        base_url=f"http://{api.host}:{api.port}",
        checks=(
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ),
    )
