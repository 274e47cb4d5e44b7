"""Which datasets a command reads: told of each command, wherever it names one, and of the version that it names."""

import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from modelbus.shared.contracts import command_spec, parse_command, spec_hash
from modelbus.shared.contracts.checks.dataset_use import DatasetUse, dataset_use
from modelbus.shared.contracts.commands.registry import COMMAND_NAMES
from tests.unit.commands import VALID

MAKING = {"ProfileDataset"}
"""The commands whose ``dataset`` is the one that they make."""
VERSION: dict[str, Any] = {"dataset": "trained-on", "hold_out": {"dataset": "measured-on"}}
UNMEASURED: dict[str, Any] = {"dataset": "trained-on", "hold_out": {"fraction": 0.2}}


def places(kind: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Where a contract, or one inside it, has a field whose name is that of a dataset."""
    for name, field in kind.model_fields.items():
        if name == "dataset" or name.endswith("_dataset"):
            yield (*path, name)
        for inner in contracts_in(field.annotation):
            if inner is not kind:
                yield from places(inner, (*path, name))


def contracts_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if get_origin(annotation) in (Union, types.UnionType):
        for each in get_args(annotation):
            yield from contracts_in(each)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation


NAMING = [
    (kind, path)
    for kind in VALID
    for path in places(kind)
    if issubclass(kind, BaseModel) and kind.__name__ not in MAKING
]


def naming(kind: type, path: tuple[str, ...], name: str) -> dict[str, Any]:
    """A valid command that names a dataset in one place."""
    document = {key: value for key, value in VALID[kind].items() if key != "since"}
    inner = document
    for key in path[:-1]:
        inner[key] = {}
        inner = inner[key]
    inner[path[-1]] = name
    return document


def test_every_command_is_known() -> None:
    assert {kind.__name__ for kind in VALID} == set(COMMAND_NAMES)
    for document in VALID.values():
        assert isinstance(dataset_use(parse_command(document)), DatasetUse)


def test_places_inside_a_command_are_looked_into() -> None:
    found = {(kind.__name__, path) for kind, path in NAMING}

    assert ("TrainModel", ("hold_out", "dataset")) in found
    assert ("CheckTraining", ("hold_out", "dataset")) in found
    assert ("ReportDrift", ("dataset",)) in found
    assert len(found) == 13


@pytest.mark.parametrize(("kind", "path"), NAMING, ids=lambda each: getattr(each, "__name__", None) or ".".join(each))
def test_a_dataset_is_read_wherever_it_is_named(kind: type, path: tuple[str, ...]) -> None:
    use = dataset_use(parse_command(naming(kind, path, "named-here")))

    assert "named-here" in use.names
    assert "named-here" in use.names_with(None)
    assert "named-here" in use.names_with(VERSION)


@pytest.mark.parametrize(
    ("command", "version", "expected"),
    [
        ({"command": "RetrainModel"}, VERSION, ["measured-on", "trained-on"]),
        ({"command": "RetrainModel"}, UNMEASURED, ["trained-on"]),
        ({"command": "RetrainModel", "dataset": "newer"}, VERSION, ["measured-on", "newer"]),
        ({"command": "MeasureLearningCurve"}, VERSION, ["measured-on", "trained-on"]),
        ({"command": "ExplainModel"}, VERSION, ["measured-on"]),
        ({"command": "ExplainModel"}, UNMEASURED, ["trained-on"]),
        ({"command": "ExplainModel", "dataset": "other"}, VERSION, ["other"]),
        ({"command": "ExplainPrediction", "rows": [{}]}, VERSION, ["trained-on"]),
        ({"command": "ExplainPrediction", "rows": [{}], "dataset": "other"}, VERSION, ["other"]),
        ({"command": "ReportDrift", "since": "2026-01-31T00:00:00Z"}, VERSION, ["trained-on"]),
        ({"command": "ReportDrift", "dataset": "other"}, VERSION, ["other", "trained-on"]),
        ({"command": "ReportDrift", "dataset": "trained-on"}, VERSION, ["trained-on"]),
        ({"command": "Predict", "rows": [{}]}, VERSION, []),
        ({"command": "PredictDataset", "dataset": "other"}, VERSION, ["other"]),
        ({"command": "EvaluateModel", "dataset": "other"}, VERSION, ["other"]),
    ],
)
def test_datasets_of_the_version_are_read_too(
    command: dict[str, Any], version: dict[str, Any], expected: list[str]
) -> None:
    assert dataset_use(parse_command({"model": "churn", **command})).names_with(version) == expected


def test_a_binding_is_no_part_of_the_specification() -> None:
    for document in VALID.values():
        spec = command_spec(parse_command(document))
        assert "datasets" not in spec
        assert spec_hash(spec) == spec_hash(command_spec(parse_command(document)))
