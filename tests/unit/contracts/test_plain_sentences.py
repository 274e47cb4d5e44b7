"""Faults that pydantic finds are told in plain sentences: where, what is wrong, and what would be right."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import InitErrorDetails
from pydantic_core._pydantic_core import list_all_errors  # its documentation is made from it; nothing public lists them

from modelbus.shared.contracts import parse_command
from modelbus.shared.contracts.base import PATTERN_WORDS
from modelbus.shared.contracts.commands.registry import COMMAND_NAMES, Command
from modelbus.shared.contracts.commands.training import VersionChanges
from modelbus.shared.contracts.records.api_key_records import NewApiKey
from modelbus.shared.contracts.sentences import details_of
from modelbus.shared.errors import InvalidCommand

FOREIGN = re.compile(
    r"Input |Extra inputs|Field required|permitted|[Uu]nable to|[Vv]alue error|[Dd]iscriminator|unable to parse"
    r"|\binstance of\b|\bdict|dictionary|\bNone\b|NoneType|pydantic|after validation|validator|constrained"
    r"|literal\[|\[key\]|anyOf|\^|\$|after-"
)
"""Words of pydantic, of JSON Schema, of Python and of regular expressions."""
ALL_ERRORS = {error["type"]: error for error in list_all_errors()}
COMMANDS = get_args(get_args(Command)[0])
TRAINING = {"command": "TrainModel", "model": "m", "dataset": "d", "target": "t", "estimator": "Ridge"}
PROFILING = {"command": "ProfileDataset", "dataset": "d", "source": {"kind": "inline", "text": "a\n1\n"}}


def refused(document: dict[str, Any]) -> InvalidCommand:
    with pytest.raises(InvalidCommand) as caught:
        parse_command(document)
    return caught.value


TABLE: dict[str, tuple[dict[str, Any], str, str]] = {
    "missing": ({"command": "ReadRows"}, "dataset", "is required"),
    "extra_forbidden": ({**TRAINING, "fetures": ["a"]}, "fetures", "unknown field; did you mean features?"),
    "extra_forbidden far from all": (
        {**TRAINING, "limits": {"colour": 1}},
        "limits.colour",
        "unknown field; expected one of time_s, memory_bytes",
    ),
    "extra_forbidden in a union": (
        {**PROFILING, "source": {"kind": "inline", "text": "a", "fyle_name": "a"}},
        "source.fyle_name",
        "unknown field; expected one of kind, text",
    ),
    "extra_forbidden in a mapping": (
        {**PROFILING, "options": {"columns": {"a": {"type": "real", "decimal_marc": ","}}}},
        "options.columns.a.decimal_marc",
        "unknown field; did you mean decimal_mark?",
    ),
    "string_type": ({**TRAINING, "model": 7}, "model", "must be text, not 7"),
    "string_unicode": ({**TRAINING, "model": "a\udcff"}, "model", "must be valid Unicode text in UTF-8"),
    "string_too_long": ({**TRAINING, "estimator": "x" * 101}, "estimator", "must have at most 100 characters, not 101"),
    "string_too_short": (
        {**PROFILING, "options": {"delimiter": ""}},
        "options.delimiter",
        "must have at least 1 character, not 0",
    ),
    "string_pattern_mismatch": (
        {**TRAINING, "model": "no spaces"},
        "model",
        "must be a name of 1 to 100 letters, digits, `.`, `_` or `-` that starts with a letter or digit",
    ),
    "string_pattern_mismatch of a key": (
        {**TRAINING, "tags": {"a b": "c"}},
        "tags.a b",
        "as a key must be 1 to 100 letters, digits, `_` or `-` and start with a letter or digit",
    ),
    "int_type": ({**TRAINING, "seed": [1]}, "seed", "must be a whole number, not a list"),
    "int_parsing": ({**TRAINING, "seed": "x"}, "seed", "must be a whole number, not 'x'"),
    "int_from_float": ({**TRAINING, "seed": 1.5}, "seed", "must be a whole number, not 1.5"),
    "int_parsing_size": (
        {**TRAINING, "seed": "1" * 5000},
        "seed",
        "must be a whole number that fits into 64 bits",
    ),
    "float_type": ({**TRAINING, "promote_margin": None}, "promote_margin", "must be a number, not null"),
    "float_parsing": ({**TRAINING, "promote_margin": "x"}, "promote_margin", "must be a number, not 'x'"),
    "finite_number": (
        {**TRAINING, "promote_margin": float("inf")},
        "promote_margin",
        "must be a finite number, not infinity or NaN",
    ),
    "bool_type": ({**TRAINING, "allow_target_change": []}, "allow_target_change", "must be true or false, not a list"),
    "bool_parsing": ({**TRAINING, "allow_target_change": "x"}, "allow_target_change", "must be true or false, not 'x'"),
    "greater_than": ({**TRAINING, "limits": {"time_s": 0}}, "limits.time_s", "must be more than 0, not 0"),
    "greater_than_equal": ({**TRAINING, "seed": -1}, "seed", "must be at least 0, not -1"),
    "less_than": ({**TRAINING, "hold_out": {"fraction": 1}}, "hold_out.fraction", "must be less than 1, not 1"),
    "less_than_equal": (
        {"command": "ReadRows", "dataset": "d", "limit": 1001},
        "limit",
        "must be at most 1000, not 1001",
    ),
    "literal_error": (
        {**TRAINING, "promote": "if_beter"},
        "promote",
        "must be one of always, if_better, if_comparable, never; did you mean if_better?",
    ),
    "literal_error of a list": (
        {**TRAINING, "task": ["classification"]},
        "task",
        "must be one of classification, regression, outlier_detection, clustering",
    ),
    "list_type": ({**TRAINING, "features": "a"}, "features", "must be a list, not 'a'"),
    "dict_type": ({**TRAINING, "tags": []}, "tags", "must be an object, not a list"),
    "model_type": ({**TRAINING, "hold_out": 3}, "hold_out", "must be an object, not 3"),
    "too_short": ({**TRAINING, "features": []}, "features", "must have at least 1 item, not 0"),
    "too_long": (
        {**PROFILING, "options": {"missing_marks": ["x"] * 101}},
        "options.missing_marks",
        "must have at most 100 items, not 101",
    ),
    "union_tag_invalid": (
        {"command": "TrainModle"},
        "command",
        "unknown command 'TrainModle'; did you mean TrainModel?",
    ),
    "union_tag_invalid inside": (
        {**PROFILING, "source": {"kind": "url"}},
        "source",
        "unknown kind 'url'; expected one of upload, inline",
    ),
    "union_tag_not_found": ({"model": "m"}, "command", "is required"),
    "union_tag_not_found inside": ({**PROFILING, "source": {"text": "a"}}, "source", "requires the field kind"),
    "model_attributes_type": ({**PROFILING, "source": "a.csv"}, "source", "must be an object, not 'a.csv'"),
    "one of several kinds": (
        {**TRAINING, "class_weight": 3},
        "class_weight",
        "must be balanced or an object, not 3",
    ),
    "inside one of several kinds": (
        {**TRAINING, "class_weight": {"a": -1}},
        "class_weight.a",
        "must be at least 0, not -1",
    ),
    "value_error": (
        {**TRAINING, "features": ["a", "a"]},
        "command",
        "features must not repeat a column: a",
    ),
}


@pytest.mark.parametrize(("document", "where", "problem"), TABLE.values(), ids=TABLE.keys())
def test_each_fault_has_its_place_and_its_sentence(document: dict[str, Any], where: str, problem: str) -> None:
    error = refused(document)

    assert [detail for detail in error.details if detail["where"] == where], error.details
    (detail,) = [detail for detail in error.details if detail["where"] == where]
    assert detail["problem"] == problem
    assert f"{where}: {problem}" in error.message


def test_a_misspelt_name_has_the_near_one_as_what_is_expected() -> None:
    details = {detail["where"]: detail for detail in refused({**TRAINING, "hold_aut": {}, "promote": "nevr"}).details}

    assert details["hold_aut"]["expected"] == "hold_out"
    assert details["promote"]["expected"] == "never"


# --- every type of error that pydantic knows ---


@pytest.mark.parametrize("kind", sorted(ALL_ERRORS.keys() - {"value_error", "assertion_error", "json_invalid"}))
def test_no_type_of_error_is_told_in_words_of_pydantic(kind: str) -> None:
    context = dict(ALL_ERRORS[kind].get("example_context") or {})
    fault = InitErrorDetails(type=kind, loc=("field",), input={"colour": "red"}, ctx=context)
    error = ValidationError.from_exception_data("any", [fault])

    (detail,) = details_of(error, NewApiKey)

    if kind in COMMON:
        assert not FOREIGN.search(detail["problem"]), detail
        assert not detail["problem"][0].isupper(), "it follows the field's name and a colon"
    assert "Input should" not in detail["problem"]


def error_types(schema: Any) -> Iterator[str]:
    """What a core schema of pydantic's may refuse, by the kinds of its parts."""
    if isinstance(schema, list | tuple):
        for part in schema:
            yield from error_types(part)
    elif isinstance(schema, dict):
        yield from _OF_SCHEMA.get(str(schema.get("type")), ())
        yield from (_OF_KEY[name] for name in schema if name in _OF_KEY)
        for name, part in schema.items():
            if name not in ("metadata", "serialization"):
                yield from error_types(part)


