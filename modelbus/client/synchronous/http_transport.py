# Made from ../asynchronous/http_transport.py by tools/twin.py: change it there, then run `make twin`.
"""Sending calls and reading replies: one connection pool, retries where they are harmless, errors by their code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import tenacity
from tenacity import Retrying

from modelbus.client.calls import Call, Reply, error_of_response, reply_of, unreachable, user_agent
from modelbus.client.client_errors import GatewayUnreachable
from modelbus.client.places import is_this_machine
from modelbus.client.received_files import ReceivedFile, require_whole_body
from modelbus.client.retrying import policy
from modelbus.client.sent_events import is_event_stream
from modelbus.client.synchronous.blocking import Bell, in_thread
from modelbus.client.upload_sources import CHUNK_BYTES, Upload
from modelbus.shared.errors import NotFound


class Transport:
    """The way to one gateway."""

    def __init__(self, url: str, api_key: str | None, *, retry_s: float, answer_s: float) -> None:
        """Args:
        url: The gateway's address, such as ``http://127.0.0.1:8000``.
        api_key: Sent as a bearer token; None sends none.
        retry_s: For so many seconds a request that may be repeated is.
        answer_s: Seconds that an answer may stand still.

        Raises:
            GatewayUnreachable: The address is none.
        """
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise GatewayUnreachable(f"{url!r} is no address of a gateway; expected is one like http://127.0.0.1:8000")
        self.url = url.rstrip("/")
        self.retry_s = retry_s
        """For so many seconds a request that may be repeated is."""
        self._answer_s = answer_s
        headers = {"User-Agent": user_agent(), "Accept": "application/json"}
        if api_key:
            headers["Authorization"] = f"Bearer {api_key}"
        # A proxy of the environment does not know what this machine calls 127.0.0.1.
        self._http = httpx.Client(base_url=self.url, headers=headers, trust_env=not is_this_machine(url))

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(self, call: Call, *, retry_s: float | None = None) -> Reply:
        """Send a call until it is answered, or repeating it is no use.

        Args:
            call: The call.
            retry_s: For so many seconds; default: what the client was made with.

        Raises:
            ModelbusError: The gateway's problem, by its code.
            GatewayUnreachable, UnexpectedAnswer: There is no gateway there (any more).
        """
        retrying = Retrying(**policy(call, self.retry_s if retry_s is None else retry_s))
        try:
            return retrying(self._send_once, call)
        except GatewayUnreachable as error:
            if call.upload is not None and not call.upload.is_repeatable:
                error.add_note("The file is a stream that cannot be rewound, so it is sent once only.")
            raise
        except NotFound:
            if call.method == "DELETE" and retrying.statistics.get("attempt_number", 1) > 1:
                # An earlier try has deleted it; its answer was lost.
                return Reply(204, None, "")
            raise

    def document(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send a call that makes no job, and give the JSON of its answer."""
        return (self.send(Call(method, path, query, body=body))).document

    def pages(
        self, path: str, name: str, *, limit: int | None = None, page_limit: int = 1000, **query: Any
    ) -> Iterator[list[Any]]:
        """Yield what a list has, page by page.

        Args:
            path: The list's path.
            name: Where its entries are.
            limit: How many at most; all if None.
            page_limit: How many a page may have.
            query: What the query string says beside.
        """
        left, cursor = limit, None
        while left is None or left > 0:
            count = page_limit if left is None else min(left, page_limit)
            page = self.document("GET", path, limit=count, cursor=cursor, **query)
            yield page[name]
            left = None if left is None else left - len(page[name])
            cursor = page["next"]
            if cursor is None:
                return

    def save(self, call: Call, path: Path) -> Reply:
        """Send a call whose answer is a file; it is there whole or not at all.

        Raises:
            DamagedDownload: What came is not what was announced.
            OSError: The file cannot be written.
            ModelbusError: As ``send``.
        """
        # a name that neither another download nor a file of the user's has
        unfinished = path.with_name(f"{path.name}.{uuid4().hex[:8]}.partial")
        try:
            with in_thread(unfinished.open, "xb") as file:
                reply = self.send(replace(call, sink=file))
            if reply.status == 200:
                in_thread(unfinished.replace, path)
            return reply
        finally:
            unfinished.unlink(missing_ok=True)  # at once: a task that was cancelled awaits nothing more

    def open(self, call: Call, bell: Bell, *, retry_s: float, heartbeat_age_s: float) -> httpx.Response | None:
        """Send a call whose answer goes on; whoever asks closes it.

        Args:
            call: The call.
            bell: When it is rung, the call is not sent again.
            retry_s: For so many seconds it is.
            heartbeat_age_s: Seconds that the answer may say nothing.

        Returns:
            The answer, of which nothing is read; None where the gateway has nothing (more) to tell.

        Raises:
            ModelbusError: The gateway's problem, by its code.
            GatewayUnreachable, UnexpectedAnswer: There is no gateway there (any more).
        """
        given = policy(call, retry_s)

        def is_over(state: tenacity.RetryCallState) -> bool:
            return bell.is_rung() or given["stop"](state)

        retrying = Retrying(**{**given, "stop": is_over, "sleep": bell.wait})
        return retrying(self._open_once, call, heartbeat_age_s)

    def _open_once(self, call: Call, heartbeat_age_s: float) -> httpx.Response | None:
        try:
            response = self._http.send(call.request(self._http, None, heartbeat_age_s), stream=True)
            if response.status_code == 200 and is_event_stream(response):
                return response
            response.read()
        except httpx.RequestError as error:
            raise unreachable(self.url, error) from error
        if response.status_code == 204:
            return None
        raise error_of_response(response)

    def _send_once(self, call: Call) -> Reply:
        try:
            with self._response(call) as response:
                if call.sink is not None and response.status_code == 200:
                    self._keep(response, call.sink)
                else:
                    response.read()
                    require_whole_body(response)
        except httpx.RequestError as error:
            raise unreachable(self.url, error) from error
        return reply_of(response, call.answers)

    @contextmanager
    def _response(self, call: Call) -> Iterator[httpx.Response]:
        content = None if call.upload is None else self._chunks(call.upload)
        response = self._http.send(call.request(self._http, content, self._answer_s), stream=True)
        try:
            yield response
        finally:
            response.close()

    def _keep(self, response: httpx.Response, sink: BinaryIO) -> None:
        received = in_thread(ReceivedFile, response, sink)
        for chunk in response.iter_bytes(CHUNK_BYTES):
            in_thread(received.write, chunk)
        received.require_whole()

    def _chunks(self, upload: Upload) -> Iterator[bytes]:
        upload.rewind()
        sent_bytes = 0
        if upload.head:
            yield upload.head
        while chunk := in_thread(upload.read):
            yield chunk
            sent_bytes += len(chunk)
            upload.on_sent(sent_bytes)
        if upload.tail:
            yield upload.tail
