"""Artifacts: every estimator comes back as it was, and nothing else comes in."""

import hashlib
import io
import os
import subprocess
import sys
import zipfile
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.preprocessing import FunctionTransformer

from modelbus.shared.contracts import Task
from modelbus.shared.errors import ArtifactRefused
from modelbus.shared.models import artifacts
from modelbus.shared.models.artifacts import TRUSTED_TYPES, dump_model, library_versions, load_model
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.trainer.catalogue.entries import catalogue
from tests.unit.tables import TARGET_OF, features, fit, needed, rows_of

LIMIT_BYTES = 10**9
TREES = [{"estimator": "DecisionTreeClassifier"}, {"estimator": "ExtraTreeClassifier", "name": "extra"}]
VOTE = {"hyperparameters": {"estimators": TREES}}

# with this table and no hyperparameters these refuse by design or dawdle; they are tried with what they ask for
NEEDED: dict[str, dict[str, Any]] = {
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.1},  # three plans, one-hot: the columns are collinear
    "RadiusNeighborsClassifier": {"radius": 50.0},  # within the default radius of 1 some rows have no neighbour
    "RadiusNeighborsRegressor": {"radius": 50.0},
    "MeanShift": {"bin_seeding": True},  # seeds at each row take ten seconds
}


def load(payload: bytes, **changes: Any) -> FittedModel:
    given = {
        "sha256": hashlib.sha256(payload).hexdigest(),
        "libraries": library_versions(),
        "limit_bytes": LIMIT_BYTES,
        **changes,
    }
    return load_model(payload, **given)


@pytest.fixture(scope="module")
def payload() -> bytes:
    return dump_model(fit("RandomForestClassifier", hyperparameters={"n_estimators": 5}).model)


def assert_same(one: FittedModel, other: FittedModel) -> None:
    expected = one.predict_frame(features(), one.has_probabilities)
    actual = other.predict_frame(features(), other.has_probabilities)
    assert actual.labels == expected.labels
    assert (actual.probabilities is None) == (expected.probabilities is None)
    if actual.probabilities is not None and expected.probabilities is not None:
        assert actual.probabilities.tobytes() == expected.probabilities.tobytes()
    row = rows_of(features())[:1]
    assert other.predict_rows(row, False).labels == one.predict_rows(row, False).labels
    assert other.signature == one.signature


@pytest.mark.parametrize(
    ("estimator", "task"), [(record.name, record.task) for record in catalogue()], ids=lambda value: str(value)
)
def test_every_estimator_fits_is_stored_and_answers_the_same_when_loaded(estimator: str, task: Task) -> None:
    model = fit(estimator, TARGET_OF.get(task), hyperparameters=NEEDED.get(estimator, needed(estimator))).model
    assert_same(model, load(dump_model(model)))


@pytest.mark.parametrize(
    ("estimator", "target", "hyperparameters"),
    [
        ("MLPClassifier", "grade", {"solver": "sgd", "max_iter": 5}),
        ("CalibratedClassifierCV", "grade", {"method": "isotonic"}),
        ("CalibratedClassifierCV", "label", {"method": "temperature"}),
        ("GaussianProcessClassifier", "grade", {"multi_class": "one_vs_one"}),
        ("KNeighborsClassifier", "label", {"metric": "canberra", "algorithm": "ball_tree"}),
        ("KNeighborsRegressor", "price", {"p": 3.5}),
        ("TweedieRegressor", "price", {"power": 1.5, "link": "log"}),
        ("StackingClassifier", "grade", {"estimators": TREES, "final_estimator": TREES[0]}),
        ("VotingClassifier", "grade", {"estimators": TREES, "voting": "soft"}),
        ("BaggingClassifier", "label", {"estimator": {"estimator": "VotingClassifier", **VOTE}, "n_estimators": 2}),
        ("CalibratedClassifierCV", "label", {"estimator": {"estimator": "HistGradientBoostingClassifier"}, "cv": 2}),
        ("AdaBoostRegressor", "price", {"estimator": {"estimator": "ExtraTreeRegressor"}, "n_estimators": 3}),
        ("RANSACRegressor", "price", {"estimator": {"estimator": "Ridge"}, "min_samples": 20}),
        ("OneVsRestClassifier", "grade", {"estimator": {"estimator": "SVC"}}),
        ("BisectingKMeans", None, {"algorithm": "elkan", "n_clusters": 3}),
        ("KMeans", None, {"algorithm": "elkan", "init": "random"}),
        ("LocalOutlierFactor", None, {"metric": "canberra", "algorithm": "ball_tree"}),
        ("MeanShift", None, {"bin_seeding": True, "cluster_all": False}),
        ("OneClassSVM", None, {"kernel": "poly", "degree": 2}),
        ("SGDOneClassSVM", None, {"average": True}),
        # these score themselves while they fit, and keep references to themselves from it
        ("HistGradientBoostingClassifier", "grade", {"early_stopping": True, "scoring": "accuracy", "max_iter": 5}),
        ("HistGradientBoostingRegressor", "price", {"early_stopping": True, "scoring": None, "max_iter": 5}),
    ],
)
def test_options_that_bring_other_types_are_stored_too(
    estimator: str, target: str | None, hyperparameters: dict[str, Any]
) -> None:
    model = fit(estimator, target, hyperparameters=hyperparameters).model
    assert_same(model, load(dump_model(model)))


