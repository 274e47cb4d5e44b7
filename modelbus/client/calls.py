"""Requests and replies as values, without input or output: both twins send and read these."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

from modelbus.client.client_errors import GatewayUnreachable, UnexpectedAnswer, WrongArgument
from modelbus.client.json_bytes import document_of, json_of
from modelbus.client.places import is_this_machine
from modelbus.client.upload_sources import Upload
from modelbus.shared.correlation_ids import new_correlation_id
from modelbus.shared.errors import ModelbusError, error_of
from modelbus.shared.version import VERSION

if TYPE_CHECKING:
    import httpx
    from pydantic import BaseModel

AWAY_S: Final = 300.0
"""Seconds that a gateway may be away while a job is waited for or a stream is followed."""
CONNECT_S: Final = 10.0
"""Seconds to open a connection."""
_SHOWN_LIMIT: Final = 200
_PASSING_STATUSES: Final = frozenset({502, 503, 504})

R = TypeVar("R", bound="BaseModel")


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    """The fields of the query string; None leaves one out, a list repeats it."""
    body: Any = None
    """Sent as JSON."""
    upload: Upload | None = None
    """A file to send instead."""
    sink: BinaryIO | None = None
    """The file for the body of a 200 answer; it is emptied first."""
    correlation_id: str | None = None
    """The id of the job that the request creates; None if it creates none, or the gateway chooses the id."""
    is_repeatable: bool = True
    """Whether a repetition is harmless: the request reads, or is idempotent, or has a correlation id."""
    wait_s: float = 0.0
    """Seconds that the gateway may wait before it answers."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further header fields."""
    answers: frozenset[int] = frozenset()
    """Statuses of 300 and above that are not an error."""

    def request(self, http: "httpx.Client | httpx.AsyncClient", content: Any, answer_s: float) -> "httpx.Request":
        """The request as httpx sends it.

        Args:
            http: Has the address and the key.
            content: The chunks of the upload; None without one.
            answer_s: Seconds without data after which the connection counts as broken, beyond ``wait_s``.

        Raises:
            WrongArgument: A value of the body or the address cannot be sent.
        """
        import httpx

        headers = dict(self.headers)
        if self.sink is not None:
            headers["Accept-Encoding"] = "identity"  # the digest and the length are of the file as it is
        if self.correlation_id is not None:
            headers["X-Correlation-ID"] = self.correlation_id
        if self.upload is not None:
            headers |= self.upload.headers
        elif self.body is not None:
            headers["Content-Type"] = "application/json"
            content = json_of(self.body)
        query = {name: value for name, value in self.query.items() if value is not None}
        timeout = httpx.Timeout(answer_s, connect=min(answer_s, CONNECT_S), read=answer_s + self.wait_s)
        return http.build_request(
            self.method, self.path, params=query or None, headers=headers, content=content, timeout=timeout
        )


@dataclass(frozen=True)
class Reply:
    """The gateway's answer to a request that it accepted."""

    status: int
    document: Any
    """The JSON of the body; None without a body."""
    correlation_id: str

    @property
    def is_pending(self) -> bool:
        """Whether the request became a job that has not ended."""
        return self.status == 202


def path_of(*parts: object) -> str:
    """A path of parts that may hold any characters.

    Raises:
        WrongArgument: A part is empty.
    """
    if not all(map(str, parts)):
        raise WrongArgument(f"a name is required in {'/'.join(map(str, parts))!r}, not an empty text")
    return "".join(f"/{quote(str(part), safe='@')}" for part in parts)


def job_call(path: str, body: Mapping[str, Any], *, has_own_id: bool = True, **query: Any) -> Call:
    """A request that creates a job.

    Args:
        path: The path.
        body: The command's fields; its ``correlation_id`` becomes the job's.
        has_own_id: Whether a job without a given id gets a new one, so that a repetition is the same job; if not, the
            gateway chooses the id.
        query: The fields of the query string.
    """
    fields = dict(body)
    given = fields.pop("correlation_id", None)
    return Call(
        "POST", path, query, body=fields, correlation_id=given or (new_correlation_id() if has_own_id else None)
    )


def user_agent() -> str:
    """The client's name and version."""
    return f"modelbus-python/{VERSION}"


