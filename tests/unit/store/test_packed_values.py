"""Large values in documents are packed where they are written and unpacked wherever they are read."""

from typing import Any

import pytest
from bson import CodecOptions, decode, encode
from bson.binary import Binary
from hypothesis import given
from hypothesis import strategies as st

from modelbus.shared.store.packed_values import PACKED_FROM_BYTES, UNPACKING, packed

READING = CodecOptions(type_registry=UNPACKING)
MONGO_LIMIT_BYTES = 16 * 1024 * 1024
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text().filter(lambda name: "\x00" not in name), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from(["rows", "model", "source"]), JSON))
def test_what_is_read_is_what_was_written(document: dict[str, Any]) -> None:
    assert decode(encode(packed(document)), READING) == document


@pytest.mark.parametrize("value", [[1.5] * 100_000, "x" * 100_000, {"text": "é" * 100_000}, [{"a": None}] * 100_000])
def test_large_values_come_back_and_take_less_than_as_json(value: Any) -> None:
    written = encode(packed({"rows": value, "model": "churn"}))
    assert len(written) < 20_000
    assert decode(written, READING) == {"rows": value, "model": "churn"}
    assert decode(written)["model"] == "churn", "what is small can be asked for by MongoDB"


def test_small_values_stay_readable() -> None:
    document = {"rows": [{"a": 1}], "text": "x" * (PACKED_FROM_BYTES - 10), "count": 3}
    assert packed(document) == document


def test_other_binary_values_are_left_alone() -> None:
    document = {"chunk": b"\x00\xff", "other": Binary(b"\x01", 200)}
    assert decode(encode(document), READING) == document


def test_the_largest_message_of_rows_fits_into_a_document() -> None:
    """As BSON it would be twice as large as MongoDB allows, for each array and object repeats its keys."""
    rows = [[number % 10] * 60 for number in range(35_000)]
    assert len(encode({"data": rows})) > MONGO_LIMIT_BYTES
    assert len(encode(packed({"data": rows}))) < MONGO_LIMIT_BYTES / 10
