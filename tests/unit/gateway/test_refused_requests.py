"""What the gateway refuses of a request before it looks anything up, and in which words."""

import json
import re
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.unit.gateway.asked_gateway import Answer, AskedGateway

JOB = "0b5c1e0e-5c0a-4e0b-9d7d-2f6a4f1c9a11"
ROWS = [{"a": 1.0, "b": None, "c": 3}, {"a": "2", "b": 0.5, "c": -1}]


# --- query strings ---


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/jobs?statsu=failed", "unknown query parameter 'statsu'; did you mean status?"),
        ("/models?colour=red", "unknown query parameter 'colour'; expected one of limit, cursor"),
        ("/health/live?deep=1", "unknown query parameter 'deep'; this route has no query parameters"),
        ("/jobs?limit=0", "?limit= must be a whole number from 1 to 200, not '0'"),
        ("/jobs?limit=201", "?limit= must be a whole number from 1 to 200, not '201'"),
        ("/jobs?limit=1e2", "?limit= must be a whole number from 1 to 200, not '1e2'"),
        ("/jobs?limit=5&limit=6", "?limit= must not be repeated, but is given 2 times"),
        (
            "/jobs?status=lost",
            "?status= must be one of queued, running, succeeded, failed, dead, ",
        ),
        ("/jobs?command=Dance", "?command= must be one of "),
        (
            "/jobs?since=yesterday",
            "?since= must be a time (2026-01-31T12:00Z) or an age (90s, 10m, 2h), not 'yesterday'",
        ),
        ("/estimators?task=cooking", "?task= must be one of classification, regression, outlier_detection, clustering"),
        (f"/jobs/{JOB}?wait=soon", "?wait= must be a number of at least 0, not 'soon'"),
        (f"/jobs/{JOB}?wait=nan", "?wait= must be a number of at least 0, not 'nan'"),
        (f"/jobs/{JOB}?wait=-1", "?wait= must be a number of at least 0, not '-1'"),
        (
            "/services/gateway/logs?level=loud",
            "?level= must be one of debug, info, warning, error, critical, ",
        ),
        ("/services/gateway/logs?since=yesterday", "?since= must be a time "),
        ("/services/gateway/logs?limit=100000", "?limit= must be a whole number from 0 to 1000, not '100000'"),
        ("/services/gateway/logs?correlation_id=7", "?correlation_id= must be a UUID, not '7'"),
        ("/services/gateway/logs?follow=maybe", "?follow= must be true or false, not 'maybe'"),
    ],
)
async def test_what_a_query_says_wrong_is_told_with_what_would_be_right(
    gateway: AskedGateway, path: str, sentence: str
) -> None:
    answer = await gateway.ask("GET", path)

    assert (answer.status, answer.code) == (400, "bad_request")
    assert answer.detail.startswith(sentence)
    assert answer.places in ({f"query.{re.findall(r'[?](.*?)=', path)[0]}"}, set())


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("offset=-1", "offset"),
        ("offset=x", "offset"),
        (f"offset={2**53 + 1}", "offset"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=", "limit"),
        ("columns=number&columns=", "columns.1"),
        ("columnz=number", "columnz"),
    ],
)
async def test_a_page_of_rows_that_cannot_be_is_refused_by_the_field_at_fault(
    gateway: AskedGateway, query: str, place: str
) -> None:
    answer = await gateway.ask("GET", f"/datasets/any/rows?{query}")

    assert (answer.status, answer.code, answer.places) == (422, "invalid_command", {place})


@pytest.mark.parametrize(
    "query", ["", "id=a", "id=a&id=a", "id=a&id=no%20spaces", "&".join(f"id=e{number}" for number in range(11))]
)
async def test_a_comparison_is_of_two_to_ten_evaluations(gateway: AskedGateway, query: str) -> None:
    answer = await gateway.ask("GET", f"/evaluations/compare?{query}")

    assert (answer.status, answer.code) == (400, "bad_request")
    assert "id=" in answer.detail


# --- paths ---


