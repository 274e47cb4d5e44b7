"""What the commands about logs and dead letters ask a gateway: JSON over HTTP, and streams of events."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from typing import Any, Final, Self

import httpx

from modelbus.stack.layout import Layout
from modelbus.stack.lock import is_locked
from modelbus.stack.state import read_state
from shared.errors import ModelbusError, Unavailable, error_of

DEFAULT_URL: Final = "http://127.0.0.1:8000"
_ANSWER_S: Final = 30.0
_STREAM_S: Final = 60.0
"""A stream that says nothing for so long is lost: heartbeats come far more often."""
_AGAIN_S: Final = 2.0


class GatewayUnreachable(ModelbusError):
    """No gateway answers at the address."""

    code = "gateway_unreachable"


class GatewayCalls:
    """Requests to one gateway."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        key = os.environ.get("MODELBUS_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = httpx.Client(base_url=self._url, headers=headers, timeout=httpx.Timeout(_ANSWER_S, connect=5.0))

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
        except httpx.HTTPError as error:
            raise GatewayUnreachable(f"no gateway answers at {self._url}: {error}") from error
        if response.is_error:
            raise _error(response)
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
            except httpx.HTTPError as error:
                if last_id is None:
                    raise GatewayUnreachable(f"no gateway answers at {self._url}: {error}") from error
            except Unavailable:
                if last_id is None:
                    raise
            time.sleep(_AGAIN_S)

    def _events(
        self, path: str, query: Mapping[str, Any], last_id: str | None
    ) -> Iterator[tuple[str, Any, str | None]]:
        headers = {"Accept": "text/event-stream", **({"Last-Event-ID": last_id} if last_id else {})}
        params = {**query, "follow": "true"}
        with self._http.stream("GET", path, params=params, headers=headers, timeout=_STREAM_S) as response:
            if response.is_error:
                response.read()
                raise _error(response)
            fields: dict[str, str] = {}
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if line:
                    fields[name] = value
                    continue
                if "data" in fields:
                    yield fields.get("event", ""), json.loads(fields["data"]), fields.get("id")
                fields = {}


def choose_url(url: str | None, layout: Layout) -> str:
    """The gateway that is meant: the one that was named, else the local stack's, else this machine's."""
    return url or local_stack_url(layout) or DEFAULT_URL


def local_stack_url(layout: Layout) -> str | None:
    """Where the gateway of the local stack is, if one runs in the folder."""
    state = read_state(layout.state)
    return state.gateway_url if state is not None and is_locked(layout.lock) else None


def _given(query: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in query.items() if value is not None}


def _error(response: httpx.Response) -> ModelbusError:
    try:
        problem = response.json()
        return error_of(problem["code"], problem["detail"], problem.get("errors", ()))
    except (ValueError, KeyError, TypeError):
        return GatewayUnreachable(f"{response.request.url} answered {response.status_code}, which is no gateway's way")
