# Made from ../asynchronous/http_transport.py by tools/twin.py: change it there, then run `make twin`.
"""The connection to one gateway: a connection pool, retries where they are harmless, errors by their code."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import httpx
import tenacity
from tenacity import Retrying

from modelbus.client.calls import Call, Reply, error_of_response, reply_of, unreachable, user_agent
from modelbus.client.client_errors import GatewayUnreachable, WrongArgument
from modelbus.client.places import gateway_url, is_this_machine, key_text
from modelbus.client.received_files import ReceivedFile, require_whole_body
from modelbus.client.retrying import policy
from modelbus.client.sent_events import is_event_stream
from modelbus.client.synchronous.blocking import Bell, in_thread
from modelbus.client.upload_sources import CHUNK_BYTES, Upload
from modelbus.shared.errors import NotFound


class Transport:
    """The connection to one gateway."""

    def __init__(self, url: str, api_key: str | None, *, retry_s: float, answer_s: float) -> None:
        """Args:
        url: The gateway's address, such as ``http://127.0.0.1:8000``.
        api_key: Sent as a bearer token; None sends none.
        retry_s: Seconds during which a request is repeated.
        answer_s: Seconds without data after which the connection counts as broken.

        Raises:
            GatewayUnreachable: The address is not valid.
            WrongArgument: The key has characters that an HTTP header cannot carry.
        """
        self.url = gateway_url(url)
        self.retry_s = retry_s
        """Seconds during which a request is repeated."""
        self._answer_s = answer_s
        self._has_answered = False
        headers = {"User-Agent": user_agent(), "Accept": "application/json"}
        if api_key:
            headers["Authorization"] = f"Bearer {key_text(api_key)}"
        # a proxy of the environment has another 127.0.0.1 than this machine
        self._http = httpx.Client(
            base_url=self.url,
            headers=headers,
            trust_env=not is_this_machine(url),
            verify=self.url.startswith("https:"),  # without TLS no certificates are loaded, which takes long
        )

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def send(self, call: Call, *, retry_s: float | None = None) -> Reply:
        """Send a call, repeatedly where that helps.

        Args:
            call: The call.
            retry_s: Seconds during which it is repeated. Default: the client's.

        Raises:
            ModelbusError: The gateway's error, by its code.
            GatewayUnreachable, UnexpectedAnswer: No gateway answers (any more).
            WrongArgument: A value of the call cannot be sent.
        """
        retrying = Retrying(**policy(call, self.retry_s if retry_s is None else retry_s))
        try:
            return retrying(self._send_once, call)
        except GatewayUnreachable as error:
            if call.upload is not None and not call.upload.is_repeatable:
                error.add_note("The file is a stream that cannot be rewound, so it was sent only once.")
            raise
        except NotFound:
            if call.method == "DELETE" and retrying.statistics.get("attempt_number", 1) > 1:
                # an earlier try has deleted it, and its answer was lost
                return Reply(204, None, "")
            raise

    def document(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """Send a call that creates no job; returns the JSON of the answer."""
        return (self.send(Call(method, path, query, body=body))).document

    def pages(
        self, path: str, name: str, *, limit: int | None = None, page_limit: int = 1000, **query: Any
    ) -> Iterator[list[Any]]:
        """Yield the entries of a list, page by page.

        Args:
            path: The list's path.
            name: The field of the entries.
            limit: The maximum number of entries; None for all.
            page_limit: The maximum number of entries of a page.
            query: Further fields of the query string.
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
        """Send a call whose answer is a file; the file is complete or absent.

        Raises:
            DamagedDownload: The length or the digest differs from the announced one.
            OSError: The file cannot be written.
            ModelbusError: As ``send``.
        """
        # a name that no other download and no file of the user has
        unfinished = path.with_name(f"{path.name}.{uuid4().hex[:8]}.partial")
        try:
            with in_thread(unfinished.open, "xb") as file:
                reply = self.send(replace(call, sink=file))
            if reply.status == 200:
                in_thread(unfinished.replace, path)
            return reply
        finally:
            unfinished.unlink(missing_ok=True)  # at once: a cancelled task awaits nothing more

    def open(self, call: Call, bell: Bell, *, retry_s: float, heartbeat_age_s: float) -> httpx.Response | None:
        """Send a call whose answer is a stream; the caller closes it.

        Args:
            call: The call.
            bell: Once it is rung, the call is not repeated.
            retry_s: Seconds during which the call is repeated.
            heartbeat_age_s: Seconds without data after which the stream counts as broken.

        Returns:
            The answer, unread; None where the gateway has nothing (more) to send.

        Raises:
            ModelbusError: The gateway's error, by its code.
            GatewayUnreachable, UnexpectedAnswer: No gateway answers (any more).
        """
        given = policy(call, retry_s)

        def is_over(state: tenacity.RetryCallState) -> bool:
            return bell.is_rung() or given["stop"](state)

        retrying = Retrying(**{**given, "stop": is_over, "sleep": bell.wait})
        return retrying(self._open_once, call, heartbeat_age_s)

    def _open_once(self, call: Call, heartbeat_age_s: float) -> httpx.Response | None:
        with self._own_errors():
            response = self._http.send(call.request(self._http, None, heartbeat_age_s), stream=True)
            self._has_answered = True
            if response.status_code == 200 and is_event_stream(response):
                return response
            response.read()
        if response.status_code == 204:
            return None
        raise error_of_response(response)

    def _send_once(self, call: Call) -> Reply:
        with self._response(call) as response:
            if call.sink is not None and response.status_code == 200:
                self._keep(response, call.sink)
            else:
                response.read()
                require_whole_body(response)
        return reply_of(response, call.answers)

    @contextmanager
    def _own_errors(self) -> Iterator[None]:
        if self._http.is_closed:
            raise GatewayUnreachable(
                f"this client of {self.url} is closed; make a new one", may_have_arrived=False, is_passing=False
            )
        try:
            yield
        except httpx.RequestError as error:
            raise unreachable(self.url, error, is_expected=self._has_answered) from error
        except httpx.InvalidURL as error:
            raise WrongArgument(f"a name is too long or has characters that an address cannot have: {error}") from error

    @contextmanager
    def _response(self, call: Call) -> Iterator[httpx.Response]:
        content = None if call.upload is None else self._chunks(call.upload)
        with self._own_errors():
            response = self._http.send(call.request(self._http, content, self._answer_s), stream=True)
            self._has_answered = True
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
