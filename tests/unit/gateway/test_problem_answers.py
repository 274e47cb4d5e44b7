"""Every refusal over HTTP is problem details with a correlation id, and says what would be right."""

import pytest

from tests.e2e.api import gzipped
from tests.problems import assert_is_problem
from tests.unit.gateway.asked_gateway import AskedGateway

JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("PATCH", "/models", {"GET", "HEAD", "POST"}), ("POST", "/estimators", {"GET", "HEAD"})],
)
async def test_a_method_that_is_not_possible_names_those_that_are(
    gateway: AskedGateway, method: str, path: str, allowed: set[str]
) -> None:
    answer = await gateway.ask(method, path)

    assert_is_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(",")) == allowed


async def test_a_command_that_is_too_large_is_refused(gateway: AskedGateway) -> None:
    answer = await gateway.ask("POST", "/models", b'{"model": "' + b"x" * 3_000_000 + b'"}', headers=JSON)

    assert_is_problem(answer, 413, "limit_exceeded")


@pytest.mark.parametrize("path", ["/models", "/evaluations", "/models/any/predict", "/models/any/retrain"])
async def test_a_command_is_json_and_uncompressed(gateway: AskedGateway, path: str) -> None:
    as_text = await gateway.ask("POST", path, b"{}", headers={"Content-Type": "text/plain"})
    compressed = await gateway.ask("POST", path, gzipped("{}"), headers={**JSON, "Content-Encoding": "gzip"})

    assert_is_problem(as_text, 415, "unsupported_media_type")
    assert_is_problem(compressed, 415, "unsupported_media_type")


async def test_json_that_breaks_off_is_refused_with_the_place(gateway: AskedGateway) -> None:
    answer = await gateway.ask("POST", "/models", b'{"model": "a",\n "dataset": }', headers=JSON)

    assert_is_problem(answer, 400, "bad_request")
    assert "line 2 column 13" in answer.detail


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b""], ids=repr)
async def test_a_body_that_is_no_object_is_refused(gateway: AskedGateway, body: bytes) -> None:
    assert_is_problem(await gateway.ask("POST", "/models", body, headers=JSON), 400, "bad_request")


@pytest.mark.parametrize("body", [b'{"model": "\xff"}', b'{"model": NaN}', b'{"a": ' * 2000], ids=range(3))
async def test_a_body_that_is_no_json_is_refused(gateway: AskedGateway, body: bytes) -> None:
    assert_is_problem(await gateway.ask("POST", "/models", body, headers=JSON), 400, "bad_request")


async def test_a_correlation_id_must_be_a_uuid(gateway: AskedGateway) -> None:
    answer = await gateway.ask("GET", "/models", headers={"X-Correlation-ID": "seventeen"})

    assert_is_problem(answer, 400, "bad_request")
    assert "seventeen" in answer.detail


@pytest.mark.parametrize("key", ["", "k" * 256], ids=["empty", "too long"])
async def test_an_idempotency_key_has_a_length(gateway: AskedGateway, key: str) -> None:
    assert_is_problem(await gateway.ask("GET", "/models", headers={"Idempotency-Key": key}), 400, "bad_request")


async def test_a_body_may_not_contradict_what_route_and_headers_say(gateway: AskedGateway) -> None:
    for name in ("correlation_id", "command"):
        answer = await gateway.ask("POST", "/models", {name: "other"})

        assert_is_problem(answer, 400, "bad_request")
        assert name in answer.detail


async def test_all_faults_of_a_command_are_told_at_once(gateway: AskedGateway) -> None:
    answer = await gateway.ask("POST", "/models", {"model": "no spaces", "seed": -1, "colour": "red"})

    assert_is_problem(answer, 422, "invalid_command")
    # Whether there must be a target is only known with the estimator.
    assert answer.places == {"model", "seed", "colour", "dataset", "estimator"}


async def test_another_version_of_the_contract_is_refused_by_name(gateway: AskedGateway) -> None:
    answer = await gateway.ask("POST", "/models", {"contract": 2, "model": "m"})

    assert_is_problem(answer, 422, "invalid_command")
    assert answer.places == {"contract"}
