"""What the commands about logs and dead letters ask a gateway: JSON over HTTP, and streams of events."""

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, Self

import httpx

from modelbus.client.calls import error_of_response, unreachable, user_agent
from modelbus.client.places import DEFAULT_URL, default_api_key
from modelbus.commands.session import local_url
from shared.errors import Unavailable

_ANSWER_S: Final = 30.0
_STREAM_S: Final = 60.0
"""A stream that says nothing for so long is lost: heartbeats come far more often."""
_AGAIN_S: Final = 2.0


class GatewayCalls:
    """Requests to one gateway."""

    def __init__(self, url: str) -> None:
        self._url, key = url.rstrip("/"), default_api_key()
        headers = {"User-Agent": user_agent(), **({"Authorization": f"Bearer {key}"} if key else {})}
        timeout = httpx.Timeout(_ANSWER_S, connect=5.0)
        self._http = httpx.Client(base_url=self._url, timeout=timeout, headers=headers)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def is_answering(self) -> bool:
        """Whether a gateway of Modelbus is there."""
        try:
            return bool(self._http.get("/health/live").json().get("status") == "ok")
        except (httpx.HTTPError, ValueError, AttributeError):
            return False

    def call(self, method: str, path: str, *, body: Any = None, **query: Any) -> Any:
        """Send a request.

        Args:
            method: HTTP's.
            path: From the root.
            body: JSON.
            query: What is None is left out.

        Returns:
            The JSON of the answer, None where there is none.

        Raises:
            ModelbusError: The gateway's, as the problem tells it.
            GatewayUnreachable: Nobody answers.
        """
        try:
            response = self._http.request(method, path, json=body, params=_given(query))
        except httpx.RequestError as error:
            raise unreachable(self._url, error) from error
        if response.is_error:
            raise error_of_response(response)
        return response.json() if response.content else None

    def follow(self, path: str, **query: Any) -> Iterator[tuple[str, Any]]:
        """Yield name and data of each event, going on where a connection that broke had been, until ``end``."""
        last_id: str | None = None
        while True:
            try:
                for name, data, event_id in self._events(path, _given(query), last_id):
                    last_id = event_id or last_id
                    if name == "end":
                        return
                    if name != "error":
                        yield name, data
            except httpx.RequestError as error:
                if last_id is None:
                    raise unreachable(self._url, error) from error
            except Unavailable:
                if last_id is None:
                    raise
            time.sleep(_AGAIN_S)

    def _events(
        self, path: str, query: Mapping[str, Any], last_id: str | None
    ) -> Iterator[tuple[str, Any, str | None]]:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        with self._http.stream("GET", path, params=query, headers=headers, timeout=_STREAM_S) as response:
            if response.is_error:
                response.read()
                raise error_of_response(response)
            fields: dict[str, str] = {}
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                    continue
                if "data" in fields:
                    yield fields.get("event", ""), json.loads(fields["data"]), fields.get("id")
                fields = {}


def choose_url(url: str | None, directory: Path) -> str:
    """The gateway that is meant: the one that was named, else the local stack's of the folder, else this machine's."""
    return url or local_url(directory) or DEFAULT_URL


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}
