"""Asks an application, and reads what it refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestClient


@dataclass(frozen=True)
class Answer:
    """What was answered."""

    status: int
    headers: Mapping[str, str]
    document: Any
    """The body, if it is JSON."""

    @property
    def code(self) -> str:
        """The code of a problem."""
        return str(self.document["code"])

    @property
    def detail(self) -> str:
        """The sentence of a problem."""
        return str(self.document["detail"])

    @property
    def places(self) -> set[str]:
        """Where the faults of a problem are."""
        return {error["where"] for error in self.document.get("errors", [])}


@dataclass(frozen=True)
class AskedGateway:
    """The application behind a client."""

    client: TestClient[web.Request, web.Application]

    async def ask(
        self, method: str, path: str, body: object = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request; bytes as they are, anything else as JSON."""
        sent: dict[str, Any] = {"data": BytesIO(body)} if isinstance(body, bytes) else {"json": body}
        async with self.client.request(method, path, headers=headers, **sent) as response:
            is_json = response.content_type.endswith("json")
            return Answer(
                response.status, response.headers, await response.json(content_type=None) if is_json else None
            )

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.client.make_url("/")).rstrip("/")
