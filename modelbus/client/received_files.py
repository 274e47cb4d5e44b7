"""Downloads, compared with the length and the digest that the gateway announces."""

import hashlib
from base64 import b64decode
from typing import TYPE_CHECKING, BinaryIO

from modelbus.client.client_errors import DamagedDownload

if TYPE_CHECKING:
    import httpx


class ReceivedFile:
    """A download into a file. Used by one thread at a time."""

    def __init__(self, response: "httpx.Response", sink: BinaryIO) -> None:
        """Args:
        response: The answer.
        sink: The file to write; it is emptied first.
        """
        self._response = response
        self._sink = sink
        self._digest = hashlib.sha256()
        self._size_bytes = 0
        sink.seek(0)
        sink.truncate()

    def write(self, chunk: bytes) -> None:
        """Write the next bytes."""
        self._digest.update(chunk)
        self._size_bytes += len(chunk)
        self._sink.write(chunk)

    def require_whole(self) -> None:
        """Compare length and digest with the announced ones, as far as they are announced.

        Raises:
            DamagedDownload: One of them differs.
        """
        announced = self._response.headers.get("Content-Length", "")
        # the announced length is that of the transfer, which a proxy may have compressed
        is_plain = self._response.headers.get("Content-Encoding", "identity") == "identity"
        if is_plain and announced.isdecimal() and int(announced) != self._size_bytes:
            raise _damaged(self._response, f"it has {self._size_bytes:,} bytes instead of {int(announced):,}")
        _require_digest(self._response, self._digest.digest())


def require_whole_body(response: "httpx.Response") -> None:
    """Compare the body of an answer with the announced digest, if there is one.

    Raises:
        DamagedDownload: The digest differs.
    """
    if announced_sha256(response) is not None:
        _require_digest(response, hashlib.sha256(response.content).digest())


def announced_sha256(response: "httpx.Response") -> bytes | None:
    """The SHA-256 in ``Repr-Digest`` (RFC 9530); None without a valid one."""
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
        fault = f"its SHA-256 is {actual.hex()} instead of {expected.hex()}"
        raise _damaged(response, fault)


def _damaged(response: "httpx.Response", fault: str) -> DamagedDownload:
    return DamagedDownload(
        f"the download of {response.request.url.path} is damaged, and was not kept: {fault}. Try again; if it fails "
        "again, a proxy may change the file, or the stored file may be damaged"
    )
