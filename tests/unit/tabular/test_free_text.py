"""Free text as features: the same bits for one row and many, whatever the text, and what it learns is of use."""

import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.naive_bayes import MultinomialNB

from modelbus.shared.tabular.encoding.encoder import TabularEncoder
from modelbus.shared.tabular.encoding.free_text.free_text_learning import COMPONENTS, SCORE_LIMIT
from tests.unit.free_texts import frame_of, learn, messages

TEXTS, KINDS = messages(600)
TARGET = (np.array(KINDS) == "spam").astype(np.int64)
NEW_TEXTS, NEW_KINDS = messages(300, seed=1)
TRUTH = (np.array(NEW_KINDS) == "spam").astype(np.int64)

ANY_TEXT = st.one_of(st.none(), st.text(), st.sampled_from(TEXTS), st.integers(), st.floats(), st.booleans())
SOME_WORDS = st.lists(st.sampled_from(" ".join(TEXTS).split()), max_size=300).map(" ".join)


@pytest.fixture(scope="module")
def encoder() -> TabularEncoder:
    return learn([*TEXTS, None, " "], np.array([*TARGET, 0, 1]))


@pytest.fixture(scope="module")
def unit_encoder() -> TabularEncoder:
    return learn([*TEXTS, None], np.array([*TARGET, 0]), scaling="unit")


@settings(max_examples=150, deadline=None)
@given(cells=st.lists(ANY_TEXT | SOME_WORDS, min_size=1, max_size=8))
def test_a_text_encodes_to_the_same_bits_alone_and_among_others(
    encoder: TabularEncoder, unit_encoder: TabularEncoder, cells: list[Any]
) -> None:
    for one in (encoder, unit_encoder):
        matrix, report = one.transform(frame_of(cells))
        rows = [{"message": cell} for cell in cells]
        alone = np.array([one.row(row) for row in rows])
        many, many_report = one.rows(rows * 33)
        again = TabularEncoder.from_state(one.state())

        assert alone.tobytes() == matrix.tobytes() == many[: len(rows)].tobytes()
        assert again.transform(frame_of(cells))[0].tobytes() == matrix.tobytes()
        assert report.counts() == many_report.part(0, len(rows)).counts()
        assert np.isfinite(matrix).all()
    assert matrix.min() >= 0
    assert matrix.max() <= 1


def test_the_outputs_have_readable_names_side_by_side(encoder: TabularEncoder) -> None:
    names = encoder.feature_names_out
    assert names[0] == "message: score"
    assert names[1].startswith("message: text 1 (")
    assert names[-2:] == ["message: words", "message: is missing"]
    assert len(set(names)) == len(names) <= 1 + COMPONENTS + 2
    assert encoder.output_columns == ["message"] * len(names)


def test_what_is_learnt_tells_new_texts_apart(encoder: TabularEncoder) -> None:
    learnt = TabularEncoder()
    matrix = learnt.fit_transform(frame_of(TEXTS), TARGET, encoder.columns, "classification", 0)
    model = LogisticRegression(max_iter=1000).fit(matrix, TARGET)
    assert roc_auc_score(TRUTH, model.predict_proba(learnt.transform(frame_of(NEW_TEXTS))[0])[:, 1]) > 0.99


def test_features_within_0_and_1_are_for_estimators_that_take_no_negative_ones(encoder: TabularEncoder) -> None:
    learnt = TabularEncoder()
    matrix = learnt.fit_transform(frame_of(TEXTS), TARGET, encoder.columns, "classification", 0, scaling="unit")
    assert (matrix.min(), matrix.max()) == (0, 1)
    model = MultinomialNB().fit(matrix, TARGET)
    assert roc_auc_score(TRUTH, model.predict_proba(learnt.transform(frame_of(NEW_TEXTS))[0])[:, 1]) > 0.98


def test_scores_of_training_rows_are_of_regressions_that_did_not_see_them(encoder: TabularEncoder) -> None:
    # on a target that is chance, a row's own target would shine through: every text here is unique
    texts = [f"{text} unique{number}" for number, text in enumerate(TEXTS)]
    noise = np.random.default_rng(5).integers(0, 2, len(texts))
    learnt = TabularEncoder()
    matrix = learnt.fit_transform(frame_of(texts), noise, encoder.columns, "classification", 0)
    assert roc_auc_score(noise, matrix[:, 0]) < 0.6
    assert learnt.has_target_means
    others = slice(1, None)
    assert matrix[:, others].tobytes() == learnt.transform(frame_of(texts))[0][:, others].tobytes()


