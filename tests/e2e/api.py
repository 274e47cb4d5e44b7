"""A small HTTP client for tests: method, path and body in; status, headers and document out."""

import gzip
import http.client
import json
import urllib.parse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from tests.waiting import wait_until

JOB_TIMEOUT_S = 90.0
"""Far more than any job of the tests takes: the machine may be busy with other things."""
ENDED = frozenset({"succeeded", "failed", "dead", "cancelled"})


@dataclass(frozen=True)
class Answer:
    """What the gateway answered."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def document(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a problem."""
        assert self.headers["Content-Type"] == "application/problem+json", self
        return str(self.document["code"])

    @property
    def detail(self) -> str:
        """The sentence of a problem."""
        return str(self.document["detail"])

    @property
    def places(self) -> list[str]:
        """Where the faults of a problem are."""
        return [error["where"] for error in self.document.get("errors", [])]

    @property
    def correlation_id(self) -> str:
        """The id that the answer carries in its header."""
        return self.headers["X-Correlation-ID"]


class Api:
    """The gateway, one connection a request."""

    def __init__(self, url: str, key: str | None = None) -> None:
        parts = urllib.parse.urlsplit(url)
        assert parts.hostname
        self.host, self.port = parts.hostname, parts.port
        self.headers = {"Authorization": f"Bearer {key}"} if key else {}

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = JOB_TIMEOUT_S,
    ) -> Answer:
        """Send a request.

        Args:
            method: The HTTP method.
            path: The path with its query.
            body: Bytes as they are, an iterator of them in chunks, anything else as JSON.
            headers: Header fields, over those that the body brings.
            timeout_s: How long the connection may stand still.

        Raises:
            OSError, http.client.HTTPException: There was no answer.
        """
        is_raw = body is None or isinstance(body, (bytes, Iterator))
        given = {} if is_raw else {"Content-Type": "application/json"}
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout_s)
        try:
            sent: Any = body if is_raw else json.dumps(body).encode()
            connection.request(method, path, sent, {**self.headers, **given, **(headers or {})})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def get(self, path: str, **options: Any) -> Answer:
        """Send a GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: object = None, **options: Any) -> Answer:
        """Send a POST."""
        return self.call("POST", path, body, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """Send a DELETE."""
        return self.call("DELETE", path, **options)

    def upload(self, name: str, table: str | bytes, *, wait_s: int = 60, **headers: str) -> Answer:
        """Upload a CSV as a raw body; header names with ``_`` for ``-``."""
        body = table.encode() if isinstance(table, str) else table
        fields = {field.replace("_", "-"): value for field, value in headers.items()}
        return self.post(f"/datasets?name={name}&wait={wait_s}", body, headers={"Content-Type": "text/csv", **fields})

    def dataset(self, table: str | bytes, prefix: str = "table") -> str:
        """Upload a CSV under a new name, which is returned; it must become a dataset."""
        name = fresh(prefix)
        answer = self.upload(name, table)
        assert answer.status == 201, answer
        return name

    def train(self, dataset: str, target: str, estimator: str, **changes: Any) -> dict[str, Any]:
        """Train a model, under a new name unless one is given; returns the answer, which must be a success."""
        command = {"model": fresh("model"), "dataset": dataset, "target": target, "estimator": estimator, **changes}
        answer = self.post("/models?wait=60", command)
        assert answer.status == 201, answer
        trained: dict[str, Any] = answer.document
        return trained

    def job(self, correlation_id: str) -> dict[str, Any]:
        """A job as it is now."""
        answer = self.get(f"/jobs/{correlation_id}")
        assert answer.status == 200, answer
        job: dict[str, Any] = answer.document
        return job

    def ended_job(self, correlation_id: str, timeout_s: float = JOB_TIMEOUT_S) -> dict[str, Any]:
        """A job that must end; the gateway or MongoDB may be away for a while."""
        seen: dict[str, Any] = {}

        def has_ended() -> bool:
            try:
                answer = self.get(f"/jobs/{correlation_id}?wait=5", timeout_s=20)
            except (OSError, http.client.HTTPException) as error:
                seen["error"] = repr(error)
                return False
            if answer.status in (200, 404):
                seen.clear()
                seen.update(answer.document)
            return seen.get("status") in ENDED

        wait_until(has_ended, f"job {correlation_id} ends", timeout_s, lambda: seen)
        return seen

    def running_job(self, correlation_id: str, doing: str = "", attempt: int = 1) -> dict[str, Any]:
        """A job that must come to run, and to say that it is ``doing`` something."""

        def is_running() -> dict[str, Any] | None:
            job = self.job(correlation_id)
            assert job["status"] in ("queued", "running"), job
            message = (job["progress"] or {}).get("message", "")
            is_there = job["status"] == "running" and job["attempt"] >= attempt and doing in message
            return job if is_there else None

        job = wait_until(is_running, f"job {correlation_id} runs: {doing}", JOB_TIMEOUT_S)
        assert job is not None
        return job


def fresh(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}-{uuid4().hex[:10]}"


def form(**fields: str | tuple[str, str, str]) -> tuple[bytes, dict[str, str]]:
    """A multipart form and its header: text fields, and files as file name, media type and text."""
    boundary = uuid4().hex
    parts = []
    for name, value in fields.items():
        text, more, kind = value, "", ""
        if isinstance(value, tuple):
            file_name, media_type, text = value
            more, kind = f'; filename="{file_name}"', f"Content-Type: {media_type}\r\n"
        parts.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n{kind}\r\n{text}\r\n')
    body = "".join(parts) + f"--{boundary}--\r\n"
    return body.encode(), {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def gzipped(text: str) -> bytes:
    """Compress a body."""
    return gzip.compress(text.encode())
