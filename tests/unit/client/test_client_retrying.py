"""When a request is sent again: only where that is harmless, and not sooner than the gateway asked."""

import io

import pytest
import tenacity

from modelbus import errors
from modelbus.client.calls import Call, job_call
from modelbus.client.retrying import is_worth_repeating, pause_s, policy
from modelbus.client.upload_sources import Upload

READ = Call("GET", "/jobs")
JOB = job_call("/models", {})
REPLAY = Call("POST", "/jobs/x/replay", is_repeatable=False)

LOST = errors.GatewayUnreachable("cut", may_have_arrived=True)
REFUSED = errors.GatewayUnreachable("refused", may_have_arrived=False)
PROXY = errors.UnexpectedAnswer("502", is_passing=True)
STRANGER = errors.UnexpectedAnswer("200", is_passing=False)
BUSY = errors.StoreUnavailable("busy")
FULL = errors.BacklogFull("nothing was accepted")


class Stream(io.RawIOBase):
    """A file that cannot be rewound."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        buffer[:1] = b"x"
        return 1


@pytest.mark.parametrize(
    ("error", "call", "expected"),
    [
        (LOST, READ, True),
        (LOST, JOB, True),
        (LOST, REPLAY, False),
        (REFUSED, REPLAY, True),
        (PROXY, JOB, True),
        (PROXY, REPLAY, False),
        (STRANGER, JOB, False),
        (BUSY, JOB, True),
        (BUSY, REPLAY, False),
        (FULL, JOB, True),
        (FULL, REPLAY, True),
        (errors.UnknownModel("no"), READ, False),
        (errors.JobTimedOut("504, but the job's own"), JOB, False),
        (ValueError("ours"), READ, False),
    ],
)
def test_a_request_is_repeated_where_that_is_harmless(error: Exception, call: Call, expected: bool) -> None:
    assert is_worth_repeating(error, call) is expected


def test_a_stream_that_was_read_from_is_not_sent_again() -> None:
    stream = Stream()
    upload = Upload(stream)  # type: ignore[arg-type]
    call = Call("POST", "/datasets", upload=upload, correlation_id="id")
    assert is_worth_repeating(LOST, call)
    upload.read()
    assert not is_worth_repeating(LOST, call)
    assert is_worth_repeating(LOST, Call("POST", "/datasets", upload=Upload(io.BytesIO(b"x"))))


def _state(error: Exception, attempt: int) -> tenacity.RetryCallState:
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = attempt
    state.set_exception((type(error), error, None))
    return state


def test_pauses_grow_and_are_random() -> None:
    pauses = [[pause_s(_state(LOST, attempt)) for _ in range(200)] for attempt in (1, 8)]
    assert max(pauses[0]) <= 0.2
    assert 1.0 < max(pauses[1]) <= 5.0
    assert len(set(pauses[1])) > 100


def test_no_pause_is_shorter_than_the_gateway_asked_for() -> None:
    error = errors.StoreUnavailable("busy")
    error.__dict__["retry_after_s"] = 7.0
    assert all(7.0 <= pause_s(_state(error, 1)) <= 7.0 * 1.25 for _ in range(100))


def test_no_try_begins_after_the_time_for_them() -> None:
    tries: list[int] = []

    def refuse() -> None:
        tries.append(1)
        raise REFUSED

    with pytest.raises(errors.GatewayUnreachable):
        tenacity.Retrying(**policy(READ, 0.0))(refuse)
    assert len(tries) == 1


def test_a_key_goes_along_and_no_proxy_stands_before_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    from modelbus.client.synchronous.http_transport import Transport

    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    local = Transport("http://localhost:9/", "secret", retry_s=0, answer_s=1)
    remote = Transport("http://gateway.example:9", None, retry_s=0, answer_s=1)
    assert local.url == "http://localhost:9"
    assert local._http.headers["Authorization"] == "Bearer secret"
    assert "Authorization" not in remote._http.headers
    assert (len(local._http._mounts), len(remote._http._mounts)) == (0, 1)
    local.close()
    remote.close()


@pytest.mark.parametrize(
    "url", ["localhost:8000", "", "ftp://x", "http://", "http://[::1", "http://x:99999", "http://a b"]
)
def test_an_address_that_is_none_is_told_at_once(url: str) -> None:
    from modelbus.client.synchronous.http_transport import Transport

    with pytest.raises(errors.GatewayUnreachable, match="is not a gateway's address"):
        Transport(url, None, retry_s=0, answer_s=1)