@pytest.mark.parametrize("reference", ["a@b@c", "-x", "a%20b", "a@"])
async def test_a_reference_that_names_nothing_possible_is_refused(gateway: AskedGateway, reference: str) -> None:
    answer = await gateway.ask("POST", f"/models/{reference}/predict", {"rows": [{"a": 1.0}]})

    assert (answer.status, answer.code) == (400, "bad_request")


# --- bodies ---


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"rows": [{"a": 1}], "dataset": "numbers"}, 422, "invalid_command"),
        ({}, 422, "invalid_command"),
        ({"rows": []}, 422, "invalid_command"),
        ({"rows": {"a": 1}}, 422, "invalid_command"),
        ({"rows": [[1, 2]]}, 422, "invalid_command"),
        ({"rows": [{"a": [1]}]}, 422, "invalid_command"),
        ({"rows": [{"a": 2**63}]}, 422, "invalid_command"),
        ({"rows": [{"a": 1}], "colour": "red"}, 422, "invalid_command"),
        ({"rows": [{"a": 1}], "model": "other"}, 400, "bad_request"),
        ({"rows": [{"a": 1}] * 10_001}, 413, "limit_exceeded"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_a_prediction_that_cannot_be_is_refused(
    gateway: AskedGateway, body: dict[str, Any], status: int, code: str
) -> None:
    answer = await gateway.ask("POST", "/models/any/predict", body)

    assert (answer.status, answer.code) == (status, code)


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"rows": ROWS, "data": {"a": [1]}}, "give either rows or data"),
        ({"columns": ["a", "a"], "data": [[1, 2]]}, "names a column twice"),
        ({"columns": "a", "data": [[1]]}, "columns must be a list of column names"),
        ({"columns": ["a", "b"], "data": [[1, 2], [1]]}, "data.1 has 1 value; columns has 2 names"),
        ({"columns": ["a"], "data": [1]}, "data.0 is not a list; columns has 1 name"),
        ({"columns": ["a"], "data": {"a": [1]}}, "data must be a list of rows"),
        ({"data": {"a": [1, 2], "b": [1]}}, "data.b has 1 value, but data.a has 2"),
        ({"data": {"a": 1}}, "data.a must be a list"),
        ({"data": [[1]]}, "or a list of rows with columns"),
        ({"columns": ["a"], "data": []}, "rows"),
    ],
)
async def test_rows_of_no_form_are_refused(gateway: AskedGateway, form: dict[str, Any], words: str) -> None:
    answer = await gateway.ask("POST", "/models/any/predict", form)

    assert (answer.status, answer.code) == (422, "invalid_command"), answer
    assert words in answer.detail


@pytest.mark.parametrize("changes", [{"evaluation": "no spaces"}, {"metric": "accuracy"}, {"model": None}], ids=str)
async def test_an_evaluation_that_cannot_be_is_refused(gateway: AskedGateway, changes: dict[str, Any]) -> None:
    answer = await gateway.ask("POST", "/evaluations", {"model": "any", "dataset": "any", **changes})

    assert (answer.status, answer.code) == (422, "invalid_command")
    assert answer.places == changes.keys()


@pytest.mark.parametrize(
    ("alias", "body", "status"),
    [
        ("trial", {"version": "1"}, 422),
        ("trial", {"version": True}, 422),
        ("trial", {}, 422),
        ("1", {"version": 1}, 400),
        ("a.b", {"version": 1}, 400),
    ],
)
async def test_an_alias_needs_a_number_and_a_good_name(
    gateway: AskedGateway, alias: str, body: dict[str, Any], status: int
) -> None:
    assert (await gateway.ask("PUT", f"/models/any/aliases/{alias}", body)).status == status


