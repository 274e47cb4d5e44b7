"""Queries say what they read, and nothing asks MongoDB beside them."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelbus.shared.contracts.documents.dataset_documents import DatasetDocument
from modelbus.shared.contracts.documents.job_documents import BoundDatasetDocument, ListedJob
from modelbus.shared.store import job_queries
from modelbus.shared.store.queries import Query, by_id, newest_first, older_than, shape

ROOT = Path(__file__).parents[3]
ROOMS = ("shared", "gateway", "trainer", "predictor", "evaluator", "modelbus")
FINDING = {"find", "find_one", "find_one_and_update", "find_one_and_replace", "find_one_and_delete", "find_raw_batches"}
DRIVERS = {"shared/store/drivers/worker_store.py", "shared/store/drivers/gateway_store.py"}
AT_AN_OUTCOME = {"shared/store/upserting.py", "shared/store/jobs/outcomes.py"}
"""They write what an outcome describes and are handed it whole."""


def modules() -> Iterator[Path]:
    for room in ROOMS:
        yield from sorted((ROOT / room).rglob("*.py"))


def finds_of(path: Path) -> Iterator[ast.Call]:
    """Calls of a collection's methods that read documents."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        is_own = isinstance(node.func.value, ast.Name) and node.func.value.id == "self"
        if node.func.attr in FINDING and not is_own and is_of_a_collection(node.func):
            yield node


def is_of_a_collection(method: ast.Attribute) -> bool:
    """Whether a method is pymongo's: ``find`` is also that of texts and of our own classes."""
    if method.attr != "find":
        return True
    receiver = ast.unparse(method.value)
    return (receiver.endswith("]") and "app[" not in receiver) or "collection" in receiver.lower()


def says_what_it_reads(call: ast.Call) -> bool:
    options = [ast.unparse(keyword.value) for keyword in call.keywords if keyword.arg is None]
    return options == ["query.options()"] or any(keyword.arg == "projection" for keyword in call.keywords)


def test_only_drivers_ask_mongodb_for_documents() -> None:
    asking = {str(path.relative_to(ROOT)) for path in modules() if any(finds_of(path))}
    assert asking == DRIVERS | AT_AN_OUTCOME


@pytest.mark.parametrize("module", sorted(DRIVERS | AT_AN_OUTCOME))
def test_whatever_asks_says_what_it_reads(module: str) -> None:
    calls = list(finds_of(ROOT / module))
    assert calls
    assert [ast.unparse(call) for call in calls if not says_what_it_reads(call)] == []


def test_a_query_hands_its_projection_to_pymongo() -> None:
    query = by_id("jobs", "an id", shape(ListedJob))
    assert query.options()["projection"] == shape(ListedJob).projection


def test_a_query_cannot_be_made_without_a_shape() -> None:
    with pytest.raises(TypeError, match="shape"):
        Query("jobs", {})  # type: ignore[call-arg]


def test_a_shape_reads_the_keys_of_its_document_and_no_others() -> None:
    assert shape(BoundDatasetDocument).projection == {"name": 1, "sha256": 1, "_id": 0}


def test_a_shape_reads_the_parts_of_a_value_that_are_named() -> None:
    projection = shape(DatasetDocument, options=("date_format", "delimiter")).projection
    assert (projection["options.date_format"], projection["options.delimiter"]) == (1, 1)
    assert "options" not in projection


def test_a_shape_refuses_parts_of_a_key_that_is_not_there() -> None:
    with pytest.raises(ValueError, match="DatasetDocument has no key rows"):
        shape(DatasetDocument, rows=("first",))


def test_a_listed_job_reads_the_names_in_its_specification_and_nothing_that_may_be_large() -> None:
    read = set(job_queries.LISTED.projection)
    assert {path for path in read if path.startswith("spec")} == {"spec.model", "spec.dataset"}
    assert {path.partition(".")[0] for path in read}.isdisjoint(
        {"first_spec", "draft", "result", "outcome", "files", "history", "datasets"}
    )
    assert "progress.tuning.leaderboard" not in job_queries.LISTED.projection


def test_whoever_waits_for_a_job_is_not_read_what_was_asked() -> None:
    assert job_queries.ENDED.projection.keys().isdisjoint({"spec", "first_spec", "draft", "outcome", "history"})


def test_the_first_page_has_no_bound() -> None:
    assert older_than(None) == {}
    assert newest_first() == (("created_at", -1), ("_id", 1))