def test_a_model_loads_in_a_process_that_never_fitted_anything(payload: bytes, tmp_path: Any) -> None:
    stored = tmp_path / "model.skops"
    stored.write_bytes(payload)
    program = (
        "import hashlib, pathlib, sys\n"
        "from modelbus.shared.models.artifacts import library_versions, load_model\n"
        "payload = pathlib.Path(sys.argv[1]).read_bytes()\n"
        "model = load_model(payload, hashlib.sha256(payload).hexdigest(), library_versions(), 10**9)\n"
        "assert not any(name.split('.')[0] in ('trainer', 'kombu', 'pymongo', 'aiohttp') for name in sys.modules)\n"
        "print(model.signature.classes)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(stored)], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "['no', 'yes']", done.stderr


def test_every_part_computes_without_a_thread_pool_after_loading() -> None:
    model = fit("BaggingClassifier").model
    model.estimator.n_jobs = 2
    model.estimator.estimators_[0] = RandomForestClassifier(n_estimators=2, n_jobs=2).fit([[0.0], [1.0]], [0, 1])
    loaded = load(dump_model(model))
    assert loaded.estimator.n_jobs is None
    assert loaded.estimator.estimators_[0].n_jobs is None


@pytest.mark.parametrize("position", [0, 100, -30, -1])
def test_one_changed_byte_is_refused_before_anything_is_parsed(
    payload: bytes, position: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def parse(*_arguments: Any) -> None:
        raise AssertionError("parsed before the hash was verified")

    monkeypatch.setattr(zipfile, "ZipFile", parse)
    tampered = bytearray(payload)
    tampered[position] ^= 1
    with pytest.raises(ArtifactRefused, match="has changed since it was stored"):
        load(bytes(tampered), sha256=hashlib.sha256(payload).hexdigest())


@pytest.mark.parametrize("length", [0, 10, 5_000, -1])
def test_a_file_cut_short_is_refused(payload: bytes, length: int) -> None:
    with pytest.raises(ArtifactRefused, match="not a skops file, or is truncated"):
        load(payload[:length])


def test_bytes_changed_inside_the_archive_are_refused_even_with_a_matching_hash(payload: bytes) -> None:
    tampered = bytearray(payload)
    tampered[len(payload) // 2] ^= 0xFF
    with pytest.raises(ArtifactRefused):
        load(bytes(tampered))


def test_what_is_no_archive_is_refused() -> None:
    with pytest.raises(ArtifactRefused, match="not a skops file"):
        load(b"\x80\x04K\x01.")  # a pickle


def test_a_file_that_carries_os_system_is_refused_and_not_run(tmp_path: Any) -> None:
    evil = FunctionTransformer()
    evil.func = os.system
    evil.kw_args = {"command": f"touch {tmp_path}/pwned"}
    contents = {"layout": 1, "encoder": {}, "estimator": evil, "signature": "{}"}
    with pytest.raises(ArtifactRefused, match="not allowed") as caught:
        load(skops.io.dumps(contents))
    assert "system" in caught.value.message
    assert not (tmp_path / "pwned").exists()


def test_a_model_that_holds_foreign_types_is_not_even_stored() -> None:
    model = fit("GaussianNB").model
    model.estimator.extra = os.system
    with pytest.raises(ArtifactRefused, match="GaussianNB cannot be stored"):
        dump_model(model)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(payload: bytes) -> None:
    swollen = io.BytesIO(payload)
    with zipfile.ZipFile(swollen, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.npy", bytes(50_000_000))
    assert len(swollen.getvalue()) < len(payload) + 100_000
    with pytest.raises(ArtifactRefused, match=r"has 5\d,\d+,\d+ bytes; the limit is 20,000,000"):
        load(swollen.getvalue(), limit_bytes=20_000_000)


@pytest.mark.parametrize("written", ["1.8.2", "2.0.0", "an odd version"])
def test_another_minor_release_of_scikit_learn_asks_for_retraining(payload: bytes, written: str) -> None:
    with pytest.raises(ArtifactRefused, match="retrain the model"):
        load(payload, libraries={**library_versions(), "scikit-learn": written})
    with pytest.raises(ArtifactRefused, match="an unknown release"):
        load(payload, libraries={})


def test_another_patch_release_by_the_record_alone_is_no_obstacle(payload: bytes) -> None:
    minor = ".".join(library_versions()["scikit-learn"].split(".")[:2])
    assert load(payload, libraries={**library_versions(), "scikit-learn": f"{minor}.99"}).signature.target == "label"


def test_the_version_mark_inside_the_estimator_counts_whatever_the_record_says(monkeypatch: pytest.MonkeyPatch) -> None:
    model = fit("GaussianNB").model
    with monkeypatch.context() as patched:
        patched.setattr("sklearn.base.__version__", "1.7.2")
        payload = dump_model(model)
    with pytest.raises(ArtifactRefused, match="retrain"):
        load(payload)


@pytest.mark.parametrize(
    "contents",
    [
        {"layout": 99, "encoder": {}, "estimator": None, "signature": "{}"},
        {"layout": 1},
        ["something else"],
        {"layout": 1, "encoder": {"layout": 1}, "estimator": None, "signature": "{}"},
    ],
)
def test_a_file_of_another_layout_is_refused(contents: Any) -> None:
    with pytest.raises(ArtifactRefused, match="retrain"):
        load(skops.io.dumps(contents))


def test_the_list_of_trusted_types_names_no_callable_of_the_system() -> None:
    assert all(name.startswith("sklearn.") and why for name, why in TRUSTED_TYPES.items())
    assert not hasattr(artifacts, "get_untrusted_types")


def test_the_versions_name_what_an_artifact_depends_on() -> None:
    assert set(library_versions()) == {"scikit-learn", "numpy", "scipy", "skops", "python"}
    assert library_versions()["numpy"] == np.__version__
