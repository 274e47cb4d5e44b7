"""Plug-ins: offered and judged as scikit-learn's own, stored and loaded, and never in the way when they are broken."""

import hashlib
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import structlog
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from shared import installed_plugins
from shared.artifacts import TRUSTED_TYPES, dump_model, library_versions, load_model
from shared.errors import ArtifactRefused, InvalidCommand, UnknownEstimator
from shared.installed_plugins import log_plugins
from shared.plugins import GROUP, EstimatorPlugin
from shared.tabular.model import FittedModel
from tests.plugins import PLUGIN_FOLDER, write_distribution
from tests.unit.tables import features, fit
from trainer import catalogue, plugins
from trainer.catalogue import find_estimator, left_out
from trainer.making import make_estimator
from trainer.plugin_schemas import schema_fault
from trainer.plugins import trainable_plugins

HEAD = """
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestClassifier
from shared.plugins import EstimatorPlugin

class Mean(RegressorMixin, BaseEstimator):
    def __init__(self, depth=1, n_jobs=None): self.depth, self.n_jobs = depth, n_jobs
    def fit(self, X, y): return self
    def predict(self, X): return [0.0] * len(X)
"""


def forget() -> None:
    """Have the entry points read anew."""
    installed_plugins.installed_plugins.cache_clear()
    plugins.trainable_plugins.cache_clear()
    catalogue._entries.cache_clear()


