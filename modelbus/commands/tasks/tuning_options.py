"""The options of ``train`` that tune: a search for hyperparameters, the choice of ``auto``, calibration, threshold."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

import typer

from modelbus.commands.terminal import completion
from modelbus.commands.terminal.session import json_or_text
from modelbus.shared.contracts.commands.tuning import AUTO

TUNING: Final = "Tuning"
"""The panel in which help shows these options."""
_DISTRIBUTIONS: Final = ("uniform", "log_uniform", "int_uniform", "int_log_uniform")
_DRAW: Final = re.compile(rf"({'|'.join(_DISTRIBUTIONS)}):([^:]+):([^:]+)")

SearchMethod = Annotated[
    str | None,
    typer.Option(
        "--search",
        metavar="METHOD",
        help="Search within --space: grid, random, halving or tpe.",
        autocompletion=completion.words("grid", "random", "halving", "tpe"),
        rich_help_panel=TUNING,
    ),
]
Space = Annotated[
    list[str] | None,
    typer.Option(
        metavar="NAME=VALUES",
        help="Values (2,4,8), a range to draw from (log_uniform:0.01:10) or JSON; may be repeated.",
        rich_help_panel=TUNING,
    ),
]
Candidates = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        help="How many candidates to try at most.",
        show_default="20; of auto no limit",
        rich_help_panel=TUNING,
    ),
]
Scoring = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC", help="The metric to choose by.", show_default="the task's primary", rich_help_panel=TUNING
    ),
]
TimeBudget = Annotated[
    float | None,
    typer.Option(
        min=0.001, metavar="S", help="Seconds for a search or auto.", show_default="auto: 60", rich_help_panel=TUNING
    ),
]
Calibrate = Annotated[
    str | None,
    typer.Option(
        metavar="METHOD",
        help="Calibrate the probabilities: sigmoid, isotonic or temperature.",
        autocompletion=completion.words("sigmoid", "isotonic", "temperature"),
        rich_help_panel=TUNING,
    ),
]
TuneThreshold = Annotated[
    str | None,
    typer.Option(
        metavar="METRIC", help="Predict the positive class from the threshold with the best METRIC.",
        rich_help_panel=TUNING,
    ),
]  # fmt: skip


def tuning_fields(
    estimator: str,
    search: str | None,
    space: list[str] | None,
    candidates: int | None,
    scoring: str | None,
    time_budget_s: float | None,
) -> dict[str, Any]:
    """The fields ``search`` or ``auto`` of a training, from the options.

    Raises:
        BadParameter: Options do not go together, or a space cannot be read.
    """
    if space and search is None:
        raise typer.BadParameter("--space goes with --search: grid, random, halving or tpe", param_hint="--space")
    shared = {"scoring": scoring, "time_budget_s": time_budget_s}
    if search is not None:
        if not space:
            raise typer.BadParameter("a search needs --space, such as --space alpha=log_uniform:0.01:10")
        fields = {"method": search, "space": _space(space), "candidates": candidates, **shared}
        return {"search": _given(fields)}
    fields = _given({"max_models": candidates, **shared})
    if fields and estimator != AUTO:
        raise typer.BadParameter("--candidates, --scoring and --time-budget go with --search or with --estimator auto")
    return {"auto": fields} if fields else {}


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def _space(pairs: list[str]) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals or not name or not text:
            raise typer.BadParameter(f"{pair!r} is not NAME=VALUES", param_hint="--space")
        if name in read:
            raise typer.BadParameter(f"{name} is given twice", param_hint="--space")
        read[name] = _dimension(text)
    return read


def _dimension(text: str) -> Any:
    if text.startswith("{"):
        return json_or_text(text)
    if draw := _DRAW.fullmatch(text):
        return {"distribution": draw[1], "low": json_or_text(draw[2]), "high": json_or_text(draw[3])}
    if text.startswith("["):
        return {"values": json_or_text(text)}
    return {"values": [json_or_text(value) for value in text.split(",")]}
