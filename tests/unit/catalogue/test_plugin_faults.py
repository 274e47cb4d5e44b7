"""Broken plug-ins: left out with their reason, and never in the way of others."""

import sys
from pathlib import Path

import pytest
import structlog

from modelbus.shared.errors import UnknownEstimator
from modelbus.shared.models.installed_plugins import log_plugins
from modelbus.shared.models.plugin_api import EstimatorPlugin
from modelbus.trainer.catalogue import entries as catalogue
from modelbus.trainer.catalogue.entries import find_estimator, left_out
from modelbus.trainer.catalogue.making import make_estimator
from modelbus.trainer.catalogue.plugin_entries import trainable_plugins
from tests.unit.plugin_installing import HEAD, install

pytestmark = pytest.mark.usefixtures("fresh_plugins")


@pytest.mark.usefixtures("installed")
def test_a_broken_plugin_is_left_out_logged_and_named_with_its_reason() -> None:
    with structlog.testing.capture_logs() as lines:
        log_plugins(trainable_plugins())

    [line] = [line for line in lines if line["event"] == "plugin.excluded"]
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
        ("Mean", "must be an EstimatorPlugin, not a type"),
        ("EstimatorPlugin(Mean, 'ranking')", "task of an EstimatorPlugin must be classification or regression"),
        ("EstimatorPlugin(Mean(), 'regression')", "estimator_type of an EstimatorPlugin must be a class"),
        ("EstimatorPlugin(Mean, 'regression', ['depth'])", "hyperparameters of an EstimatorPlugin must be a mapping"),
        ("EstimatorPlugin(Mean, 'regression', trusted_types={'os.system': ''})", "a reason for each type"),
        ("EstimatorPlugin(Mean, 'regression', libraries='numpy')", "a tuple of names"),
        ("EstimatorPlugin(Mean, 'regression', description=3)", "description of an EstimatorPlugin must be text"),
        ("EstimatorPlugin(Mean, 'regression', libraries=('no-such',))", "needs no-such, which is not installed"),
        ("EstimatorPlugin(Mean, 'classification')", "task is classification, but the tags of Mean do not match"),
        ("EstimatorPlugin(object, 'regression')", "object must be a subclass of sklearn.base.BaseEstimator"),
        ("EstimatorPlugin(RandomForestClassifier, 'classification')", "scikit-learn's own class"),
        ("EstimatorPlugin(type('Idle', (BaseEstimator,), {}), 'regression')", "Idle has no method fit"),
        (
            "EstimatorPlugin(type('Mute', (BaseEstimator,), {'fit': print}), 'regression')",
            "Mute has no method predict",
        ),
        ("EstimatorPlugin(type('Hidden', (Mean,), {}), 'regression')", "Hidden is not a name in"),
        ("EstimatorPlugin(Mean, 'regression', fixed={'deep': 1})", "cannot be used: TypeError"),
        (
            "EstimatorPlugin(Mean, 'regression', {'dept': {'type': 'integer'}})",
            "constructor of Mean has no argument dept",
        ),
        (
            "EstimatorPlugin(Mean, 'regression', {'depth': {'type': 'integer'}}, fixed={'depth': 1})",
            "depth cannot be both fixed and a hyperparameter",
        ),
        ("EstimatorPlugin(Mean, 'regression', {'n_jobs': {'type': 'integer'}})", "n_jobs cannot be a hyperparameter"),
        (
            "EstimatorPlugin(Mean, 'regression', {'depth': {'type': 'float'}})",
            "the schema of depth: its type must be one",
        ),
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
    with pytest.raises(UnknownEstimator, match="OddRegressor is not available: its plug-in has a fault"):
        find_estimator("OddRegressor")


def test_a_plugin_may_not_take_a_name_of_scikit_learn(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = f"{HEAD}\nPLUGIN = EstimatorPlugin(Mean, 'regression')\n"
    names = ("Ridge", "ClassifierChain", "StandardScaler", "Mean Regressor")
    install(monkeypatch, tmp_path / "shadows", dict.fromkeys(names, "mb_shadows:PLUGIN"), code)

    reasons = {name: one.reason for name, one in trainable_plugins().left_out.items()}
    assert all("which a plug-in cannot replace" in reasons[name] for name in names[:3])
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


def test_an_author_learns_of_a_wrong_field_at_once() -> None:
    with pytest.raises(TypeError, match="fixed of an EstimatorPlugin must be a mapping"):
        EstimatorPlugin(object, "regression", fixed=3)  # type: ignore[arg-type]
