"""Messages made below the gateway name no route and no parameter of HTTP: queues and the command line show them too."""

import ast
import re
from collections.abc import Iterator

import pytest

from modelbus.gateway.jobs.ending import deleted_reason
from modelbus.shared.contracts import Predict
from modelbus.shared.contracts.checks.command_checks import check_row_count, unknown_estimator
from modelbus.shared.errors import LimitExceeded, ModelbusError, UnknownDataset, backlog_full
from modelbus.shared.store.records.catalog_queries import require_dataset
from tests.snippets import ROOT

ROUTE = re.compile(r"\b(?:GET|POST|PUT|PATCH|DELETE|HEAD) /|\?[a-z_]+=\w|/\{name\}")
BELOW = ("shared", "trainer", "evaluator", "predictor")


def messages(room: str) -> Iterator[tuple[str, str]]:
    """The strings of a room's code without its docstrings, each with its place."""
    for path in sorted((ROOT / room).rglob("*.py")):
        tree = ast.parse(path.read_text())
        docstrings = {one.value for one in ast.walk(tree) if isinstance(one, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.value


@pytest.mark.parametrize("room", BELOW)
def test_no_message_below_the_gateway_names_a_route_or_a_parameter(room: str) -> None:
    found = [(place, text) for place, text in messages(room) if " " in text and ROUTE.search(text)]

    assert next(messages(room))
    assert found == []


def error_of_too_many_rows() -> ModelbusError:
    command = Predict(model="churn", rows=[{"a": 1}] * 3)
    with pytest.raises(LimitExceeded) as caught:
        check_row_count(command, 2)
    return caught.value


def error_of_an_unknown_dataset() -> ModelbusError:
    with pytest.raises(UnknownDataset) as caught:
        require_dataset(None, "shop")
    return caught.value


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (error_of_too_many_rows(), "3 rows exceed the limit of 2; upload them as a dataset and use PredictDataset"),
        (error_of_an_unknown_dataset(), "dataset 'shop' does not exist; upload it first"),
        (unknown_estimator("Nothing", ["Ridge"], {}), "unknown estimator 'Nothing'; see the list of estimators"),
        (unknown_estimator("ridge", ["Ridge"], {}), "unknown estimator 'ridge'; did you mean Ridge?"),
        (deleted_reason("shop"), "dataset 'shop' was deleted with force while this job used it"),
        (backlog_full("train", 5, 5), "queue 'train' has 5 waiting jobs and the limit is 5; try again later"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
def test_an_error_of_a_job_says_what_would_be_right_in_the_words_of_the_contract(
    error: ModelbusError, words: str
) -> None:
    assert error.message.startswith(words)
    assert ROUTE.search(error.message) is None
