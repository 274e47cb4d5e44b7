"""The commands: what is accepted, what is refused and in which words, and what a job keeps of them."""

import math
from typing import Any
from uuid import UUID

import bson
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from modelbus.shared.bus.queues import QUEUES
from modelbus.shared.contracts import (
    CONTRACT_VERSION,
    Predict,
    ProfileDataset,
    command_queue,
    command_spec,
    new_correlation_id,
    parse_command,
    spec_hash,
)
from modelbus.shared.contracts.base import split_reference
from modelbus.shared.errors import InvalidCommand
from tests.unit.commands import PREDICT, TRAIN, VALID


def refusal(document: Any) -> InvalidCommand:
    with pytest.raises(InvalidCommand) as caught:
        parse_command(document)
    return caught.value


def faults(document: Any) -> dict[str, dict[str, Any]]:
    return {detail["where"]: detail for detail in refusal(document).details}


# --- what is accepted ---


@pytest.mark.parametrize(("kind", "document"), VALID.items(), ids=[kind.__name__ for kind in VALID])
def test_each_command_is_known_by_its_name_and_has_a_queue(kind: type, document: dict[str, Any]) -> None:
    command = parse_command(document)
    assert type(command) is kind
    assert command_queue(command) in QUEUES


def test_every_queue_carries_a_command() -> None:
    assert {command_queue(parse_command(document)) for document in VALID.values()} == set(QUEUES)


@pytest.mark.parametrize("document", VALID.values(), ids=[kind.__name__ for kind in VALID])
def test_a_specification_is_complete_and_asks_for_the_same_again(document: dict[str, Any]) -> None:
    spec = command_spec(parse_command({**document, "correlation_id": new_correlation_id()}))
    assert "correlation_id" not in spec
    assert spec["contract"] == CONTRACT_VERSION
    again = command_spec(parse_command(orjson.loads(orjson.dumps(spec))))
    assert again == spec
    assert spec_hash(again) == spec_hash(spec)


def test_a_default_that_is_written_out_asks_for_the_same() -> None:
    short, long = (
        parse_command(TRAIN),
        parse_command({**TRAIN, "seed": 0, "promote": "if_comparable", "hyperparameters": {}}),
    )
    assert spec_hash(command_spec(short)) == spec_hash(command_spec(long))


def test_the_order_of_names_does_not_matter_to_the_hash_and_values_do() -> None:
    one, other = ({**TRAIN, "hyperparameters": dict(pairs)} for pairs in ([("a", 1), ("b", 2)], [("b", 2), ("a", 1)]))
    third = {**TRAIN, "hyperparameters": {"a": 1, "b": 3}}
    hashes = [spec_hash(command_spec(parse_command(document))) for document in (one, other, third)]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_command_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        parse_command(TRAIN).model = "other"  # type: ignore[union-attr, misc]


@pytest.mark.parametrize("value", ["text", "1", 1, -1, 1.5, True, False, None, 2**63 - 1, -(2**63)], ids=repr)
def test_a_cell_is_taken_as_it_is_and_never_converted(value: Any) -> None:
    command = parse_command({**PREDICT, "rows": [{"age": value}]})
    assert isinstance(command, Predict)
    taken = command.rows[0]["age"]
    assert taken == value
    assert type(taken) is type(value)
    assert type(command_spec(command)["rows"][0]["age"]) is type(value)


@pytest.mark.parametrize("name", ["a", "customers-2024.v2_x", "A" * 100, "0"])
def test_names_that_are_names(name: str) -> None:
    assert parse_command({**TRAIN, "dataset": name})


@pytest.mark.parametrize("name", ["", "-a", ".a", "a b", "a/b", "a\n", "é", "A" * 101, "$a", 7, None, ["a"]])
def test_names_that_are_none(name: Any) -> None:
    assert "dataset" in faults({**TRAIN, "dataset": name})


@pytest.mark.parametrize(
    ("reference", "parts"),
    [("churn", ("churn", "champion")), ("churn@beta", ("churn", "beta")), ("churn@3", ("churn", 3))],
)
def test_a_model_reference_is_a_name_an_alias_or_a_number(reference: str, parts: tuple[str, Any]) -> None:
    assert parse_command({**PREDICT, "model": reference})
    assert split_reference(reference) == parts


@pytest.mark.parametrize("reference", ["", "@3", "churn@", "churn@3@4", "churn@ 3", "a b", 3, {"$ne": None}])
def test_anything_else_is_no_model_reference(reference: Any) -> None:
    assert "model" in faults({**PREDICT, "model": reference})


# --- correlation ids ---