@pytest.fixture(autouse=True)
def fresh_plugins(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever a test installs, it sees; and no other test does."""
    forget()
    yield
    monkeypatch.undo()
    forget()


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The distribution of ``tests/plugin``."""
    monkeypatch.syspath_prepend(str(PLUGIN_FOLDER))


def install(monkeypatch: pytest.MonkeyPatch, folder: Path, entry_points: dict[str, str], code: str) -> None:
    """Install a distribution that is named after the folder."""
    folder.mkdir()
    write_distribution(folder, f"mb-{folder.name}", entry_points, code)
    monkeypatch.syspath_prepend(str(folder))
    forget()


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
        "shrinkage": "shrinkage of CentroidClassifier does not take 1: it takes a number of at least 0, below 1",
        "distance": 'distance of CentroidClassifier does not take \'far\': it takes "euclidean" or "manhattan"',
        "power": 'power of CentroidClassifier does not take True: it takes a number above 0 or "Infinity"',
        "n_estimators": "n_estimators of CentroidClassifier does not take 1000000000: "
        "it takes an integer of at least 1, of 10,000 at most or null",
        "class_weight": "class_weight of CentroidClassifier does not take \"{'yes': -1}\": "
        "it takes an object, each value a number of at least 0 or null",
        "n_jobs": "n_jobs may not be set: the service decides how many processes and threads work",
        "random_state": "random_state may not be set: give the command's `seed` instead",
        "secret": "secret may not be set: the plug-in does not offer it",
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
        "hyperparameters": "RootRegressor does not take these hyperparameters: not on a Monday"
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

    with pytest.raises(ArtifactRefused, match=r"it holds centroids\.Centroids, not on the list"):
        dump_model(stranger)
    with pytest.raises(ArtifactRefused, match="not on the list"):
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
    with pytest.raises(ArtifactRefused, match=rf"made by {name} 0\.0\.1, this is {major}.*retrain"):
        load(payload, {**libraries, name: "0.0.1"})


def test_a_model_whose_plugin_broke_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = f"{HEAD}\nPLUGIN = EstimatorPlugin(Mean, 'regression')\n"
    install(monkeypatch, tmp_path / "fades", {"FadingRegressor": "mb_fades:PLUGIN"}, code)
    model = fit("FadingRegressor", "price").model
    payload, libraries = dump_model(model), library_versions(model.estimator)
    monkeypatch.delattr("mb_fades.PLUGIN")
    forget()

    with pytest.raises(ArtifactRefused, match=r"mb_fades\.Mean.*the plug-in FadingRegressor of mb-fades is left out"):
        load(payload, libraries)


@pytest.mark.usefixtures("installed")
def test_a_broken_plugin_is_left_out_logged_and_named_with_its_reason() -> None:
    with structlog.testing.capture_logs() as lines:
        log_plugins(trainable_plugins())

    [line] = [line for line in lines if line["event"] == "plugin.left_out"]
    assert (line["estimator"], line["distribution"]) == ("BrokenClassifier", "modelbus-test-plugins")
    assert "a_library_that_nobody_has" in line["reason"]
    assert {line["estimator"] for line in lines if line["event"] == "plugin.found"} == {
        "CentroidClassifier", "RootRegressor"
    }  # fmt: skip
    with pytest.raises(UnknownEstimator, match=r"its plug-in has a fault: .*a_library_that_nobody_has"):
        make_estimator("BrokenClassifier", {}, 0)


@pytest.mark.parametrize(
    ("plugin", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("exit()", "SystemExit"),
        ("Mean", "leads to a type, not to an EstimatorPlugin"),
        ("EstimatorPlugin(Mean, 'ranking')", "task of an EstimatorPlugin is classification or regression"),
        ("EstimatorPlugin(Mean(), 'regression')", "estimator_type of an EstimatorPlugin is a class"),
        ("EstimatorPlugin(Mean, 'regression', ['depth'])", "hyperparameters of an EstimatorPlugin is a mapping"),
        ("EstimatorPlugin(Mean, 'regression', trusted_types={'os.system': ''})", "why it is safe"),
        ("EstimatorPlugin(Mean, 'regression', libraries='numpy')", "a tuple of names"),
        ("EstimatorPlugin(Mean, 'regression', description=3)", "description of an EstimatorPlugin is text"),
        ("EstimatorPlugin(Mean, 'regression', libraries=('no-such',))", "needs no-such, which is not installed"),
        ("EstimatorPlugin(Mean, 'classification')", "task is classification, but the tags of Mean say otherwise"),
        ("EstimatorPlugin(object, 'regression')", "object is no subclass of sklearn.base.BaseEstimator"),
        ("EstimatorPlugin(RandomForestClassifier, 'classification')", "scikit-learn's own class"),
        ("EstimatorPlugin(type('Idle', (BaseEstimator,), {}), 'regression')", "Idle has no fit"),
        (
            "EstimatorPlugin(type('Mute', (BaseEstimator,), {'fit': print}), 'regression')",
            "Mute has no predict",
        ),
        ("EstimatorPlugin(type('Hidden', (Mean,), {}), 'regression')", "Hidden is not to be found in"),
        ("EstimatorPlugin(Mean, 'regression', fixed={'deep': 1})", "cannot be used: TypeError"),
        ("EstimatorPlugin(Mean, 'regression', {'dept': {'type': 'integer'}})", "the constructor of Mean has no dept"),
        (
            "EstimatorPlugin(Mean, 'regression', {'depth': {'type': 'integer'}}, fixed={'depth': 1})",
            "depth cannot be both fixed and a hyperparameter",
        ),
        ("EstimatorPlugin(Mean, 'regression', {'n_jobs': {'type': 'integer'}})", "n_jobs may not be a hyperparameter"),
        ("EstimatorPlugin(Mean, 'regression', {'depth': {'type': 'float'}})", "the schema of depth: its type is one"),
    ],
)
def test_whatever_is_wrong_with_a_plugin_is_its_reason_and_nobody_elses_trouble(
    plugin: str, reason: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = f"{HEAD}\nPLUGIN = {plugin}\nGOOD = EstimatorPlugin(Mean, 'regression')\n"
    entry_points = {"OddRegressor": "mb_odd:PLUGIN"}
    install(monkeypatch, tmp_path / "odd", entry_points, code)
    monkeypatch.delitem(sys.modules, "mb_odd", raising=False)

    assert reason in trainable_plugins().left_out["OddRegressor"].reason
    assert "OddRegressor" not in {record.name for record in catalogue.catalogue()}
    with pytest.raises(UnknownEstimator, match="OddRegressor is not offered: its plug-in has a fault"):
        find_estimator("OddRegressor")


def test_a_plugin_may_not_take_a_name_of_scikit_learn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = f"{HEAD}\nPLUGIN = EstimatorPlugin(Mean, 'regression')\n"
    names = ("Ridge", "ClassifierChain", "StandardScaler", "Mean Regressor")
    install(monkeypatch, tmp_path / "shadows", dict.fromkeys(names, "mb_shadows:PLUGIN"), code)

    reasons = {name: one.reason for name, one in trainable_plugins().left_out.items()}
    assert all("which no plug-in may replace" in reasons[name] for name in names[:3])
    assert "letters, digits and underscores" in reasons["Mean Regressor"]
    assert find_estimator("Ridge").record.module.startswith("sklearn.")
    assert "Ridge" not in left_out()
    assert left_out()["ClassifierChain"] == catalogue.LEFT_OUT["ClassifierChain"]


def test_two_plugins_of_one_name_are_both_left_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = f"{HEAD}\nPLUGIN = EstimatorPlugin(Mean, 'regression')\n"
    for name in ("first", "second"):
        install(monkeypatch, tmp_path / name, {"TwinRegressor": f"mb_{name}:PLUGIN"}, code)

    assert trainable_plugins().usable == {}
    assert "the plug-ins of mb-first and mb-second have the same name" in left_out()["TwinRegressor"]


def test_metadata_that_cannot_be_read_keep_no_other_plugin_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = f"{HEAD}\nPLUGIN = EstimatorPlugin(Mean, 'regression')\n"
    for name in ("whole", "torn", "nameless"):
        entry_points = {f"{name.capitalize()}Regressor": f"mb_{name}:PLUGIN"}
        install(monkeypatch, tmp_path / name, entry_points, code)
    (tmp_path / "torn/mb_torn-1.0.dist-info/entry_points.txt").write_text("[modelbus.estimators]\nno equals sign\n")
    (tmp_path / "nameless/mb_nameless-1.0.dist-info/METADATA").unlink()

    assert list(trainable_plugins().usable) == ["WholeRegressor"]
    assert "its metadata cannot be read" in left_out()["mb-torn"]
    assert "its package has no name" in left_out()["NamelessRegressor"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer", "minimum": 1, "maximum": 5, "default": 3, "description": "How deep."},
        {"type": "number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 5},
        {"enum": ["a", 1, None, True]},
        {"type": "string", "enum": ["a", "b"], "default": "a"},
        {"const": "Infinity"},
        {"anyOf": [{"type": "integer"}, {"anyOf": [{"type": "null"}, {"const": "auto"}]}], "default": None},
        {"type": "array", "items": {"type": "integer"}, "maxItems": 3, "default": [1, 2]},
        {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "string"}]}},
        {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}},
    ],
)
def test_a_schema_of_judged_keywords_is_taken(schema: dict[str, Any]) -> None:
    assert schema_fault("depth", schema) is None


