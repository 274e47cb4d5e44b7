"""Suggestions for misspelt names: one measure for fields, parameters, columns, estimators and hyperparameters."""

import ast

import pytest

from modelbus.gateway.http.query import Page
from modelbus.gateway.transfer.parse_fields import PARSE_FIELDS, check_name
from modelbus.shared.contracts import parse_command
from modelbus.shared.contracts.checks.command_checks import missing_columns, unknown_estimator
from modelbus.shared.contracts.near_names import hint, near_names
from modelbus.shared.errors import BadRequest, InvalidCommand
from tests.snippets import ROOT

TRAINING = {"command": "TrainModel", "model": "churn", "dataset": "customers", "target": "left", "estimator": "Ridge"}


@pytest.mark.parametrize(
    ("given", "known", "near"),
    [
        ("delimeter", ["delimiter", "decimal_mark"], "delimiter"),
        ("LIMIT", ["limit", "cursor"], "limit"),
        ("randomforestclassifier", ["RandomForestClassifier", "Ridge"], "RandomForestClassifier"),
        ("a" * 10_000, ["a" * 200], "a" * 200),
    ],
)
def test_the_most_similar_name_is_suggested_whatever_its_case(given: str, known: list[str], near: str) -> None:
    assert near_names(given, known) == [near]
    assert hint(given, known) == f"did you mean {near}?"


@pytest.mark.parametrize("given", ["colour", "", "zz"])
def test_a_name_that_is_like_none_gets_the_list(given: str) -> None:
    assert near_names(given, ["limit", "cursor_"], 3) == []
    assert hint(given, ["limit", "cursor_"]) == "expected one of limit, cursor_"


def test_a_list_has_an_end_and_without_names_there_is_no_hint() -> None:
    assert hint("x", [f"name_{number}" for number in range(43)]).endswith("name_39 and 3 more")
    assert hint("x", []) == ""


def test_several_names_come_in_the_order_of_their_likeness() -> None:
    assert near_names("columnz", ["columns", "column", "volume"], 3)[0] == "column"


@pytest.mark.parametrize("given", ["Delimeter", "delimitre"])
def test_fields_parameters_and_columns_are_suggested_alike(given: str) -> None:
    with pytest.raises(BadRequest, match=r"unknown field .* did you mean delimiter\?"):
        check_name(given, PARSE_FIELDS)
    source = {"kind": "inline", "text": "a"}
    with pytest.raises(InvalidCommand, match=r"options\..*: unknown field; did you mean delimiter\?"):
        parse_command({"command": "ProfileDataset", "dataset": "d", "source": source, "options": {given: ";"}})
    assert missing_columns([("target", given)], ["delimiter"], str)[0]["expected"] == ["delimiter"]
    assert unknown_estimator(given, ["delimiter"], {}).details[0]["expected"] == ["delimiter"]


def test_parameters_of_a_query_are_fields_of_a_model() -> None:
    assert hint("limits", Page.model_fields) == "did you mean limit?"


def test_no_other_module_of_the_contracts_and_the_gateway_measures_likeness() -> None:
    files = [*(ROOT / "gateway").rglob("*.py"), *(ROOT / "shared" / "contracts").rglob("*.py")]
    users = [path.name for path in files if _imports_difflib(path.read_text())]

    assert users == ["near_names.py"]


def _imports_difflib(text: str) -> bool:
    return any(isinstance(one, ast.ImportFrom) and one.module == "difflib" for one in ast.walk(ast.parse(text)))