_OF_SCHEMA = {
    "str": ("string_type", "string_unicode"),
    "int": ("int_type", "int_parsing", "int_from_float", "int_parsing_size"),
    "float": ("float_type", "float_parsing", "finite_number"),
    "bool": ("bool_type", "bool_parsing"),
    "list": ("list_type",),
    "tuple": ("tuple_type",),
    "set": ("set_type",),
    "frozenset": ("frozen_set_type",),
    "dict": ("dict_type",),
    "model": ("model_type",),
    "model-fields": ("missing", "extra_forbidden", "model_attributes_type"),
    "literal": ("literal_error",),
    "enum": ("enum",),
    "tagged-union": ("union_tag_invalid", "union_tag_not_found"),
    "datetime": ("datetime_type", "datetime_parsing", "datetime_object_invalid", "datetime_from_date_parsing"),
    "none": ("none_required",),
    "uuid": ("uuid_type", "uuid_parsing"),
}
_OF_KEY = {
    "pattern": "string_pattern_mismatch",
    "ge": "greater_than_equal",
    "gt": "greater_than",
    "le": "less_than_equal",
    "lt": "less_than",
    "multiple_of": "multiple_of",
}
COMMON = {
    *(kind for model in (Command, NewApiKey, VersionChanges) for kind in error_types(TypeAdapter(model).core_schema)),
    *("too_short", "too_long", "string_too_short", "string_too_long"),
}
"""What our contracts can be refused for."""


