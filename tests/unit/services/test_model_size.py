"""What a loaded model takes in memory, as it is estimated."""

from typing import Any

import numpy as np
import pytest
import scipy.sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier

from modelbus.predictor.model_size import size_in_memory
from tests.unit.tables import fit

KILOBYTE = 1000
ROWS = np.random.default_rng(0).normal(size=(500, 20))
LABELS = (ROWS[:, 0] > 0).astype(int)


class Holder:
    """Something with attributes."""

    def __init__(self, **fields: Any) -> None:
        vars(self).update(fields)


@pytest.mark.parametrize(
    "hold",
    [
        lambda array: array,
        lambda array: [array, array, (array,)],
        lambda array: {"a": array, "b": array[::2], "c": array[10:20]},
        lambda array: Holder(inner=Holder(array=array), again=array.reshape(10, -1)),
        lambda array: np.array([array, None], dtype=object),
    ],
    ids=["alone", "several times", "views", "in objects", "in an array of objects"],
)
def test_an_array_counts_once_with_its_buffer_however_it_is_held(hold: Any) -> None:
    held = hold(np.zeros(1_000_000))
    assert 8_000_000 <= size_in_memory(held) < 8_000_000 + 5 * KILOBYTE


def test_what_refers_to_itself_is_walked_once() -> None:
    holder = Holder(array=np.zeros(1000))
    holder.myself = [holder]
    assert 8_000 <= size_in_memory(holder) < 8_000 + 5 * KILOBYTE


def test_sparse_arrays_count_with_their_three_buffers() -> None:
    sparse = scipy.sparse.random(1000, 1000, density=0.01, format="csr", random_state=0)
    buffers = sparse.data.nbytes + sparse.indices.nbytes + sparse.indptr.nbytes
    assert buffers <= size_in_memory(sparse) < buffers + 5 * KILOBYTE


def test_words_count_with_their_text() -> None:
    words = {f"word {number:06d}": number for number in range(10_000)}
    assert size_in_memory(words) > 10_000 * len("word 000000")


def test_trees_count_with_their_nodes_and_values() -> None:
    forest = RandomForestClassifier(50, random_state=0).fit(ROWS, LABELS)
    states = [tree.tree_.__getstate__() for tree in forest.estimators_]
    nodes = sum(state["nodes"].nbytes + state["values"].nbytes for state in states)
    assert nodes < size_in_memory(forest) < nodes + 50 * 10 * KILOBYTE


def test_neighbours_count_with_the_rows_they_keep() -> None:
    neighbours = KNeighborsClassifier(algorithm="kd_tree").fit(ROWS, LABELS)
    assert size_in_memory(neighbours) > ROWS.nbytes


def test_an_object_that_cannot_be_pickled_counts_with_its_attributes() -> None:
    class Stubborn(Holder):
        def __getstate__(self) -> object:
            raise TypeError("cannot be pickled")

    assert 8_000 <= size_in_memory(Stubborn(array=np.zeros(1000))) < 8_000 + 5 * KILOBYTE


def test_a_whole_model_counts_with_its_encoder_and_its_estimator() -> None:
    model = fit("LogisticRegression").model
    assert size_in_memory(model) > size_in_memory(model.encoder) + size_in_memory(model.estimator.coef_)