@pytest.mark.parametrize(
    ("schema", "fault"),
    [
        ("integer", "it is a str, not an object"),
        ({}, "its type is one of"),
        ({"type": ["integer", "null"]}, "its type is one of"),
        ({"type": "integer", "multipleOf": 2}, "multipleOf of integer is not judged here"),
        ({"type": "string", "pattern": "^a"}, "pattern of string is not judged here"),
        ({"type": "string", "minimum": 1}, "minimum of string is not judged here"),
        ({"type": "integer", "minimum": "1"}, "its bounds are numbers"),
        ({"type": "integer", "minimum": True}, "its bounds are numbers"),
        ({"type": "integer", "maximum": 2**63}, "has more than 64 bits"),
        ({"type": "number", "maximum": float("inf")}, "it is not JSON"),
        ({"type": "string", "description": {1: 2}}, "it is not JSON: tuples are no lists, and keys are text"),
        ({"enum": []}, "enum is a list of plain values"),
        ({"enum": ("a", "b")}, "enum is a list of plain values"),
        ({"enum": [["a"]]}, "enum is a list of plain values"),
        ({"enum": ["a"], "minimum": 1}, "minimum cannot stand beside enum or const"),
        ({"anyOf": []}, "anyOf is a list of schemas"),
        ({"anyOf": [{"type": "integer"}], "type": "integer"}, "type cannot stand beside anyOf"),
        ({"anyOf": [{"type": "integer", "format": "int32"}]}, "format of integer is not judged here"),
        ({"type": "array"}, "it is a NoneType, not an object"),
        ({"type": "array", "items": {"type": "any"}}, "its type is one of"),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 1.5}, "maxItems is a count"),
        ({"type": "object", "properties": {}}, "properties of object is not judged here"),
        ({"type": "integer", "minimum": 1, "default": 0}, "it does not take its own default"),
    ],
)
def test_a_schema_that_promises_what_nobody_judges_is_refused(schema: Any, fault: str) -> None:
    assert fault in str(schema_fault("depth", schema))


def test_a_default_beyond_the_services_bound_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = HEAD.replace("depth", "n_estimators") + (
        "PLUGIN = EstimatorPlugin(Mean, 'regression', {'n_estimators': {'type': 'integer', 'default': 20000}})\n"
    )
    install(monkeypatch, tmp_path / "many", {"ManyRegressor": "mb_many:PLUGIN"}, code)

    assert "more than 10,000, the most on this service" in left_out()["ManyRegressor"]


def module_with(*names: str) -> ModuleType:
    """A module that stands in for a library: classes after scikit-learn's conventions, which are not fitted."""
    module = ModuleType("library")
    for name in names:
        mixin = ClassifierMixin if name.endswith("Classifier") else RegressorMixin
        setattr(module, name, type(name, (mixin, BaseEstimator), {}))
    return module


def test_the_examples_of_the_documentation_are_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightgbm", module_with("LGBMClassifier", "LGBMRegressor"))
    monkeypatch.setitem(sys.modules, "xgboost", module_with("XGBClassifier", "XGBRegressor"))
    text = (Path(__file__).parents[2] / "docs/plugins.md").read_text()
    named = [tomllib.loads(block) for block in re.findall(r"^```toml\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]
    programs = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)

    assert len(named) == len(programs) == 3
    for packaging, program in zip(named, programs, strict=True):
        made: dict[str, Any] = {"__name__": "example"}
        exec(program, made)
        for place in packaging["project"]["entry-points"][GROUP].values():
            plugin = made[place.partition(":")[2]]
            assert isinstance(plugin, EstimatorPlugin)
            assert plugins._hyperparameters_fault(plugin) is None


def test_an_author_learns_of_a_wrong_field_at_once() -> None:
    with pytest.raises(TypeError, match="fixed of an EstimatorPlugin is a mapping"):
        EstimatorPlugin(object, "regression", fixed=3)  # type: ignore[arg-type]