def test_every_type_of_error_that_a_contract_can_bring_has_a_sentence_of_its_own() -> None:
    from modelbus.shared.contracts.sentences import _SENTENCES

    assert _SENTENCES.keys() >= COMMON
    assert len(COMMON) > 20


def patterns(schema: Any) -> Iterator[str]:
    if isinstance(schema, list | tuple):
        for part in schema:
            yield from patterns(part)
    elif isinstance(schema, dict):
        if isinstance(schema.get("pattern"), str):
            yield schema["pattern"]
        for name, part in schema.items():
            if name != "metadata":
                yield from patterns(part)


def test_every_pattern_of_a_contract_is_told_in_words() -> None:
    found = {
        pattern
        for model in (Command, NewApiKey, VersionChanges)
        for pattern in patterns(TypeAdapter(model).core_schema)
    }

    assert found
    assert found <= PATTERN_WORDS.keys()
    assert not [words for words in PATTERN_WORDS.values() if FOREIGN.search(words)]


# --- any document at all ---

scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.floats() | st.text(max_size=5) | st.just("\udcff")
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A command of which some fields are anything, and some are misspelt."""
    kind: type[BaseModel] = draw(st.sampled_from(COMMANDS))
    names = draw(st.lists(st.sampled_from(sorted(kind.model_fields)), unique=True, max_size=6))
    document = {name + draw(st.sampled_from(["", "", "", "s"])): draw(values) for name in names}
    return {**document, "command": kind.__name__, "contract": 1}


@given(document=documents())
def test_no_document_is_refused_in_words_of_pydantic(document: dict[str, Any]) -> None:
    try:
        parse_command(document)
    except InvalidCommand as error:
        for detail in error.details:
            own = [str(detail.get("given")), *map(str, document)]
            assert not FOREIGN.search(detail["problem"]) or any(one in detail["problem"] for one in own if one), detail
            assert detail["where"]
            assert detail["where"].split(".")[0] not in COMMAND_NAMES
            error.message.encode()