@pytest.mark.parametrize(
    "given_id",
    [
        "3f0e8a52-6a43-4d7d-8f2f-0e6d0a7f1c11",
        "3F0E8A52-6A43-4D7D-8F2F-0E6D0A7F1C11",
        "3f0e8a526a434d7d8f2f0e6d0a7f1c11",
        "{3f0e8a52-6a43-4d7d-8f2f-0e6d0a7f1c11}",
        "urn:uuid:3f0e8a52-6a43-4d7d-8f2f-0e6d0a7f1c11",
        UUID("3f0e8a52-6a43-4d7d-8f2f-0e6d0a7f1c11"),
    ],
    ids=str,
)
def test_a_correlation_id_has_one_spelling(given_id: Any) -> None:
    command = parse_command({**TRAIN, "correlation_id": given_id})
    assert command.correlation_id == "3f0e8a52-6a43-4d7d-8f2f-0e6d0a7f1c11"


@pytest.mark.parametrize("given_id", ["", "job-7", "3f0e8a52", 7, {"$ne": None}, ["a"]])
def test_a_correlation_id_is_a_uuid(given_id: Any) -> None:
    assert "correlation_id" in faults({**TRAIN, "correlation_id": given_id})


def test_a_new_correlation_id_is_a_random_uuid() -> None:
    assert UUID(new_correlation_id()).version == 4
    assert new_correlation_id() != new_correlation_id()


# --- what is refused ---


@pytest.mark.parametrize("document", [None, [], "TrainModel", 7, True])
def test_a_command_is_an_object(document: Any) -> None:
    assert "a command must be a JSON object" in refusal(document).message


@pytest.mark.parametrize("document", [{}, {"command": "DropDatabase"}, {"command": None}, {"command": ["TrainModel"]}])
def test_a_command_that_nobody_knows_is_refused(document: dict[str, Any]) -> None:
    assert "command" in faults(document)


@pytest.mark.parametrize("document", VALID.values(), ids=[kind.__name__ for kind in VALID])
def test_a_field_that_nobody_knows_is_refused(document: dict[str, Any]) -> None:
    assert faults({**document, "n_jobs": 4})["n_jobs"]["given"] == 4


def test_every_fault_is_named_and_the_sentence_names_the_first_three() -> None:
    error = refusal({"command": "TrainModel", "seed": -1})
    assert {detail["where"] for detail in error.details} == {"model", "dataset", "estimator", "seed"}
    assert error.message.startswith("model: is required; dataset: is required; estimator: is required")
    assert error.message.endswith("(and 1 more)")


def test_what_is_missing_is_not_said_to_be_given() -> None:
    assert faults({"command": "TrainModel"})["model"] == {"where": "model", "problem": "is required"}


def test_a_fault_inside_a_row_is_named_by_row_and_column() -> None:
    [where] = faults({**PREDICT, "rows": [{"age": 1}, {"age": [1]}]})
    assert where == "rows.1.age"


def test_a_column_that_is_called_as_a_command_is_named_in_the_refusal() -> None:
    with pytest.raises(InvalidCommand) as refused:
        parse_command({"command": "Predict", "model": "churn", "rows": [{"Predict": []}]})
    assert refused.value.details[0]["where"] == "rows.0.Predict"


@pytest.mark.parametrize("version", [0, 2, "1", 1.5, None, True])
def test_a_contract_version_that_is_not_spoken_is_named(version: Any) -> None:
    error = refusal({**TRAIN, "contract": version})
    assert "is not supported" in error.message
    assert error.details[0]["expected"] == CONTRACT_VERSION


@pytest.mark.parametrize("rows", [[], {}, None, "age", [[1]], ["age"], [{"": 1}], [{"a\x00b": 1}], [{"a" * 501: 1}]])
def test_rows_are_objects_with_names(rows: Any) -> None:
    assert any(where.startswith("rows") for where in faults({**PREDICT, "rows": rows}))


@pytest.mark.parametrize("value", [[], [1], {"$gt": 0}, 2**63, -(2**63) - 1, 2**64 - 1], ids=repr)
def test_a_cell_is_text_a_number_a_boolean_or_null(value: Any) -> None:
    assert "rows.0.age" in faults({**PREDICT, "rows": [{"age": value}]})


@pytest.mark.parametrize("value", [2**63, {"a": [2**70]}, {"a\x00": 1}, {"a": {"b\x00": 1}}], ids=repr)
def test_hyperparameters_that_cannot_be_stored_are_refused(value: Any) -> None:
    assert "hyperparameters" in faults({**TRAIN, "hyperparameters": {"value": value}})


