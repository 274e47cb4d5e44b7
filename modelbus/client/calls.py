"""What is asked of the gateway and what it answers, without any input or output: both twins send and read these."""

from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar
from urllib.parse import quote

from modelbus.client.client_errors import GatewayUnreachable, UnexpectedAnswer
from modelbus.client.json_bytes import document_of, json_of
from modelbus.client.upload_sources import Upload
from modelbus.shared.correlation_ids import new_correlation_id
from modelbus.shared.errors import ModelbusError, error_of
from modelbus.shared.version import VERSION

if TYPE_CHECKING:
    import httpx
    from pydantic import BaseModel

AWAY_S: Final = 300.0
"""So long a gateway may be away while somebody follows."""
CONNECT_S: Final = 10.0
"""Seconds in which a connection must be there."""
_SHOWN_LIMIT: Final = 200
_PASSING_STATUSES: Final = frozenset({502, 503, 504})

R = TypeVar("R", bound="BaseModel")


@dataclass(frozen=True)
class Call:
    """One request."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    """What the query string says; None says nothing, a list says a field several times."""
    body: Any = None
    """What is sent as JSON."""
    upload: Upload | None = None
    """A file that is sent instead."""
    sink: BinaryIO | None = None
    """Where the body of the answer goes, if it is 200; it is emptied before."""
    correlation_id: str | None = None
    """The job that the request makes; None for a request that makes none."""
    is_repeatable: bool = True
    """Whether the gateway may get it twice: it reads, or it sets what it names, or it has a correlation id."""
    wait_s: float = 0.0
    """Seconds that the gateway may take, because it was asked to wait."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Header fields beside those that follow from the others."""
    answers: frozenset[int] = frozenset()
    """Statuses of 300 and more that are no problem but an answer."""

    def request(self, http: "httpx.Client | httpx.AsyncClient", content: Any, answer_s: float) -> "httpx.Request":
        """The request as httpx sends it.

        Args:
            http: Knows the address and the key.
            content: The chunks of the upload; None where there is none.
            answer_s: Seconds that an answer may stand still, beyond what the gateway was asked to wait.
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
    """What the gateway answered to a request that it accepted."""

    status: int
    document: Any
    """The JSON of the body; None where there is none."""
    correlation_id: str

    @property
    def is_pending(self) -> bool:
        """Whether a job does what was asked, and has not ended."""
        return self.status == 202


def path_of(*parts: object) -> str:
    """A path of parts that may hold any characters."""
    return "".join(f"/{quote(str(part), safe='@')}" for part in parts)


def job_call(path: str, body: Mapping[str, Any], correlation_id: str | None = None, **query: Any) -> Call:
    """A request that makes a job, under an id of its own: sent twice it is the same job."""
    return Call("POST", path, query, body=dict(body), correlation_id=correlation_id or new_correlation_id())


def user_agent() -> str:
    """How the client names itself."""
    return f"modelbus-python/{VERSION}"


def reply_of(response: "httpx.Response", answers: Container[int] = ()) -> Reply:
    """Read an answer.

    Args:
        response: The answer, whose body was read or went to the caller's file.
        answers: Statuses of 300 and more that are no problem.

    Raises:
        ModelbusError: It is a problem; the class follows from its code.
        UnexpectedAnswer: It is no answer of a gateway.
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
    """The error that a problem describes; the plain class, with its code, where the code is of a later release."""
    media_type = response.headers.get("Content-Type", "").partition(";")[0]
    document = _json(response) if media_type == "application/problem+json" else None
    if not isinstance(document, dict) or not isinstance(document.get("code"), str):
        return _unexpected(response)
    error = known_error(document["code"], str(document.get("detail", "")), document.get("errors") or ())
    error.correlation_id = document.get("correlation_id")
    error.retry_after_s = retry_after_s(response)
    return error


def known_error(code: str, message: str, details: Any = ()) -> ModelbusError:
    """The error of a code; the plain class, but with that code, where a later release made it."""
    error = error_of(code, message, details)
    if error.code != code:
        # The class has no such code; a program can test it all the same.
        error.__dict__["code"] = code
    return error


def retry_after_s(response: "httpx.Response") -> float | None:
    """How long the gateway asks to wait before the next try; None where it does not say, or gives a date."""
    given = response.headers.get("Retry-After", "")
    return float(given) if given.isdecimal() and len(given) < 6 else None


def unreachable(url: str, error: "httpx.RequestError") -> GatewayUnreachable:
    """Translate an error of httpx."""
    import httpx

    reason = str(error) or type(error).__name__
    may_have_arrived = not isinstance(
        error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
    )
    what = "the connection broke" if may_have_arrived else "nobody answers"
    return GatewayUnreachable(
        f"no answer from {url}: {what} ({reason}). Is it the right address, and does the gateway run?",
        may_have_arrived=may_have_arrived,
    )


def record_of(kind: type[R], document: Any) -> R:
    """Read a record; what a later release added to it is passed over.

    Raises:
        UnexpectedAnswer: It is no such record.
    """
    from pydantic import ValidationError

    try:
        return kind.model_validate(document, extra="ignore")
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = ".".join(map(str, fault["loc"]))
        raise UnexpectedAnswer(
            f"the gateway's answer is no {kind.__name__} as this client ({VERSION}) knows it: {where}: {fault['msg']}"
        ) from error


def _has_content(response: "httpx.Response") -> bool:
    import httpx

    try:
        return bool(response.content)
    except httpx.ResponseNotRead:
        # it went to the caller's file
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
        f"{response.request.url.copy_with(query=None)} answered {response.status_code} ({kind}), which is not how "
        f"Modelbus answers; is there a proxy before it, or something else at that address?{said}",
        is_passing=response.status_code in _PASSING_STATUSES,
    )
