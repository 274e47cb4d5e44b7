"""What the client makes of answers: records, errors by their code, and what is no answer of a gateway."""

import httpx
import orjson
import pytest

from modelbus import errors
from modelbus.client.calls import Call, job_call, known_error, path_of, record_of, reply_of, unreachable
from modelbus.client.typed_answers import EstimatorSummary, Predictions
from modelbus.shared.contracts import ModelRecord
from modelbus.shared.errors import ModelbusError

REQUEST = httpx.Request("POST", "http://gateway/models?wait=0")
MODEL = {"name": "m", "owner": "local", "latest_version": 1, "versions": [1], "aliases": {}, "created_at": "2026-01-01"}


def answer(status: int, body: object, kind: str = "application/json", **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, headers={"Content-Type": kind, **named}, content=content, request=REQUEST)


def problem(status: int, code: str, **more: object) -> httpx.Response:
    document = {"code": code, "detail": "what was wrong", "correlation_id": "an-id", **more}
    return answer(status, document, "application/problem+json", Retry_After="7")


def test_a_problem_becomes_the_error_of_its_code() -> None:
    details = [{"where": "rows.2.age", "problem": "no number"}]
    with pytest.raises(errors.SignatureMismatch) as caught:
        reply_of(problem(422, "signature_mismatch", errors=details))
    error = caught.value
    assert (error.message, error.details, error.correlation_id) == ("what was wrong", details, "an-id")
    assert isinstance(error, errors.InvalidCommand)


def test_a_code_of_a_later_release_is_kept_on_the_plain_error() -> None:
    with pytest.raises(ModelbusError) as caught:
        reply_of(problem(418, "from_a_later_release"))
    assert (type(caught.value), caught.value.code) == (ModelbusError, "from_a_later_release")
    assert ModelbusError.code == "internal"
    assert known_error("internal", "x").code == "internal"


@pytest.mark.parametrize(
    ("response", "is_passing"),
    [
        (answer(502, b"<html>Bad Gateway</html>", "text/html"), True),
        (answer(200, b"<html>Welcome to nginx!</html>", "text/html"), False),
        (answer(404, {"error": "no such route"}), False),
        (answer(302, b"", "text/plain"), False),
        (answer(200, b"{broken"), False),
        (answer(503, {"no": "code"}, "application/problem+json"), True),
    ],
)
def test_an_answer_that_is_no_gateways_says_so(response: httpx.Response, is_passing: bool) -> None:
    with pytest.raises(errors.UnexpectedAnswer) as caught:
        reply_of(response)
    assert f"answered {response.status_code}" in caught.value.message
    assert "http://gateway/models" in caught.value.message
    assert caught.value.is_passing is is_passing


def test_an_answer_without_a_body_has_no_document() -> None:
    assert reply_of(httpx.Response(204, request=REQUEST)).document is None


def test_what_a_later_release_adds_to_a_record_is_passed_over() -> None:
    record = record_of(ModelRecord, {**MODEL, "colour": "blue"})
    assert record.name == "m"
    assert not hasattr(record, "colour")


def test_a_record_that_lacks_something_is_told_by_its_field() -> None:
    with pytest.raises(errors.UnexpectedAnswer, match=r"not a valid EstimatorSummary .* task"):
        record_of(EstimatorSummary, {"name": "Ridge", "description": ""})


def test_a_job_has_an_id_of_its_own_so_that_it_can_be_sent_twice() -> None:
    one, other = job_call("/models", {}), job_call("/models", {})
    assert one.correlation_id
    assert one.correlation_id != other.correlation_id
    assert one.is_repeatable


def test_names_with_any_letters_make_one_part_of_a_path() -> None:
    assert path_of("models", "a/b?c#d é", "versions", 3) == "/models/a%2Fb%3Fc%23d%20%C3%A9/versions/3"
    assert path_of("models", "churn@champion", "predict") == "/models/churn@champion/predict"


def test_a_request_says_only_what_was_given() -> None:
    with httpx.Client(base_url="http://x") as http:
        call = Call("GET", "/jobs", {"status": None, "limit": 3, "columns": ["a", "b"]}, wait_s=5)
        request = call.request(http, None, 60.0)
    assert str(request.url) == "http://x/jobs?limit=3&columns=a&columns=b"
    assert request.extensions["timeout"]["read"] == 65.0


@pytest.mark.parametrize(
    ("error", "may_have_arrived"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ReadError("reset"), True),
        (httpx.RemoteProtocolError("cut"), True),
    ],
)
def test_a_lost_connection_tells_whether_the_request_may_have_arrived(
    error: httpx.RequestError, may_have_arrived: bool
) -> None:
    told = unreachable("http://gateway:8000", error)
    assert told.may_have_arrived is may_have_arrived
    assert "http://gateway:8000" in told.message
    assert str(error) in told.message


def test_predictions_become_a_frame_with_the_columns_of_a_predicted_dataset() -> None:
    answered = Predictions(
        model="m",
        report={},
        version=1,
        predictions=["a", "b"],
        classes=["a", "b"],
        probabilities=[[0.9, 0.1], [0.2, 0.8]],
        scores=[-1.0, 2.0],
    )
    frame = answered.with_index(["x", "y"]).to_frame()
    assert list(frame.columns) == ["prediction", "probability_a", "probability_b", "score"]
    assert frame.loc["y"].tolist() == ["b", 0.2, 0.8, 2.0]
    assert len(answered) == 2