def test_hyperparameters_may_be_nested_ten_levels_deep() -> None:
    def nested(depth: int) -> Any:
        return 1 if depth == 0 else {"a": nested(depth - 1)}

    assert parse_command({**TRAIN, "hyperparameters": nested(10)})
    assert "nested deeper" in faults({**TRAIN, "hyperparameters": nested(12)})["hyperparameters"]["problem"]


@pytest.mark.parametrize("fraction", [0, 1, -0.1, math.nan, math.inf, "many"])
def test_a_hold_out_is_a_share_of_the_rows(fraction: Any) -> None:
    assert "hold_out.fraction" in faults({**TRAIN, "hold_out": {"fraction": fraction}})


@pytest.mark.parametrize("seed", [-1, 2**32, 1.5, "x"])
def test_a_seed_is_one_that_numpy_takes(seed: Any) -> None:
    assert "seed" in faults({**TRAIN, "seed": seed})


def test_the_target_is_no_feature() -> None:
    assert "must not include the target 'left'" in refusal({**TRAIN, "features": ["age", "left"]}).message


def test_a_source_is_an_upload_or_a_text_and_never_a_path_or_an_address() -> None:
    for source in ({"kind": "url", "url": "http://169.254.169.254/"}, {"kind": "path", "path": "/etc/passwd"}, "/etc"):
        assert "source" in faults({"command": "ProfileDataset", "dataset": "a", "source": source})


@pytest.mark.parametrize(
    "value", [2**63, 2**64 - 1, -(2**70), "x" * 10**6, [{"$a": 1}], math.nan], ids=lambda v: repr(v)[:20]
)
def test_what_was_given_is_told_in_a_form_that_can_be_stored(value: Any) -> None:
    for document in (
        {**TRAIN, "seed": value, "unknown": value},
        {**PREDICT, "rows": [{"age": value, "town": []}]},
        {**TRAIN, "contract": value},
        {**TRAIN, "command": value},
        {**TRAIN, str(value): 1},
    ):
        error = refusal(document)
        assert len(bson.encode({"message": error.message, "details": error.details})) < 10_000


# --- how a file is to be read ---


def option_faults(**options: Any) -> dict[str, dict[str, Any]]:
    return faults({**VALID[ProfileDataset], "options": options})


@pytest.mark.parametrize("delimiter", ["", ",,", '"', "\n", "\r", "\0", "é", 7])
def test_a_delimiter_is_one_plain_character(delimiter: Any) -> None:
    assert "options.delimiter" in option_faults(delimiter=delimiter)


@pytest.mark.parametrize("date_format", ["", "%d/%m", "%H:%M", "day", "%Q", "%d/%m/%Y %", "%d/%m/%Y %d"])
def test_a_date_format_tells_the_day(date_format: str) -> None:
    assert "options.columns.a.date_format" in option_faults(
        columns={"a": {"type": "datetime", "date_format": date_format}}
    )


@pytest.mark.parametrize("date_format", ["%d/%m/%Y", "%m/%d/%y %I:%M %p", "%Y%m%d", "%d %b %Y", "%Y-%m-%dT%H:%M:%S%z"])
def test_a_date_format_that_tells_the_day_is_taken(date_format: str) -> None:
    column = {"type": "datetime", "date_format": date_format}
    parse_command({**VALID[ProfileDataset], "options": {"columns": {"a": column}}})


def test_only_a_date_has_a_date_format() -> None:
    assert "options.columns.a" in option_faults(columns={"a": {"type": "text", "date_format": "%d/%m/%Y"}})


@pytest.mark.parametrize("encoding", ["utf8 ", "rot13", "unicode_escape", "idna", "/etc/passwd", 8])
def test_an_encoding_is_one_of_a_list(encoding: Any) -> None:
    assert "options.encoding" in option_faults(encoding=encoding)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**65), 2**65) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=8,
)
FIELDS = sorted(
    {name for document in VALID.values() for name in document} | {"hyperparameters", "correlation_id", "contract"}
)
ANY_COMMAND = st.tuples(
    st.sampled_from(list(VALID.values())), st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=5), JSON)
).map(lambda pair: {**pair[0], **pair[1]})


@given(ANY_COMMAND | JSON)
def test_any_json_is_a_command_or_refused_and_what_is_kept_can_be_stored(document: Any) -> None:
    try:
        command = parse_command(document)
    except InvalidCommand as error:
        bson.encode({"message": error.message, "details": error.details})
        orjson.dumps(error.details)
        return
    spec = command_spec(command)
    bson.encode(spec)
    assert spec_hash(spec)
