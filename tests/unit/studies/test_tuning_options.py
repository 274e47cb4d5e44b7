"""The options of ``train`` that tune become the fields ``search`` and ``auto`` of a training."""

from typing import Any

import pytest
import typer

from modelbus.commands.tasks.tuning_options import tuning_fields
from modelbus.shared.contracts import TrainModel


def fields(estimator: str = "Ridge", search: str | None = None, *space: str, **more: Any) -> dict[str, Any]:
    given = {"candidates": None, "scoring": None, "time_budget_s": None, **more}
    return tuning_fields(estimator, search, list(space), **given)


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("2,4,8", {"values": [2, 4, 8]}),
        ("1.0", {"values": [1.0]}),
        ("sqrt,log2,null", {"values": ["sqrt", "log2", None]}),
        ("[1, [2, 3]]", {"values": [1, [2, 3]]}),
        ("uniform:0:1", {"distribution": "uniform", "low": 0, "high": 1}),
        ("log_uniform:1e-4:10", {"distribution": "log_uniform", "low": 1e-4, "high": 10}),
        ("int_uniform:2:20", {"distribution": "int_uniform", "low": 2, "high": 20}),
        ("int_log_uniform:2:200", {"distribution": "int_log_uniform", "low": 2, "high": 200}),
        ('{"distribution": "normal"}', {"distribution": "normal"}),
        ("http://a:b", {"values": ["http://a:b"]}),
    ],
)
def test_a_space_is_values_or_a_range(text: str, dimension: dict[str, Any]) -> None:
    assert fields("Ridge", "random", f"alpha={text}") == {"search": {"method": "random", "space": {"alpha": dimension}}}


def test_a_search_is_one_that_a_training_takes() -> None:
    found = fields("Ridge", "tpe", "alpha=log_uniform:0.01:10", "solver=svd,lsqr", candidates=9, time_budget_s=5.0)
    command = TrainModel(model="m", dataset="d", target="t", estimator="Ridge", **found)
    assert command.search is not None
    assert (command.search.candidates, command.search.time_budget_s) == (9, 5.0)
    assert [dimension.values for dimension in command.search.space.values()] == [None, ["svd", "lsqr"]]


def test_auto_has_its_own_fields() -> None:
    assert fields("auto", candidates=3, scoring="roc_auc", time_budget_s=9.0) == {
        "auto": {"max_models": 3, "scoring": "roc_auc", "time_budget_s": 9.0}
    }
    assert fields("auto") == {}
    assert fields("Ridge") == {}


@pytest.mark.parametrize(
    ("given", "more", "words"),
    [
        (("Ridge", None, "alpha=1"), {}, "--space goes with --search"),
        (("Ridge", "grid"), {}, "needs --space"),
        (("Ridge", None), {"candidates": 3}, "go with --search"),
        (("Ridge", "grid", "alpha"), {}, "NAME=VALUES"),
        (("Ridge", "grid", "alpha="), {}, "NAME=VALUES"),
        (("Ridge", "grid", "a=1", "a=2"), {}, "given twice"),
    ],
)
def test_options_that_do_not_go_together_are_wrong_usage(
    given: tuple[str, ...], more: dict[str, Any], words: str
) -> None:
    with pytest.raises(typer.BadParameter, match=words):
        fields(*given, **more)
