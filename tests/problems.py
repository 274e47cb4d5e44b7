"""What every refusal over HTTP has, whoever asked."""

from typing import Any, Protocol
from uuid import UUID


class HttpAnswer(Protocol):
    """What a gateway answered, as the tests' own callers have it."""

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Any: ...

    @property
    def document(self) -> Any: ...


def assert_is_problem(answer: HttpAnswer, status: int, code: str) -> None:
    document = answer.document
    assert (answer.status, document["status"], document["code"]) == (status, status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert document["type"] == f"urn:modelbus:error:{code}"
    assert document["title"]
    assert document["detail"]
    correlation_id = answer.headers["X-Correlation-ID"]
    assert document["correlation_id"] == correlation_id == str(UUID(correlation_id))
