"""Training on text that is numbers but for a few cells: what it is, never that it should be left out."""

import numpy as np
import pandas as pd
import pytest

from modelbus.shared.contracts import SignatureColumn
from modelbus.shared.errors import EstimatorRejected, InvalidCommand
from modelbus.trainer.rows.data_notes import notes_on
from modelbus.trainer.rows.learning_target import LearningTarget, learn_target

COLUMN = SignatureColumn(name="x", type="text")
CELLS = [*(f"{number}.5" for number in range(200)), "#DIV/0!"]
WORDS = "200 of 201 examined values are numbers, except values such as '#DIV/0!'"


def known(row_count: int) -> LearningTarget:
    codes = np.arange(row_count) % 2
    labels = ["no", "yes"]
    return LearningTarget(np.arange(row_count), codes, [labels[code] for code in codes], labels, [])


def test_a_feature_of_numbers_with_an_odd_cell_is_not_to_be_left_out() -> None:
    frame = pd.DataFrame({"x": CELLS})

    notes = notes_on(frame, [COLUMN], "y", known(len(frame)), np.arange(len(frame)))

    assert len(notes) == 1
    assert WORDS in notes[0]
    assert "exclude it" not in notes[0]


def test_a_feature_of_codes_is_still_told_as_an_identifier() -> None:
    frame = pd.DataFrame({"x": [f"{number:06d}" for number in range(200)]})

    notes = notes_on(frame, [COLUMN], "y", known(len(frame)), np.arange(len(frame)))

    assert ["exclude it" in note for note in notes] == [True]


@pytest.mark.parametrize("task", ["regression", "classification"])
def test_a_target_of_numbers_with_an_odd_cell_is_refused_for_what_it_is(task: str) -> None:
    with pytest.raises((InvalidCommand, EstimatorRejected)) as caught:
        learn_target(pd.Series(CELLS), COLUMN, task, "Ridge")  # type: ignore[arg-type]

    assert "examined values are numbers" in str(caught.value)
    assert "classifier" not in str(caught.value)


def test_a_target_of_words_still_wants_a_classifier() -> None:
    with pytest.raises(InvalidCommand, match="use a classifier"):
        learn_target(pd.Series(["red", "green"] * 10), COLUMN, "regression", "Ridge")


def test_classes_that_are_digits_as_text_are_classes() -> None:
    found = learn_target(pd.Series([str(number % 10) for number in range(100)]), COLUMN, "classification", "any")

    assert found.classes == [str(number) for number in range(10)]