def test_the_same_seed_gives_the_same_bits() -> None:
    one, same, other = (learn(TEXTS, TARGET, seed=seed).transform(frame_of(NEW_TEXTS))[0] for seed in (3, 3, 4))
    assert one.tobytes() == same.tobytes()
    assert one.tobytes() != other.tobytes()


def test_a_number_is_predicted_from_text() -> None:
    stars = np.random.default_rng(2).integers(1, 6, 800).astype(np.float64)
    words = ("awful", "weak", "fair", "good", "superb")
    texts = [f"{opening[:40]} it was {words[int(n) - 1]}" for n, opening in zip(stars, messages(800)[0], strict=True)]
    learnt = TabularEncoder()
    columns = learn(TEXTS, TARGET).columns
    matrix = learnt.fit_transform(frame_of(texts[:600]), stars[:600], columns, "regression", 0)
    model = Ridge().fit(matrix, stars[:600])
    assert r2_score(stars[600:], model.predict(learnt.transform(frame_of(texts[600:]))[0])) > 0.9


@pytest.mark.parametrize(("classes", "scores"), [(2, 1), (3, 3), (SCORE_LIMIT + 10, SCORE_LIMIT)])
def test_each_class_has_a_score_up_to_a_limit(classes: int, scores: int) -> None:
    encoder = learn(TEXTS, np.arange(len(TEXTS)) % classes)
    named = [name for name in encoder.feature_names_out if name.startswith("message: score")]
    assert len(named) == scores


@pytest.mark.parametrize("task", ["clustering", "outlier_detection"])
def test_without_a_target_there_are_coordinates_alone(task: Any) -> None:
    learnt = TabularEncoder()
    matrix = learnt.fit_transform(frame_of(TEXTS), None, learn(TEXTS).columns, task, 0)
    assert not learnt.has_target_means
    assert not any("score" in name for name in learnt.feature_names_out)
    assert matrix.tobytes() == learnt.transform(frame_of(TEXTS))[0].tobytes()


def test_what_is_missing_and_what_is_unknown_is_reported(encoder: TabularEncoder) -> None:
    cells = [None, "  ", "xyzzy plugh", "?!", "the children", TEXTS[0], 17]
    matrix, report = encoder.transform(frame_of(cells))
    counts = report.counts()
    assert report.missing["message"].tolist() == [0, 1]
    assert report.unseen["message"].tolist()[:1] == [2]
    assert counts["coerced"] == {"message": 1}
    assert matrix[:, -1].tolist() == [1, 1, 0, 0, 0, 0, 0]


def test_a_misspelt_word_is_near_the_right_one() -> None:
    encoder = learn(TEXTS, TARGET)
    right, wrong, other = (encoder.row({"message": text}) for text in ("congratulations", "congratulatoins", "dinner"))
    assert np.linalg.norm(right - wrong) < np.linalg.norm(right - other)


@pytest.mark.parametrize(
    "texts",
    [
        ["a b"] * 30,
        ["!"] * 30,
        [None] * 30,
        [f"w{number}" for number in range(30)],
        ["one two three", None],
        ["x " * 100_000, "y"] * 3,
        ["\ud800 lone", "\x00 nul", "😀" * 50] * 10,
    ],
    ids=["one text", "signs", "nothing", "all different", "two rows", "long", "odd characters"],
)
@pytest.mark.parametrize("scaling", ["standard", "unit"])
def test_texts_that_say_little_are_learnt_too(texts: list[str | None], scaling: Any) -> None:
    for target, task in ((None, "classification"), (np.linspace(0, 1e300, len(texts)), "regression")):
        encoder = learn(texts, target, task=task, scaling=scaling)
        matrix, _ = encoder.transform(frame_of(texts))
        assert np.isfinite(matrix).all()
        assert matrix.shape[1] == len(encoder.feature_names_out)
        again = TabularEncoder.from_state(encoder.state()).transform(frame_of(texts))[0]
        assert again.tobytes() == matrix.tobytes()
    assert not any(column.min() == column.max() for column in matrix.T)


def test_a_text_of_a_megabyte_takes_a_bounded_time(encoder: TabularEncoder) -> None:
    def seconds(text: str) -> float:
        started = time.thread_time()
        encoder.row({"message": text})
        return time.thread_time() - started

    long = " ".join(TEXTS) * 5
    longer = long * 20
    assert seconds(longer) < 10 * seconds(long)
    assert encoder.row({"message": longer}).tobytes() == encoder.row({"message": longer + " more"}).tobytes()
