"""``models diff``: only what differs, metrics included."""

from typing import Any

import pytest

from modelbus.commands.resources.version_diff import difference
from modelbus.gateway.description.examples import VERSION
from modelbus.shared.contracts import VersionRecord


def version(number: int, **more: Any) -> VersionRecord:
    return VersionRecord.model_validate({**VERSION, "version": number, **more})


def fields(first: VersionRecord, second: VersionRecord) -> dict[str, tuple[Any, Any]]:
    return {one["field"]: (one["first"], one["second"]) for one in difference(first, second)["fields"]}


def test_versions_that_were_made_alike_do_not_differ() -> None:
    later = version(
        2, correlation_id="1b8f5d0e-6a54-4f0a-9a3e-1c4d8f3f7a10", fit_s=9.0, created_at="2026-02-01T00:00:00Z"
    )
    assert difference(version(1), later) == {"versions": ["prices@1", "prices@2"], "fields": [], "metrics": []}


def test_what_they_were_made_from_is_told_field_by_field() -> None:
    second = version(
        2,
        estimator="Lasso",
        hyperparameters={"alpha": 2.0},
        hold_out={"fraction": 0.3},
        tags={"team": "risk"},
        specification={"class_weight": "balanced", "promote": "always"},
        cross_validation={"folds": 5, "metrics": {}},
    )
    assert fields(version(1), second) == {
        "estimator": ("Ridge", "Lasso"),
        "hyperparameters.alpha": (None, 2.0),
        "hold_out.fraction": (0.2, 0.3),
        "tags.team": (None, "risk"),
        "class_weight": (None, "balanced"),
        "folds of the cross-validation": (None, 5),
    }


def test_features_that_came_went_or_are_read_otherwise() -> None:
    columns = [{"name": "size", "type": "integer"}, {"name": "note", "type": "text", "is_free_text": True}]
    second = version(2, signature={**VERSION["signature"], "columns": columns, "threshold": 0.25})
    assert fields(version(1), second) == {
        "threshold": (None, 0.25),
        "feature size": ("real", "integer"),
        "feature color": ("text", None),
        "feature note": (None, "free text"),
    }


def test_metrics_tell_the_change_and_its_direction() -> None:
    second = version(2, metrics={"r2": 0.98, "mean_absolute_error": 1.0, "max_error": 3.0})
    error, new = difference(version(1), second)["metrics"]
    assert (error["metric"], error["first"], error["second"]) == ("mean_absolute_error", 1.4, 1.0)
    assert (error["change"], error["is_higher_better"]) == (pytest.approx(-0.4), False)
    assert (new["metric"], new["first"], new["second"], new["change"]) == ("max_error", None, 3.0, None)