def reply_of(response: "httpx.Response", answers: Container[int] = ()) -> Reply:
    """Read an answer.

    Args:
        response: The answer, whose body was read or went to the caller's file.
        answers: Statuses of 300 and above that are not an error.

    Raises:
        ModelbusError: The answer is an error; the class follows from its code.
        UnexpectedAnswer: The answer is not that of a gateway.
    """
    if response.status_code >= 300 and response.status_code not in answers:
        raise error_of_response(response)
    correlation_id = response.headers.get("X-Correlation-ID", "")
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    if response.is_stream_consumed and not _has_content(response):
        return Reply(response.status_code, None, correlation_id)
    if media_type != "application/json":
        raise _unexpected(response)
    return Reply(response.status_code, _json(response), correlation_id)


def error_of_response(response: "httpx.Response") -> ModelbusError:
    """The error that a problem document describes; a ``ModelbusError`` with that code, where the code is not known."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    document = _json(response) if media_type == "application/problem+json" else None
    if not isinstance(document, dict) or not isinstance(document.get("code"), str):
        return _unexpected(response)
    error = known_error(document["code"], str(document.get("detail", "")), document.get("errors") or ())
    error.correlation_id = document.get("correlation_id")
    error.retry_after_s = retry_after_s(response)
    return error


def known_error(code: str, message: str, details: Any = ()) -> ModelbusError:
    """The error of a code; a ``ModelbusError`` with that code, where the code is not known."""
    error = error_of(code, message, details)
    if error.code != code:
        # a code of a later release, for programs to test
        error.__dict__["code"] = code
    return error


def retry_after_s(response: "httpx.Response") -> float | None:
    """The seconds in ``Retry-After``; None without it, or where it is a date."""
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() and len(given) < 6 else None


def unreachable(url: str, error: "httpx.RequestError", *, is_expected: bool = True) -> GatewayUnreachable:
    """Translate an error of httpx.

    Args:
        url: The gateway's address.
        error: The error.
        is_expected: Whether a gateway is known to be at that address, because it has answered before.
    """
    import httpx

    reason = str(error) or type(error).__name__
    may_have_arrived = not isinstance(
        error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
    )
    if isinstance(error, httpx.ConnectError) and is_this_machine(url) and not is_expected and not _is_of_tls(error):
        return GatewayUnreachable(
            f"nothing listens at {url}; start a local stack with `modelbus up`, or set MODELBUS_URL to the address of "
            "a running gateway",
            may_have_arrived=False,
            is_passing=False,
        )
    problem = "the connection broke" if may_have_arrived else "the connection failed"
    return GatewayUnreachable(
        f"no answer from {url}: {problem} ({reason}); check the address, and that the gateway is running",
        may_have_arrived=may_have_arrived,
    )


def _is_of_tls(error: BaseException | None) -> bool:
    """Whether something listened, and the encryption failed."""
    import ssl

    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__cause__ or error.__context__
    return error is not None


def record_of(kind: type[R], document: Any) -> R:
    """Read a record; fields of later releases are ignored.

    Raises:
        UnexpectedAnswer: The document is not such a record.
    """
    from pydantic import ValidationError

    try:
        return kind.model_validate(document, extra="ignore")
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise UnexpectedAnswer(
            f"the gateway's answer is not a valid {kind.__name__} for this client (version {VERSION}): {where}: "
            f"{fault['msg']}"
        ) from error


def _has_content(response: "httpx.Response") -> bool:
    import httpx

    try:
        return bool(response.content)
    except httpx.ResponseNotRead:
        # the body was written to the caller's file
        return False


def _json(response: "httpx.Response") -> Any:
    try:
        return document_of(response.content)
    except ValueError as error:
        raise _unexpected(response) from error


def _unexpected(response: "httpx.Response") -> UnexpectedAnswer:
    body = " ".join(response.text.split())[:_SHOWN_LIMIT]
    said = f": {body!r}" if body else ""
    kind = response.headers.get("Content-Type", "no content type")
    return UnexpectedAnswer(
        f"{response.request.url.copy_with(query=None)} answered {response.status_code} ({kind}), which is not an "
        f"answer of Modelbus; a proxy or another service may be at that address{said}",
        is_passing=response.status_code in _PASSING_STATUSES,
    )
