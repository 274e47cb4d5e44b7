"""How the rows of a command are kept: each column's name once, the same for the same rows, and back again."""

import orjson
from hypothesis import given
from hypothesis import strategies as st

from modelbus.shared.contracts import Predict, command_spec, parse_command, spec_hash
from modelbus.shared.contracts.commands.prediction import rows_of_spec

NAMES = st.sampled_from([f"column {letter}" for letter in "abcdef"])
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
)
CELLS = VALUES.filter(lambda value: not (isinstance(value, str) and "\x00" in value))
ROWS = st.lists(st.dictionaries(NAMES, CELLS, max_size=6), min_size=1, max_size=6)


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, object]]:
    """Rows that all have the same columns, in any order."""
    names = draw(st.lists(NAMES, min_size=1, unique=True))
    rows = draw(st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), min_size=1, max_size=6))
    orders = [draw(st.permutations(names)) for _ in rows]
    return [
        {name: dict(zip(names, values, strict=True))[name] for name in order}
        for values, order in zip(rows, orders, strict=True)
    ]


def predict(**rows: object) -> Predict:
    command = parse_command({"command": "Predict", "model": "churn", **rows})
    assert isinstance(command, Predict)
    return command


@given(ROWS | tables())
def test_the_rows_come_back_as_they_were(rows: list[dict[str, object]]) -> None:
    command = predict(rows=rows)
    spec = command_spec(command)
    assert rows_of_spec(spec) == command.rows
    assert parse_command(orjson.loads(orjson.dumps(spec))) == command


@given(tables())
def test_the_same_rows_in_any_form_are_the_same_specification(rows: list[dict[str, object]]) -> None:
    columns = list(rows[0])
    forms = [
        {"rows": rows},
        {"columns": columns, "data": [[row[name] for name in columns] for row in rows]},
        {"data": {name: [row[name] for row in rows] for name in columns}},
    ]
    assert len({spec_hash(command_spec(predict(**form))) for form in forms}) == 1


def test_several_rows_of_the_same_columns_name_each_column_once() -> None:
    spec = command_spec(predict(rows=[{"b": 1, "a": 2}, {"a": 3, "b": None}]))
    assert (spec["columns"], spec["data"]) == (["a", "b"], [[2, 1], [3, None]])
    assert "rows" not in spec


def test_rows_whose_columns_differ_are_kept_one_by_one() -> None:
    """As a table they could be as large as the square of what was sent."""
    rows = [{f"column {number}": 1} for number in range(50)]
    assert command_spec(predict(rows=rows))["rows"] == rows
