"""What arrives of a file, measured as it comes and compared with what the gateway says of it."""

import hashlib
from base64 import b64decode
from typing import TYPE_CHECKING, BinaryIO

from modelbus.client.client_errors import DamagedDownload

if TYPE_CHECKING:
    import httpx


class ReceivedFile:
    """A file on its way into another one. Used from one thread at a time."""

    def __init__(self, response: "httpx.Response", sink: BinaryIO) -> None:
        """Args:
        response: The answer that it comes with.
        sink: Where it goes; what is there already is dropped.
        """
        self._response = response
        self._sink = sink
        self._digest = hashlib.sha256()
        self._size_bytes = 0
        sink.seek(0)
        sink.truncate()

    def write(self, chunk: bytes) -> None:
        """Keep the next bytes."""
        self._digest.update(chunk)
        self._size_bytes += len(chunk)
        self._sink.write(chunk)

    def require_whole(self) -> None:
        """Compare length and digest with those that the answer names; what it does not name is not checked.

        Raises:
            DamagedDownload: They differ.
        """
        announced = self._response.headers.get("Content-Length", "")
        # the length is that of what was sent, which a proxy may have compressed
        is_plain = self._response.headers.get("Content-Encoding", "identity") == "identity"
        if is_plain and announced.isdecimal() and int(announced) != self._size_bytes:
            raise _damaged(self._response, f"{self._size_bytes} bytes arrived, {announced} were announced")
        _require_digest(self._response, self._digest.digest())


def require_whole_body(response: "httpx.Response") -> None:
    """Compare the body of an answer that was read with the digest that the answer names, if it names one.

    Raises:
        DamagedDownload: They differ.
    """
    if announced_sha256(response) is not None:
        _require_digest(response, hashlib.sha256(response.content).digest())


def announced_sha256(response: "httpx.Response") -> bytes | None:
    """The SHA-256 that an answer names in ``Repr-Digest`` (RFC 9530); None where it names none that can be read."""
    for member in response.headers.get("Repr-Digest", "").split(","):
        name, _, value = member.strip().partition("=")
        if name.lower() == "sha-256" and len(value) > 1 and value[0] == value[-1] == ":":
            try:
                return b64decode(value[1:-1], validate=True)
            except ValueError:
                return None
    return None


def _require_digest(response: "httpx.Response", actual: bytes) -> None:
    expected = announced_sha256(response)
    if expected is not None and expected != actual:
        fault = f"the SHA-256 of what arrived is {actual.hex()}, announced was {expected.hex()}"
        raise _damaged(response, fault)


def _damaged(response: "httpx.Response", fault: str) -> DamagedDownload:
    return DamagedDownload(
        f"the file from {response.request.url.path} is damaged, and was not kept: {fault}. Download it again; if that "
        "does not help, a proxy changes it, or the stored file is damaged"
    )
