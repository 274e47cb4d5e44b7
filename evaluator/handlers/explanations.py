"""Explanations of models: connects the command to the maths of importance and partial dependence."""

from collections.abc import Sequence
from typing import Final

import pandas as pd

from modelbus.evaluator.explaining.explanation_plots import explanation_plots
from modelbus.evaluator.explaining.importance import Importances, permutation_importance
from modelbus.evaluator.explaining.partial_dependence import partial_dependence
from modelbus.evaluator.explaining.responses import response_of
from modelbus.evaluator.sampling.sampled_rows import affordable_rows, dataset_warnings, load_model, read_model_rows
from modelbus.shared.contracts import UNSUPERVISED, ExplainModel
from modelbus.shared.contracts.checks.explanation_checks import check_explanation, explained_dataset
from modelbus.shared.contracts.commands.explanation import IMPORTANCE_METRICS
from modelbus.shared.contracts.records.explanation_results import ModelExplanationResult
from modelbus.shared.contracts.records.job_outcomes import AnswerOutcome
from modelbus.shared.errors import EstimatorRejected
from modelbus.shared.store.connection import Document
from modelbus.shared.tabular.encoding.scaled import Floats
from modelbus.shared.tabular.predicting.model import FittedModel
from modelbus.shared.tabular.scoring import read_truth
from modelbus.shared.tabular.targets.labels import Label
from modelbus.shared.worker.child import JobContext
from modelbus.shared.worker.plots import DRAWING_FROM, answer_with_plots

_READ_FRACTION: Final = 0.15
_IMPORTANCE_FRACTION: Final = 0.6


def explain_model(command: ExplainModel, context: JobContext) -> AnswerOutcome:
    """Measure how important columns are and how predictions depend on them; the result is an answer.

    Raises:
        UnknownModel, UnknownDataset: One of them does not exist.
        InvalidCommand: The metric or the columns do not fit the model, or the dataset lacks the target.
        SignatureMismatch, EstimatorRejected: The dataset does not match the model.
        ArtifactRefused: The model cannot be loaded.
    """
    version = context.library.version(command.model)
    check_explanation(command, version)
    dataset = context.library.dataset(explained_dataset(command, version))
    model = load_model(context, version)
    context.progress(0.1, f"reading {dataset['name']}")
    limit = affordable_rows(command.row_limit, len(model.encoder.columns))
    frame = read_model_rows(context, dataset, model, limit, command.seed, has_target=True)
    # Unless the command names columns, the most important ones are shown.
    needs_importance = "importance" in command.kinds or command.columns is None
    frame, truth = _measurable(model, frame) if needs_importance else (frame, None)
    features = frame.drop(columns=[model.signature.target], errors="ignore")
    matrix, report = model.encoder.transform(features)
    importances = _importances(command, model, matrix, truth, context) if needs_importance else None
    result: Document = {
        "model": version["model"],
        "version": version["version"],
        "dataset": dataset["name"],
        "is_training_dataset": dataset["sha256"] == version["dataset_sha256"],
        "task": model.signature.task,
        "row_count": len(frame),
        "dataset_row_count": dataset["row_count"],
        "seed": command.seed,
        "importance": None,
        "partial_dependence": None,
        "warnings": dataset_warnings(context, model, dataset, report),
    }
    if importances is not None and "importance" in command.kinds:
        result["importance"] = _importance_view(importances, command.repeats)
    if "partial_dependence" in command.kinds:
        names = command.columns or _most_important(importances, command.column_limit)
        result["partial_dependence"] = _dependences(command, model, features, matrix, names, context)
    plots = explanation_plots(ModelExplanationResult.model_validate(result)) if command.has_plots else []
    return answer_with_plots(result, plots, context)


def _measurable(model: FittedModel, frame: pd.DataFrame) -> tuple[pd.DataFrame, list[Label] | None]:
    """The rows that have a truth, and the truth; for tasks without a target, all rows and None."""
    if model.signature.task in UNSUPERVISED:
        return frame, None
    truth = read_truth(model, frame)
    rows = [row for row, label in enumerate(truth) if label is not None]
    if not rows:
        target = model.signature.target
        raise EstimatorRejected(f"no sampled row has a value in {target!r}, so nothing can be measured")
    return frame.iloc[rows].reset_index(drop=True), [label for label in truth if label is not None]


def _importances(
    command: ExplainModel, model: FittedModel, matrix: Floats, truth: Sequence[Label] | None, context: JobContext
) -> Importances:
    def report(fraction: float, message: str) -> None:
        context.progress(_READ_FRACTION + (_IMPORTANCE_FRACTION - _READ_FRACTION) * fraction, message)

    metric = command.metric or IMPORTANCE_METRICS[model.signature.task][0]
    return permutation_importance(
        model, matrix, truth, metric, repeats=command.repeats, seed=command.seed, report=report
    )


def _most_important(importances: Importances | None, limit: int) -> list[str]:
    return [each.column for each in importances.columns[:limit]] if importances else []


def _importance_view(importances: Importances, repeats: int) -> Document:
    return {
        "name": "importance",
        "metric": importances.metric.name,
        "is_error": importances.metric.is_higher_better is False,
        "baseline": importances.baseline,
        "repeats": repeats,
        "columns": [
            {
                "column": each.column,
                "mean": each.mean,
                "standard_deviation": each.standard_deviation,
                "values": each.values,
            }
            for each in importances.columns
        ],
    }


def _dependences(
    command: ExplainModel,
    model: FittedModel,
    frame: pd.DataFrame,
    matrix: Floats,
    names: Sequence[str],
    context: JobContext,
) -> list[Document]:
    response = response_of(model, matrix)
    found = []
    for position, name in enumerate(names):
        fraction = _IMPORTANCE_FRACTION + (DRAWING_FROM - _IMPORTANCE_FRACTION) * position / len(names)
        context.progress(fraction, f"computing partial dependence on {name!r}")
        dependence = partial_dependence(model, response, frame, matrix, name, command.point_limit)
        found.append(
            {
                "name": "partial_dependence",
                "column": name,
                "type": dependence.column.type,
                "response": response.kind,
                "x": dependence.values,
                "counts": dependence.counts,
                "curves": dependence.curves(response),
            }
        )
    return found
