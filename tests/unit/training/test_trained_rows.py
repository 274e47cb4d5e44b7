"""Which rows a version was trained on: by place in their own table, by content in any other; never taken for new."""

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelbus.shared.contracts import Signature, SignatureColumn
from modelbus.trainer.champions import trained_rows
from modelbus.trainer.champions.row_identity import row_hashes
from modelbus.trainer.champions.trained_rows import TrainedRows, TrainedRowsBuilder

SHA256 = "ab" * 32
SIGNATURE = Signature(
    columns=[
        SignatureColumn(name="n", type="integer"),
        SignatureColumn(name="x", type="real"),
        SignatureColumn(name="t", type="text"),
        SignatureColumn(name="d", type="datetime", date_format="%Y-%m-%d"),
        SignatureColumn(name="b", type="boolean"),
    ],
    target="y",
    task="classification",
    classes=["no", "yes"],
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "n": st.one_of(st.none(), st.integers(-(2**40), 2**40)),
            "x": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
            "t": st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_categories=["C"]), max_size=5)),
            "d": st.one_of(st.none(), st.dates().map(lambda day: day.strftime("%Y-%m-%d").zfill(10))),
            "b": st.one_of(st.none(), st.booleans()),
            "y": st.sampled_from(["no", "yes"]),
        }
    ),
    min_size=1,
    max_size=8,
)


def frame_of(rows: list[dict[str, object]]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["n", "x", "t", "d", "b", "y"], dtype=object)


def built(
    hashes: np.ndarray, places: np.ndarray | None = None, *, parts: int = 1, row_count: int = 0, **limits: int
) -> TrainedRows:
    """What a builder makes of rows in parts, after it was stored."""
    builder = TrainedRowsBuilder(**limits)
    at = np.arange(len(hashes)) if places is None else places
    for some, where in zip(np.array_split(hashes, parts), np.array_split(at, parts), strict=True):
        builder.add(where.astype(np.int64), some)
    rows = TrainedRows.from_bytes(builder.build(SHA256, row_count or int(at.max(initial=-1)) + 1).to_bytes())
    assert rows is not None
    return rows


@given(rows=ROWS)
def test_a_row_has_one_hash_wherever_it_stands(rows: list[dict[str, object]]) -> None:
    frame = frame_of(rows)
    turned = frame[["y", "b", "d", "t", "x", "n"]].iloc[::-1].assign(more=1)
    alone = [row_hashes(frame.iloc[[place]], SIGNATURE)[0] for place in range(len(frame))]
    assert row_hashes(frame, SIGNATURE).tolist() == row_hashes(turned, SIGNATURE)[::-1].tolist() == alone


@given(rows=ROWS, name=st.sampled_from(["n", "x", "t", "d", "b", "y"]), place=st.integers(0, 7))
def test_a_row_of_which_a_cell_differs_has_another_hash(rows: list[dict[str, object]], name: str, place: int) -> None:
    frame = frame_of(rows)
    row = frame.index[place % len(frame)]
    others = {"n": 2**41, "x": 0.123456, "t": "another text", "d": "2525-05-05", "b": True, "y": "yes"}
    changed = frame.copy()
    changed.at[row, name] = others[name] if frame.at[row, name] != others[name] else {"b": False, "y": "no"}.get(name)
    before, after = (row_hashes(each, SIGNATURE)[row] for each in (frame, changed))
    is_same = changed.at[row, name] == frame.at[row, name]
    assert (before == after) == is_same


def test_native_columns_and_cells_one_by_one_have_the_same_hashes() -> None:
    numbers = [1, 2, None, -3]
    native = pd.DataFrame(
        {
            "n": pd.array(numbers, dtype="Int64"),
            "x": [-0.0, 1.5, float("nan"), 1e300],
            "t": pd.array(["a", None, "ä", "1.50"], dtype="string"),
            "d": pd.to_datetime(["2020-01-31", "1969-01-01", None, "2525-01-01"]).astype("datetime64[us]"),
            "b": pd.array([True, False, None, True], dtype="boolean"),
            "y": ["yes", "no", "yes", "no"],
        }
    )
    written = frame_of(
        [
            {"n": 1, "x": 0, "t": "a", "d": "2020-01-31", "b": True, "y": "yes"},
            {"n": 2.0, "x": "1.5", "t": None, "d": "1969-01-01", "b": "false", "y": "no"},
            {"n": None, "x": None, "t": "ä", "d": None, "b": None, "y": "yes"},
            {"n": "-3", "x": 1e300, "t": "1.50", "d": "2525-01-01", "b": "true", "y": "no"},
        ]
    )
    assert row_hashes(native, SIGNATURE).tolist() == row_hashes(written, SIGNATURE).tolist()