@pytest.mark.parametrize(
    ("asked", "place"),
    [
        ({"name": "../etc", "scopes": ["read"]}, "name"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "scopes": ["root"]}, "scopes.0"),
        ({"name": "x", "expires_days": 0}, "expires_days"),
        ({"name": "x", "key": "mine"}, "key"),
    ],
)
async def test_what_no_key_can_be_is_said(gateway: AskedGateway, asked: dict[str, Any], place: str) -> None:
    answer = await gateway.ask("POST", "/keys", asked)

    assert (answer.status, answer.code, answer.places) == (422, "invalid_command", {place})


# --- uploads ---


async def uploaded(gateway: AskedGateway, **fields: Any) -> Answer:
    """What becomes of a small CSV with what is said of it."""
    return await gateway.ask(
        "POST", f"/datasets?{urlencode(fields, doseq=True)}", b"a,b\n1,2\n", {"Content-Type": "text/csv"}
    )


@pytest.mark.parametrize("fields", [{}, {"name": ""}, {"name": "no spaces"}, {"name": "../etc"}], ids=str)
async def test_an_upload_needs_a_good_name(gateway: AskedGateway, fields: dict[str, str]) -> None:
    answer = await uploaded(gateway, **fields)

    assert (answer.status, answer.code) == (400, "bad_request")
    assert "name" in answer.detail


OPTIONS: dict[str, tuple[dict[str, Any], int, str]] = {
    "an unknown field": ({"delimeter": ";"}, 400, "did you mean delimiter?"),
    "a field twice": ({"delimiter": [";", ","]}, 400, "given 2 times"),
    "no flag": ({"has_header": "maybe"}, 400, "true or false"),
    "no JSON": ({"options": "{"}, 400, "options must be a JSON object"),
    "no object": ({"options": "[]"}, 400, "options must be a JSON object, not list"),
    "said twice": ({"options": '{"delimiter": ";"}', "delimiter": ","}, 400, "delimiter: given both in `options` and"),
    "a long delimiter": ({"delimiter": ";;"}, 422, "options.delimiter"),
    "an unknown encoding": ({"encoding": "klingon"}, 422, "options.encoding"),
    "an unknown option": ({"options": json.dumps({"skiprows": 1})}, 422, "options.skiprows"),
    "an unknown type": (
        {"options": json.dumps({"columns": {"a": {"type": "money"}}})},
        422,
        "options.columns.a.type",
    ),
    "a preview's field": ({"row_limit": "3"}, 400, "row_limit"),
    "a mark of thousands": ({"thousands_mark": ";"}, 422, "options.thousands_mark"),
    "one mark twice": ({"thousands_mark": ",", "decimal_mark": ","}, 422, "must differ"),
    "no unit": ({"units": "%"}, 422, "percent"),
    "no number": ({"skip_lines": "two"}, 400, "skip_lines must be a whole number"),
    "another flag": ({"has_quotes": "no"}, 400, "has_quotes must be true or false"),
    "a long comment mark": ({"comment": "####"}, 422, "options.comment"),
    "a misspelt mark": ({"thousand_mark": ","}, 400, "did you mean thousands_mark?"),
}


@pytest.mark.parametrize(("fields", "status", "words"), OPTIONS.values(), ids=OPTIONS.keys())
async def test_what_is_wrong_with_the_options_is_told(
    gateway: AskedGateway, fields: dict[str, Any], status: int, words: str
) -> None:
    answer = await uploaded(gateway, name="any", **fields)

    assert (answer.status, words in answer.detail) == (status, True), answer


# --- keys ---


@pytest.mark.parametrize("path", ["/", "/jobs", "/metrics", "/datasets/x/rows", "/keys", "/nothing/there"])
async def test_without_a_key_nothing_is_told(guarded: AskedGateway, path: str) -> None:
    answer = await guarded.ask("GET", path)

    assert (answer.status, answer.code) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="modelbus"'
    assert "Authorization: Bearer mbk_" in answer.detail


@pytest.mark.parametrize("path", ["/health/live", "/openapi.json", "/asyncapi.json", "/docs", "/docs/docs.js"])
async def test_what_is_open_needs_no_key(guarded: AskedGateway, path: str) -> None:
    assert (await guarded.ask("GET", path)).status == 200
