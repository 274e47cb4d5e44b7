"""Plug-ins: offered and judged as scikit-learn's own, fitted, stored and loaded."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from modelbus.shared.errors import ArtifactRefused, InvalidCommand
from modelbus.shared.models.artifacts import TRUSTED_TYPES, dump_model, library_versions, load_model
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.trainer.catalogue import entries as catalogue
from modelbus.trainer.catalogue.entries import find_estimator
from modelbus.trainer.catalogue.making import make_estimator
from tests.plugins import PLUGIN_FOLDER
from tests.unit.plugin_installing import HEAD, forget, install
from tests.unit.tables import features, fit

pytestmark = pytest.mark.usefixtures("fresh_plugins")


def problems(estimator: str, /, **hyperparameters: Any) -> dict[str, str]:
    with pytest.raises(InvalidCommand) as caught:
        make_estimator(estimator, hyperparameters, 0)
    return {detail["where"]: detail["problem"] for detail in caught.value.details}


def load(payload: bytes, libraries: dict[str, str]) -> FittedModel:
    return load_model(payload, hashlib.sha256(payload).hexdigest(), libraries, 10**9)


@pytest.mark.usefixtures("installed")
def test_a_plugin_is_offered_beside_scikit_learns_own() -> None:
    records = {record.name: record for record in catalogue.catalogue()}

    one, other = records["CentroidClassifier"], records["RootRegressor"]
    assert len(records) > 80
    assert (one.task, one.module, one.description) == (
        "classification", "centroids", "The class whose centroid is nearest."
    )  # fmt: skip
    assert (other.task, other.description) == ("regression", "Fit a line to the features and their square roots.")
    properties = one.hyperparameters["properties"]
    assert set(properties) == {"shrinkage", "distance", "power", "n_estimators", "class_weight"}
    assert properties["shrinkage"] == {
        "type": "number",
        "minimum": 0,
        "exclusiveMaximum": 1,
        "default": 0.0,
        "description": "How far centroids move to the common mean.",
    }
    assert properties["power"]["default"] == 2.0


@pytest.mark.usefixtures("installed")
def test_what_is_fixed_and_the_seed_are_set_by_the_service() -> None:
    made = make_estimator("CentroidClassifier", {"shrinkage": 0.5, "power": "Infinity"}, 17)

    assert (made.shrinkage, made.n_jobs, made.random_state, made.power) == (0.5, 1, 17, float("inf"))


@pytest.mark.usefixtures("installed")
def test_wrong_hyperparameters_are_refused_with_what_would_be_right() -> None:
    found = problems(
        "CentroidClassifier",
        shrinkge=0.1,
        shrinkage=1,
        distance="far",
        power=True,
        n_estimators=10**9,
        class_weight={"yes": -1},
        n_jobs=4,
        random_state=1,
        secret="open",
    )

    beginning = len("hyperparameters.")
    assert {where[beginning:]: problem for where, problem in found.items()} == {
        "shrinkge": "CentroidClassifier has no hyperparameter 'shrinkge'; did you mean shrinkage?",
        "shrinkage": "shrinkage of CentroidClassifier must be a number of at least 0 and below 1, not 1",
        "distance": 'distance of CentroidClassifier must be "euclidean" or "manhattan", not \'far\'',
        "power": 'power of CentroidClassifier must be a number above 0 or "Infinity", not True',
        "n_estimators": "n_estimators of CentroidClassifier must be "
        "an integer of at least 1 and of at most 10,000 or null, not 1000000000",
        "class_weight": "class_weight of CentroidClassifier must be "
        "an object, each value a number of at least 0 or null, not \"{'yes': -1}\"",
        "n_jobs": "n_jobs cannot be set: the service controls the number of processes and threads",
        "random_state": "random_state cannot be set: use `seed` of the training instead",
        "secret": "secret cannot be set: the plug-in does not offer it",
    }


@pytest.mark.usefixtures("installed")
def test_a_plugin_takes_part_in_a_vote() -> None:
    members = [{"estimator": "CentroidClassifier", "hyperparameters": {"shrinkage": 0.2}}, {"estimator": "GaussianNB"}]

    model = fit("VotingClassifier", hyperparameters={"estimators": members}).model
    back = load(dump_model(model), library_versions(model.estimator))

    assert model.estimator.estimators_[0].centroids_.places.shape[0] == 2
    assert back.predict_frame(features(), False).labels == model.predict_frame(features(), False).labels
    assert set(problems("VotingClassifier", estimators=[{"estimator": "RootRegressor"}])) == {
        "hyperparameters.estimators.0.estimator"
    }
    count = problems("BaggingClassifier", estimator={"estimator": "CentroidClassifier"}, n_estimators=101)
    assert "10,100 estimators" in count["hyperparameters"]


@pytest.mark.usefixtures("installed")
def test_class_weights_are_told_by_label() -> None:
    model = fit("CentroidClassifier", hyperparameters={"class_weight": {"yes": 5, "no": 1}}).model

    assert model.estimator.class_weight == {0: 1, 1: 5}
    with pytest.raises(InvalidCommand, match="names maybe"):
        fit("CentroidClassifier", hyperparameters={"class_weight": {"maybe": 5}})


@pytest.mark.usefixtures("installed")
def test_its_tags_choose_the_scaling() -> None:
    assert fit("RootRegressor", "price").metrics["r2"] is not None  # it refuses negative numbers


@pytest.mark.usefixtures("installed")
def test_attributes_of_a_plugin_are_left_alone() -> None:
    assert fit("CentroidClassifier").model.estimator._scorer == "kept"


@pytest.mark.usefixtures("installed")
def test_a_plugin_whose_constructor_refuses_is_an_invalid_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_more: Any) -> None:
        raise ValueError("not on a Monday")

    monkeypatch.setattr(find_estimator("RootRegressor").estimator_type, "__init__", refuse)

    assert problems("RootRegressor") == {
        "hyperparameters": "RootRegressor does not accept these hyperparameters: not on a Monday"
    }


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(("estimator", "target"), [("CentroidClassifier", "grade"), ("RootRegressor", "price")])
def test_a_plugins_model_is_stored_and_answers_the_same_when_loaded(estimator: str, target: str) -> None:
    model = fit(estimator, target).model

    back = load(dump_model(model), library_versions(model.estimator))

    one, other = (each.predict_frame(features(), model.has_probabilities) for each in (model, back))
    assert one.labels == other.labels
    if one.probabilities is not None and other.probabilities is not None:
        assert one.probabilities.tobytes() == other.probabilities.tobytes()


@pytest.mark.usefixtures("installed")
def test_a_loaded_plugin_works_with_as_many_threads_as_it_fixed() -> None:
    model = fit("CentroidClassifier").model
    model.estimator.n_jobs = 8

    assert load(dump_model(model), library_versions(model.estimator)).estimator.n_jobs == 1


@pytest.mark.usefixtures("installed")
def test_libraries_of_a_plugin_are_recorded_with_its_models_only() -> None:
    own = {"modelbus-test-plugins", "threadpoolctl"}

    assert own <= library_versions(fit("CentroidClassifier").model.estimator).keys()
    assert library_versions(fit("CentroidClassifier").model.estimator)["modelbus-test-plugins"] == "1.2.3"
    assert not own & library_versions(fit("GaussianNB").model.estimator).keys()


@pytest.mark.usefixtures("installed")
def test_a_plugins_types_are_trusted_in_its_own_models_only() -> None:
    stranger = fit("GaussianNB").model
    centroids = fit("CentroidClassifier").model.estimator.centroids_
    stranger.estimator.extra = centroids

    with pytest.raises(ArtifactRefused, match=r"not allowed: centroids\.Centroids"):
        dump_model(stranger)
    with pytest.raises(ArtifactRefused, match="not allowed"):
        load(dump_model(fit("CentroidClassifier").model), library_versions())
    assert not any(name.startswith("centroids") for name in TRUSTED_TYPES)


def test_a_model_whose_plugin_is_not_installed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as there:
        there.syspath_prepend(str(PLUGIN_FOLDER))
        model = fit("CentroidClassifier").model
        payload, libraries = dump_model(model), library_versions(model.estimator)
    forget()

    with pytest.raises(ArtifactRefused, match=r"needs modelbus-test-plugins 1\.2\.3.*not installed in this service"):
        load(payload, libraries)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("name", ["modelbus-test-plugins", "threadpoolctl"])
def test_another_minor_release_of_a_plugin_or_its_library_asks_for_retraining(name: str) -> None:
    model = fit("CentroidClassifier").model
    payload, libraries = dump_model(model), library_versions(model.estimator)
    major, minor, *_ = libraries[name].split(".")

    assert load(payload, {**libraries, name: f"{major}.{minor}.99"})
    with pytest.raises(ArtifactRefused, match=rf"trained with {name} 0\.0\.1, and {major}.* is installed: retrain"):
        load(payload, {**libraries, name: "0.0.1"})


def test_a_model_whose_plugin_broke_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = f"{HEAD}\nPLUGIN = EstimatorPlugin(Mean, 'regression')\n"
    install(monkeypatch, tmp_path / "fades", {"FadingRegressor": "mb_fades:PLUGIN"}, code)
    model = fit("FadingRegressor", "price").model
    payload, libraries = dump_model(model), library_versions(model.estimator)
    monkeypatch.delattr("mb_fades.PLUGIN")
    forget()

    with pytest.raises(ArtifactRefused, match=r"mb_fades\.Mean.*the plug-in FadingRegressor of mb-fades cannot"):
        load(payload, libraries)