def test_hashes_are_the_same_in_every_release() -> None:
    frame = frame_of([{"n": 1, "x": 1.5, "t": "ä", "d": "2020-01-31", "b": True, "y": "yes"}])
    [found] = row_hashes(frame, SIGNATURE).tolist()
    assert found == 16840053884786730586, "stored versions keep hashes: whoever changes them raises FORMAT"


def test_hashes_of_another_making_tell_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stored = TrainedRowsBuilder().build(SHA256, 0).to_bytes()
    assert TrainedRows.from_bytes(stored) is not None
    monkeypatch.setattr(trained_rows, "FORMAT", trained_rows.FORMAT + 1)
    assert TrainedRows.from_bytes(stored) is None


def test_what_is_not_read_makes_no_other_row() -> None:
    one = Signature(columns=[SignatureColumn(name="x", type="real")], target="y", task="regression")
    first, second = (pd.DataFrame({"x": [1.0], "y": [2.0], "more": [more]}) for more in ("a", "b"))
    assert row_hashes(first, one).tolist() == row_hashes(second, one).tolist()
    assert row_hashes(first, one).tolist() != row_hashes(first.assign(y=3.0), one).tolist()


@given(
    trained=st.sets(st.integers(0, 2**64 - 1), max_size=60),
    asked=st.sets(st.integers(0, 2**64 - 1), max_size=60),
    limit=st.integers(1, 70),
    parts=st.integers(1, 5),
)
def test_no_row_that_was_trained_on_is_taken_for_new(
    trained: set[int], asked: set[int], limit: int, parts: int
) -> None:
    hashes = np.array(sorted(trained, key=hash), dtype=np.uint64)
    rows = built(hashes, parts=parts, hash_limit=limit)
    assert rows.may_have(hashes).all()
    assert len(rows.hashes) <= limit
    new = np.array(sorted(asked - trained), dtype=np.uint64)
    told = rows.may_have(new)
    if len(trained) <= limit:
        assert not told.any()
    else:
        assert told.tolist() == (new > max(sorted(trained)[:limit])).tolist()


def test_of_many_rows_a_share_of_the_new_ones_can_still_be_told() -> None:
    random = np.random.default_rng(0)
    trained, new = (random.integers(0, 2**64, count, dtype=np.uint64) for count in (20_000, 20_000))
    rows = built(trained, parts=7, hash_limit=2_000)
    assert rows.may_have(trained).all()
    assert np.count_nonzero(~rows.may_have(new)) == pytest.approx(2_000, rel=0.15)


@given(
    places=st.sets(st.integers(0, 99), max_size=100),
    row_count=st.integers(100, 120),
)
def test_places_are_told_exactly(places: set[int], row_count: int) -> None:
    at = np.array(sorted(places), dtype=np.int64)
    rows = built(np.arange(len(at), dtype=np.uint64), at, row_count=row_count)
    every = np.arange(row_count, dtype=np.int64)
    assert rows.has_rows(every).tolist() == [place in places for place in range(row_count)]
    assert (rows.dataset_sha256, rows.row_count) == (SHA256, row_count)


def test_of_a_table_with_too_many_rows_no_places_are_kept() -> None:
    rows = built(np.arange(5, dtype=np.uint64), row_count=11, index_limit=10)
    assert rows.row_bits is None
    assert rows.may_have(np.arange(5, dtype=np.uint64)).all()


def test_what_is_stored_holds_arrays_of_numbers_alone() -> None:
    stored = built(np.arange(5, dtype=np.uint64)).to_bytes()
    builder = TrainedRowsBuilder()
    with np.load(io.BytesIO(stored), allow_pickle=False) as arrays:
        assert {arrays[name].dtype.kind for name in arrays.files} == {"u"}
    assert not len(builder.build(SHA256, 0).hashes)
