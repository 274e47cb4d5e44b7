"""JSON text: keys that occur twice are faults, integers of any size are exact."""

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelbus.shared.contracts.exact_json import read_exactly
from modelbus.shared.contracts.json_text import DEPTH_LIMIT, parse_json

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)
SEPARATORS = [(",", ":"), (", ", ": "), (" , ", " : "), (",\n", "\t:\r\n")]


def is_like(one: Any, other: Any) -> bool:
    return json.dumps(one) == json.dumps(other)


@given(document=DOCUMENTS, separators=st.sampled_from(SEPARATORS))
def test_documents_come_as_they_are(document: Any, separators: tuple[str, str]) -> None:
    text = json.dumps(document, separators=separators)
    assert is_like(parse_json(text), document)
    assert is_like(parse_json(text.encode()), document)


@given(
    before=st.dictionaries(st.text(), DOCUMENTS, max_size=3),
    key=st.text(),
    values=st.tuples(DOCUMENTS, DOCUMENTS),
    separators=st.sampled_from(SEPARATORS),
    depth=st.integers(0, 3),
)
def test_a_key_that_occurs_twice_is_refused_wherever_it_is(
    before: dict[str, Any], key: str, values: tuple[Any, Any], separators: tuple[str, str], depth: int
) -> None:
    comma, colon = separators
    pairs = [*before.items(), (key, values[0]), (key, values[1])]
    text = comma.join(f"{json.dumps(name)}{colon}{json.dumps(value)}" for name, value in pairs)
    text = f"{{{text}}}"
    for _ in range(depth):
        text = f'{{"outer"{colon}[1{comma}{text}]}}'
    with pytest.raises(ValueError, match="duplicate key"):
        parse_json(text)


@pytest.mark.parametrize("text", ["{", '{"a":1', '{"a":1}}', '{"a":NaN}', "", "{'a':1}"])
def test_what_is_no_json_is_refused(text: str) -> None:
    with pytest.raises(orjson.JSONDecodeError):
        parse_json(text)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"a" : ', '[{"a":['], ids=repr)
def test_text_is_as_deep_as_a_document_may_be_and_no_deeper(opening: str) -> None:
    levels = opening.count("[") + opening.count("{")
    closing = opening.translate(str.maketrans({"[": "]", "{": "}"}))[::-1].translate(str.maketrans("", "", 'a": '))

    def nested(depth: int) -> str:
        return opening * (depth // levels) + "1" + closing * (depth // levels)

    deepest = DEPTH_LIMIT - DEPTH_LIMIT % levels
    assert json.loads(nested(deepest)) == parse_json(nested(deepest))
    for depth in (deepest + levels, 990, 1020):
        with pytest.raises(ValueError, match=f"nested deeper than {DEPTH_LIMIT} levels"):
            parse_json(nested(depth))


@pytest.mark.parametrize("text", ['{"a": 1, "a": 1}', "NaN", "[Infinity]", "{"])
def test_the_standard_library_reads_as_exactly(text: str) -> None:
    assert read_exactly('{"a": 18446744073709551617, "b": [1.5, null]}') == {"a": 2**64 + 1, "b": [1.5, None]}
    with pytest.raises(ValueError, match=r"duplicate|not valid JSON|Expecting"):
        read_exactly(text)
