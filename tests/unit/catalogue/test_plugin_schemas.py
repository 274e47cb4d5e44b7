"""What plug-ins may say of their hyperparameters: schemas that are judged, as in the documentation's examples."""

import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from modelbus.shared.models.plugin_api import GROUP, EstimatorPlugin
from modelbus.trainer.catalogue import plugin_entries as plugins
from modelbus.trainer.catalogue.entries import left_out
from modelbus.trainer.catalogue.plugin_schemas import schema_fault
from tests.unit.plugin_installing import HEAD, install

pytestmark = pytest.mark.usefixtures("fresh_plugins")


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
        ("integer", "it must be an object, not a str"),
        ({}, "its type must be one of"),
        ({"type": ["integer", "null"]}, "its type must be one of"),
        ({"type": "integer", "multipleOf": 2}, "multipleOf of integer is not supported"),
        ({"type": "string", "pattern": "^a"}, "pattern of string is not supported"),
        ({"type": "string", "minimum": 1}, "minimum of string is not supported"),
        ({"type": "integer", "minimum": "1"}, "its bounds must be numbers"),
        ({"type": "integer", "minimum": True}, "its bounds must be numbers"),
        ({"type": "integer", "maximum": 2**63}, "does not fit into 64 bits"),
        ({"type": "number", "maximum": float("inf")}, "it is not valid JSON"),
        (
            {"type": "string", "description": {1: 2}},
            "it is not valid JSON: use lists instead of tuples, and text as keys",
        ),
        ({"enum": []}, "enum must be a list of plain values"),
        ({"enum": ("a", "b")}, "enum must be a list of plain values"),
        ({"enum": [["a"]]}, "enum must be a list of plain values"),
        ({"enum": ["a"], "minimum": 1}, "minimum cannot be combined with enum or const"),
        ({"anyOf": []}, "anyOf must be a list of schemas"),
        ({"anyOf": [{"type": "integer"}], "type": "integer"}, "type cannot be combined with anyOf"),
        ({"anyOf": [{"type": "integer", "format": "int32"}]}, "format of integer is not supported"),
        ({"type": "array"}, "it must be an object, not a NoneType"),
        ({"type": "array", "items": {"type": "any"}}, "its type must be one of"),
        ({"type": "array", "items": {"type": "integer"}, "maxItems": 1.5}, "maxItems must be an integer"),
        ({"type": "object", "properties": {}}, "properties of object is not supported"),
        ({"type": "integer", "minimum": 1, "default": 0}, "it does not accept its own default"),
    ],
)
def test_a_schema_that_promises_what_nobody_judges_is_refused(schema: Any, fault: str) -> None:
    assert fault in str(schema_fault("depth", schema))


def test_a_default_beyond_the_services_bound_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    code = HEAD.replace("depth", "n_estimators") + (
        "PLUGIN = EstimatorPlugin(Mean, 'regression', {'n_estimators': {'type': 'integer', 'default': 20000}})\n"
    )
    install(monkeypatch, tmp_path / "many", {"ManyRegressor": "mb_many:PLUGIN"}, code)

    assert "must be at most 10,000 on this service" in left_out()["ManyRegressor"]


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
    text = (Path(__file__).parents[3] / "docs/plugins.md").read_text()
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
