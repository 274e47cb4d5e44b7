"""Alerts at upload: each provoked, and each not raised on a near miss."""

from typing import Any
from uuid import UUID

import numpy as np
import pandas as pd
import pytest

from modelbus.shared.errors import InvalidCommand
from tests.unit.profiles import profiled

Found = dict[str, set[str]]
ROWS = 200
RANDOM = np.random.default_rng(7)


def csv(**columns: Any) -> str:
    frame = pd.DataFrame(columns)
    return frame.to_csv(index=False)


def alerts(content: str, target: str | None = None) -> Found:
    """The codes of the alerts, by column."""
    found: Found = {}
    for alert in profiled(content.encode(), "x.csv", target).alerts:
        found.setdefault(alert.column, set()).add(alert.code)
    return found


def message(content: str, code: str, target: str | None = None) -> str:
    [found] = [alert.message for alert in profiled(content.encode(), "x.csv", target).alerts if alert.code == code]
    return found


def uuids(count: int) -> list[str]:
    return [str(UUID(int=int(number))) for number in RANDOM.integers(2**60, 2**62, count)]


def many(text: str, count: int, *others: str) -> list[str]:
    return [text] * count + list(others)


OTHER = [number % 7 / 2 for number in range(ROWS)]
BUSY = RANDOM.permutation([number // 2 for number in range(ROWS)]).tolist()

COLUMNS: dict[str, tuple[list[Any], set[str]]] = {
    "one value in all rows": ([5] * ROWS, {"constant"}),
    "one text in all rows": (["x"] * ROWS, {"constant"}),
    "one date in all rows": (["2024-01-31"] * ROWS, {"constant"}),
    "another value in one row": ([5] * (ROWS - 1) + [6], set()),
    "one value, and none in one row": ([5] * (ROWS - 1) + [None], set()),
    "no value": ([None] * ROWS, {"all_missing"}),
    "97 % missing": ([1.5, 2.5, 1.5, 1.5, 2.5, 2.5] + [None] * (ROWS - 6), {"mostly_missing"}),
    "95 % missing": ([1.5, 2.5] * 5 + [None] * (ROWS - 10), set()),
    "another text in every row": ([f"customer {number}" for number in range(ROWS)], {"identifier_like"}),
    "another text in nearly every row": (
        [f"customer {number}" for number in range(ROWS - 8)] + ["customer 1"] * 8,
        {"identifier_like"},
    ),
    "text that a tenth of the rows shares": ([f"t {number}" for number in range(ROWS - 20)] + ["t"] * 20, set()),
    "text in 41 rows, different in each": (
        [f"t {number}" for number in range(41)] + [None] * (ROWS - 41),
        {"identifier_like"},
    ),
    "text in 40 rows, different in each": ([f"t {number}" for number in range(40)] + [None] * (ROWS - 40), set()),
    "row numbers": (list(range(ROWS)), {"identifier_like"}),
    "row numbers in steps of ten": (list(range(1000, 1000 + 10 * ROWS, 10)), {"identifier_like"}),
    "row numbers, shuffled": (RANDOM.permutation(ROWS).tolist(), {"identifier_like"}),
    "row numbers with some gaps": (
        [number + number // 40 for number in RANDOM.permutation(ROWS).tolist()],
        {"identifier_like"},
    ),
    "distinct whole numbers far apart": ((RANDOM.permutation(ROWS) * 3).tolist(), set()),
    "whole numbers that repeat themselves": (BUSY, set()),
    "row numbers backwards": (list(range(ROWS, 0, -1)), {"identifier_like"}),
    "row numbers, one twice": ([0, *range(ROWS - 1)], set()),
    "reals in even steps": ([number / 2 for number in range(ROWS)], set()),
    "dates in even steps": (pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d").tolist(), set()),
    "UUIDs": (uuids(ROWS), {"identifier_like"}),
    "UUIDs that repeat themselves": (uuids(10) * (ROWS // 10), {"identifier_like"}),
    "UUIDs without dashes": ([text.replace("-", "") for text in uuids(ROWS)], {"identifier_like"}),
    "a few UUIDs among words": (uuids(20) + ["a", "b"] * (ROWS // 2 - 10), set()),
    "day or month first": (["01/02/2024", "03/04/2024"] * (ROWS // 2), {"date_like_text"}),
    "two orders of day and month": (["31/12/2024", "12/31/2024"] * (ROWS // 2), {"date_like_text"}),
    "days that the calendar has not": (["2024-02-30", "2024-01-31"] * (ROWS // 2), {"date_like_text"}),
    "years of two digits": (["31.12.24", "01.02.23"] * (ROWS // 2), {"date_like_text"}),
    "names of months": (["5 May 2024", "May 31, 2023"] * (ROWS // 2), {"date_like_text"}),
    "days of the week": (
        ["Mon, 05 Feb 2024 10:00:00 GMT", "Tuesday, 6 February 2024"] * (ROWS // 2),
        {"date_like_text"},
    ),
    "a time in some rows": (
        ["31/12/2024 10:00", "30/12/2024", "1/1/2024 3:45 PM"] * 66 + [None] * 2,
        {"date_like_text"},
    ),
    "92 % dates": (many("01/02/2024", 184, *["unknown"] * 16), {"date_like_text"}),
    "88 % dates": (many("01/02/2024", 176, *["unknown"] * 24), set()),
    "dates that could be read": (["31/12/2024", "01/02/2024"] * (ROWS // 2), set()),
    "versions": (["1.2.3", "10.15.2", "2.0.14"] * 66 + [None] * 2, set()),
    "addresses of machines": (["192.168.1.1", "10.0.0.1"] * (ROWS // 2), set()),
    "telephone numbers": (["555-1234", "06-12-34-56"] * (ROWS // 2), set()),
    "names that begin as months do": (["March", "May Miller", "June 5"] * 66 + [None] * 2, set()),
    "clock times": (["10:00", "11:30"] * (ROWS // 2), set()),
    "fractions": (["1/2", "3/4"] * (ROWS // 2), set()),
}


@pytest.mark.parametrize(("cells", "expected"), COLUMNS.values(), ids=COLUMNS.keys())
def test_what_matters_in_a_column_is_said_and_nothing_else(cells: list[Any], expected: set[str]) -> None:
    column = pd.Series(cells, dtype="object")
    assert alerts(csv(column=column, other=OTHER)) == ({"column": expected} if expected else {})


def test_a_small_table_is_no_reason_to_wonder() -> None:
    assert alerts("id,name,when\n1,Ada,2024-01-31\n2,Bob,2024-02-29\n") == {}
    assert alerts("id,name\n1,Ada\n") == {}


def test_a_sentence_has_the_figures_and_says_what_to_do() -> None:
    assert message(csv(a=[5] * 60, b=BUSY[:60]), "constant") == (
        "column 'a' has the same value in all 60 rows; exclude it"
    )
    rare = csv(a=[1.5] + [None] * 59, b=BUSY[:60])
    assert "column 'a' has a value in only 1 of 60 rows; exclude it" in message(rare, "mostly_missing")
    dates = message(csv(a=["01/02/2024", "2024"] + ["02/01/2024"] * 58, b=BUSY[:60]), "date_like_text")
    assert "59 of 60 values look like dates, such as '01/02/2024'" in dates
    assert "type datetime and its date_format, such as %d/%m/%Y" in dates
    ids = message(csv(a=range(7, 67), b=BUSY[:60]), "identifier_like")
    assert "looks like row numbers (60 distinct whole numbers from 7 to 66)" in ids


def test_identifiers_of_large_tables_are_told_from_values_that_occur_twice() -> None:
    rows = 300_000
    numbers = np.arange(rows)
    twice = RANDOM.permutation(numbers // 2)
    found = alerts(
        csv(
            name=[f"n{number}" for number in RANDOM.permutation(numbers)],
            couple=[f"n{number}" for number in twice],
            shuffled=RANDOM.permutation(numbers),
            drawn=RANDOM.integers(0, rows, rows),
        )
    )
    assert found == {"name": {"identifier_like"}, "shuffled": {"identifier_like"}}


CLASSES = (["yes"] * 60 + ["no"] * 140, ["a", "b", "c", "d"] * 50)
NUMBER = RANDOM.normal(size=ROWS).round(4)
UNEQUAL = ["rare"] * 9 + ["common"] * 191

TARGETS: dict[str, tuple[list[Any], set[str]]] = {
    "a row without target": (["a", "b"] * 99 + ["a", None], {"missing_target"}),
    "no row without target": (["a", "b"] * 100, set()),
    "4.5 % of one class": (UNEQUAL, {"class_imbalance"}),
    "5 % of one class": (["rare"] * 10 + ["common"] * 190, set()),
    "4.5 % of a number": ([3] * 9 + [4] * 191, {"class_imbalance"}),
    "4.5 % of a truth": ([True] * 9 + [False] * 191, {"class_imbalance"}),
    "4.5 % of a real": ([0.5] * 9 + [1.5] * 191, {"class_imbalance"}),
    "thirty classes of one size": ([f"c{number % 30}" for number in range(180)] + [None] * 20, {"missing_target"}),
    "thirty classes, one small": (
        [f"c{number % 29}" for number in range(194)] + ["small"] * 3 + ["c1", "c2", "c3"],
        {"class_imbalance", "rare_classes"},
    ),
    "four rows of a class": (["a"] * 98 + ["b"] * 98 + ["c"] * 4, {"class_imbalance", "rare_classes"}),
    "a quantity": (NUMBER.tolist(), set()),
    "a ranking": (RANDOM.permutation(ROWS).tolist(), set()),
    "a count of many values": (BUSY, set()),
    "another text in every row": ([f"customer {number}" for number in range(ROWS)], {"identifier_like"}),
    "one class": (["a"] * ROWS, {"constant", "class_imbalance"}),
    "dates": (pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d").tolist(), set()),
    "nothing": ([None] * ROWS, {"missing_target", "all_missing"}),
}


@pytest.mark.parametrize(("cells", "expected"), TARGETS.values(), ids=TARGETS.keys())
def test_what_matters_in_a_target_is_said_and_nothing_else(cells: list[Any], expected: set[str]) -> None:
    content = csv(other=OTHER, target=pd.Series(cells, dtype="object"))
    assert alerts(content, "target") == ({"target": expected} if expected else {})
    only_with_target = {"missing_target", "class_imbalance", "rare_classes"}
    assert not only_with_target & alerts(content).get("target", set())


def test_the_shares_of_the_classes_are_said() -> None:
    content = csv(other=OTHER, target=UNEQUAL)
    assert "'rare' has 4.5 % of the rows (9 of 200), 'common' has 95.5 % of the rows (191 of 200)" in message(
        content, "class_imbalance", "target"
    )
    few = csv(other=OTHER, target=["x"] * 2 + ["y"] * 3 + ["z"] * 195)
    assert "2 of 3 classes of the target 'target' have fewer than 5 rows: 'x' (2), 'y' (3);" in message(
        few, "rare_classes", "target"
    )
    missing = csv(other=OTHER, target=["a", "b"] * 99 + [None, None])
    assert message(missing, "missing_target", "target").startswith("the target 'target' is missing in 2 of 200 rows")


def with_noise(labels: list[Any], count: int) -> list[Any]:
    """The labels, of which as many, evenly spread, are turned into the next row's that differs."""
    changed = list(labels)
    for place in np.linspace(0, len(labels) - 1, count + 2).astype(int)[1:-1]:
        changed[place] = next(label for label in labels if label != labels[place])
    return changed


YES_NO = RANDOM.permutation(CLASSES[0]).tolist()
LETTERS = RANDOM.permutation(CLASSES[1]).tolist()
ONE_IN_A_HUNDRED = [number % 100 == 0 for number in range(1000)]
QUANTITY = RANDOM.normal(100, 15, ROWS)
OUTLIER = QUANTITY.copy()
OUTLIER[5] = 1e9

LEAKS: dict[str, tuple[list[Any], list[Any], bool]] = {
    "the target itself": (YES_NO, YES_NO, True),
    "a recoding": ([{"yes": 1, "no": 0}[label] for label in YES_NO], YES_NO, True),
    "a recoding of four classes": (["wxyz"["abcd".index(label)] for label in LETTERS], LETTERS, True),
    "the target in 99 % of the rows": (with_noise(YES_NO, 2), YES_NO, True),
    "the target in 98 % of the rows": (with_noise(YES_NO, 4), YES_NO, False),
    "a value only where the class has one": ([5 if label == "yes" else None for label in YES_NO], YES_NO, True),
    "half of the classes": (["ab" if label in "ab" else "cd" for label in LETTERS], LETTERS, False),
    "a number of each row": (list(range(ROWS)), YES_NO, False),
    "a text of each row": ([f"id {number}" for number in range(ROWS)], YES_NO, False),
    "a value of each four rows": (
        [f"{label} {number // 8}" for number, label in enumerate(["yes", "no"] * 100)],
        ["yes", "no"] * 100,
        False,
    ),
    "nothing but the largest class": ([True] * 999 + [False], ONE_IN_A_HUNDRED, False),
    "the rare class": (ONE_IN_A_HUNDRED, ["x" if rare else "y" for rare in ONE_IN_A_HUNDRED], True),
    "chance": (RANDOM.permutation(YES_NO).tolist(), YES_NO, False),
    "a number of the same order": (np.exp(QUANTITY / 50).tolist(), QUANTITY.tolist(), True),
    "a number of the opposite order": ((-(QUANTITY**3)).tolist(), QUANTITY.tolist(), True),
    "another unit": ((QUANTITY * 1.8 + 32).round(3).tolist(), QUANTITY.tolist(), True),
    "a little noise": ((QUANTITY + RANDOM.normal(0, 0.3, ROWS)).tolist(), QUANTITY.tolist(), True),
    "more noise": ((QUANTITY + RANDOM.normal(0, 1.5, ROWS)).tolist(), QUANTITY.tolist(), False),
    "an outlier that both have": (
        (RANDOM.normal(size=ROWS) + 1e7 * (OUTLIER == 1e9)).tolist(),
        OUTLIER.tolist(),
        False,
    ),
    "half of the cells, the same": (
        [cell if row % 2 else None for row, cell in enumerate(QUANTITY)],
        QUANTITY.tolist(),
        True,
    ),
    "numbers beyond squares": ((QUANTITY * 1e300).tolist(), QUANTITY.tolist(), True),
    "integers of a quantity": ((QUANTITY * 1000).round().astype(int).tolist(), QUANTITY.tolist(), True),
    "time, of a target that grows": (
        pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d").tolist(),
        np.sort(QUANTITY).tolist(),
        False,
    ),
    "stars as reals": ([n % 5 + 0.001 * (n % 3) for n in range(ROWS)], [n % 5 for n in range(ROWS)], True),
}


@pytest.mark.parametrize(("cells", "target", "is_leak"), LEAKS.values(), ids=LEAKS.keys())
def test_a_column_that_gives_the_target_away_is_named(cells: list[Any], target: list[Any], is_leak: bool) -> None:
    other = [number % 7 / 2 for number in range(len(target))]
    found = alerts(csv(cells=pd.Series(cells, dtype="object"), other=other, target=target), "target")
    assert ("target_leak" in found.get("cells", set())) == is_leak
    assert "target_leak" not in found.get("other", set())


def test_a_leak_is_told_with_its_measure() -> None:
    recoded = csv(cells=with_noise(YES_NO, 1), target=YES_NO, other=OTHER)
    assert "determines the class in 99.5 % of rows" in message(recoded, "target_leak", "target")
    same = csv(cells=-2 * QUANTITY, target=QUANTITY, other=OTHER)
    assert "correlates with the target (Pearson -1.0000)" in message(same, "target_leak", "target")


def test_columns_are_compared_in_the_same_rows_of_a_large_table() -> None:
    rows = 250_000
    label = RANDOM.choice(["a", "b", "c"], rows)
    found = alerts(
        csv(recoded=[f"class {text}" for text in label], drawn=RANDOM.choice(["x", "y", "z"], rows), label=label),
        "label",
    )
    assert found == {"recoded": {"target_leak"}}


def test_codes_that_repeat_are_no_identifier_though_the_last_rows_hold_new_ones() -> None:
    codes = np.arange(300_000) % 9_990
    texts = [f"code {code}" for code in codes.tolist()] + [f"new {number}" for number in range(20)]
    assert "identifier_like" not in alerts(csv(cells=texts)).get("cells", set())


def test_a_target_that_is_no_column_is_refused_with_the_likely_ones() -> None:
    with pytest.raises(
        InvalidCommand, match=r"target: the file has no column 'chrun' \(did you mean 'churn'\?\)"
    ) as caught:
        profiled(b"age,churn\n1,yes\n2,no\n", "x.csv", "chrun")
    assert caught.value.details == [
        {"where": "target", "problem": "the file has no column 'chrun'", "expected": ["churn"]}
    ]
